"""SpecAugment hides neighbouring frames and bands, drawn for each example, on every backend."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_musictag.layers import SpecAugment
from tests.needs import BACKENDS

ROOT = Path(__file__).parents[2]
FEATURES = np.random.default_rng(0).normal(-40, 10, (64, 50, 30, 2)).astype(np.float32)


def hide(features=FEATURES, **settings):
    """Returns masked features, and where they are masked, bool (batch, frames, mels)."""
    layer = SpecAugment(**{"seed": 0, "mask_value": 1000.0, **settings})
    masked = keras.ops.convert_to_numpy(layer(features, training=True))
    hidden = masked == 1000.0
    assert (hidden.all(axis=-1) == hidden.any(axis=-1)).all()  # in all channels or in none
    np.testing.assert_array_equal(masked[~hidden], features[~hidden])
    return masked, hidden.all(axis=-1)


def width(rows: np.ndarray) -> np.ndarray:
    """Returns how many neighbours are hidden in each row: bool (batch, size) -> (batch,)."""
    edges = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(int), axis=1)
    assert ((edges == 1).sum(axis=1) <= 1).all()
    return rows.sum(axis=1)


def test_a_time_mask_hides_neighbouring_frames_at_all_mels():
    _, hidden = hide(num_mel_masks=0, max_time_frames=8)
    frames = hidden.any(axis=2)
    np.testing.assert_array_equal(hidden.all(axis=2), frames)
    assert set(width(frames)) == set(range(9))  # every width from 0 to the maximum


def test_a_mel_mask_hides_neighbouring_bands_at_all_frames():
    _, hidden = hide(num_time_masks=0, max_mel_bands=5)
    bands = hidden.any(axis=1)
    np.testing.assert_array_equal(hidden.all(axis=1), bands)
    assert set(width(bands)) == set(range(6))


def test_several_masks_hide_more():
    shares = [hide(num_time_masks=n, num_mel_masks=0, max_time_frames=8)[1].mean() for n in (0, 1, 3)]
    assert shares[0] == 0
    assert 0 < shares[1] < shares[2]


def test_widths_and_positions_are_drawn_uniformly():
    """Of 20,000 masks, 0 to 4 wide in 10 frames, each width is a fifth, and each position equally frequent."""
    _, hidden = hide(np.zeros((20000, 10, 1, 1), np.float32), num_mel_masks=0, max_time_frames=4)
    frames = hidden[:, :, 0]
    widths, starts = width(frames), frames.argmax(axis=1)
    np.testing.assert_allclose(np.bincount(widths) / 20000, np.full(5, 0.2), atol=0.02)  # 7 standard deviations
    np.testing.assert_allclose(np.bincount(starts[widths == 4]) / 4000, np.full(7, 1 / 7), atol=0.04)


def test_wide_masks_are_limited_to_the_features():
    _, hidden = hide(max_time_frames=1000, max_mel_bands=0)
    assert width(hidden.any(axis=2)).max() == 50


def test_every_example_has_its_own_masks():
    _, hidden = hide()
    assert len({row.tobytes() for row in hidden}) > 60


def test_the_mask_holds_the_examples_mean():
    masked = keras.ops.convert_to_numpy(SpecAugment(seed=0)(FEATURES, training=True))
    changed = (masked != FEATURES).any(axis=-1)
    assert changed.mean() > 0.2
    for example, rows, original in zip(masked, changed, FEATURES, strict=True):
        # tolerance: a float32 mean of 3,000 numbers around -40
        np.testing.assert_allclose(example[rows], original.mean(), rtol=1e-4)


def test_inference_returns_the_input():
    layer = SpecAugment()
    np.testing.assert_array_equal(layer(FEATURES), FEATURES)
    np.testing.assert_array_equal(layer(FEATURES, training=False), FEATURES)


def test_a_seed_determines_the_masks_and_calls_differ():
    first, second = SpecAugment(seed=3), SpecAugment(seed=3)
    masked = np.array(first(FEATURES, training=True))
    np.testing.assert_array_equal(masked, second(FEATURES, training=True))
    assert (masked != np.array(first(FEATURES, training=True))).any()
    assert (masked != np.array(SpecAugment(seed=4)(FEATURES, training=True))).any()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float32"])
def test_no_policy_rounds_the_features(policy):
    layer = SpecAugment(dtype=policy, seed=0)
    np.testing.assert_array_equal(layer(FEATURES), FEATURES)
    assert keras.backend.standardize_dtype(layer(FEATURES, training=True).dtype) == "float32"


def test_bfloat16_in_gives_bfloat16_out():
    rounded = keras.ops.cast(FEATURES, "bfloat16")
    masked = SpecAugment(seed=0)(rounded, training=True)
    assert keras.backend.standardize_dtype(masked.dtype) == "bfloat16"
    rounded, masked = (keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in (rounded, masked))
    assert (masked != rounded).any(axis=(1, 2, 3)).mean() > 0.9


@pytest.mark.needs("tensorflow")  # for its gradient tape
def test_the_gradient_passes_where_nothing_is_hidden():
    import tensorflow as tf

    features = tf.constant(FEATURES)
    layer = SpecAugment(seed=0)
    with tf.GradientTape() as tape:
        tape.watch(features)
        masked = layer(features, training=True)
    gradient = tape.gradient(masked, features).numpy()
    np.testing.assert_array_equal(gradient, (masked.numpy() == FEATURES).astype(np.float32))


def test_it_has_no_weights_and_can_be_deserialised():
    layer = SpecAugment(2, 20, 3, 10, mask_value=-100.0, seed=5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(FEATURES, training=True), layer(FEATURES, training=True))
    assert layer.weights == []


def test_invalid_settings_and_shapes_are_refused():
    with pytest.raises(ValueError, match=r"`num_time_masks` must be a whole number.*-1"):
        SpecAugment(num_time_masks=-1)
    with pytest.raises(ValueError, match=r"`max_mel_bands` must be a whole number.*0\.3"):
        SpecAugment(max_mel_bands=0.3)
    with pytest.raises(TypeError, match=r"`mask_value` must be a number.*'zero'"):
        SpecAugment(mask_value="zero")
    with pytest.raises(ValueError, match=r"To deform the waveform instead"):
        SpecAugment()(np.zeros((2, 59049, 1), np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_another_backend_passes_these_tests(backend):
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", str(Path(__file__))]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
