"""What the tests of the zoo share: an empty user folder, loaded taggers, edited copies of entries."""

import json
import shutil

import numpy as np
import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.user_folders import HOME_VARIABLE


@pytest.fixture(autouse=True)
def user_zoo(tmp_path, monkeypatch):
    """The user's zoo folder, which is empty, so that no test depends on the user of the machine."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    folder = tmp_path / "home" / "zoo"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def musicnn():
    """The bundled MusiCNN of MagnaTagATune. Tests do not change it."""
    from keras_musictag import load

    return load(bundled("zoo") / "musicnn-mtat-v1")


@pytest.fixture(scope="session")
def new_tiny():
    """A function that makes a small VGG of two tags; the same seed gives the same weights."""
    import keras

    from keras_musictag.architectures import vgg
    from keras_musictag.tagger import Tagger, TaggerSpec

    def make(seed=0, filters=3):
        keras.utils.set_random_seed(seed)
        return Tagger(TaggerSpec.of("vgg", ["calm", "wild"], vgg.Config(filters=filters)))

    return make


@pytest.fixture(scope="session")
def tiny(new_tiny):
    """One of them. Tests do not change it."""
    return new_tiny()


@pytest.fixture
def chunks():
    """A batch of two chunks of noise."""
    return np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48128)).astype(np.float32)


@pytest.fixture
def edited_entry(user_zoo):
    """A function that copies a bundled entry to the user's zoo and changes its card there."""

    def copy(folder, edit=lambda card: None, source="vgg-mtat-v1"):
        target = user_zoo / folder
        shutil.copytree(bundled("zoo") / source, target)
        path = target / "card.json"
        card = json.loads(path.read_text(encoding="utf-8"))
        edit(card)
        path.write_text(json.dumps(card), encoding="utf-8")
        return target

    return copy
