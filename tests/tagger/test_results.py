"""What a tagger returns for a track, and the picture of it."""

import numpy as np
import pytest
from matplotlib.image import imread

from keras_musictag.tagger import Taggram
from keras_musictag.tagger.results import TrackFacts
from keras_musictag.tags import Vocabulary


@pytest.fixture
def taggram():
    return Taggram(
        scores=np.float32([[0.0, 0.5, 1.0], [0.5, 0.0, 1.0]]),
        start_seconds=np.array([0.0, 2.0]),
        end_seconds=np.array([2.0, 3.5]),
        vocabulary=Vocabulary(("a", "b", "$c$")),  # a tag is text, never a formula
        track=TrackFacts("song.mp3", 3.5, 2, ("A note.",)),
    )


def test_merging_by_hand(taggram):
    result = taggram.merge("mean", top=2)
    assert result.tags == [("$c$", 1.0), ("a", 0.25)]  # if scores are equal, the first in the vocabulary
    assert (result.duration_seconds, result.bad_packets, result.notes) == (3.5, 2, ("A note.",))


def test_plain_data(taggram):
    assert taggram.merge("max", top=1).to_dict() == {
        "track": "song.mp3",
        "duration_seconds": 3.5,
        "chunks": 2,
        "bad_packets": 2,
        "notes": ["A note."],
        "tags": [{"tag": "$c$", "score": 1.0}],
    }


def test_the_plot_is_dark_where_a_tag_applies(taggram, tmp_path):
    taggram.plot(tmp_path / "taggram.png")
    image = imread(tmp_path / "taggram.png")[..., :3]
    assert image.shape[1] == 1200  # 10 inches
    # the top row is the highest tag: score 1 is the darkest colour, score 0 the lightest
    assert (image.sum(axis=2) < 0.2).sum() > 10_000


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_other_formats(taggram, tmp_path, ending):
    taggram.plot(tmp_path / f"taggram.{ending}", top=1)
    assert (tmp_path / f"taggram.{ending}").stat().st_size > 1000
