"""A worker identifies a file and sends its chunks; whatever a file does, the next one follows."""

import os
import signal

import numpy as np
import pytest

from keras_musictag import MusicTagError
from keras_musictag.audio import Chunking, cut, read
from keras_musictag.library.decoding_workers import (
    Chunk,
    Decoded,
    DecodingWorker,
    Failed,
    Identified,
    Restarted,
    cut_all,
)
from tests.library.music_folder import write_music

SHORT = Chunking(chunk_samples=16000, hop_samples=12000, context_samples=100)
LONG = Chunking(chunk_samples=40000, hop_samples=40000)


@pytest.fixture(scope="module")
def worker():
    worker = DecodingWorker(stall_seconds=60.0)
    yield worker
    worker.stop()


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    return write_music(tmp_path_factory.mktemp("music") / "a.flac", 5.0)


def messages(worker, path, chunkings=(SHORT,), meanwhile=lambda: None):
    """All that a worker sends about a file; `meanwhile` is called when it is identified."""
    worker.send(str(path))
    found = [worker.receive()]
    if isinstance(found[0], Identified):
        meanwhile()
        worker.send(chunkings)
        while chunkings and not isinstance(found[-1], Decoded | Failed):
            found.append(worker.receive())
    return found


def test_chunks_are_those_of_the_whole_file(worker, song):
    identified, *chunks, decoded = messages(worker, song, (SHORT, LONG))
    samples = read(song, 16000).samples
    for index, chunking in enumerate((SHORT, LONG)):
        wanted = [part for _, part in cut([samples], chunking)]
        found = [chunk.samples for chunk in chunks if chunk.chunking == index]
        np.testing.assert_array_equal(found, wanted)
    assert decoded == Decoded(5.0, ())
    assert (identified.size_bytes, identified.mtime_ns) == (song.stat().st_size, song.stat().st_mtime_ns)


def test_a_known_file_is_not_decoded(worker, song):
    (identified,) = messages(worker, song, ())
    assert identified == messages(worker, song)[0]


def test_a_short_file_has_a_note(worker, tmp_path):
    decoded = messages(worker, write_music(tmp_path / "a.flac", 0.5))[-1]
    assert decoded.notes == (
        "The track is 0.50 s long, shorter than the model's chunk of 0.99 s. It was padded with silence.",
    )


def test_cancelled_channels_are_sent_again(worker, tmp_path):
    import soundfile

    left = np.random.default_rng(0).normal(0, 0.1, 100_000)
    soundfile.write(tmp_path / "a.wav", np.stack([left, -left], axis=1), 16000)
    found = messages(worker, tmp_path / "a.wav")
    (at,) = (index for index, message in enumerate(found) if message == Restarted((0,)))
    chunks = [message.samples for message in found[at:] if isinstance(message, Chunk)]
    assert len(chunks) == at - 1
    np.testing.assert_allclose(chunks[0][100:], left[: len(chunks[0]) - 100], atol=1e-4)
    assert "was used alone" in found[-1].notes[0]


def test_a_bad_file_is_a_reason(worker, tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"not music")
    (failed,) = messages(worker, tmp_path / "a.mp3")
    assert failed.reason.startswith("The file is not audio that can be opened") and not failed.again
    (failed,) = messages(worker, tmp_path / "gone.mp3")
    assert failed == Failed("The file was deleted or moved during the scan.", again=True)
    (failed,) = messages(worker, tmp_path)
    assert failed == Failed("The file cannot be read (Is a directory).", again=True)


def test_a_change_while_reading_is_noticed(worker, tmp_path):
    path = write_music(tmp_path / "a.flac", 2.0)

    def grow():
        with open(path, "ab") as file:
            file.write(b"more")

    failed = messages(worker, path, meanwhile=grow)[-1]
    assert "changed while it was read" in failed.reason and failed.again
    copy = write_music(tmp_path / "b.flac", 2.0)
    failed = messages(worker, path, meanwhile=lambda: os.replace(copy, path))[-1]
    assert "changed while it was read" in failed.reason
    assert "deleted or moved" in messages(worker, path, meanwhile=path.unlink)[-1].reason


@pytest.mark.needs("posix")
def test_a_worker_that_hangs_or_crashes_is_replaced(song):
    worker = DecodingWorker(stall_seconds=60.0)
    try:
        assert isinstance(messages(worker, song)[-1], Decoded)
        os.kill(worker.process.pid, signal.SIGSTOP)
        worker._stall_seconds = 0.5  # not before: on a busy machine a process takes longer to start
        assert messages(worker, song) == [Failed("The decoder made no progress for 0.5 s and was ended.")]
        worker._stall_seconds = 60.0
        assert isinstance(messages(worker, song)[-1], Decoded)
        os.kill(worker.process.pid, signal.SIGSEGV)
        assert messages(worker, song) == [Failed(f"The decoder crashed on this file (exit code {-signal.SIGSEGV}).")]
        assert isinstance(messages(worker, song)[-1], Decoded)
        worker.process.kill()  # as a system without memory does: another time, the file may be fine
        (failed,) = messages(worker, song)
        assert "memory" in failed.reason and failed.again
        worker.process.kill()
        worker._start()
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(MusicTagError, match="could not start .*__main__"):
            messages(worker, song)
    finally:
        worker.stop()


def test_a_long_track_is_cut_in_bounded_memory():
    read_so_far = 0

    def blocks():
        nonlocal read_so_far
        for _ in range(1000):
            read_so_far += 1000
            yield np.zeros(1000, np.float32)

    chunkings = {
        "short": Chunking(chunk_samples=100, hop_samples=100),
        "long": Chunking(chunk_samples=9000, hop_samples=9000),
    }
    ends, ahead = dict.fromkeys(chunkings, 0), 0
    for key, samples in cut_all(blocks(), chunkings):
        ends[key] += len(samples)
        ahead = max(ahead, read_so_far - min(ends.values()))
    assert ends == {"short": 1_000_000, "long": 1_008_000}  # the last long chunk ends with the track
    assert ahead <= 20_000
