"""docs/training.md and docs/finetuning.md: their code runs, block after block, in an empty folder."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def run_blocks(name, count):
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == count
    names = {}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"block {number} of {name}", "exec"), names)
    return names


@pytest.mark.slow
def test_the_code_of_the_training_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_blocks("training.md", 3)
    assert names["tagger"].vocabulary.names == ("high", "low")
    assert [phase.epochs for phase in names["longest"].phases] == [10, 5]
    for file in ("model.keras", "best.safetensors", "state.safetensors", "run.json", "log.csv", "curves.png"):
        assert (tmp_path / "run" / file).is_file(), file
    assert (tmp_path / "run" / "tensorboard").is_dir()


@pytest.mark.slow
def test_the_code_of_the_finetuning_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_blocks("finetuning.md", 2)
    assert sorted(tag for tag, _ in names["tags"]) == ["high", "low"]
    assert names["done"].report.source.part == "test"
