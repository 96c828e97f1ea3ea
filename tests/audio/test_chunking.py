"""Tracks are cut into chunks."""

import numpy as np
import pytest

from keras_musictag.audio import Chunking, cut
from keras_musictag.errors import UnknownNameError

EIGHT = Chunking(chunk_samples=8, hop_samples=6, context_samples=1)


def track(length):
    return np.arange(1, length + 1, dtype=np.float32)  # no zeros, which are context or padding


def cut_whole(length, chunking, tail):
    return list(cut([track(length)], chunking, tail))


def test_chunks_by_hand():
    """14 samples with a zero at both ends: two whole chunks, and 3 samples that they do not cover."""
    whole = [(0, [0, 1, 2, 3, 4, 5, 6, 7]), (6, [6, 7, 8, 9, 10, 11, 12, 13])]
    last = {
        "drop": [],
        "anchor": [(8, [8, 9, 10, 11, 12, 13, 14, 0])],
        "pad": [(12, [12, 13, 14, 0, 0, 0, 0, 0])],
    }
    for tail, more in last.items():
        found = [(start, chunk.tolist()) for start, chunk in cut_whole(14, EIGHT, tail)]
        assert found == whole + more, tail


@pytest.mark.parametrize("tail", ["anchor", "pad", "drop"])
def test_a_track_covered_by_the_hops_needs_no_last_chunk(tail):
    """13 samples: the second chunk ends with the last sample; only context remains."""
    assert [start for start, _ in cut_whole(13, EIGHT, tail)] == [0, 6]


@pytest.mark.parametrize("tail", ["anchor", "pad", "drop"])
def test_a_short_track_is_one_chunk_padded_with_zeros(tail):
    (start, chunk), *more = cut_whole(3, EIGHT, tail)
    assert (start, chunk.tolist(), more) == (0, [0, 1, 2, 3, 0, 0, 0, 0], [])


@pytest.mark.parametrize("tail", ["anchor", "pad", "drop"])
@pytest.mark.parametrize("chunking", [EIGHT, Chunking(16000, 8, 3), Chunking(16000, 8, 11, 2)])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 40, 101])
def test_block_size_does_not_change_the_chunks(length, chunking, tail):
    """Chunks may overlap or leave gaps."""
    whole = cut_whole(length, chunking, tail)
    for size in (1, 2, 5, 64):
        blocks = [track(length)[i : i + size] for i in range(0, length, size)]
        pieces = list(cut(blocks, chunking, tail))
        assert [start for start, _ in pieces] == [start for start, _ in whole]
        np.testing.assert_array_equal([c for _, c in pieces], [c for _, c in whole])


@pytest.mark.parametrize("length", [8, 9, 40, 101])
@pytest.mark.parametrize("tail", ["anchor", "pad"])
def test_every_sample_is_in_a_chunk(length, tail):
    covered = np.concatenate([chunk for _, chunk in cut_whole(length, EIGHT, tail)])
    assert set(track(length)) <= set(covered)


def test_at_most_a_chunk_and_a_block_are_held():
    """The stream is read only as far as the next chunk needs it."""
    taken = []

    def blocks():
        for i in range(1000):
            taken.append(i)
            yield np.ones(4, np.float32)

    chunks = cut(blocks(), Chunking(16000, 8, 8))
    next(chunks), next(chunks)
    assert len(taken) <= 5


def test_the_span_is_the_audio_in_the_chunk():
    chunking = Chunking(sample_rate_hz=10, chunk_samples=8, hop_samples=6, context_samples=1)
    assert chunking.span_seconds(0, 14) == (0.0, 0.7)
    assert chunking.span_seconds(6, 14) == (0.5, 1.3)
    assert chunking.span_seconds(8, 14) == (0.7, 1.4)


def test_the_error_names_an_unknown_tail():
    with pytest.raises(UnknownNameError, match="no tail 'anchr'. Did you mean 'anchor'"):
        list(cut([track(9)], EIGHT, "anchr"))


@pytest.mark.parametrize(
    "wrong, name",
    [({"hop_samples": 0}, "hop_samples"), ({"chunk_samples": 8, "context_samples": 4}, "context_samples")],
)
def test_the_error_names_an_invalid_setting(wrong, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        Chunking(**wrong)
