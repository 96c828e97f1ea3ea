import json
import re

import pytest


def test_missing_programs_are_reported_in_one_line(call, folder):
    outcome = call("gmtag", "build", "out", "--tier", "tiny", "--mma", "no-such-mma", "--sounds", folder)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "the program 'no-such-mma'" in outcome.err
    assert re.search(
        "apt-get install -y --no-install-recommends mma .*fluid-soundfont-gm musescore-general-", outcome.err
    )
    assert not (folder / "out").exists()


def test_a_tier_and_a_number_of_clips_exclude_each_other(call):
    outcome = call("gmtag", "build", "out", "--tier", "tiny", "--clips", 10)
    assert (outcome.code, outcome.out) == (2, "")
    assert "not both" in outcome.err


@pytest.mark.parametrize(("option", "value"), [("--clips", 3), ("--jobs", 0)])
def test_invalid_numbers_are_an_error(call, option, value):
    outcome = call("gmtag", "build", "out", option, value)
    assert outcome.code == 1
    assert f"`{option[2:]}` must be a whole number" in outcome.err


@pytest.mark.slow
@pytest.mark.needs("mma", "fluidsynth", "soundfonts")
def test_it_builds_reports_and_builds_nothing_twice(run, folder):
    outcome = run("gmtag", "build", "out", "--clips", 4, "--jobs", 2, cwd=folder)
    assert outcome == (
        0,
        "Wrote 4 clips to out (2 train, 1 valid, 1 test).\n"
        "No hashes are published for a corpus of this size, so there is nothing to compare with.\n",
        "",
    )
    assert json.loads((folder / "out" / "corpus.json").read_text())["clips"] == 4
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp3")}
    assert len(before) == 4
    assert run("gmtag", "build", "out", "--clips", 4, cwd=folder).out == outcome.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp3")} == before
