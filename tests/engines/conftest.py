"""What the tests of engines share: a tagger with real weights and its export."""

import pytest

import keras_musictag as kmt
from keras_musictag.exporting import export


@pytest.fixture(scope="session")
def vgg():
    """The smaller of the bundled networks. Tests leave it as it is."""
    return kmt.load("vgg")


@pytest.fixture(scope="session")
def folder(vgg, tmp_path_factory):
    """Its export. Tests leave it as it is."""
    path = tmp_path_factory.mktemp("exports") / "vgg"
    export(vgg, "onnx", path)
    return path
