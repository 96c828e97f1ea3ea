import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_musictag
from keras_musictag import ChecksumError, Tagger, UnknownNameError, build, load
from keras_musictag.bundled_files import bundled
from keras_musictag.tags import read_tags
from keras_musictag.zoo import read_weights

# The equalities below are exact: the same weights in the same graph on the same machine.


def assert_has_published_weights(tagger, entry):
    published = read_weights(bundled("zoo") / entry / "weights.safetensors")
    assert {variable.path for variable in tagger.weights} == published.keys()
    for variable in tagger.weights:
        np.testing.assert_array_equal(variable.numpy(), published[variable.path], err_msg=variable.path)


def label(value):
    """A parameter's id: a folder is named without its parents, so that ids do not depend on the checkout."""
    return f"folder {value.name}" if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(
    "arguments, entry",
    [
        (("musicnn",), "musicnn-mtat-v1"),
        (("musicnn", "default"), "musicnn-mtat-v1"),
        (("vgg", "mtat"), "vgg-mtat-v1"),
        (("vgg", "msd"), "vgg-msd-v1"),
        (("musicnn", "msd"), "musicnn-msd-v1"),
        (("musicnn", "musicnn-msd-v1"), "musicnn-msd-v1"),
        (("vgg-msd-v1",), "vgg-msd-v1"),
        (("vgg-msd-v1", "msd"), "vgg-msd-v1"),
        (("vgg-msd-v1", "vgg-msd-v1"), "vgg-msd-v1"),
        ((bundled("zoo") / "vgg-msd-v1",), "vgg-msd-v1"),
        ((bundled("zoo") / "vgg-mtat-v1", "mtat"), "vgg-mtat-v1"),
    ],
    ids=lambda value: " ".join(map(label, value)) if isinstance(value, tuple) else "",
)
def test_every_way_to_name_an_entry_loads_it(arguments, entry):
    tagger = load(*arguments)
    assert isinstance(tagger, Tagger)
    assert tagger.name == entry
    assert tagger.vocabulary == read_tags(bundled("tfrecords") / entry.split("-")[1] / "tags.txt")
    assert_has_published_weights(tagger, entry)


def test_a_folder_in_the_working_directory_needs_no_slash(monkeypatch):
    monkeypatch.chdir(bundled("zoo"))
    assert load(Path("vgg-msd-v1")).name == load("vgg-msd-v1").name == load("./vgg-msd-v1/").name == "vgg-msd-v1"


def test_the_public_name_is_this_function():
    assert keras_musictag.load is load
    assert keras_musictag.build is build


def test_a_users_entry_is_loaded_by_name_and_dataset(edited_entry):
    edited_entry("vgg-jam-v1", lambda card: (card.update(name="vgg-jam-v1"), card["trained_on"].update(dataset="jam")))
    for tagger in (load("vgg-jam-v1"), load("vgg", weights="jam")):
        assert tagger.name == "vgg-jam-v1"
        assert_has_published_weights(tagger, "vgg-mtat-v1")  # it is a copy of it


@pytest.mark.parametrize("model", ["vgg", "vgg-mtat-v1", bundled("zoo") / "vgg-mtat-v1"], ids=label)
def test_random_weights_keep_the_default_entrys_tags(model, chunks):
    keras.utils.set_random_seed(0)
    tagger = load(model, weights=None)
    assert tagger.vocabulary == read_tags(bundled("tfrecords") / "mtat" / "tags.txt")
    published = read_weights(bundled("zoo") / "vgg-mtat-v1" / "weights.safetensors")
    kernels = [variable for variable in tagger.weights if variable.path.endswith("/kernel")]
    assert len(kernels) == 6
    assert not any(np.array_equal(kernel.numpy(), published[kernel.path]) for kernel in kernels)
    scores = tagger.predict_on_batch(chunks)
    assert np.abs(scores - load("vgg").predict_on_batch(chunks)).max() > 0.1  # untrained: all near 0.5


def test_random_weights_follow_the_seed():
    def kernel(seed):
        keras.utils.set_random_seed(seed)
        return load("vgg", weights=None).get_layer("conv3").kernel.numpy()

    np.testing.assert_array_equal(kernel(1), kernel(1))
    assert not np.array_equal(kernel(1), kernel(2))


def test_build_makes_a_tagger_of_any_tags():
    tagger = build("vgg", tags=["calm", "wild"])
    assert (tagger.name, tagger.output_shape, list(tagger.vocabulary)) == ("vgg", (None, 2), ["calm", "wild"])


def test_build_suggests_the_nearest_architecture():
    with pytest.raises(UnknownNameError, match=r"no architecture 'vggg'\. Did you mean 'vgg'\?"):
        build("vggg", tags=["calm"])


@pytest.mark.parametrize(
    "model, meant", [("musicn", "musicnn"), ("MusiCNN", "musicnn"), ("vgg-mtat-v2", "vgg-mtat-v1")]
)
def test_an_unknown_model_gets_the_nearest_as_a_suggestion(model, meant):
    with pytest.raises(
        UnknownNameError, match=rf"There is no model '{model}'\. Did you mean '{meant}'\? Known: .*musicnn, "
    ):
        load(model)


@pytest.mark.parametrize("model", [None, 3, ["musicnn"], b"musicnn"])
def test_what_is_neither_a_name_nor_a_path_is_refused(model):
    with pytest.raises(ValueError, match="`model` must be a name or a path"):
        load(model)


@pytest.mark.parametrize("model", ["no/such/entry", "./nowhere", "nothing.keras", Path("musicnn"), Path("nothing")])
def test_a_path_that_does_not_exist_is_named(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"There is no model at {Path(model)}"):
        load(model)


def test_a_folder_without_a_card_is_not_an_entry(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a zoo entry: it has no card\.json"):
        load(tmp_path)


@pytest.mark.parametrize("model", ["musicnn-msd-v1", bundled("zoo") / "musicnn-msd-v1"], ids=label)
@pytest.mark.parametrize("weights", ["mtat", "musicnn-mtat-v1", "vgg-msd-v1"])
def test_an_entry_with_other_weights_is_a_contradiction(model, weights):
    with pytest.raises(ValueError, match=rf"'musicnn-msd-v1' has its own weights.*'msd'.*weights='{weights}'"):
        load(model, weights=weights)


def test_the_advice_after_a_contradiction_works():
    with pytest.raises(ValueError, match=r"load\('musicnn', weights='mtat'\)"):
        load("musicnn-msd-v1", weights="mtat")
    assert load("musicnn", weights="mtat").name == "musicnn-mtat-v1"


@pytest.mark.parametrize("weights", ["gtzan", "vgg-mtat-v1", "random", 3])
def test_unknown_weights_list_those_of_the_architecture(weights):
    with pytest.raises(
        UnknownNameError,
        match=rf"weights of 'musicnn' called {weights!r}.*Known: mtat, msd, musicnn-mtat-v1, musicnn-msd",
    ):
        load("musicnn", weights=weights)


def test_without_published_weights_the_error_says_what_to_do():
    for weights in ("default", "mtat"):
        with pytest.raises(UnknownNameError, match=r"no published weights of 'short_chunk_cnn'\. .*build\(.*musicnn, "):
            load("short_chunk_cnn", weights=weights)
    with pytest.raises(
        ValueError, match=r"'short_chunk_cnn' has no published weights to take the tags from.*Pass tags="
    ):
        load("short_chunk_cnn", weights=None)


def test_a_misspelt_dataset_gets_the_dataset_as_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'mtat'\?"):
        load("musicnn", weights="mtta")


@pytest.mark.parametrize("position", [0.0, 0.01, 0.5, 1.0], ids=["first", "header", "middle", "last"])
def test_a_single_flipped_bit_in_the_weights_is_found(edited_entry, position):
    folder = edited_entry("vgg-mtat-v1")
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[int(position * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"weights\.safetensors is damaged or was replaced"):
        load(folder)


def test_the_weights_of_another_entry_in_its_place_are_found(edited_entry):
    folder = edited_entry("vgg-mtat-v1")
    shutil.copy(bundled("zoo") / "vgg-msd-v1" / "weights.safetensors", folder)
    with pytest.raises(ChecksumError, match="was replaced"):
        load(folder)


def test_missing_weights_are_named(edited_entry):
    folder = edited_entry("vgg-mtat-v1")
    (folder / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"There are no weights at .*vgg-mtat-v1/weights\.safetensors;"):
        load(folder)


def test_a_card_of_another_network_than_its_weights_is_refused(edited_entry):
    folder = edited_entry("vgg-mtat-v1", lambda card: card["model"]["architecture"]["config"].update(filters=64))
    with pytest.raises(ValueError, match=r"weights\.safetensors does not fit vgg-mtat-v1: .* has shape"):
        load(folder)


@pytest.mark.parametrize("part, setting", [("architecture", "filters"), ("frontend", "mel_norm"), ("frontend", "gain")])
def test_a_card_with_a_missing_setting_is_refused(edited_entry, part, setting):
    folder = edited_entry("vgg-mtat-v1", lambda card: card["model"][part]["config"].pop(setting))
    with pytest.raises(ValueError, match=f"is missing the settings: {setting}"):
        load(folder)


@pytest.mark.parametrize("part", ["architecture", "frontend", "chunking", "tags", "classifier_activation"])
def test_a_card_with_a_missing_part_of_the_model_is_refused(edited_entry, part):
    folder = edited_entry("vgg-mtat-v1", lambda card: card["model"].pop(part))
    with pytest.raises(ValueError, match=part):
        load(folder)


def test_a_card_whose_model_has_an_unknown_part_is_refused(edited_entry):
    folder = edited_entry("vgg-mtat-v1", lambda card: card["model"].update(classifier="softmax"))
    with pytest.raises((ValueError, UnknownNameError), match="classifier"):
        load(folder)


def test_a_card_without_a_hash_is_refused(edited_entry):
    folder = edited_entry("vgg-mtat-v1", lambda card: card["weights"].update(sha256=None))
    with pytest.raises((ValueError, ChecksumError), match="sha256"):
        load(folder)


def test_a_renamed_entry_is_found_by_its_folder(edited_entry):
    folder = edited_entry("other", lambda card: card.update(name="vgg-jam-v1"))
    assert load(folder).name == load("other").name == "vgg-jam-v1"


@pytest.fixture(scope="module")
def saved(musicnn, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "musicnn.keras"
    musicnn.save(path)
    return path


def test_a_keras_file_gives_the_tagger_that_was_saved(saved, musicnn, chunks):
    for path in (saved, str(saved)):
        tagger = load(path)
        assert (type(tagger), tagger.name, tagger.spec) == (Tagger, musicnn.name, musicnn.spec)
    np.testing.assert_array_equal(tagger.predict_on_batch(chunks), musicnn.predict_on_batch(chunks))


@pytest.mark.parametrize("weights", [None, "mtat", "musicnn-mtat-v1"])
def test_a_keras_file_takes_no_other_weights(saved, weights):
    with pytest.raises(ValueError, match=rf"has its own weights\. Received: weights={weights!r} with .*\.keras"):
        load(saved, weights=weights)


def test_a_keras_file_of_another_model_is_not_a_tagger(tmp_path):
    path = tmp_path / "plain.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(ValueError, match=r"plain\.keras holds a Sequential, not a Tagger: it has no tags"):
        load(path)


def repacked(path, target, edit):
    """A copy of a zip file with each of its files' content replaced by `edit(name, content)`."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as out:
        for name in source.namelist():
            content = edit(name, source.read(name))
            if content is not None:
                out.writestr(name, content)
    return target


def cut_in_half(path, target):
    target.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return target


def empty(path, target):
    target.write_bytes(b"")
    return target


def text(path, target):
    target.write_text("musicnn")
    return target


def another_zip(path, target):
    return repacked(path, target, lambda name, content: None)


def weights_missing(path, target):
    return repacked(path, target, lambda name, content: None if name.endswith(".h5") else content)


def weights_cut(path, target):
    return repacked(path, target, lambda name, content: content[:50000] if name.endswith(".h5") else content)


def config_cut(path, target):
    return repacked(path, target, lambda name, content: content[:300] if name == "config.json" else content)


def other_shapes(path, target):
    return repacked(path, target, lambda name, content: content.replace(b'"units": 200', b'"units": 100'))


DAMAGES = [cut_in_half, empty, text, another_zip, weights_missing, weights_cut, config_cut, other_shapes]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_keras_file_is_named_in_one_line(saved, tmp_path, damage):
    path = damage(saved, tmp_path / "damaged.keras")
    assert path.read_bytes() != saved.read_bytes()
    with pytest.raises(ValueError, match=r"damaged\.keras (could not|is not) .*Is it damaged\?") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_keras_file_with_a_flipped_bit_is_named(saved, tmp_path):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "damaged.keras"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.keras could not be loaded"):
        load(path)
