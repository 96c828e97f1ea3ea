"""What the tests of engines share: a tagger with real weights, whose export is `exported_vgg_onnx`."""

import pytest

import keras_musictag as kmt


@pytest.fixture(scope="session")
def vgg():
    """The smaller of the bundled networks. Tests leave it as it is."""
    return kmt.load("vgg")
