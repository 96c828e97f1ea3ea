from dataclasses import replace

import pytest

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag import midi
from keras_musictag.gmtag.arrangement import FEWEST_NOTES, compose, is_enough
from keras_musictag.gmtag.truth import Heard


@pytest.mark.needs("mma")
def test_a_clip_does_not_depend_on_earlier_clips(installation, piece):
    compose("test", 1, installation)
    again = compose("test", 0, installation)
    assert again.plan == piece.plan
    assert midi.to_bytes(again.music) == midi.to_bytes(piece.music)


@pytest.mark.needs("mma")
def test_clips_differ_by_index_and_by_part(installation, piece):
    for part, index in [("test", 1), ("valid", 0)]:
        assert midi.to_bytes(compose(part, index, installation).music) != midi.to_bytes(piece.music)


@pytest.mark.needs("mma")
def test_no_text_of_mma_remains(piece):
    content = midi.to_bytes(piece.music).lower()
    assert b"mma" not in content
    assert {m.type for track in piece.music.tracks for m in track if m.is_meta} <= set(midi.MUSICAL_META)


def test_almost_silent_music_is_not_enough():
    assert is_enough(Heard(programs=(0,), drum_hits=0, notes=FEWEST_NOTES))
    assert not is_enough(Heard(programs=(0,), drum_hits=0, notes=FEWEST_NOTES - 1))
    assert not is_enough(Heard(programs=(), drum_hits=11, notes=100))
    assert is_enough(Heard(programs=(), drum_hits=12, notes=100))


@pytest.mark.needs("mma")
def test_a_failure_of_mma_is_an_error(installation):
    with pytest.raises(DatasetError, match="MMA failed"):
        compose("test", 0, replace(installation, mma="false"))
