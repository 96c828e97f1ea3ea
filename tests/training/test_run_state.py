"""A state contains everything that training depends on, including dropout's seeds and the scale of a float16 loss."""

import json

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from keras_musictag.errors import TrainingError
from keras_musictag.training import Phase, Recipe, make_optimizer
from keras_musictag.training.run_state import Position, model_variables, read_position, restore_state, save_state

ADAM = Phase("adam", 1e-2, 1)
RECIPE = Recipe("a test", (ADAM,), l2=1e-3)
ROWS = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
LABELS = (ROWS.sum(axis=1, keepdims=True) > 0).astype(np.float32)


def make_model(precision="float32"):
    """Dense, dropout, dense; the same first weights each time."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    x = keras.layers.Dense(16, activation="relu", dtype=precision)(inputs)
    x = keras.layers.Dropout(0.5, dtype=precision)(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", dtype="float32")(x))
    model.dtype_policy = keras.DTypePolicy(precision)
    model.compile(make_optimizer(ADAM, RECIPE, steps=100), "binary_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def train(model, steps):
    for _ in range(steps):
        model.train_on_batch(ROWS, LABELS)


def weights_of(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_restored_model_continues_to_the_same_bits(precision, tmp_path):
    model = make_model(precision)
    assert (type(model.optimizer).__name__ == "LossScaleOptimizer") == (precision == "mixed_float16")
    train(model, 3)
    save_state(tmp_path / "state", model, Position(step=3))
    train(model, 3)
    other = make_model(precision)
    restore_state(tmp_path / "state", other)
    train(other, 3)
    np.testing.assert_array_equal(weights_of(other), weights_of(model))
    for mine, its in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(mine), np.array(its))


def test_without_the_seeds_of_dropout_the_result_differs(tmp_path):
    """What Keras's own files leave out."""
    model = make_model()
    train(model, 3)
    save_state(tmp_path / "state", model, Position(step=3))
    other = make_model()
    seeds = [v for v in model_variables(other) if "seed" in v.path]
    assert len(seeds) == 1 and not any("seed" in weight.path for weight in other.weights)
    first = np.array(seeds[0])
    restore_state(tmp_path / "state", other)
    assert not np.array_equal(np.array(seeds[0]), first)
    seeds[0].assign(first)
    for each in (model, other):
        train(each, 3)
    assert np.abs(weights_of(other) - weights_of(model)).max() > 1e-3


def test_the_scale_of_a_float16_loss_is_saved(tmp_path):
    model = make_model("mixed_float16")
    model.optimizer.dynamic_scale.assign(2.0**30)
    before = weights_of(model)
    train(model, 1)
    assert float(model.optimizer.dynamic_scale) == 2.0**29
    np.testing.assert_array_equal(weights_of(model), before)  # the step is left out
    save_state(tmp_path / "state", model, Position())
    other = make_model("mixed_float16")
    restore_state(tmp_path / "state", other)
    assert float(other.optimizer.dynamic_scale) == 2.0**29


def test_a_saved_position_can_be_read(tmp_path):
    log = [{"epoch": 1, "val_loss": 0.5, "val_pr_auc": float("nan"), "best": 1}]
    position = Position(1, 2, 1, 17, 3.25, 0.5, 0, 1, log)
    save_state(tmp_path / "state", make_model(), position)
    found = read_position(tmp_path / "state")
    assert json.dumps(vars(found)) == json.dumps(vars(position))


def test_nan_weights_leave_the_saved_state_unchanged(tmp_path):
    model, path = make_model(), tmp_path / "run" / "state"
    save_state(path, model, Position(epoch=1))
    before = path.read_bytes()
    model.weights[0].assign(np.full(model.weights[0].shape, np.inf))
    with pytest.raises(TrainingError, match=r"weights became NaN or infinite in epoch 5, step 6\..*are in .*run"):
        save_state(path, model, Position(epoch=4, step=6))
    assert path.read_bytes() == before and [file.name for file in path.parent.iterdir()] == ["state"]


def test_a_damaged_or_foreign_state_is_refused(tmp_path):
    path, model = tmp_path / "state", make_model()
    save_state(path, model, Position())
    arrays = load_file(path)
    del arrays["optimizer/0000"]
    save_file(arrays, path)
    with pytest.raises(TrainingError, match="another network or optimiser"):
        restore_state(path, model)
    with pytest.raises(TrainingError, match="not the state of a training run"):
        read_position(path)
    path.write_bytes(b"words")
    with pytest.raises(TrainingError, match="not the state of a training run"):
        read_position(path)
