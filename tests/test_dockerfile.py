"""The Dockerfile. Docker is not run: what is checked is what the file refers to."""

import json
import re
import runpy
import subprocess
from pathlib import Path

import pytest
import setuptools

from keras_musictag.cli import keras_musictag_group
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.web.security import PUBLIC_PATHS

ROOT = Path(__file__).parents[1]
INSTRUCTIONS = re.findall(
    r"^([A-Z]+) (.*)$", re.sub(r"\\\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")), flags=re.MULTILINE
)


def values_of(instruction: str) -> list[str]:
    return [value for name, value in INSTRUCTIONS if name == instruction]


def context() -> list[str]:
    """The names that .dockerignore lets into the image's build."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


@pytest.fixture
def project(monkeypatch):
    """What setup.py passes to setuptools."""
    passed = {}
    monkeypatch.setattr(setuptools, "setup", passed.update)
    runpy.run_path(str(ROOT / "setup.py"))
    return passed


def test_the_build_gets_all_that_the_wheel_is_made_of(project):
    names = context()
    assert all((ROOT / name).exists() for name in names)
    needed = {"setup.py", "pyproject.toml", "README.md", *project["license_files"], *project["package_dir"].values()}
    assert {"zoo", "tfrecords", "LICENSE"} <= needed
    for path in needed:
        assert any(path == name or path.startswith(f"{name}/") for name in names), path


@pytest.mark.needs("git")
def test_nothing_that_git_ignores_is_in_the_build_but_caches():
    ignored = subprocess.run(
        ["git", "-C", ROOT, "check-ignore", *context()], capture_output=True, text=True, check=False
    )
    assert ignored.stdout == ""


def test_the_extras_exist(project):
    (install,) = [value for value in values_of("RUN") if "pip install" in value]
    extras = re.search(r"\[([\w,]+)\]", install)[1].split(",")
    assert "web" in extras and set(extras) <= project["extras_require"].keys()


def test_the_command_and_its_options_exist():
    (entry,) = map(json.loads, values_of("ENTRYPOINT"))
    assert entry[:2] == ["keras-musictag", "serve"]
    command = keras_musictag_group.get_command(None, "serve")
    with command.make_context("serve", entry[2:]) as parsed:
        assert parsed.params["host"] == "0.0.0.0"
        port = parsed.params["port"]
    assert values_of("EXPOSE") == [str(port)]
    (health,) = values_of("HEALTHCHECK")
    path = re.search(rf"http://127\.0\.0\.1:{port}(/\w+)", health)[1]
    assert path in PUBLIC_PATHS  # it needs no token


def test_the_server_is_not_root_and_owns_its_folder():
    assert values_of("USER") == ["musictag"]
    assert [name for name, _ in INSTRUCTIONS].index("USER") > max(
        index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "RUN"
    )
    assert f"{HOME_VARIABLE}=/data" in values_of("ENV")[0] and values_of("VOLUME") == ["/data"]
    assert any("install --directory --owner=musictag /data" in value for value in values_of("RUN"))
