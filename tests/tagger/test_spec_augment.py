"""A tagger with SpecAugment is trained with masks, and scored, saved and published as without them."""

import copy
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.architectures import vgg
from keras_musictag.layers import SpecAugment
from keras_musictag.tagger import TaggerSpec
from keras_musictag.zoo import arrays_of, assign_weights
from tests.checks import signals

BATCH = signals(48128)
LABELS = np.eye(2, dtype=np.float32)


@pytest.fixture(scope="module")
def plain():
    """A small VGG. Tests do not change it."""
    keras.utils.set_random_seed(0)
    return kmt.Tagger(TaggerSpec.of("vgg", ["calm", "wild"], vgg.Config(filters=3)))


@pytest.fixture(scope="module")
def augmented(plain):
    return plain.with_augment(SpecAugment(seed=0))


@pytest.fixture(scope="module")
def trained(plain):
    """After one step with masks."""
    tagger = plain.with_augment(SpecAugment(2, 40, 2, 20, seed=0))
    tagger.compile("adam", "binary_crossentropy")
    tagger.fit(BATCH, LABELS, verbose=0)
    return tagger


def paths(tagger):
    return [(weight.path, tuple(weight.shape)) for weight in tagger.weights]


def test_scores_are_equal_to_the_bit(plain, augmented):
    np.testing.assert_array_equal(augmented.runner()(BATCH), plain.runner()(BATCH))
    np.testing.assert_array_equal(augmented.predict(BATCH, verbose=0), plain.predict(BATCH, verbose=0))


def test_bfloat16_scores_are_equal_to_the_bit(plain):
    half = kmt.Tagger(plain.spec, precision="bfloat16")
    augmented = half.with_augment(SpecAugment(dtype="mixed_bfloat16"))
    assert augmented.precision == "bfloat16"
    np.testing.assert_array_equal(augmented.runner()(BATCH), half.runner()(BATCH))


def test_the_implementation_of_the_front_end_is_kept(plain):
    portable = kmt.Tagger(plain.spec, implementation="portable")
    names = [layer.name for layer in portable.layers]
    augmented = portable.with_augment(SpecAugment())
    assert [layer.name for layer in augmented.layers if layer.name != "spec_augment"] == names
    np.testing.assert_array_equal(augmented.runner()(BATCH), portable.runner()(BATCH))


def test_weights_have_the_names_and_the_order_of_those_without(plain, augmented):
    assert paths(augmented) == paths(plain)
    assert [layer.name for layer in augmented.layers].count("spec_augment") == 1
    assert augmented.count_params() == plain.count_params()


def test_the_weights_are_its_own(plain, augmented):
    """Training one of them does not change the other."""
    shared = {id(w) for w in plain.weights} & {id(w) for w in augmented.weights}
    assert not shared


def test_in_training_the_network_sees_masks(plain, augmented):
    front_end = keras.Model(augmented.inputs[0], augmented.get_layer("spec_augment").output)
    clear, masked = (np.array(front_end(BATCH, training=training)) for training in (False, True))
    assert 0.01 < (clear != masked).mean() < 0.9
    assert plain.augment is None


def test_a_step_moves_every_weight_of_the_body(plain, trained):
    before, after = arrays_of(plain), arrays_of(trained)
    still = [weight.path for weight in trained.trainable_weights if (before[weight.path] == after[weight.path]).all()]
    assert not still


def test_it_is_saved_with_its_layer_and_its_optimizer(trained, tmp_path):
    trained.save(tmp_path / "trained.keras")
    again = kmt.load(tmp_path / "trained.keras")
    assert again.augment.get_config() == trained.augment.get_config()
    assert int(again.optimizer.iterations) == 1
    assert paths(again) == paths(trained)
    np.testing.assert_array_equal(again.runner()(BATCH), trained.runner()(BATCH))


def test_a_copy_is_trained_with_the_masks_too(trained):
    assert copy.deepcopy(trained).augment.get_config() == trained.augment.get_config()


def test_a_fresh_process_loads_what_was_saved(augmented, tmp_path):
    """In a process that has not imported the layer."""
    augmented.save(tmp_path / "augmented.keras")
    program = "import sys, keras_musictag as kmt; print(kmt.load(sys.argv[1]).augment.name)"
    command = [sys.executable, "-c", program, str(tmp_path / "augmented.keras")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "spec_augment\n", done.stderr[-2000:]


def test_a_tagger_without_it_is_saved_as_before(plain):
    assert plain.get_config().keys() == {"name", "spec", "precision", "trainable", "frozen_layers"}


def test_its_weights_and_spec_are_what_a_tagger_without_takes(plain, trained):
    other = kmt.Tagger(TaggerSpec.from_dict(trained.spec.to_dict()))
    assign_weights(other, arrays_of(trained), "the trained one")
    np.testing.assert_array_equal(other.runner()(BATCH), trained.runner()(BATCH))


def test_it_is_taken_out_again(plain, trained):
    without = trained.with_augment(None)
    assert without.augment is None
    assert [layer.name for layer in without.layers] == [layer.name for layer in plain.layers]
    np.testing.assert_array_equal(without.runner()(BATCH), trained.runner()(BATCH))


def test_frozen_layers_stay_frozen(plain):
    frozen = plain.with_augment(None)
    frozen.get_layer("conv1").trainable = False
    augmented = frozen.with_augment(SpecAugment())
    assert augmented.get_config()["frozen_layers"] == frozen.get_config()["frozen_layers"] == ["conv1"]


def test_harmonic_features_are_masked_too():
    tagger = kmt.build("harmonic_cnn", ["calm"]).with_augment(SpecAugment())
    assert tagger.get_layer("spec_augment").output.shape == (None, 313, 128, 6)


def test_a_network_of_waveforms_has_no_mels_to_mask():
    with pytest.raises(ValueError, match=r"Received: shape \(None, 59049, 1\).*deform the waveform"):
        kmt.build("sample_cnn", ["calm"]).with_augment(SpecAugment())


def test_a_layer_with_weights_is_refused(plain):
    with pytest.raises(ValueError, match="must have no weights.*'normalise' with 4"):
        plain.with_augment(keras.layers.BatchNormalization(name="normalise"))
