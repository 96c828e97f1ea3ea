"""docs/quickstart.md: its code and its commands print what it shows."""

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

PAGE = (Path(__file__).parents[1] / "docs" / "quickstart.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```$)?", PAGE, flags=re.MULTILINE | re.DOTALL)
# commands of pip, of Python and of other backends are left out
COMMANDS = re.findall(r"^\$ keras-musictag (.*)\n((?:(?!\$ |```).*\n)*)", PAGE, flags=re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    shutil.copy(kmt.demo_clip(), tmp_path / "demo.mp3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))  # the page lists the bundled zoo only


@pytest.mark.slow
def test_the_code_prints_what_the_page_shows():
    names = {}
    for code, shown in CODE:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/quickstart.md", "exec"), names)
        assert printed.getvalue() == shown, code
    assert len(CODE) == PAGE.count("```python")


@pytest.mark.slow
@pytest.mark.parametrize("command, shown", COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_command_prints_what_the_page_shows(command, shown, call):  # noqa: F811
    outcome = call(*shlex.split(command))
    assert outcome.out + outcome.err == shown
    assert outcome.code == ("Error" in shown)
