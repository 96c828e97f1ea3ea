"""docs/export.md: its commands and code run, and its tables agree with the code."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_musictag.cli import keras_musictag_group
from keras_musictag.runtimes import check_signals, formats
from keras_musictag.user_folders import HOME_VARIABLE

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def rows_of_table(head: str) -> list[list[str]]:
    """The cells of the table with this first heading, without the rule below the header."""
    lines = TEXT[TEXT.index(f"\n{head}") :].strip().split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def test_the_table_of_formats_is_what_they_take():
    head, *rows = rows_of_table("| `--format` |")
    assert sorted(row[0] for row in rows) == [f"`{name}`" for name in formats.names()]
    for row in rows:
        module = formats.get(row[0].strip("`"))
        assert set(re.findall("`(.+?)`", row[head.index("`--precision`")])) == set(module.PRECISIONS)
        assert set(re.findall("`(.+?)`", row[head.index("`--input`")])) == set(module.INPUTS)


def test_the_table_of_tolerances_is_what_is_kept():
    head, *rows = rows_of_table("| `--precision` |")
    columns = [cell.strip("`") for cell in head[1:]]
    assert sorted(columns) == formats.names()
    stated = {
        (format, row[0].strip("`")): float(cell)
        for row in rows
        for format, cell in zip(columns, row[1:], strict=True)
        if cell
    }
    kept = {(format, p): limit for format in formats.names() for p, limit in formats.get(format).PRECISIONS.items()}
    assert stated == kept


@pytest.mark.slow
def test_the_commands_and_the_code_run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    # three exports of the same model: Keras's outputs are the same
    said, keras_outputs = {}, check_signals.keras_outputs
    monkeypatch.setattr(
        check_signals, "keras_outputs", lambda *arguments: said.get(0) or said.setdefault(0, keras_outputs(*arguments))
    )
    (command,) = re.findall(r"^```console\nkeras-musictag (.*?)\n```$", TEXT, flags=re.MULTILINE)
    done = CliRunner().invoke(keras_musictag_group, shlex.split(command))
    assert done.exit_code == 0, done.output
    for code in re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL):
        exec(compile(code, "docs/export.md", "exec"), {})
    assert "'flute'" in capfd.readouterr().out
    made = {path.name for folder in ("tagger", "from_code") for path in (tmp_path / folder).iterdir()}
    assert made == {"model.onnx", "artefact.json", "tags.csv", "example.py"}
    assert len(list((tmp_path / "home" / "exports").iterdir())) == 1
