"""Tags of notes that are made by hand; the clip is from second 2 to second 31.1."""

import pytest

from keras_musictag.gmtag.midi import notes_of
from keras_musictag.gmtag.truth import Heard, listen, tags_of
from tests.gmtag.hand_made import hits, music, note

WINDOW = (2.0, 31.1)
PIANO, VIOLIN, CHURCH_ORGAN = 0, 40, 19


def tags(*notes, bpm=100, minor=False, genres=()) -> set[str]:
    return set(tags_of(listen(notes_of(music(*notes)), WINDOW), genres, bpm, minor))


def test_a_piano_note_of_three_seconds_is_tagged():
    assert tags(note(PIANO, 10, 13)) == {"piano", "no drums", "solo"}


@pytest.mark.parametrize("start", [31.2, 60])
def test_a_note_after_the_clip_does_not_count(start):
    assert tags(note(PIANO, start, start + 3)) == {"no drums"}


def test_a_note_before_the_clip_does_not_count():
    assert tags(note(PIANO, 0, 2)) == {"no drums"}


def test_only_the_part_of_a_note_inside_the_clip_counts():
    assert "piano" in tags(note(PIANO, 0, 4.6))
    assert "piano" not in tags(note(PIANO, 0, 4.4))
    assert "piano" in tags(note(PIANO, 28.5, 40))
    assert "piano" not in tags(note(PIANO, 28.7, 40))


def test_a_soft_note_does_not_count():
    assert "piano" not in tags(note(PIANO, 10, 13, velocity=20))
    assert "piano" not in tags(note(PIANO, 10, 13, velocity=29))
    assert "piano" in tags(note(PIANO, 10, 13, velocity=30))


def test_short_notes_of_a_program_add_up():
    assert "piano" not in tags(*(note(PIANO, 4 + n, 4.5 + n) for n in range(4)))
    assert "piano" in tags(*(note(PIANO, 4 + n, 4.5 + n) for n in range(5)))


def test_a_program_on_two_channels_is_one():
    assert "piano" in tags(note(PIANO, 4, 5.3), note(PIANO, 4, 5.3, channel=3, pitch=50))


def test_a_program_change_is_another_instrument():
    assert {"piano", "violin"} <= tags(note(PIANO, 4, 8), note(VIOLIN, 9, 13))


def test_a_program_without_notes_does_not_count():
    file = music(note(PIANO, 4, 8))
    file.tracks[0][1:1] = [file.tracks[0][1].copy(program=CHURCH_ORGAN, channel=5)]
    assert listen(notes_of(file), WINDOW).programs == (PIANO,)


def test_twelve_strokes_are_drums_and_eleven_are_not():
    assert tags(*hits(11)) == {"no drums"}
    assert tags(*hits(12)) == {"drums"}
    assert tags(*hits(12, start=40.0)) == {"no drums"}


def test_drums_or_a_second_instrument_exclude_solo():
    assert "solo" in tags(note(PIANO, 10, 13), *hits(11))
    assert "solo" not in tags(note(PIANO, 10, 13), *hits(12))
    assert "solo" not in tags(note(PIANO, 10, 13), note(VIOLIN, 10, 13, channel=1))


def test_a_program_on_the_drum_channel_is_not_an_instrument():
    assert tags(*(note(PIANO, 4 + n, 7 + n, channel=9) for n in range(4))) == {"no drums"}


@pytest.mark.parametrize(("bpm", "tag"), [(139, None), (140, "fast"), (77, None), (76, "slow")])
def test_fast_and_slow_begin_at_their_tempo(bpm, tag):
    assert tags(note(PIANO, 10, 13), bpm=bpm) & {"fast", "slow"} == ({tag} if tag else set())


def test_tags_are_in_the_order_of_the_vocabulary():
    heard = Heard(programs=(PIANO,), drum_hits=0, notes=20)
    assert tags_of(heard, ("waltz", "jazz"), 100, True) == ("jazz", "waltz", "piano", "no drums", "minor", "solo")


def test_notes_are_counted_at_their_start():
    file = music(note(PIANO, 1, 5), note(PIANO, 6, 9), note(PIANO, 31.2, 33), *hits(3))
    assert listen(notes_of(file), WINDOW) == Heard(programs=(PIANO,), drum_hits=3, notes=4)
