"""The training loop: the phases of a recipe, and the epochs of a phase. Its next step depends only on the `Position`.

After each step, a callback advances the position, ends the run if the loss is NaN or infinite, and saves the state.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_musictag.tagger import Tagger
from keras_musictag.training import model_setup
from keras_musictag.training.batches import Feed
from keras_musictag.training.recipe import Recipe
from keras_musictag.training.run_state import (
    Position,
    divergence_error,
    read_position,
    restore_state,
    save_state,
    set_torch_states,
    torch_states,
)
from keras_musictag.zoo.weights import assign_weights, read_weights, save_weights


class StepCallback(keras.callbacks.Callback):
    """Follows one epoch, or the rest of one.

    Args:
        position: The position, which advances with each step.
        feed: The batches that `fit` gets.
        state_file: File for the state, written at intervals and after the last step, so that validation may be killed.
        seconds: Time between two saved states.
        report: Called with the position after each step.

    Raises:
        TrainingError: If the loss or a weight is NaN or infinite.
        OSError: If the disk is full.
    """

    def __init__(
        self, position: Position, feed: Feed, state_file: Path, seconds: float, report: Callable[[Position], None]
    ):
        super().__init__()
        self.position, self.feed, self.state_file, self.seconds, self.report = (
            position,
            feed,
            state_file,
            seconds,
            report,
        )
        self.first_step, self.first_sum = position.step, position.loss_sum
        self.torch_states = torch_states()
        self.saved_at = time.monotonic()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:  # `fit` has already drawn from them: for its data loader, and after `compile`
            set_torch_states(self.torch_states)

    def on_train_batch_end(self, batch, logs=None):
        position, first, step = self.position, self.first_step, self.first_step + batch + 1
        mean = float(logs["loss"])  # over all examples of this call of `fit`
        position.step = step
        if not math.isfinite(mean):
            raise divergence_error("loss", position, self.state_file)
        position.loss_sum = self.first_sum + mean * (self.feed.batches_until(step) - self.feed.batches_until(first))
        self.report(position)
        if step == self.feed.steps or time.monotonic() - self.saved_at >= self.seconds:
            save_state(self.state_file, self.model, position)
            self.saved_at = time.monotonic()


STATE_FILE, BEST_FILE = "state.safetensors", "best.safetensors"


@dataclass(frozen=True)
class TrainingRun:
    """What the training loop needs.

    Attributes:
        folder: Folder for the state and the best weights.
        recipe: The recipe.
        feed: The batches.
        taggers: Taggers that get the best weights at the start of each phase. The last is validated and saved.
        validate: Measures the last tagger; returns a mapping with "val_loss" and other measures.
        checkpoint_seconds: Longest time between two saved states.
        on_step: Called with the position after each step.
        on_epoch: Called with the rows of the log after each epoch.
    """

    folder: Path
    recipe: Recipe
    feed: Feed
    taggers: tuple[Tagger, ...]
    validate: Callable[[], dict[str, float]]
    checkpoint_seconds: float
    on_step: Callable[[Position], None]
    on_epoch: Callable[[list[dict]], None]

    @property
    def state_file(self) -> Path:
        return self.folder / STATE_FILE

    @property
    def best_file(self) -> Path:
        return self.folder / BEST_FILE


def run_recipe(model: keras.Model, strategy, run: TrainingRun) -> Position:
    """Trains through all phases, from the saved state if there is one; the taggers end with the best weights.

    Args:
        model: The model that `fit` trains: the tagger itself, or a `Student` around it.
        strategy: Result of `model_setup.make_strategy`.
        run: Everything else that the loop needs.
    """
    resumed = run.state_file.is_file()
    position = read_position(run.state_file) if resumed else Position()
    for number in range(position.phase, len(run.recipe.phases)):
        position.phase = number
        _begin_phase(model, strategy, run, position, resumed)
        _run_phase(model, strategy, run, position)
        resumed = False
        if number + 1 < len(run.recipe.phases):
            position.phase_epoch = position.stale_epochs = 0
    _take_best(run)
    return position


def _take_best(run: TrainingRun) -> None:
    for tagger in run.taggers:
        assign_weights(tagger, read_weights(run.best_file), str(run.best_file))


def _begin_phase(model: keras.Model, strategy, run: TrainingRun, position: Position, resumed: bool) -> None:
    phases, number = run.recipe.phases, position.phase
    phase = phases[number]
    same = ("optimizer", "layers", "schedule")
    keeps_optimizer = number > 0 and all(getattr(phase, name) == getattr(phases[number - 1], name) for name in same)
    keeps_optimizer = keeps_optimizer and phase.schedule == "constant"
    if keeps_optimizer and not resumed:
        model_setup.continue_with(model, phase)
    else:
        with model_setup.scope_of(strategy):
            steps = phase.epochs_of(run.feed.steps) * run.feed.steps
            model_setup.compile_for(model, phase, run.recipe, steps)
    if resumed:
        restore_state(run.state_file, model)
        return
    if number > 0:
        _take_best(run)
    save_state(run.state_file, model, position)


def _run_phase(model: keras.Model, strategy, run: TrainingRun, position: Position) -> None:
    recipe = run.recipe
    phase = recipe.phases[position.phase]
    epochs = phase.epochs_of(run.feed.steps)
    while position.phase_epoch < epochs and not 0 < recipe.patience <= position.stale_epochs:
        started = time.monotonic()
        if position.step < run.feed.steps:  # otherwise, the run was killed during validation
            callback = StepCallback(position, run.feed, run.state_file, run.checkpoint_seconds, run.on_step)
            model.fit(run.feed.batches(position), epochs=1, verbose=0, callbacks=[callback], shuffle=False)
        measured = run.validate()
        if not math.isfinite(measured["val_loss"]):
            raise divergence_error("validation loss", position, run.state_file)
        value = _value(measured, recipe.best_by)
        better = value > position.best_value
        row = {
            "epoch": position.epoch + 1,
            "phase": position.phase + 1,
            "optimizer": phase.optimizer,
            "learning_rate": phase.learning_rate,
            "steps": position.step,
            "loss": position.loss_sum / run.feed.batches_until(position.step),
            **measured,
            "best": int(better),
            "seconds": round(time.monotonic() - started, 1),
        }
        if better:
            save_weights(run.taggers[-1], run.best_file)
            position.best_value, position.best_epoch = value, position.epoch
        _end_epoch(position, better, row)
        save_state(run.state_file, model, position)
        run.on_epoch(position.log)


def _value(measured: dict[str, float], best_by: str) -> float:
    """Returns the measure that decides the best weights; higher is better."""
    return -measured["val_loss"] if best_by == "loss" else measured[f"val_{best_by}"]


def _end_epoch(position: Position, better: bool, row: dict) -> None:
    position.epoch += 1
    position.phase_epoch += 1
    position.step, position.loss_sum = 0, 0.0
    position.stale_epochs = 0 if better else position.stale_epochs + 1
    position.log = [*position.log, row]
