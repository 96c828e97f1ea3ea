"""Keras settings do not change the networks, and the settings of the user are restored."""

import threading

import keras
import numpy as np
import pytest

from keras_musictag import Tagger, architectures, build
from keras_musictag.layers.keras_settings import SETTINGS, own_settings
from keras_musictag.runtimes.export_network import exported_network
from keras_musictag.tagger.features import ClipFeatures
from tests.checks import signals

config = keras.config


@pytest.fixture
def odd_settings():
    """Sets every setting to another value, and the dtype policy that Keras derives from `floatx`."""
    before, policy = [read() for read, _, _ in SETTINGS], config.dtype_policy()
    odd = ["channels_first", "float16", 0.1, 1, 2]
    for (_, write, _), value in zip(SETTINGS, odd, strict=True):
        write(value)
    config.set_dtype_policy("float16")
    yield odd
    for (_, write, _), value in zip(SETTINGS, before, strict=True):
        write(value)
    config.set_dtype_policy(policy)


def current():
    return [read() for read, _, _ in SETTINGS]


def layers_of(model):
    return [layer.get_config() for layer in model.layers]


@pytest.mark.parametrize("name", architectures.names())
def test_settings_do_not_change_how_networks_are_built(name, request):
    expected = layers_of(build(name, ["a", "b"]))
    odd = request.getfixturevalue("odd_settings")
    tagger = build(name, ["a", "b"])
    assert layers_of(tagger) == expected  # including data formats, dtype policies and epsilons
    assert {variable.dtype for variable in tagger.trainable_weights} == {"float32"}
    assert current() == odd and config.dtype_policy().name == "float16"


def test_settings_do_not_change_scores_exports_and_files(vgg, tmp_path, request):
    batch = signals(vgg.spec.chunking.chunk_samples)
    vgg.save(tmp_path / "vgg.keras")
    run = Tagger(vgg.spec).runner  # compiled under the odd settings
    expected = vgg.runner()(batch)
    exported = exported_network(vgg).predict_on_batch(batch)["scores"]
    request.getfixturevalue("odd_settings")
    assert run()(batch).dtype == np.float32
    again = keras.saving.load_model(tmp_path / "vgg.keras")
    np.testing.assert_array_equal(again.runner()(batch), expected)
    np.testing.assert_array_equal(exported_network(vgg).predict_on_batch(batch)["scores"], exported)


def test_settings_do_not_change_stored_features(request):
    samples = signals(16000)[0]
    expected = ClipFeatures("fcn").load()(samples)
    request.getfixturevalue("odd_settings")
    np.testing.assert_array_equal(ClipFeatures("fcn").load()(samples), expected)


def test_float32_waveforms_are_not_rounded():
    policy = config.dtype_policy()
    config.set_dtype_policy("mixed_float16")
    try:
        tagger = build("sample_cnn", ["a"], precision="float32")
        assert build("sample_cnn", ["a"]).precision == "float16"  # without `precision`, the global policy applies
    finally:
        config.set_dtype_policy(policy)
    assert tagger.get_layer("waveform_channel").compute_dtype == "float32"


def test_the_error_names_an_unsupported_policy():
    policy = config.dtype_policy()
    config.set_dtype_policy("float64")
    try:
        with pytest.raises(ValueError, match="global dtype policy is 'float64'.*precision='float32'"):
            build("vgg", ["a"])
    finally:
        config.set_dtype_policy(policy)


def test_settings_are_restored_after_errors_and_in_threads(odd_settings):
    inside, leave = threading.Event(), threading.Event()

    def other():
        with own_settings():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with pytest.raises(KeyError), own_settings():
        thread.start()
        inside.wait(60)
        raise KeyError
    assert current() == [value for _, _, value in SETTINGS]  # the other thread still needs them
    leave.set()
    thread.join()
    assert current() == odd_settings


def test_the_policy_of_a_new_thread_follows_floatx(odd_settings):
    found = []

    def first_use():
        with own_settings():
            found.append(config.dtype_policy().name)
        found.append(config.dtype_policy().name)

    thread = threading.Thread(target=first_use)
    thread.start()
    thread.join()
    assert found == ["float32", "float16"]
