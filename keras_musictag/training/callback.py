"""What happens after each step: the position moves on, a loss that is no number ends the run, the state is saved."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from keras_musictag.training.data import Feed
from keras_musictag.training.state import Position, divergence, save_state, set_torch_states, torch_states


class StepCallback(keras.callbacks.Callback):
    """Follows one epoch, or the rest of one.

    Args:
        position: Moved on with each step.
        feed: What `fit` is given.
        state_file: Where the state goes: now and then, and behind the last step, so that validation may be killed.
        seconds: From one saved state to the next.
        report: Called with the position after each step.

    Raises:
        TrainingError: If loss or weights are no numbers.
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
        if batch == 0:  # `fit` has drawn from them on its way here: for its data loader, and after `compile`
            set_torch_states(self.torch_states)

    def on_train_batch_end(self, batch, logs=None):
        position, first, step = self.position, self.first_step, self.first_step + batch + 1
        mean = float(logs["loss"])  # over all examples of this call of `fit`
        position.step = step
        if not math.isfinite(mean):
            raise divergence("loss", position, self.state_file)
        position.loss_sum = self.first_sum + mean * (self.feed.batches_until(step) - self.feed.batches_until(first))
        self.report(position)
        if step == self.feed.steps or time.monotonic() - self.saved_at >= self.seconds:
            save_state(self.state_file, self.model, position)
            self.saved_at = time.monotonic()
