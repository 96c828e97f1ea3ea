"""VGG of the PyPI package: parameters, shapes, and the outputs of the original layer by layer."""

import pytest

from keras_musictag import build
from tests.architectures import musicnn_package

SHAPES = {
    "pool1": (None, 92, 48, 128),
    "pool2": (None, 46, 24, 128),
    "pool3": (None, 23, 12, 128),
    "pool4": (None, 11, 6, 128),
    "pool5": (None, 2, 1, 128),
    "flatten": (None, 256),
}


def test_parameters_and_shapes_are_those_of_the_package():
    tagger = build("vgg", tags=[f"tag{i}" for i in range(50)])
    assert sum(weight.shape.num_elements() for weight in tagger.trainable_weights) == 605_748
    assert {name: tagger.get_layer(name).output.shape for name in SHAPES} == SHAPES


@pytest.mark.needs("shared")
@pytest.mark.parametrize("entry", ["vgg-mtat-v1", "vgg-msd-v1"])
@pytest.mark.parametrize("layer, key", [("pool5", "pool5_w0"), ("flatten", "penultimate"), ("logits", "logits")])
def test_each_stage_equals_the_original(entry, layer, key):
    musicnn_package.check_stage(entry, layer, key)
