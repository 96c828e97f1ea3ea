"""The wheel: it contains everything that a user needs, and works without a checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import keras_musictag as kmt

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.needs("git")]
# Every public name is imported at once, as EAGER_IMPORT asks of every package with lazy_loader. librosa goes first: its
# own eager import fails for some orders of a set.
PROGRAM = """
import os
import librosa.core, librosa.effects, librosa.feature, librosa.filters
os.environ["EAGER_IMPORT"] = "1"
import keras_musictag as kmt
from pathlib import Path
assert Path(kmt.__file__).is_relative_to({site!r}), kmt.__file__
from keras_musictag.web.comparisons import comparison_page
from keras_musictag.web.reports import Reports
page = comparison_page(Reports())
assert len(page["models"]) >= 5 and page["robustness"] and page["neighbours"], page
print(kmt.load("vgg-msd-v1").tag(kmt.demo_clip(), top=1).tags[0][0])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the checkout without ignored files."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_has_all_package_files_and_no_others(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for entry in (ROOT / "zoo").iterdir():
        held = {f"keras_musictag/_data/zoo/{entry.name}/{file.name}" for file in entry.iterdir()}
        assert held <= names
        assert len(held) == (5 if (entry / "weights.safetensors").exists() else 2)
    assert "keras_musictag/_data/tfrecords/mtat/tags.txt" in names
    results = {name.removeprefix("keras_musictag/_data/results/") for name in names if "/_data/results/" in name}
    reports = {str(path.relative_to(ROOT / "docs/results")) for path in (ROOT / "docs/results").glob("*/*/report.json")}
    assert reports | {"gmtag_small/robustness.csv", "gmtag_small/neighbours.csv"} <= results
    assert {Path(name).name for name in results} == {"report.json", "robustness.csv", "neighbours.csv"}
    assert "keras_musictag/assets/demo.mp3" in names
    for pattern in ("*.py", "*.pyi", "py.typed", "*.json"):
        for path in (ROOT / "keras_musictag").rglob(pattern):
            assert str(path.relative_to(ROOT)).replace("keras_musictag/library/beets_plugin", "beetsplug") in names
    page = [path for path in (ROOT / "keras_musictag" / "web" / "static").rglob("*") if path.is_file()]
    assert len(page) > 50
    assert {str(path.relative_to(ROOT)) for path in page} <= names
    in_namespace = {name for name in names if name.startswith("beetsplug/")}
    assert in_namespace == {"beetsplug/musictag.py"}, "an __init__.py would hide beets' own plugins"
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "docs/"))]


def test_the_wheel_works_without_a_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    program = [sys.executable, "-c", PROGRAM.format(site=str(site))]
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == kmt.load("vgg-msd-v1").tag(kmt.demo_clip()).tags[0][0]
