"""One folder per tag: tags, artists, copies, parts, and which files are skipped and why."""

import os

import pytest
import soundfile

from keras_musictag.datasets import folder
from keras_musictag.errors import DatasetError
from keras_musictag.records import prepare
from tests.records.make import make_samples


def fill(root, *paths, same=None):
    """Writes files, each with different bytes, or all with the same."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(same or path.encode())
    return root


def reasons(manifest):
    return {skipped.path: skipped.reason for skipped in manifest.skipped}


@pytest.fixture
def music(tmp_path):
    tags = [f"{tag}/{i}.mp3" for tag in ("rock", "jazz") for i in range(10)]
    return fill(tmp_path / "music", *tags)


def test_tags_are_the_sorted_folders_and_ids_the_paths(music):
    manifest = folder.manifest(music)
    assert list(manifest.vocabulary) == ["jazz", "rock"]
    tracks = {track.track_id: track for track in manifest.tracks}
    assert len(tracks) == 20 and tracks["rock/3.mp3"].tags == ("rock",)
    assert manifest.file(tracks["rock/3.mp3"]).read_bytes() == b"rock/3.mp3"
    assert manifest.counts == {"train": 16, "valid": 2, "test": 2}
    assert manifest.published_counts == {} and manifest.skipped == ()


def test_the_manifest_depends_only_on_the_seed(music):
    assert folder.manifest(music) == folder.manifest(music)
    assert folder.manifest(music, seed=1).split_sha256 != folder.manifest(music).split_sha256


def test_the_folder_below_a_tag_is_the_artist(tmp_path):
    names = [f"{tag}/artist{i}/cd/{k}.mp3" for tag in ("rock", "pop") for i in range(6) for k in range(3)]
    manifest = folder.manifest(fill(tmp_path, *names))
    part_of = {}
    for track in manifest.tracks:
        part_of.setdefault(track.path.split("/")[1], set()).add(track.part)
    assert len(part_of) == 6 and all(len(parts) == 1 for parts in part_of.values())


def test_copies_in_two_tag_folders_are_one_track(music):
    fill(music, "rock/x.mp3", "jazz/y.mp3", "jazz/again.mp3", same=b"the same song")
    fill(music, "rock/z.mp3", same=b"another song.")  # of equal size
    manifest = folder.manifest(music)
    tracks = {track.track_id: track.tags for track in manifest.tracks}
    assert tracks["jazz/again.mp3"] == ("jazz", "rock") and tracks["rock/z.mp3"] == ("rock",)
    assert len(tracks) == 22
    assert set(reasons(manifest)) == {"jazz/y.mp3", "rock/x.mp3"}
    assert {skipped.track_id for skipped in manifest.skipped} == {"jazz/again.mp3"}
    assert reasons(manifest)["rock/x.mp3"] == "A copy of this track, which has the tags of both."


def test_files_of_different_sizes_are_not_opened(music, monkeypatch):
    for i, path in enumerate(sorted(music.rglob("*.mp3"))):
        path.write_bytes(bytes(i + 1))
    monkeypatch.setattr(folder, "_sha256", None)
    assert len(folder.manifest(music).tracks) == 20


def test_skipped_files_are_listed_and_hidden_ones_ignored(music):
    fill(music, "rock/cover.jpg", "rock/.DS_Store", ".cache/a.mp3", "loose.mp3", "README", "empty tag/notes.txt")
    (music / "rock" / "nothing.mp3").write_bytes(b"")
    (music / "rock" / "gone.mp3").symlink_to(music / "nowhere")
    (music / "rock" / "self.mp3").symlink_to("self.mp3")
    (music / "self").symlink_to("self")
    os.mkfifo(music / "rock" / "pipe.mp3")
    manifest = folder.manifest(music)
    assert list(manifest.vocabulary) == ["jazz", "rock"] and len(manifest.tracks) == 20
    assert reasons(manifest) == {
        "README": "Not audio by its suffix.",
        "empty tag/notes.txt": "Not audio by its suffix.",
        "loose.mp3": "Not in a tag folder.",
        "rock/cover.jpg": "Not audio by its suffix.",
        "rock/gone.mp3": "Cannot be read (No such file or directory).",
        "rock/nothing.mp3": "The file is empty.",
        "rock/pipe.mp3": "A pipe, socket or device.",
        "rock/self.mp3": "Cannot be read (Too many levels of symbolic links).",
        "self": "Cannot be read (Too many levels of symbolic links).",
    }


def test_links_are_followed_and_a_loop_ends(music, tmp_path):
    library = fill(tmp_path / "library", "a.flac", "b.WAV")
    (music / "folk").symlink_to(library)
    (music / "rock" / "link.mp3").symlink_to(library / "a.flac")
    (music / "rock" / "up").symlink_to(music)
    manifest = folder.manifest(music)
    tracks = {track.track_id: track.tags for track in manifest.tracks}
    assert tracks["folk/a.flac"] == ("folk", "rock") and tracks["folk/b.WAV"] == ("folk",) and len(tracks) == 22
    assert reasons(manifest)["rock/up"] == "A link to a folder that contains it."


def test_part_folders_are_the_parts(tmp_path):
    paths = ["train/rock/a.mp3", "train/jazz/b.mp3", "validation/rock/c.mp3", "test/folk/artist/d.mp3"]
    manifest = folder.manifest(fill(tmp_path, *paths))
    assert list(manifest.vocabulary) == ["folk", "jazz", "rock"]
    assert {track.track_id: (track.part, track.tags) for track in manifest.tracks} == {
        "train/rock/a.mp3": ("train", ("rock",)),
        "train/jazz/b.mp3": ("train", ("jazz",)),
        "validation/rock/c.mp3": ("valid", ("rock",)),
        "test/folk/artist/d.mp3": ("test", ("folk",)),
    }


def test_part_folders_are_recognised_by_other_words(tmp_path):
    manifest = folder.manifest(fill(tmp_path, "Training/jazz/a.mp3", "DEV/jazz/b.mp3", "Test/rock/c.mp3"))
    assert [track.part for track in manifest.tracks] == ["valid", "test", "train"]
    with pytest.raises(DatasetError, match="Dev, eval are parts, 'rock' is not"):
        folder.manifest(fill(tmp_path / "other", "Dev/rock/a.mp3", "eval/rock/b.mp3", "rock/c.mp3"))
    for unclear in ("train test eval", "train dev val", "dev test"):
        files = [f"{part}/{tag}/{tag}.mp3" for part, tag in zip(unclear.split(), ("a", "b", "c"), strict=False)]
        with pytest.raises(DatasetError, match="not clear which part the folder '(eval|dev)' means in a dataset with"):
            folder.manifest(fill(tmp_path / unclear, *files))
    parts = folder.manifest(fill(tmp_path / "two", "valid/rock/a.mp3", "test/jazz/b.mp3")).counts
    assert parts == {"train": 0, "valid": 1, "test": 1}


def test_a_folder_called_test_among_tags_is_a_tag(music):
    fill(music, "test/a.mp3")
    assert list(folder.manifest(music).vocabulary) == ["jazz", "rock", "test"]


def test_part_folders_among_tag_folders_are_an_error(tmp_path):
    with pytest.raises(DatasetError, match="test, train are parts, 'rock' is not"):
        folder.manifest(fill(tmp_path, "train/rock/a.mp3", "test/rock/b.mp3", "rock/c.mp3"))


def test_copies_in_two_parts_are_an_error(tmp_path):
    fill(tmp_path, "train/rock/a.mp3", "test/rock/b.mp3", same=b"song")
    with pytest.raises(DatasetError, match="'test/rock/b.mp3' and 'train/rock/a.mp3' have the same bytes"):
        folder.manifest(fill(tmp_path, "train/jazz/c.mp3"))


def test_decomposed_accents_are_the_same_tag(music):
    fill(music, "me\u0301lodie/a.mp3", "m\u00e9lodie/b.mp3")
    assert list(folder.manifest(music).vocabulary) == ["jazz", "m\u00e9lodie", "rock"]


def test_only_a_tag_must_have_a_utf_8_name(music):
    song, folder_name = os.fsdecode(b"caf\xe9.mp3"), os.fsdecode(b"m\xe9lodie")
    fill(music, f"rock/{song}", f"{folder_name}/a.mp3", same=b"song")
    manifest = folder.manifest(music)
    assert f"rock/{song}" in {track.track_id for track in manifest.tracks} and len(manifest.split_sha256) == 64
    assert reasons(manifest) == {f"{folder_name}/a.mp3": "The name of its tag folder cannot be displayed: rename it."}
    assert list(manifest.vocabulary) == ["jazz", "rock"]


def test_a_folder_without_audio_or_with_one_tag_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        folder.manifest(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no audio"):
        folder.manifest(fill(tmp_path, "loose.mp3", "rock/readme.txt"))
    with pytest.raises(DatasetError, match="one tag folder.*'rock'.*nothing to learn"):
        folder.manifest(fill(tmp_path, "rock/a.mp3", "rock/b.mp3", "rock/c.mp3"))


def test_a_folder_becomes_records_with_its_tags(tmp_path):
    fill(tmp_path / "music", "jazz/notes.txt")
    for i in range(6):
        path = tmp_path / "music" / ("jazz" if i % 2 else "rock") / f"{i}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, make_samples(i, 1.0, 16000), 16000, subtype="PCM_16")
    (tmp_path / "music" / "jazz" / "both.wav").symlink_to(tmp_path / "music" / "rock" / "0.wav")
    records = prepare(folder.manifest(tmp_path / "music", fractions=(0.5, 0.25, 0.25)), tmp_path / "records", jobs=1)
    tags = {track.track_id: [records.vocabulary[i] for i in track.tags] for track in records}
    assert tags["jazz/both.wav"] == ["jazz", "rock"] and tags["rock/2.wav"] == ["rock"] and len(tags) == 6
    assert {skipped.path for skipped in records.skipped} == {"jazz/notes.txt", "rock/0.wav"}
    assert records.info["dataset"] == "folder" and all(facts["tracks"] for facts in records.info["parts"].values())
