import hashlib

import pytest

from keras_musictag.errors import DatasetError, MusicTagError
from keras_musictag.files import scratch_name, write_bytes
from keras_musictag.gmtag import build_corpus, corpus_folder, tier_parts

PACKAGES = {"mma": "1", "av": "2"}
ROW = {"id": "train_000003", "part": "train", "index": 3, "path": "audio/train/train_000003.mp3"}
ROW["mp3_sha256"] = hashlib.sha256(b"mp3").hexdigest()


def test_a_clip_is_done_when_it_and_its_row_are_written(tmp_path):
    with corpus_folder.opened(tmp_path, PACKAGES):
        assert not corpus_folder.is_done(tmp_path, "train", 3)
        corpus_folder.write_clip(tmp_path, ROW, b"mp3")
    assert corpus_folder.is_done(tmp_path, "train", 3)
    assert not corpus_folder.is_done(tmp_path, "test", 3)
    assert corpus_folder.read_row(tmp_path, "train", 3) == ROW
    (tmp_path / ROW["path"]).unlink()
    assert not corpus_folder.is_done(tmp_path, "train", 3)


@pytest.mark.parametrize("content", [b"", b"another clip's"])
def test_a_clip_whose_file_was_changed_is_made_again(tmp_path, content):
    with corpus_folder.opened(tmp_path, PACKAGES):
        corpus_folder.write_clip(tmp_path, ROW, b"mp3")
    (tmp_path / ROW["path"]).write_bytes(content)
    assert not corpus_folder.is_done(tmp_path, "train", 3)


def test_audio_alone_does_not_make_a_clip_done(tmp_path):
    with corpus_folder.opened(tmp_path, PACKAGES):
        write_bytes(tmp_path / ROW["path"], b"mp3")
    assert not corpus_folder.is_done(tmp_path, "train", 3)


def test_two_builds_do_not_share_a_folder(tmp_path):
    with corpus_folder.opened(tmp_path, PACKAGES):
        with pytest.raises(MusicTagError, match="Another process is writing"):
            corpus_folder.opened(tmp_path, PACKAGES).__enter__()
    with corpus_folder.opened(tmp_path, PACKAGES):
        pass


def test_a_corpus_is_not_continued_with_other_packages(tmp_path):
    with corpus_folder.opened(tmp_path, PACKAGES):
        pass
    with pytest.raises(DatasetError, match="started with av 2; now av 3 is installed"):
        corpus_folder.opened(tmp_path, {**PACKAGES, "av": "3"}).__enter__()


def test_half_written_files_of_a_killed_build_are_removed(tmp_path):
    with corpus_folder.opened(tmp_path, PACKAGES):
        left = tmp_path / ".work" / scratch_name(".mp3")
        left.write_bytes(b"half")
    with corpus_folder.opened(tmp_path, PACKAGES):
        assert not left.exists()


@pytest.mark.parametrize(
    "parts", [{}, {"train": 1}, {"train": 1, "valid": 0, "test": -1}, {"train": 0, "valid": 0, "test": 0}]
)
def test_parts_must_be_numbers_of_clips(tmp_path, parts):
    with pytest.raises(ValueError, match="`parts` must give a number of clips for each of train, valid, test"):
        build_corpus(tmp_path / "out", parts)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True])
def test_jobs_must_be_one_or_more(tmp_path, jobs):
    with pytest.raises(ValueError, match="`jobs` must be a whole number of 1 or more"):
        build_corpus(tmp_path, tier_parts("tiny"), jobs=jobs)
