import io
import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from keras_musictag import files
from keras_musictag.errors import AudioError
from keras_musictag.records import Track, shards
from keras_musictag.records.shards import ShardJob, load_track, write_shard
from tests.records.make import make_samples


def make_job(folder: Path, names=("a.wav", "b.wav")) -> ShardJob:
    for index, name in enumerate(names):
        soundfile.write(folder / name, make_samples(index, 0.2, 16000), 16000)
    (folder / ".work").mkdir()
    tracks = tuple((5 + i, Track(name, name, (), "train"), (i,), folder / name) for i, name in enumerate(names))
    return ShardJob(folder / "train.tfrecord", folder / ".work" / "train.json", "train", tracks, 3, "pcm", None)


def test_a_shard_with_its_sidecar_is_done(tmp_path):
    job, calls = make_job(tmp_path), []
    assert job.result() is None
    write_shard(job, lambda: calls.append(1))
    result = job.result()
    assert [(row["track_index"], row["tags"]) for row in result["rows"]] == [(5, [0]), (6, [1])]
    assert (len(calls), result["bytes"]) == (2, job.path.stat().st_size)


@pytest.mark.parametrize("damage", ["cut the shard", "remove the shard", "cut the sidecar", "remove the sidecar"])
def test_a_shard_or_sidecar_alone_is_not_done(tmp_path, damage):
    job = make_job(tmp_path)
    write_shard(job, lambda: None)
    path = job.path if "shard" in damage else job.sidecar
    if "cut" in damage:
        os.truncate(path, path.stat().st_size - 1 if path == job.path else 10)
    else:
        path.unlink()
    assert job.result() is None


def test_stopping_leaves_nothing_of_the_shard(tmp_path):
    class EndError(Exception):
        pass

    def end():
        raise EndError

    job = make_job(tmp_path)
    with pytest.raises(EndError):
        write_shard(job, end)
    assert not job.path.exists() and list(job.sidecar.parent.iterdir()) == []


def test_a_full_disk_names_the_shard(tmp_path, monkeypatch):
    job = make_job(tmp_path)
    # every write to it fails as on a full disk
    monkeypatch.setattr(files, "scratch_name", lambda suffix: "scratch")
    (job.sidecar.parent / "scratch").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*train.tfrecord") as error:
        write_shard(job, lambda: None)
    assert error.value.filename == str(job.path)
    assert not job.path.exists() and list(job.sidecar.parent.iterdir()) == []


class Features:
    """A front end that returns arrays of the size that it states."""

    def __init__(self, size: int):
        self.size = size

    def load(self):
        return lambda samples: np.zeros(self.size).reshape(-1, 2)


def test_too_little_memory_stops_the_work(tmp_path):
    job = replace(make_job(tmp_path), frontend=Features(2**55))
    with pytest.raises(MemoryError, match=r"a.wav' needs more memory than is available. Try fewer jobs."):
        write_shard(job, lambda: None)
    assert not job.path.exists() and list(job.sidecar.parent.iterdir()) == []


def test_any_other_failure_of_a_file_skips_it(tmp_path):
    job = replace(make_job(tmp_path), frontend=Features(3))
    write_shard(job, lambda: None)
    assert [row["reason"][:20] for row in job.result()["skipped"]] == ["cannot reshape array"] * 2


def test_a_track_of_more_than_two_hours_is_refused(tmp_path):
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(121):
            file.write(np.zeros(60 * 8000, np.int16))
    with pytest.raises(AudioError, match="lasts 7200.3 s or more; expected at most 7200 s"):
        load_track(path, "pcm", None)


def test_a_file_too_large_for_a_record_is_refused(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", make_samples(0, 0.2, 16000), 16000)
    size = (tmp_path / "a.wav").stat().st_size
    monkeypatch.setattr(shards, "MAX_SOURCE_BYTES", size)
    assert len(load_track(tmp_path / "a.wav", "source", None)[0]) == size
    monkeypatch.setattr(shards, "MAX_SOURCE_BYTES", size - 1)
    with pytest.raises(AudioError, match=f"has {size} bytes; a record holds at most {size - 1}"):
        load_track(tmp_path / "a.wav", "source", None)
    assert load_track(tmp_path / "a.wav", "pcm", None)[1] == 3200


def test_a_shortened_mp3_gives_what_can_be_decoded(tmp_path):
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", 16000, layout="mono", format="s16p")
        frame = av.AudioFrame.from_ndarray(make_samples(0, 4, 16000)[None], format="s16p", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    data = file.getvalue()
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) // 2])
    _, num_samples, _, notes = load_track(tmp_path / "cut.mp3", "pcm", None)
    assert 1.5 < num_samples / 16000 < 2.5
    assert "The header states 4." in notes[0]
