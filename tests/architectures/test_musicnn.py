"""MusiCNN of the PyPI package: parameters, shapes, and the outputs of the original layer by layer."""

import pytest

from keras_musictag import build
from tests.architectures import musicnn_package

SHAPES = {
    "timbral38": (None, 187, 59, 204),
    "timbral67": (None, 187, 30, 204),
    "temporal128": (None, 96, 187, 51),
    "front": (None, 187, 561),
    "midend": (None, 187, 753),
    "pool_interleaved": (None, 1506),
    "dense_norm": (None, 200),
}


def test_parameters_and_shapes_are_those_of_the_paper():
    tagger = build("musicnn", tags=[f"tag{i}" for i in range(50)])
    assert sum(weight.shape.num_elements() for weight in tagger.trainable_weights) == 787_159
    assert {name: tagger.get_layer(name).output.shape for name in SHAPES} == SHAPES


@pytest.mark.needs("shared")
@pytest.mark.parametrize("entry", ["musicnn-mtat-v1", "musicnn-msd-v1"])
@pytest.mark.parametrize(
    "layer, key",
    [
        ("midend1_norm", "cnn1"),
        ("midend2_sum", "cnn2"),
        ("midend3_sum", "cnn3"),
        ("pool_max", "max_pool"),
        ("pool_mean", "mean_pool"),
        ("dense_norm", "penultimate"),
        ("logits", "logits"),
    ],
)
def test_each_stage_equals_the_original(entry, layer, key):
    musicnn_package.check_stage(entry, layer, key)
