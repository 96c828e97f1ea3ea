"""docs/deformations.md: its code runs, prints what it shows, and its table states the versions."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "deformations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_code_prints_what_the_page_shows():
    (shown,) = blocks("text")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks("python"))], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout == shown, done.stderr[-2000:]


def test_the_table_names_every_deformation_with_its_version():
    rows = re.findall(r"^\| `(\w+)\(.*\)` \| .* \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    folder = ROOT / "keras_musictag" / "audio" / "deform"
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    assert sorted(name for name, _ in rows) == names
    for name, version in rows:
        assert importlib.import_module(f"keras_musictag.audio.deform.{name}").VERSION == int(version)
