"""What the tests of exports share: taggers with real weights, a small one, and their outputs in Keras."""

import pytest

import keras_musictag as kmt


@pytest.fixture(scope="session")
def musicnn():
    """The larger of the bundled networks; the other is `vgg`. Tests do not change it."""
    return kmt.load("musicnn")


@pytest.fixture(scope="session")
def musicnn_expected(musicnn):
    """Its outputs for each signal."""
    from keras_musictag.runtimes.check_signals import keras_outputs

    return keras_outputs(musicnn, "waveform")


@pytest.fixture(scope="session")
def musicnn_of_log_mel(musicnn):
    """Its outputs for the features of each signal."""
    from keras_musictag.runtimes.check_signals import keras_outputs

    return keras_outputs(musicnn, "log-mel")


@pytest.fixture(scope="session")
def tiny():
    """A VGG of three filters and two tags, random weights. Tests do not change it."""
    import keras

    from keras_musictag.architectures import vgg
    from keras_musictag.tagger import Tagger, TaggerSpec

    keras.utils.set_random_seed(0)
    return Tagger(TaggerSpec.of("vgg", ["calm", "wild"], vgg.Config(filters=3)))
