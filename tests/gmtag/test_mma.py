import subprocess
from dataclasses import replace
from random import Random

import pytest

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag import midi
from keras_musictag.gmtag.mma import accompaniment, drums, mma_source
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import draw_plan

pytestmark = pytest.mark.needs("mma")


@pytest.fixture(scope="module")
def plan():
    plans = (draw_plan(Random(seed), "train", seed, LIBRARY) for seed in range(2000))
    return next(plan for plan in plans if plan.drum_groove and len(plan.grooves) == 2)


def test_mma_reads_one_line_per_bar_and_each_change_of_groove(plan):
    lines = mma_source(plan, plan.groove, lambda bar: plan.chord(bar).symbol).splitlines()
    assert lines[:3] == [f"RndSeed {plan.mma_seed}", f"Tempo {plan.bpm}", f"Groove {plan.groove(0)}"]
    assert lines[3] == f"1 {plan.chords[0].symbol}"
    assert sum(line.startswith("Groove") for line in lines) == -(-plan.bars // 8)
    assert lines[-1].startswith(f"{plan.bars} ")


def test_mma_plays_the_same_notes_each_time(plan):
    first, again = (accompaniment(plan, "mma") for _ in range(2))
    assert midi.to_bytes(first)[200:] == midi.to_bytes(again)[200:]  # the beginning is MMA's own text
    assert midi.notes_of(first) == midi.notes_of(again)
    assert max(note.end_seconds for note in midi.notes_of(first)) > plan.sound.window[1]


def test_another_seed_gives_other_notes(plan):
    other = replace(plan, mma_seed=plan.mma_seed + 1)
    assert midi.notes_of(accompaniment(plan, "mma")) != midi.notes_of(accompaniment(other, "mma"))


def test_user_settings_are_ignored(plan, tmp_path, monkeypatch):
    expected = midi.notes_of(accompaniment(plan, "mma"))
    (tmp_path / ".mmarc").write_text("Transpose 3\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert midi.notes_of(accompaniment(plan, "mma")) == expected


def test_these_settings_change_the_notes_of_mma_itself(tmp_path):
    def played(*options):
        (tmp_path / "song.mma").write_text("RndSeed 1\nGroove stdlib/march:March\n1 C\n")
        command = ["mma", *options, "song.mma", "-f", "song.mid"]
        subprocess.run(
            command,
            cwd=tmp_path,
            env={"PATH": "/usr/bin", "HOME": str(tmp_path)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return (tmp_path / "song.mid").read_bytes()

    (tmp_path / "empty").touch()
    (tmp_path / ".mmarc").write_text("Transpose 3\n")
    assert played() != played("-i", "empty")


def test_the_drums_come_from_the_drum_groove(plan):
    assert midi.channels_of(drums(plan, "mma")) == [9]


def test_a_failure_quotes_what_mma_printed(plan):
    with pytest.raises(
        DatasetError,
        match="MMA failed .exit code 1. on the groove 'stdlib/nowhere:March': Error.*does not exist in libraries",
    ):
        accompaniment(replace(plan, groove_file="stdlib/nowhere", grooves=("March",)), "mma")


def test_a_program_without_output_has_failed(plan):
    with pytest.raises(DatasetError, match="MMA failed .exit code 0..*it printed nothing"):
        accompaniment(plan, "true")


def test_the_order_of_sets_in_mma_does_not_depend_on_the_user(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    program = tmp_path / "mma"
    program.write_text('#!/bin/sh\necho "Error: seed $PYTHONHASHSEED"\nexit 1\n')
    program.chmod(0o755)
    with pytest.raises(DatasetError, match="Error: seed 0$"):
        accompaniment(plan, str(program))
