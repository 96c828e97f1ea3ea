"""What a test may need from the machine, and the pytest plugin that skips the test if it is missing.

A test states its needs as `@pytest.mark.needs("mma", "soundfonts")`, with names from `NEEDS`. If one is missing, the
test is skipped, and the summary of the run says how many tests need what, and which commands install it. Tests must not
be skipped in any other way.

`.ci/run` uses the options: one run writes a list of what it skipped (`--write-skipped`); another, with everything
installed, runs only those tests (`--only-listed`) and fails on a skip that `.ci/may_skip` does not list (`--may-skip`).
"""

import ctypes.util
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from keras_musictag.gmtag.packages import LIBRARY, SOUNDS
from keras_musictag.gmtag.sound import SOUNDFONTS
from tests.shared import FOLDER

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Need:
    """Something that a test may need.

    Attributes:
        what: What it is, for the reason of a skip and for the summary.
        found: Whether this machine has it.
        debian: The Debian packages that contain it.
        pip: The Python packages that contain it.
    """

    what: str
    found: Callable[[], bool]
    debian: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()


def _has_checkout() -> bool:
    command = ["git", "-C", str(ROOT), "ls-files", "--error-unmatch", "setup.py"]
    return bool(shutil.which("git")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _reaches_index() -> bool:
    command = [sys.executable, "-m", "pip", "--retries=0", "--timeout=10", "index", "versions", "musicnn"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _permissions_bind() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return not os.access(file.name, os.R_OK)


def _takes_any_file_name() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            (Path(folder) / os.fsdecode(b"caf\xe9")).touch()
        except OSError:
            return False
    return True


def _has_attributes() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        try:
            os.setxattr(file.name, "user.test", b"")
        except (AttributeError, OSError):
            return False
    return True


def _has_bfloat16() -> bool:
    import openvino

    from keras_musictag.runtimes.formats.openvino import has_bfloat16

    return has_bfloat16(openvino.Core())


def _is_on_tensorflow() -> bool:
    import keras

    return keras.backend.backend() == "tensorflow"


def _module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


NEEDS = {
    "mma": Need("MMA", lambda: bool(shutil.which("mma")) and (LIBRARY / "stdlib").is_dir(), debian=("mma",)),
    "fluidsynth": Need(
        "FluidSynth", lambda: ctypes.util.find_library("fluidsynth") is not None, debian=("libfluidsynth3",)
    ),
    "soundfonts": Need(
        "soundfonts",
        lambda: all((SOUNDS / file).is_file() for file, _ in SOUNDFONTS.values()),
        debian=tuple(package for _, package in SOUNDFONTS.values()),
    ),
    "sox": Need("sox", lambda: shutil.which("sox") is not None, debian=("sox",)),
    "dpkg": Need("dpkg-deb, a part of Debian", lambda: shutil.which("dpkg-deb") is not None),
    "openmpt123": Need("openmpt123", lambda: shutil.which("openmpt123") is not None, debian=("openmpt123",)),
    "espeak_ng": Need("espeak-ng", lambda: shutil.which("espeak-ng") is not None, debian=("espeak-ng",)),
    "chromium": Need(
        "Chromium and its driver",
        lambda: bool(shutil.which("chromium") and shutil.which("chromedriver")),
        debian=("chromium", "chromium-driver"),
    ),
    "jax": Need("JAX", _module("jax"), pip=("jax",)),
    "torch": Need("PyTorch", _module("torch"), pip=("torch",)),
    "beets": Need("beets", _module("beets"), pip=("beets",)),
    "ray": Need("Ray", _module("ray"), pip=("ray[data]",)),
    "git": Need("a checkout with git", _has_checkout, debian=("git",)),
    # an empty folder counts as missing: .ci/bare mounts one over the data
    "shared": Need("the reference data of the maintainers", (FOLDER / "reference").is_dir),
    "package_index": Need("a package index", _reaches_index),
    "permissions": Need("file permissions, which root ignores", _permissions_bind),
    "any_file_name": Need("a file system that takes names other than UTF-8", _takes_any_file_name),
    "attributes": Need("extended attributes of files, which Linux has", _has_attributes),
    "bfloat16": Need("a processor with bfloat16", _has_bfloat16),
    "tensorflow": Need("Keras on TensorFlow", _is_on_tensorflow),
    "linux": Need("Linux", lambda: sys.platform.startswith("linux")),
    "posix": Need("Linux or macOS", lambda: os.name == "posix"),
}
BACKENDS = [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("jax", "torch")]


@cache
def is_met(name: str) -> bool:
    return NEEDS[name].found()


def needs_of(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("needs") for name in marker.args]


def pytest_addoption(parser):
    group = parser.getgroup("needs", "what tests need")
    group.addoption("--write-skipped", metavar="FILE", help="write the ids of the tests that were skipped, as JSON")
    group.addoption("--only-listed", metavar="FILE", help="run the tests of such a file and no others")
    group.addoption("--may-skip", metavar="FILE", help="a skip fails unless a line `NEED: WHY` of FILE allows it")


def pytest_configure(config):
    config.addinivalue_line("markers", f"needs(*names): skip the test if one of these is missing: {', '.join(NEEDS)}")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Makes an unknown need a collection error, like a module that cannot be imported."""
    report = yield
    items = (item for item in report.result or () if isinstance(item, pytest.Item))
    unknown = {name: item.nodeid for item in items for name in needs_of(item) if name not in NEEDS}
    if unknown:
        report.outcome, report.result = "failed", []
        report.longrepr = "\n".join(
            f"{test} needs {name!r}, which is not listed in tests/needs.py: {', '.join(NEEDS)}."
            for name, test in unknown.items()
        )
    return report


def pytest_collection_modifyitems(config, items):
    if not config.option.only_listed:
        return
    listed = set(json.loads(Path(config.option.only_listed).read_text(encoding="utf-8")))
    if gone := listed - {item.nodeid for item in items}:
        raise pytest.UsageError(f"{config.option.only_listed} lists tests that were not collected: {sorted(gone)}")
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in listed])
    items[:] = [item for item in items if item.nodeid in listed]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if missing := [name for name in needs_of(item) if not is_met(name)]:
        item.user_properties += [("missing", name) for name in missing]
        pytest.skip(f"needs {', '.join(NEEDS[name].what for name in missing)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    file = item.config.option.may_skip
    if file and report.skipped and not hasattr(report, "wasxfail"):
        allowed = {line.partition(":")[0] for line in Path(file).read_text(encoding="utf-8").splitlines()}
        missing = missing_of(report)
        if not missing or not allowed.issuperset(missing):
            report.outcome, report.longrepr = "failed", f"was skipped, which {file} does not allow: {report.longrepr}"
    return report


def missing_of(report: pytest.TestReport) -> list[str]:
    return [value for key, value in report.user_properties if key == "missing"]


def pytest_terminal_summary(terminalreporter, config):
    """Prints what was skipped, also with pytest-xdist, whose workers send their reports to this process."""
    skipped = terminalreporter.stats.get("skipped", [])
    if config.option.write_skipped:
        ids = sorted({report.nodeid for report in skipped})
        Path(config.option.write_skipped).write_text(json.dumps(ids, indent=0), encoding="utf-8")
    counts = Counter(name for report in skipped for name in missing_of(report))
    if not counts:
        return
    terminalreporter.section("needs")
    needed = ", ".join(f"{NEEDS[name].what} ({count})" for name, count in counts.most_common())
    terminalreporter.line(f"Skipped tests that need {needed}.")
    debian = [package for name in NEEDS if name in counts for package in NEEDS[name].debian]
    pip = [package for name in NEEDS if name in counts for package in NEEDS[name].pip]
    commands = [f"apt-get install --no-install-recommends {' '.join(debian)}"] if debian else []
    commands += [f"{os.path.relpath(sys.executable)} -m pip install {' '.join(pip)}"] if pip else []
    if commands:
        terminalreporter.line(f"To run them: {' && '.join(commands)}")
