"""The plugin that skips tests whose needs are missing, on small test files made here."""

import json
from pathlib import Path

import pytest

from tests import needs

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.needs("posix", "sox")
def test_sox(): pass

@pytest.mark.needs("posix")
def test_posix(): pass

@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.needs("sox", "mma"))])
def test_numbers(number): assert number == 0

def test_by_hand(): pytest.skip("for another reason")
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """A function that runs pytest with the plugin on this machine, but without any program on the path."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    needs.is_met.cache_clear()
    yield lambda *arguments: pytester.runpytest("-p", "tests.needs", "-rs", *arguments)
    needs.is_met.cache_clear()


@pytest.mark.parametrize("processes", [0, 1])
def test_a_missing_need_skips_and_prints_what_to_install(run, pytester, processes):
    pytester.makepyfile(TESTS)
    result = run(f"--numprocesses={processes}")
    result.assert_outcomes(passed=2, skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED * needs sox", "SKIPPED * needs sox, MMA"], consecutive=False)
    result.stdout.fnmatch_lines(
        ["Skipped tests that need sox (2), MMA (1).", "To run them: apt-get install *recommends mma sox"]
    )


def test_nothing_is_printed_if_nothing_is_missing(run, pytester):
    pytester.makepyfile(TESTS)
    assert "To run them" not in run("-k", "posix").stdout.str()


@pytest.mark.parametrize("processes", [0, 1])
def test_an_unknown_need_is_a_collection_error(run, pytester, processes):
    pytester.makepyfile(TESTS.replace('"mma"', '"mna"'))
    result = run(f"--numprocesses={processes}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_numbers?1? needs 'mna', which is not listed in tests/needs.py: mma, *"])


def test_another_run_does_only_what_was_skipped(run, pytester):
    pytester.makepyfile(TESTS)
    run("--write-skipped=skipped.json")
    listed = json.loads(Path("skipped.json").read_text())
    assert [name.partition("::")[2] for name in listed] == ["test_by_hand", "test_numbers[1]", "test_sox"]
    run("--only-listed=skipped.json").assert_outcomes(skipped=3, deselected=2)
    Path("skipped.json").write_text('["test_gone.py::test_gone"]')
    result = run("--only-listed=skipped.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*skipped.json lists tests that were not collected: *test_gone.py::test_gone*"])


@pytest.mark.parametrize("processes", [0, 1])
def test_a_skip_that_is_not_allowed_fails(run, pytester, processes):
    pytester.makepyfile(TESTS)
    Path("may_skip").write_text("sox: a reason\n")
    result = run("--may-skip=may_skip", f"--numprocesses={processes}")
    # one of the needs of `test_numbers[1]` is allowed; both tests fail before they run
    counts = result.parseoutcomes()
    assert (counts["passed"], counts["skipped"]) == (2, 1)
    assert counts.get("failed", 0) + counts.get("errors", 0) == 2
    result.stdout.fnmatch_lines(["*was skipped, which may_skip does not allow: *needs sox, MMA*"])


def test_ci_installs_the_debian_packages_of_all_needs():
    installed = set((ROOT / "scripts" / "debian_packages.txt").read_text().split())
    assert {package for need in needs.NEEDS.values() for package in need.debian} == installed | {"git"}
    allowed = (ROOT / ".ci" / "may_skip").read_text().splitlines()
    assert {line.partition(": ")[0] for line in allowed} <= set(needs.NEEDS)


def test_no_test_skips_by_other_means():
    forbidden = ("skip" + "if", "import" + "orskip", "pytest." + "skip(", "mark." + "skip")
    for path in set((ROOT / "tests").rglob("*.py")) - {Path(needs.__file__), Path(__file__)}:
        assert not [word for word in forbidden if word in path.read_text(encoding="utf-8")], path
