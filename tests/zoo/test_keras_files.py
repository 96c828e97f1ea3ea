"""Files that Keras's callbacks and TensorFlow write are loaded, or the error says what to do."""

import keras
import numpy as np
import pytest

from keras_musictag import build, load


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tagger after a step, and a folder with everything that Keras and TensorFlow save of it."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("callbacks")
    tagger = build("vgg", ["calm", "wild"])
    batch = np.random.RandomState(0).uniform(-0.1, 0.1, (2, tagger.spec.chunking.chunk_samples)).astype(np.float32)
    tagger.compile("adam", "binary_crossentropy")
    callbacks = keras.callbacks
    saving = [
        callbacks.ModelCheckpoint(folder / "whole.keras"),
        callbacks.ModelCheckpoint(folder / "whole.h5"),
        callbacks.ModelCheckpoint(folder / "only.weights.h5", save_weights_only=True),
        callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False),
    ]
    tagger.fit(batch, np.eye(2, dtype=np.float32), epochs=1, verbose=0, callbacks=saving)
    tagger.save_weights(folder / "parts.weights.json", max_shard_size=0.002)
    tf.train.Checkpoint(model=tagger).save(str(folder / "checkpoints" / "step"))
    (folder / "savedmodel").mkdir()
    (folder / "savedmodel" / "saved_model.pb").touch()
    (folder / "run").mkdir()
    (folder / "run" / "model.keras").touch()
    (folder / "renamed.h5").write_bytes((folder / "only.weights.h5").read_bytes())
    return tagger, folder


def assert_same(tagger, expected):
    assert list(tagger.vocabulary) == ["calm", "wild"]
    for one, other in zip(tagger.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["whole.keras", "whole.h5"])
def test_a_whole_model_is_loaded(trained, name):
    tagger, folder = trained
    (folder / "whole.index").touch()  # of something else
    assert_same(load(folder / name), tagger)


@pytest.mark.parametrize("name", ["missing.keras", "missing.h5", "missing.weights.h5"])
def test_a_missing_file_is_not_an_unknown_name(name):
    with pytest.raises(FileNotFoundError, match=f"There is no model at {name}"):
        load(name)


@pytest.mark.parametrize(
    "name", ["whole.keras", "whole.h5", "only.weights.h5", "backup/latest.weights.h5", "parts.weights.json"]
)
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_weights_are_loaded_into_a_named_architecture(trained, name, kind):
    tagger, folder = trained
    assert_same(load("vgg", weights=kind(folder / name), tags=["calm", "wild"]), tagger)


@pytest.mark.parametrize(
    "name, cause",
    [
        ("only.weights.h5", r"holds only weights.*weights='.*only\.weights\.h5'"),
        ("parts.weights.json", "holds only weights"),
        ("renamed.h5", r"holds only weights\. Rename it to end in \.weights\.h5"),
        ("backup", r"BackupAndRestore.*weights='.*latest\.weights\.h5'"),
        ("savedmodel", r"is a SavedModel.*tagger\.save.*kmt\.export"),
        ("savedmodel/saved_model.pb", "is a SavedModel"),
        ("checkpoints", r"TensorFlow checkpoint.*tf\.train\.Checkpoint"),
        ("checkpoints/step-1", "TensorFlow checkpoint"),
        ("checkpoints/step-1.index", "TensorFlow checkpoint"),
        ("checkpoints/step-1.data-00000-of-00001", "TensorFlow checkpoint"),
        ("run", r"holds a tagger: load .*model\.keras"),
    ],
)
def test_what_is_not_a_tagger_is_named_with_advice(trained, name, cause):
    with pytest.raises(ValueError, match=cause):
        load(trained[1] / name)
    if "weights" not in name and name != "renamed.h5":
        with pytest.raises(ValueError, match=cause):
            load("vgg", weights=str(trained[1] / name), tags=["calm", "wild"])


@pytest.mark.parametrize("name", ["only.weights.h5", "whole.h5", "renamed.h5"])
def test_weights_of_other_tags_are_refused_with_the_option(trained, name):
    with pytest.raises(ValueError, match=r"does not fit vgg with 3 outputs: .*tags=\[\.\.\.\]"):
        load("vgg", weights=trained[1] / name, tags=["one", "more", "tag"])


@pytest.mark.parametrize("name", ["not.keras", "not.h5", "not.weights.h5"])
def test_a_file_of_text_is_refused_by_name(name, tmp_path):
    (tmp_path / name).write_text("no weights")
    with pytest.raises(ValueError, match=name):
        load(tmp_path / name)
    with pytest.raises(ValueError, match=name):
        load("vgg", weights=tmp_path / name)
