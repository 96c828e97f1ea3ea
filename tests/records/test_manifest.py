import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.records import Manifest, Track
from keras_musictag.tags import Vocabulary

TRACKS = (Track("b", "b.mp3", ("rock",), "train"), Track("a", "/far/a.mp3", (), "test"))


def manifest(tracks=TRACKS) -> Manifest:
    vocabulary = Vocabulary(("rock", "jazz"))
    return Manifest("mine", "1", "all", vocabulary, Path("audio"), tracks, licence="none", citation="none")


def test_counts_are_a_number_for_every_part():
    assert manifest().counts == {"train": 1, "valid": 0, "test": 1}


def test_a_path_is_below_the_audio_folder_unless_it_is_absolute():
    assert [str(manifest().file(track)) for track in TRACKS] == ["audio/b.mp3", "/far/a.mp3"]


def test_the_split_hash_ignores_the_order():
    expected = hashlib.sha256(b"test\ta\ntrain\tb\n").hexdigest()
    assert manifest().split_sha256 == manifest(TRACKS[::-1]).split_sha256 == expected
    moved = (TRACKS[0], replace(TRACKS[1], part="valid"))
    assert manifest(moved).split_sha256 != expected


def test_a_split_may_have_names_that_are_not_utf8():
    name = b"\xff".decode("utf-8", "surrogateescape")
    odd = (replace(TRACKS[0], track_id=name),)
    assert manifest(odd).split_sha256 == hashlib.sha256(b"train\t\xff\n").hexdigest()


@pytest.mark.parametrize(
    ("tracks", "error", "match"),
    [
        ((), DatasetError, "mine has no tracks. Is 'audio' the right folder"),
        ((TRACKS[0], TRACKS[0]), DatasetError, "more than once: 'b'"),
        ((replace(TRACKS[0], part="val"),), DatasetError, "'b' has the part 'val'; expected one of"),
        ((replace(TRACKS[0], tags=("rokc",)),), UnknownNameError, "no tag 'rokc'. Did you mean 'rock'"),
    ],
)
def test_an_impossible_dataset_is_refused(tracks, error, match):
    with pytest.raises(error, match=match):
        manifest(tracks)
