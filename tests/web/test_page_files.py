"""The files of the page: small, all our own or with a licence, and nothing from another host."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from keras_musictag.bundled_files import PACKAGE

STATIC = PACKAGE / "web" / "static"
MAX_SCRIPT_BYTES = 150_000
VENDORED = [STATIC / "vendor", Path(__file__).parent / "vendor"]


def test_all_scripts_together_are_small():
    scripts = sorted(STATIC.rglob("*.js"))
    assert len(scripts) > 20
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < MAX_SCRIPT_BYTES


@pytest.mark.parametrize("folder", VENDORED, ids=["page", "tests"])
def test_vendored_files_have_their_hashes_and_licences(folder):
    packages = json.loads((folder / "vendor.json").read_text(encoding="utf-8"))["packages"]
    listed = {name: digest for package in packages for name, digest in package["files"].items()}
    assert {path.name for path in folder.iterdir()} == {*listed, "vendor.json"}
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    for package in packages:
        assert package["address"] == f"npm:{package['name']}@{package['version']}"
        assert any("LICENSE" in name for name in package["files"])


def test_the_page_names_no_other_host():
    texts = [path for path in STATIC.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")]
    own = [path for path in texts if "vendor" not in path.parts]
    assert len(own) > 25
    for path in own:
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s\"']*", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_html_has_no_style_or_script_that_the_policy_blocks():
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert "<style" not in text
    assert not re.search(r"\s(style|on\w+)=", text)
    assert not re.search(r"<script(?![^>]*src=)", text)
    for path in (STATIC / "js").rglob("*.js"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code), path.name


def test_files_that_the_page_loads_exist():
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r"(?:src|href)=\"static/([^\"]+)\"", text)
    loaded += [
        str((path.parent / name).resolve().relative_to(STATIC.resolve()))
        for path in (STATIC / "js").rglob("*.js")
        for name in re.findall(r"from \"(\.[^\"]+)\"", path.read_text(encoding="utf-8"))
    ]
    assert len(loaded) > 60
    assert [name for name in loaded if not (STATIC / name).is_file()] == []
