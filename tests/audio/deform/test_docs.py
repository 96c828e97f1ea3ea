"""docs/deformations.md: its code runs, prints what it shows, and its table states the versions."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "deformations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_code_prints_what_the_page_shows(capsys):
    (shown,) = blocks("text")
    exec(compile("\n".join(blocks("python")), "docs/deformations.md", "exec"), {})
    assert capsys.readouterr().out == shown


def test_the_table_names_every_deformation_with_its_version():
    rows = re.findall(r"^\| `(\w+)\(.*\)` \| .* \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    folder = ROOT / "keras_musictag" / "audio" / "deform"
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    assert sorted(name for name, _ in rows) == names
    for name, version in rows:
        assert importlib.import_module(f"keras_musictag.audio.deform.{name}").VERSION == int(version)
