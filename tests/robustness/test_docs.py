"""docs/robustness.md: its table lists the conditions, and its example runs."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_musictag.cli import keras_musictag_group
from keras_musictag.robustness import CONDITIONS
from keras_musictag.robustness.conditions import KINDS
from keras_musictag.robustness.drop_files import FIGURE, TEXT, VALUES

PAGE = (Path(__file__).parents[2] / "docs" / "robustness.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_table_names_every_condition_with_its_kind_and_version():
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \| ([\d-]*) \| (yes|no) \|$", PAGE, flags=re.MULTILINE)
    assert [row[0] for row in rows] == list(CONDITIONS)
    for name, settings, version, in_paper in rows:
        condition = CONDITIONS[name]
        assert (in_paper == "yes") == condition.in_paper
        if condition.kind:
            assert settings.startswith(f"`{condition.kind}`") and int(version) == KINDS[condition.kind].version


def test_the_table_of_files_names_what_is_written():
    assert {f"| `{name}` |" in PAGE for name in (TEXT, VALUES, FIGURE)} == {True}


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    shorter = code.replace("range(80)", "range(20)").replace("epochs=12", "epochs=1")
    assert shorter.count("range(20)") == shorter.count("epochs=1,") == 1
    Path("example.py").write_text(shorter, encoding="utf-8")
    runpy.run_path("example.py")
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        done = CliRunner().invoke(keras_musictag_group, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    (shown,) = blocks("text")
    names = [line.split()[:3] for line in done.output.splitlines() if line.startswith("mine, ")]
    assert names == [line.split()[:3] for line in shown.splitlines()]
