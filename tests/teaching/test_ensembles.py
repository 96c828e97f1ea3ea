"""The notes of ensembles and drums, without rendering them."""

from random import Random

import pytest

from keras_musictag.gmtag.harmony import Chord, Key
from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from scripts.teaching import ensembles
from scripts.teaching.drums import GROOVES, KICK, KITS, groove, strokes
from scripts.teaching.ensembles import Score, compose
from scripts.teaching.ranges import range_of
from scripts.teaching.styles import STYLES


@pytest.mark.parametrize("name", STYLES)
def test_each_style_uses_its_instruments_in_their_ranges(name):
    style = STYLES[name]
    notes = compose(Random(name), style, 20.0).notes
    for channel, (_, programs) in enumerate(style.voices):
        voice = [note for note in notes if note.channel == channel]
        (program,) = {note.program for note in voice}
        assert program in programs
        low, high = range_of(program)
        # the nearest note of a chord may be outside the range
        assert all(low - 7 <= note.pitch <= high + 7 for note in voice)
        assert max(note.end_seconds for note in voice) > 15
    assert any(note.channel == DRUM_CHANNEL for note in notes) == bool(style.grooves)


def test_the_accompaniment_plays_the_chord_of_its_bar():
    score = Score(Key(0, minor=False), (Chord(0, ""), Chord(7, "")), 4, 2)
    for role in ("chords", "arpeggio", "held"):
        beat = 0.0
        for length, pitches in ensembles._ROLES[role](Random(role), score, 0):
            assert {pitch % 12 for pitch in pitches} <= set(score.chord(beat).triad), role
            beat += length
        assert beat == pytest.approx(8)
    bass = ensembles._ROLES["bass"](Random(0), score, 32)
    assert bass[0][1][0] % 12 == 0
    assert {pitch % 12 for _, pitches in bass for pitch in pitches} <= {0, 7, 2}


def test_grooves_have_sixteen_steps_per_bar():
    assert {len(pattern) for drums in GROOVES.values() for pattern in drums.values()} == {16}
    assert set("".join(pattern for drums in GROOVES.values() for pattern in drums.values())) == set("xo.")


def test_a_groove_strikes_where_its_pattern_says():
    notes = groove(Random(2), 8.0, KITS[0], 0.5, "four on the floor")
    kicks = [note.start_seconds for note in notes if note.pitch == KICK]
    for beat in range(12):  # a fill may replace the last beat of the fourth bar
        assert min(abs(kick - 0.5 * beat) for kick in kicks) < 0.01


def test_single_drums_are_few_and_fill_the_clip():
    for seed in range(20):
        notes = strokes(Random(seed), 10.0, 8)
        assert 1 <= len({note.pitch for note in notes}) <= 4
        assert {(note.channel, note.program) for note in notes} == {(DRUM_CHANNEL, 8)}
        assert max(note.start_seconds for note in notes) > 6
