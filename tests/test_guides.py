"""docs/quickstart.md and docs/audio.md: their code, and the quickstart's commands, print what the pages show."""

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

import keras_musictag as kmt
from keras_musictag.user_folders import HOME_VARIABLE
from tests.cli.conftest import call  # noqa: F401  (a fixture)


def text_of(page: str) -> str:
    return (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")


# commands of pip, of Python and of other backends are left out
COMMANDS = re.findall(r"^\$ keras-musictag (.*)\n((?:(?!\$ |```).*\n)*)", text_of("quickstart.md"), flags=re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    shutil.copy(kmt.demo_clip(), tmp_path / "demo.mp3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))  # the page lists the bundled zoo only


@pytest.mark.slow
@pytest.mark.parametrize("page", ["quickstart.md", "audio.md"])
def test_the_code_prints_what_the_page_shows(page):
    text, names = text_of(page), {}
    blocks = re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```$)?", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == text.count("```python") > 0
    for code, shown in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), names)
        assert printed.getvalue() == shown, code


@pytest.mark.slow
@pytest.mark.parametrize("command, shown", COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_command_prints_what_the_page_shows(command, shown, call):  # noqa: F811
    outcome = call(*shlex.split(command))
    assert outcome.out + outcome.err == shown
    assert outcome.code == ("Error" in shown)
