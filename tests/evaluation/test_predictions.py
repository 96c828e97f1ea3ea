import numpy as np
import pytest

from keras_musictag.errors import UnknownNameError
from keras_musictag.evaluation import Predictions, Source
from tests.evaluation.simulate import CHUNKS, TAGS, simulate

SOURCE = Source("folder", "1", "seed 0", "ab", "test")


def small(**changes):
    content = {
        "model": "m",
        "source": SOURCE,
        "vocabulary": ["rock", "piano"],
        "track_ids": ("a", "b", "c"),
        "targets": [[1, 0], [0, 1], [1, 1]],
        "scores": [[0.9, 0.1], [0.2, 0.8], [0.6, 0.7]],
    }
    return Predictions(**{**content, **changes})


def test_a_chunk_has_its_tracks_targets():
    said = small(chunk_scores=np.arange(8).reshape(4, 2) / 8, chunk_tracks=[1, 0, 2, 1])
    targets, scores, tracks = said.rows("chunk")
    assert targets.astype(int).tolist() == [[0, 1], [1, 0], [1, 1], [0, 1]]
    assert scores is said.chunk_scores
    assert tracks.tolist() == [1, 0, 2, 1]
    assert said.levels == ("track", "chunk")


def test_without_chunk_scores_there_is_one_level():
    assert small().levels == ("track",)
    with pytest.raises(UnknownNameError, match="no level 'chunk'"):
        small().rows("chunk")


def test_a_subset_has_its_tracks_and_their_chunks():
    said = small(subsets=("x", "", "x"), chunk_scores=np.arange(8).reshape(4, 2) / 8, chunk_tracks=[1, 0, 2, 1])
    part = said.subset("x")
    assert part.track_ids == ("a", "c")
    assert part.targets.tolist() == said.targets[[0, 2]].tolist()
    assert part.scores.tolist() == said.scores[[0, 2]].tolist()
    assert part.chunk_scores.tolist() == said.chunk_scores[[1, 2]].tolist()
    assert part.chunk_tracks.tolist() == [0, 1]
    with pytest.raises(UnknownNameError, match="no subset 'y'"):
        said.subset("y")


def test_the_source_comes_from_dataset_json():
    info = {"dataset": "mtat", "dataset_version": "1", "split": "cleaned", "split_sha256": "ff", "storage": "pcm"}
    assert Source.of(info, "valid", "noise") == Source("mtat", "1", "cleaned", "ff", "valid", "noise")


def test_the_simulation_is_complete():
    said = simulate()
    assert said.scores.shape == (150, len(TAGS)) and len(said.chunk_scores) == 150 * CHUNKS
    assert np.array_equal(said.targets, simulate(quality=0.1, noise=5).targets)


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"scores": np.full((3, 2), np.nan)}, "`scores` must be finite. Received: nan in row 0, tag 0"),
        ({"scores": np.zeros((2, 2))}, "`scores` must be numbers of shape \\(3, 2\\)"),
        ({"scores": np.zeros((3, 2)).astype(str)}, "`scores` must be numbers"),
        ({"targets": np.zeros((3, 3))}, "`targets` must be 0 or 1, \\(tracks, tags\\) = \\(3, 2\\)"),
        ({"targets": np.full((3, 2), 0.5)}, "`targets` must be 0 or 1"),
        ({"track_ids": ("a", "b", "b")}, "name each track once. Received twice: 'b'"),
        ({"subsets": ("x",)}, "`subsets` must have one entry per track, 3. Received: 1"),
        ({"subsets": ("all", "x", "x")}, "must not be called 'all'"),
        ({"chunk_scores": np.zeros((4, 2))}, "must both be given"),
        ({"chunk_scores": np.zeros((2, 2)), "chunk_tracks": [0, 1]}, "each of the 3 rows of tracks at least once"),
        ({"chunk_scores": np.zeros((3, 2)), "chunk_tracks": [0, 1, 3]}, "each of the 3 rows"),
        ({"chunk_scores": np.zeros((3, 2)), "chunk_tracks": [0.0, 1.0, 2.0]}, "whole numbers"),
        ({"chunk_scores": np.zeros((4, 2)), "chunk_tracks": [0, 1, 2]}, "`chunk_scores` must be numbers of shape"),
        ({"model": ""}, "`model` must be a name"),
        ({"facts": {"parameters": np.float32(3)}}, "`facts` must be plain data"),
        ({"facts": {"speed": float("inf")}}, "`facts` must be plain data"),
    ],
)
def test_inconsistent_predictions_are_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        small(**changes)


def test_a_source_that_is_not_text_is_refused():
    with pytest.raises(ValueError, match="`split` must be a string. Received: 0"):
        Source("mtg-jamendo", "1", 0, "ab", "test")


def test_empty_subsets_are_the_same_as_no_subsets():
    assert small(subsets=("", "", "")).subsets == small().subsets == ()
