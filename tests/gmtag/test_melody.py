from collections import Counter
from random import Random

import pytest

from keras_musictag.gmtag.arrangement import add_melody, draw_melody, nearest_chord_note
from keras_musictag.gmtag.harmony import Chord
from keras_musictag.gmtag.midi import channels_of, notes_of
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import draw_plan
from tests.gmtag.hand_made import hits, music, note

TRUMPET, CELLO = 56, 42


@pytest.fixture(scope="module")
def plans():
    return [draw_plan(Random(seed), "train", seed, LIBRARY) for seed in range(60)]


@pytest.mark.needs("mma")
def test_notes_belong_to_the_key_or_the_chord(plans):
    for seed, plan in enumerate(plans):
        for played in draw_melody(Random(seed), plan, TRUMPET):
            chord = plan.chord(int(played.start_beats // plan.beats_per_bar))
            assert played.pitch % 12 in {*plan.key.scale, *chord.triad}


@pytest.mark.needs("mma")
def test_a_melody_lasts_as_long_as_the_piece(plans):
    for seed, plan in enumerate(plans):
        last = draw_melody(Random(seed), plan, TRUMPET)[-1]
        assert plan.bars * plan.beats_per_bar - 20 < last.start_beats < plan.bars * plan.beats_per_bar


@pytest.mark.needs("mma")
def test_low_instruments_play_lower(plans):
    high = [played.pitch for played in draw_melody(Random(0), plans[0], TRUMPET)]
    low = [played.pitch for played in draw_melody(Random(0), plans[0], CELLO)]
    assert sum(high) / len(high) - sum(low) / len(low) == pytest.approx(12, abs=3)


@pytest.mark.needs("mma")
def test_the_motif_is_repeated(plans):
    lengths = [played.length_beats for played in draw_melody(Random(1), plans[0], TRUMPET)]
    runs = Counter(tuple(lengths[n : n + 3]) for n in range(len(lengths) - 2))
    assert runs.most_common(1)[0][1] >= 3


def test_the_nearest_chord_note_is_a_note_of_the_chord():
    assert [nearest_chord_note(pitch, Chord(0, "")) for pitch in (60, 61, 62, 63, 66, 69)] == [60, 60, 60, 64, 67, 67]
    assert nearest_chord_note(63, Chord(0, "m")) == 63


@pytest.mark.needs("mma")
def test_a_melody_uses_a_free_channel(plans):
    file = music(note(0, 1, 4, channel=15), *hits(3))
    before = notes_of(file)
    add_melody(Random(0), file, plans[0])
    assert channels_of(file) == [9, 14, 15]
    assert [n for n in notes_of(file) if n.channel != 14] == before


@pytest.mark.needs("mma")
def test_without_a_free_channel_nothing_is_added(plans):
    file = music(*(note(0, 1, 4, channel=channel) for channel in range(16)))
    add_melody(Random(0), file, plans[0])
    assert len(file.tracks) == 1
