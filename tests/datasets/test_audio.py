"""A folder of music without labels: which files are tracks, and which stay together."""

import pytest

from keras_musictag.datasets.audio import manifest
from keras_musictag.errors import DatasetError


def make(raw, *paths):
    for index, path in enumerate(paths):
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        (raw / path).write_bytes(b"x" * (index + 1))  # of different sizes, so not copies


def test_files_at_any_depth_are_tracks_without_tags(tmp_path):
    make(tmp_path, "a.mp3", "deep/er/b.FLAC", "cover.jpg", ".hidden/c.mp3")
    (tmp_path / "copy.mp3").write_bytes((tmp_path / "a.mp3").read_bytes())
    found = manifest(tmp_path, fractions=(0.5, 0.5, 0))
    assert [(track.path, track.tags) for track in found.tracks] == [("a.mp3", ()), ("deep/er/b.FLAC", ())]
    assert len(found.vocabulary) == 0
    assert [(s.path, s.reason) for s in found.skipped] == [
        ("copy.mp3", "A copy of this track."),
        ("cover.jpg", "Not audio by its suffix."),
    ]


def test_only_an_album_stays_in_one_part(tmp_path):
    make(tmp_path, *(f"album {a}/{i}.ogg" for a in range(30) for i in range(5)), *(f"all/{i}.ogg" for i in range(50)))
    parts = {track.path: track.part for track in manifest(tmp_path).tracks}
    for a in range(30):
        assert len({parts[f"album {a}/{i}.ogg"] for i in range(5)}) == 1
    assert {parts[f"all/{i}.ogg"] for i in range(50)} == {"train", "valid"}
    counts = [list(parts.values()).count(part) for part in ("train", "valid", "test")]
    assert counts == [180, 20, 0]
    assert parts != {track.path: track.part for track in manifest(tmp_path, seed=1).tracks}


def test_a_folder_without_audio_is_an_error(tmp_path):
    make(tmp_path, "words.txt")
    with pytest.raises(DatasetError, match="There are no audio files in"):
        manifest(tmp_path)
