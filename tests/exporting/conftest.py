"""What the tests of exports share: a tagger with real weights, and a small one."""

import pytest

import keras_musictag as kmt


@pytest.fixture(scope="session")
def vgg():
    """The smaller of the bundled networks. Tests leave it as it is."""
    return kmt.load("vgg")


@pytest.fixture(scope="session")
def tiny():
    """A VGG of three filters and two tags, random weights. Tests leave it as it is."""
    import keras

    from keras_musictag.architectures import vgg
    from keras_musictag.tagger import Tagger, TaggerSpec

    keras.utils.set_random_seed(0)
    return Tagger(TaggerSpec.of("vgg", ["calm", "wild"], vgg.Config(filters=3)))
