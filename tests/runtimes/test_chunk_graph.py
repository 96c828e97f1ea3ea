import numpy as np
import pytest
import tensorflow as tf

from keras_musictag.audio import Chunking, cut
from keras_musictag.runtimes.formats._savedmodel_signatures import chunk_starts, score_tracks, spans

# at 1 Hz, 24 seconds at a time mean two chunks of 12
CHUNKINGS = [
    Chunking(1, chunk_samples=12, hop_samples=12),
    Chunking(1, chunk_samples=12, hop_samples=8, context_samples=2),
    Chunking(1, chunk_samples=12, hop_samples=5, context_samples=3),
    Chunking(1, chunk_samples=4, hop_samples=6),
    Chunking(1, chunk_samples=30, hop_samples=30),
]
LENGTHS = range(1, 70)


def track(length):
    return np.arange(1, length + 1, dtype=np.float32)


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_chunks_of_every_length_are_those_of_the_tagger(chunking):
    tracks = tf.ragged.constant([track(n) for n in LENGTHS], dtype=tf.float32, row_splits_dtype=tf.int64)
    size = chunking.chunk_samples
    graph = tf.function(lambda tracks: score_tracks(lambda chunks: chunks, size, tracks, chunking))
    scores, starts = graph(tracks)  # the scores are the chunks themselves
    for row, length in enumerate(LENGTHS):
        expected = list(cut([track(length)], chunking))
        assert starts[row].numpy().tolist() == [start for start, _ in expected]
        np.testing.assert_array_equal(scores[row], np.stack([chunk for _, chunk in expected]))


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_spans_are_those_of_the_tagger(chunking):
    for length in LENGTHS:
        starts = chunk_starts(tf.constant([length], tf.int64), chunking)[0]
        found = np.transpose(spans(starts, tf.constant(length, tf.int64), chunking))
        assert found.tolist() == [list(chunking.span_seconds(int(start), length)) for start in starts]


def test_at_most_24_seconds_are_scored_at_once():
    sizes = []
    score_tracks(
        lambda chunks: (sizes.append(len(chunks)), chunks)[1],
        CHUNKINGS[0].chunk_samples,
        tf.RaggedTensor.from_tensor(tf.ones((3, 70)), row_splits_dtype=tf.int64),
        CHUNKINGS[0],
    )
    assert sizes == [2] * 9  # 3 tracks of 6 chunks
