"""The network that is exported gives what the tagger gives, on the tagger's weights."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.frontends import log_mel
from keras_musictag.runtimes.export_network import exported_network, exported_spec, input_shape, settings_of
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tagger.fold import Folded
from tests.checks import signals
from tests.tagger.test_fold import with_statistics


def outputs_of(network, batch):
    return {name: np.asarray(output) for name, output in network(batch, training=False).items()}


def test_scores_and_embedding_of_music_are_the_taggers(musicnn, musicnn_expected):
    music = musicnn_expected["music"]
    found = outputs_of(exported_network(musicnn), music.inputs)
    # another STFT and other sums: float32 round-off
    np.testing.assert_allclose(found["scores"], music.scores, atol=1e-5)
    np.testing.assert_allclose(found["embedding"], music.embedding, rtol=1e-3, atol=1e-4)
    assert music.scores.max() - music.scores.min() > 0.3


# with a front end that learns, without a front end, with recurrence, and with folded normalisation
@pytest.mark.parametrize("name", ["harmonic_cnn", "sample_cnn", "crnn", "short_chunk_cnn"])
def test_every_kind_of_network_is_carried_over(name):
    tagger = with_statistics(name)
    batch = signals(tagger.spec.chunking.chunk_samples)[:1]
    network = exported_network(tagger)
    found = outputs_of(network, batch)
    wanted = tagger.runner(tagger.embedding_layer)(batch)
    np.testing.assert_allclose(found["embedding"], wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())
    np.testing.assert_allclose(found["scores"], tagger.runner()(batch), atol=1e-5)
    assert {weight.path for weight in network.weights} == {weight.path for weight in tagger.weights}
    assert any(isinstance(layer, Folded) for layer in network.layers)


def test_log_mel_in_gives_what_the_waveform_gives(musicnn, musicnn_of_log_mel):
    features = musicnn_of_log_mel["music"]
    network = exported_network(musicnn, "log-mel")
    assert network.input.name == "log_mel"
    assert network.input_shape[1:] == features.inputs.shape[1:] == input_shape(musicnn, "log-mel")
    np.testing.assert_allclose(outputs_of(network, features.inputs)["scores"], features.scores, atol=1e-5)


def test_the_shape_of_waveforms_is_known_without_a_front_end(tiny, monkeypatch):
    monkeypatch.setattr(log_mel, "apply", lambda *_: pytest.fail("it was built"))
    assert input_shape(tiny, "waveform") == (48128,)


def test_names_and_numbers_are_those_that_formats_rely_on(musicnn):
    network = exported_network(musicnn, precision="bfloat16")
    assert (network.input.name, network.input.dtype) == ("waveform", "float32")
    assert set(network.output) == {"scores", "embedding"}
    assert {output.dtype for output in network.output.values()} == {"float32"}


def test_a_tagger_of_logits_is_exported_with_scores(tiny):
    logits = Tagger(dataclasses.replace(tiny.spec, classifier_activation=None))
    logits.set_weights(tiny.get_weights())
    batch = signals(tiny.spec.chunking.chunk_samples)
    found = outputs_of(exported_network(logits), batch)["scores"]
    np.testing.assert_allclose(found, tiny.runner()(batch), atol=1e-5)
    assert exported_spec(logits) == exported_spec(tiny) == tiny.spec != logits.spec
    assert json.loads(settings_of(logits)["model"]) == tiny.spec.to_dict()


def test_the_copy_has_weights_of_its_own():
    tagger = kmt.build("vgg", tags=["a", "b"])
    batch = signals(tagger.spec.chunking.chunk_samples)
    network = exported_network(tagger)
    before = outputs_of(network, batch)["scores"]
    tagger.get_layer("logits").bias.assign([3.0, -3.0])
    np.testing.assert_array_equal(outputs_of(network, batch)["scores"], before)
    assert np.abs(outputs_of(exported_network(tagger), batch)["scores"] - before).max() > 0.3


def test_spec_augment_is_not_exported():
    from keras_musictag.layers import SpecAugment

    tagger = kmt.build("vgg", tags=["a", "b"]).with_augment(SpecAugment())
    assert not any(isinstance(layer, SpecAugment) for layer in exported_network(tagger).layers)


@pytest.mark.parametrize("name", ["harmonic_cnn", "sample_cnn"])
def test_only_log_mel_networks_take_log_mel(name):
    with pytest.raises(ValueError, match=f"Received: '{name}', whose front end is"):
        exported_network(kmt.build(name, tags=["a"]), "log-mel")


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="include_top=False"):
        exported_network(Tagger(TaggerSpec.of("vgg", None)))
    tagger = kmt.build("vgg", tags=["a"])
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'log-mel'"):
        exported_network(tagger, "logmel")
    with pytest.raises(kmt.UnknownNameError, match="precision"):
        exported_network(tagger, precision="int8")


def test_keras_policy_stays_as_it_was():
    before = keras.config.dtype_policy().name
    exported_network(kmt.build("vgg", tags=["a"]), precision="bfloat16")
    assert keras.config.dtype_policy().name == before
