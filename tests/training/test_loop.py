"""The loop's decisions, with a network of a few weights and given validation losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from keras_musictag.errors import TrainingError
from keras_musictag.training import Phase, Recipe, make_optimizer
from keras_musictag.training.loop import TrainingRun, run_recipe
from keras_musictag.training.run_state import read_position

ROWS = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
LABELS = (ROWS[:, :1] > 0).astype(np.float32)


class RowsFeed:
    """Ten rows in batches of four: the last has two. What `data.Feed` is to the loop."""

    steps = 3

    def __init__(self, rows=ROWS):
        self.rows = rows

    def batches(self, position):
        return tf.data.Dataset.from_tensor_slices((self.rows, LABELS)).batch(4).skip(position.step)

    def batches_until(self, step):
        return min(step, 2.5)


def make_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="body")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="logits")(x))


def run(folder, losses, *phases, seen=None, feed=None, **changes):
    """Runs phases with these validation losses; returns model and position. `seen` gets the weights at each of them."""
    model = make_model()
    losses = iter(losses)

    def validate():
        if seen is not None:
            seen.append(model.get_weights())
        loss = next(losses)
        return {"val_loss": loss, "val_roc_auc": 10 * loss, "val_pr_auc": float("nan")}

    options = {"checkpoint_seconds": 100.0, "on_step": lambda position: None, "on_epoch": lambda rows: None}
    settings = {name: changes.pop(name) for name in ("patience", "best_by") if name in changes}
    recipe = Recipe("a test", phases, batch_size=4, **settings)
    settings = TrainingRun(folder, recipe, feed or RowsFeed(), (model,), validate, **{**options, **changes})
    return model, run_recipe(model, None, settings)


def assert_equal(found, wanted):
    for mine, its in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_the_model_ends_with_the_weights_of_the_lowest_loss(tmp_path):
    seen = []
    model, position = run(tmp_path, [0.5, 0.3, 0.4], Phase("adam", 0.1, 3), seen=seen)
    assert_equal(model.get_weights(), seen[1])
    assert (position.best_value, position.best_epoch) == (-0.3, 1)
    assert [row["best"] for row in position.log] == [1, 1, 0]


def test_the_model_ends_with_the_weights_of_the_highest_auc(tmp_path):
    seen = []
    model, position = run(tmp_path, [0.03, 0.07, 0.05], Phase("adam", 0.1, 3), seen=seen, best_by="roc_auc")
    assert_equal(model.get_weights(), seen[1])
    assert position.best_value == pytest.approx(0.7)


def test_a_phase_begins_with_the_best_weights_so_far(tmp_path):
    """Its learning rate is too small to change a single bit of them."""
    seen = []
    run(tmp_path, [0.5, 0.6, 0.7, 0.8], Phase("adam", 0.1, 3), Phase("sgd", 1e-30, 1), seen=seen)
    assert_equal(seen[3], seen[0])
    assert np.abs(seen[2][0] - seen[0][0]).max() > 0.1


def test_a_phase_ends_when_its_patience_ends(tmp_path):
    losses = [0.5, 0.6, 0.4, 0.45, 0.4, 0.7, 0.8]
    _, position = run(tmp_path, losses, Phase("adam", 0.1, 9), Phase("sgd", 0.1, 9), patience=2)
    assert [(row["phase"], row["best"]) for row in position.log] == [
        (1, 1),
        (1, 0),
        (1, 1),
        (1, 0),
        (1, 0),
        (2, 0),
        (2, 0),
    ]


def test_a_phase_of_the_head_leaves_the_body_unchanged(tmp_path):
    seen = []
    first = make_model().get_weights()
    run(tmp_path, [0.5, 0.4, 0.3], Phase("adam", 0.1, 2, layers="head"), Phase("adam", 0.1, 1), seen=seen)
    assert_equal(seen[1][:2], first[:2])
    assert all(np.abs(mine - its).max() > 0.05 for mine, its in zip(seen[1][2:], first[2:], strict=True))
    assert all(np.abs(mine - its).max() > 0.05 for mine, its in zip(seen[2], seen[1], strict=True))


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples(tmp_path):
    """This also holds for an interrupted epoch, although the last batch is smaller."""

    def interrupt(position):
        if position.step == 2:
            raise KeyboardInterrupt

    model = make_model()
    model.compile(loss="binary_crossentropy", jit_compile=False)
    wanted = model.evaluate(ROWS, LABELS, verbose=0)
    still = Phase("sgd", 1e-30, 1)
    _, position = run(tmp_path / "a", [0.5], still)
    assert position.log[0]["loss"] == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b", [], still, on_step=interrupt, checkpoint_seconds=0.0)
    _, position = run(tmp_path / "b", [0.5], still)
    assert position.log[0]["loss"] == pytest.approx(wanted, rel=1e-6) and position.log[0]["steps"] == 3


def test_a_kill_during_validation_loses_no_step(tmp_path):
    class KilledError(Exception):
        pass

    def killed():
        raise KilledError
        yield

    with pytest.raises(KilledError):
        run(tmp_path, killed(), Phase("adam", 0.1, 2))
    assert read_position(tmp_path / "state.safetensors").step == 3
    steps = []
    model, _ = run(tmp_path, [0.5, 0.4], Phase("adam", 0.1, 2), on_step=lambda position: steps.append(position.step))
    assert steps == [1, 2, 3]
    undisturbed, _ = run(tmp_path / "other", [0.5, 0.4], Phase("adam", 0.1, 2))
    assert_equal(model.get_weights(), undisturbed.get_weights())


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_a_nan_loss_is_reported_and_the_state_stays_good(seconds, tmp_path):
    """A rate and inputs at which float32 overflows in the first step of the second phase: epoch 2 of the run."""
    phases = Phase("adam", 0.1, 1), Phase("sgd", 1e38, 1)
    # a state after each step sees the weights of step 1; without one, the loss of step 2 shows it
    what = (
        "weights became NaN or infinite in epoch 2, step 1"
        if seconds == 0.0
        else "loss became NaN or infinite in epoch 2, step 2"
    )
    with pytest.raises(TrainingError, match=f"{what}.*Try a lower learning rate"):
        run(tmp_path, [0.5, 0.4], *phases, feed=RowsFeed(1000 * ROWS), checkpoint_seconds=seconds)
    state = load_file(tmp_path / "state.safetensors")
    assert all(np.isfinite(array).all() for array in state.values())
    best = load_file(tmp_path / "best.safetensors")
    assert all(np.isfinite(array).all() for array in best.values())
    assert (read_position(tmp_path / "state.safetensors").epoch, sorted(best)) == (
        1,
        sorted(w.path for w in make_model().weights),
    )


def test_nan_scores_are_reported(tmp_path):
    with pytest.raises(TrainingError, match="validation loss became NaN or infinite in epoch 1, step 3"):
        run(tmp_path, [float("nan")], Phase("adam", 0.1, 1))


def test_accumulated_steps_equal_one_step_of_a_bigger_batch():
    weights = []
    for size, accumulation in ((8, 1), (4, 2), (2, 4)):
        model = make_model()
        recipe = Recipe("a test", (Phase("adam", 0.1, 1),), accumulation=accumulation, l2=1e-3)
        model.compile(make_optimizer(recipe.phases[0], recipe, steps=100), "binary_crossentropy", jit_compile=False)
        dataset = tf.data.Dataset.from_tensor_slices((ROWS[:8], LABELS[:8])).batch(size)
        model.fit(dataset, epochs=3, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for other in weights[1:]:
        for mine, its in zip(other, weights[0], strict=True):
            # float32: the mean of means. Adam divides by the gradient's size, which enlarges the rounding of small ones
            np.testing.assert_allclose(mine, its, atol=1e-5)
