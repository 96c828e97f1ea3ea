"""The code of docs/pipelines.md runs, block after block, in an empty folder."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "pipelines.md"


def test_the_code_of_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    names = {}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"block {number} of {GUIDE.name}", "exec"), names)
    exec(blocks[0], names)  # the files exist now
    assert names["track_index"].tolist() == [3, 7, 11]
