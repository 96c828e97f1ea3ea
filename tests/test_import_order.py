"""Folders import in one direction, along the table in docs/LAYOUT.md. Imports in functions count as well."""

import ast
import re
from pathlib import Path

import pytest

from tests.test_public_names import exports

PACKAGE = Path(__file__).parents[1] / "keras_musictag"
ROWS = [
    {"errors", "choices"},
    {"registry", "bundled_files", "files", "processes", "terminal", "user_folders", "keras_start"},
    {"tags", "audio", "metrics", "figures"},
    {"records", "layers"},
    {"frontends"},
    {"architectures"},
    {"tagger"},
    {"runtimes"},
    {"zoo"},
    {"datasets", "gmtag", "evaluation", "library"},
    {"training", "robustness", "publishing"},
    {"web"},
    {"cli"},
]
ROW = {part: number for number, row in enumerate(ROWS) for part in row}
# packages that only these rows, and all rows below them, may load
ONLY_FROM = {"tensorflow": ROW["records"], "keras": ROW["layers"]}
KERAS_ONLY = {"architectures"}  # they run on every backend
HOMES = {name: module.removeprefix(".") for name, module in exports(PACKAGE / "__init__.pyi").items() if module != "."}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(source: str) -> set[str]:
    """The full names of all modules that a source imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their target"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def violations(part: str, source: str) -> list[str]:
    found = []
    for name in imports_of(source):
        top, *rest = name.split(".")
        if top == "keras_musictag" and rest and rest[0] in HOMES:  # a public name, imported lazily
            rest = HOMES[rest[0]].split(".")
        if top in ("scripts", "tests"):
            found.append(f"{part} imports {name}")
        elif top == "keras_musictag" and rest and rest[0] in ROW:
            if rest[0] != part and ROW[rest[0]] >= ROW[part]:
                found.append(f"{part} imports {name}, which is not above it")
        elif top in ONLY_FROM and ROW[part] < ONLY_FROM[top] and (part, top) != ("keras_start", "keras"):
            found.append(f"{part} imports {top}")
        elif top == "tensorflow" and part in KERAS_ONLY:
            found.append(f"{part} imports {top}")
        elif top == "kapre" and part != "frontends":
            found.append(f"{part} imports kapre")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file_imports_only_from_above(path):
    assert part_of(path) in ROW, f"{part_of(path)} is in no row of docs/LAYOUT.md"
    assert violations(part_of(path), path.read_text(encoding="utf-8")) == []


def test_the_rule_finds_violations():
    assert violations("audio", "import keras_musictag.zoo.loading")
    assert violations("audio", "def f():\n    from keras_musictag.tags import aggregate")
    assert violations("tags", "import tensorflow as tf")
    assert violations("tagger", "import kapre")
    assert violations("cli", "from tests import checks")
    assert violations("audio", "from keras_musictag import load")
    assert violations("architectures", "import tensorflow")
    assert not violations("tagger", "from keras_musictag.audio.chunking import cut")


def test_the_table_in_the_docs_has_every_part():
    text = (PACKAGE.parent / "docs" / "LAYOUT.md").read_text(encoding="utf-8")
    for part in {part_of(path) for path in FILES}:
        assert f"`{part}`" in text, f"docs/LAYOUT.md does not list `{part}`"


def test_the_layout_names_every_module():
    text = (PACKAGE.parent / "docs" / "LAYOUT.md").read_text(encoding="utf-8")
    names = {path.stem for path in FILES if path.parent.name != "architectures" and not path.stem.startswith("_")}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", text)] == []
