import hashlib
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_musictag import ChecksumError
from keras_musictag.zoo import assign_weights, read_weights, save_weights


def values(model):
    """The model's weights as they are now, by key."""
    return {variable.path: variable.numpy().copy() for variable in model.weights}


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)


def test_what_was_saved_is_read_bit_for_bit(tiny, tmp_path):
    save_weights(tiny, tmp_path / "w.safetensors")
    found = read_weights(tmp_path / "w.safetensors")
    assert_equal(found, values(tiny))
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


def test_keys_are_layer_and_variable(tiny, tmp_path):
    save_weights(tiny, tmp_path / "w.safetensors")
    keys = set(read_weights(tmp_path / "w.safetensors"))
    assert {"conv1/kernel", "conv1/bias", "conv5_norm/moving_variance", "logits/kernel"} <= keys
    assert all(re.fullmatch(r"[a-z0-9_]+/[a-z_]+", key) for key in keys)


def test_assigned_to_another_model_they_give_equal_scores(tiny, new_tiny, tmp_path, chunks):
    other = new_tiny(seed=1)
    expected = tiny.predict_on_batch(chunks)
    assert not np.array_equal(other.predict_on_batch(chunks), expected)
    save_weights(tiny, tmp_path / "w.safetensors")
    assign_weights(other, read_weights(tmp_path / "w.safetensors"), "w.safetensors")
    np.testing.assert_array_equal(other.predict_on_batch(chunks), expected)


def test_half_stores_kernels_as_float16_and_vectors_as_float32(tiny, tmp_path):
    save_weights(tiny, tmp_path / "w.safetensors", half=True)
    found = read_weights(tmp_path / "w.safetensors")
    for key, array in values(tiny).items():
        dtype = np.float16 if key.endswith("/kernel") else np.float32
        assert found[key].dtype == dtype, key
        np.testing.assert_array_equal(found[key], array.astype(dtype), err_msg=key)


def test_half_assigned_to_a_model_leaves_its_float32(tiny, new_tiny, tmp_path):
    save_weights(tiny, tmp_path / "w.safetensors", half=True)
    other = new_tiny(seed=1)
    assign_weights(other, read_weights(tmp_path / "w.safetensors"), "w.safetensors")
    kernel = other.get_layer("conv2").kernel.numpy()
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, tiny.get_layer("conv2").kernel.numpy().astype(np.float16))


@pytest.mark.parametrize("half", [False, True])
def test_the_same_weights_give_the_same_bytes(new_tiny, tmp_path, half):
    for number in (1, 2):
        save_weights(new_tiny(seed=5), tmp_path / f"{number}", half=half)
    save_weights(new_tiny(seed=6), tmp_path / "3", half=half)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes() != (tmp_path / "3").read_bytes()


@pytest.fixture
def file(tiny, tmp_path):
    save_weights(tiny, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_the_right_hash_is_accepted(file, tiny):
    found = read_weights(file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert_equal(found, values(tiny))


def test_a_wrong_hash_names_the_file_and_both_hashes(file):
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(ChecksumError, match=rf"w\.safetensors is damaged .*{found}.*{'0' * 64}"):
        read_weights(file, "0" * 64)


def test_the_hash_is_checked_before_the_content_is_looked_at(tmp_path):
    (tmp_path / "w").write_bytes(b"no safetensors")
    with pytest.raises(ChecksumError, match="damaged"):
        read_weights(tmp_path / "w", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"no safetensors file", bytes(1000)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "w.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.bin is not a safetensors file"):
        read_weights(tmp_path / "w.bin")


def test_a_file_cut_short_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is not a safetensors file"):
        read_weights(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There are no weights at .*none\.safetensors;"):
        read_weights(tmp_path / "none.safetensors", "0" * 64)


def without(arrays, *keys):
    return {key: array for key, array in arrays.items() if key not in keys}


def refuses(model, arrays, match):
    """Nothing is assigned if `arrays` do not fit, although each of them alone would change the model."""
    before = values(model)
    with pytest.raises(ValueError, match=match):
        assign_weights(model, {key: array + 1 for key, array in arrays.items()}, "file.safetensors")
    assert_equal(values(model), before)


def test_a_missing_key_is_named_and_nothing_is_assigned(new_tiny):
    model = new_tiny()
    refuses(
        model,
        without(values(model), "logits/bias"),
        r"file\.safetensors does not fit vgg\. Missing: logits/bias\. Not used: nothing",
    )


def test_a_key_too_many_is_named_and_nothing_is_assigned(new_tiny):
    model = new_tiny()
    refuses(model, {**values(model), "conv6/bias": np.zeros(3)}, r"Missing: nothing\. Not used: conv6/bias")


def test_three_missing_keys_are_named_and_the_others_counted(new_tiny):
    model = new_tiny()
    keys = sorted(values(model))[:5]
    refuses(model, without(values(model), *keys), rf"Missing: {', '.join(keys[:3])} and 2 more")


def test_a_wrong_shape_is_named_and_nothing_is_assigned(new_tiny):
    model = new_tiny()
    last = model.weights[-1].path
    arrays = values(model)
    arrays[last] = np.zeros((7,), np.float32)
    refuses(model, arrays, rf"{last} has shape \(7,\), expected \(2,\)")


def test_weights_of_another_size_of_network_do_not_fit(tiny, new_tiny, tmp_path):
    save_weights(new_tiny(filters=4), tmp_path / "four")
    refuses(tiny, read_weights(tmp_path / "four"), r"kernel has shape|has shape \(4,\)")


def test_weights_of_any_float_type_are_cast(new_tiny, tmp_path):
    model = new_tiny()
    save_file({key: array.astype(np.float64) + 1 for key, array in values(model).items()}, tmp_path / "w")
    expected = {key: array + 1 for key, array in values(model).items()}
    assign_weights(model, read_weights(tmp_path / "w"), "w")
    for key, array in values(model).items():
        # float64 + 1 rounded to float32 against float32 + 1: the same to one rounding step
        np.testing.assert_allclose(array, expected[key], rtol=2e-7, err_msg=key)
