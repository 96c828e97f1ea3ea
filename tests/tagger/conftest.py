import pytest

import keras_musictag as kmt


@pytest.fixture(scope="session")
def tagger():
    return kmt.load("musicnn")


@pytest.fixture(scope="session")
def clip():
    """The demo clip, decoded: float32 mono at 16 kHz."""
    from keras_musictag.audio import read

    return read(kmt.demo_clip()).samples
