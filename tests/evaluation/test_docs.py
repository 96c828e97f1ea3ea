"""docs/evaluation.md: its examples run and give the output that it shows."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_musictag.cli.compare import command

TEXT = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_runs_and_its_runs_can_be_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    runpy.run_path("example.py")
    careful, hasty, thresholds = capsys.readouterr().out.splitlines()
    assert careful.startswith("careful PR-AUC 0.9") and hasty.startswith("hasty PR-AUC 0.")
    assert "'piano'" in thresholds
    (line,) = re.findall(r"^keras-musictag compare (.*)$", TEXT, flags=re.MULTILINE)
    done = CliRunner().invoke(command, shlex.split(line))
    assert done.exit_code == 0 and done.output.startswith("1. careful: ")
    named = set(re.findall(r"`(\w+\.(?:md|html|csv))`", TEXT.split("## Comparing runs")[1].split("## Into the zoo")[0]))
    assert named <= {path.name for path in (tmp_path / "compared").iterdir()}
