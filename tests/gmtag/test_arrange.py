from dataclasses import replace
from random import Random

import mido
import pytest

from keras_musictag.gmtag import midi
from keras_musictag.gmtag.arrangement import arrange, replace_drums
from keras_musictag.gmtag.instruments import BASS_PROGRAMS, CHORD_PROGRAMS, SUSTAINED_PROGRAMS
from keras_musictag.gmtag.packages import LIBRARY
from keras_musictag.gmtag.plan import draw_plan
from tests.gmtag.hand_made import hits, music, note

BASS, PAD, GUITAR = 0, 1, 2  # channels


@pytest.fixture(scope="module")
def plan():
    return replace(draw_plan(Random(0), "train", 0, LIBRARY), genre="rock", bpm=60)


@pytest.fixture
def band():
    return music(
        *(note(33, 2.0 * n, 2 * n + 1, channel=BASS, pitch=36) for n in range(8)),
        *(note(48, 4.0 * n, 4 * n + 3.9, channel=PAD, pitch=60) for n in range(4)),
        *(note(25, 1.0 * n, n + 0.5, channel=GUITAR, pitch=64) for n in range(16)),
        *hits(20),
    )


def arranged(band, plan, count=100):
    return [arrange(Random(seed), band, plan) for seed in range(count)]


@pytest.mark.needs("mma")
def test_some_part_always_sounds_and_each_is_sometimes_left_out(band, plan):
    kept = [set(midi.channels_of(music)) for music, _ in arranged(band, plan)]
    assert all(channels - {9} for channels in kept)
    for channel in (BASS, PAD, GUITAR, 9):
        assert 0.6 < sum(channel in channels for channels in kept) / len(kept) < 0.95


@pytest.mark.needs("mma")
def test_a_tenth_of_the_clips_keeps_a_single_part(band, plan):
    singles = [midi.channels_of(music) for music, single in arranged(band, plan) if single]
    assert 4 <= len(singles) <= 20
    assert {len(channels) for channels in singles} == {1}


@pytest.mark.needs("mma")
def test_ambient_and_classical_mostly_have_no_drums(band, plan):
    for genre, low, high in [("ambient", 0.02, 0.25), ("classical", 0.02, 0.25), ("rock", 0.65, 0.9)]:
        kept = [midi.channels_of(music) for music, _ in arranged(band, replace(plan, genre=genre))]
        assert low < sum(9 in channels for channels in kept) / len(kept) < high


@pytest.mark.needs("mma")
def test_replacements_fit_the_role_of_the_part(band, plan):
    roles = {BASS: (33, BASS_PROGRAMS), PAD: (48, SUSTAINED_PROGRAMS), GUITAR: (25, CHORD_PROGRAMS)}
    found = {channel: set() for channel in roles}
    for played, _ in arranged(band, plan):
        for sounding in midi.notes_of(played):
            if sounding.channel in roles:
                found[sounding.channel].add(sounding.program)
    for channel, (own, stand_ins) in roles.items():
        assert found[channel] <= {own, *stand_ins}
        assert len(found[channel]) > 4


@pytest.mark.needs("mma")
def test_metal_has_distorted_guitars(band, plan):
    def share(genre):
        played = [midi.notes_of(music) for music, _ in arranged(band, replace(plan, genre=genre))]
        return sum(any(n.program in (29, 30) and n.channel == GUITAR for n in notes) for notes in played) / len(played)

    assert share("metal") > 0.4 > 0.1 > share("rock")


@pytest.mark.needs("mma")
def test_notes_stay_where_they_are(band, plan):
    def place(n):
        return n.channel, n.pitch, round(n.start_seconds, 9), round(n.end_seconds, 9)

    for played, _ in arranged(band, plan, 20):
        kept = set(midi.channels_of(played))
        expected = [place(n) for n in midi.notes_of(band) if n.channel in kept]
        assert [place(n) for n in midi.notes_of(played)] == expected


@pytest.mark.needs("mma")
def test_text_is_removed_and_the_accompaniment_unchanged(band, plan):
    band.tracks[0].insert(0, mido.MetaMessage("text", text="a date"))
    before = midi.to_bytes(band)
    played, _ = arrange(Random(0), band, plan)
    assert b"a date" in before
    assert b"a date" not in midi.to_bytes(played)
    assert midi.to_bytes(band) == before


def test_only_the_drums_are_replaced(band):
    other = mido.MidiFile(type=1, ticks_per_beat=480, tracks=[mido.MidiTrack(), music(*hits(5, start=3.0)).tracks[0]])
    played = midi.notes_of(replace_drums(band, other))
    assert [n.start_seconds for n in played if n.channel == 9] == pytest.approx([3.0, 3.1, 3.2, 3.3, 3.4])
    assert sum(n.channel != 9 for n in played) == 8 + 4 + 16
