"""Phrases of every kind for every program, without rendering them."""

from random import Random

import pytest

from keras_musictag.gmtag.midi import Note
from scripts.teaching.phrases import KINDS, SCALES, Line, draw_line, perform, stacked
from scripts.teaching.ranges import CHORDAL, DOUBLE_STOPS, range_of

BEATS, BEAT_SECONDS = 24, 0.5


def phrase(program: int, kind: str, seed: int = 0) -> list[Note]:
    rng = Random(f"{program} {kind} {seed}")
    line = draw_line(rng, program, rng.choice(tuple(SCALES)), rng.randrange(12))
    return perform(rng, KINDS[kind](rng, line, BEATS), 3, program, BEAT_SECONDS, start=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_every_program_plays_in_its_range_to_the_end(kind):
    for program in range(128):
        notes = phrase(program, kind)
        low, high = range_of(program)
        assert all(low - 2 <= note.pitch <= high + 2 for note in notes)  # an ornament may be a step outside the scale
        assert all(30 <= note.velocity <= 127 for note in notes)
        assert all(note.end_seconds > note.start_seconds >= 0.2 for note in notes)
        assert {(note.channel, note.program) for note in notes} == {(3, program)}
        assert max(note.end_seconds for note in notes) > 0.7 * BEATS * BEAT_SECONDS  # a long rest may end it


def test_the_whole_range_is_used():
    for program in (0, 40, 56, 73):
        pitches = {note.pitch for seed in range(40) for note in phrase(program, "notes", seed)}
        low, high = range_of(program)
        assert min(pitches) < low + (high - low) / 8
        assert max(pitches) > high - (high - low) / 8


def test_chords_are_played_by_instruments_that_can():
    def most_at_once(program):
        rng = Random(program)
        return max(
            len(pitches)
            for _ in range(20)
            for _, pitches in KINDS["chords"](rng, draw_line(rng, program, "major", 0), 8)
        )

    for program in range(128):
        most = most_at_once(program)
        if program in CHORDAL:
            assert most >= 3, program
        else:
            assert most == (2 if program in DOUBLE_STOPS else 1), program


def test_a_chord_stays_in_the_range():
    pitches = draw_line(Random(0), 24, "major", 0).pitches
    for place in range(len(pitches)):
        chord = stacked(pitches, place, 4)
        assert len(set(chord)) == 4
        assert set(chord) <= set(pitches)


def test_steps_are_played_at_their_times():
    line = Line(0, (60, 62), 0)
    rng = Random(1)
    notes = perform(rng, [(1, (60,)), (2, ()), (1, (62,))], 0, line.program, BEAT_SECONDS)
    first, last = min(notes, key=lambda n: n.start_seconds), max(notes, key=lambda n: n.start_seconds)
    assert first.start_seconds == pytest.approx(0, abs=0.02)
    assert last.pitch == 62
    assert last.start_seconds == pytest.approx(3 * BEAT_SECONDS, abs=0.3)  # later by an ornament before it
