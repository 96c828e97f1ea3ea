"""What happens after each step: the position moves on, a loss that is no number ends the run, the state is saved."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from keras_musictag.errors import TrainingError
from keras_musictag.training.state import Position, save_state


class StepCallback(keras.callbacks.Callback):
    """Follows one epoch, or the rest of one.

    Args:
        position: Moved on with each step.
        state_file: Where the state goes.
        seconds: From one saved state to the next.
        report: Called with the position after each step.
    """

    def __init__(self, position: Position, state_file: Path, seconds: float, report: Callable[[Position], None]):
        super().__init__()
        self.position, self.state_file, self.seconds, self.report = position, state_file, seconds, report
        self.first_step, self.first_sum = position.step, position.loss_sum
        self.saved_at = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        done = batch + 1  # by this call of `fit`, whose loss is the mean over them
        mean = float(logs["loss"])
        if not math.isfinite(mean):
            raise TrainingError(
                f"The loss became {mean} in epoch {self.position.epoch + 1}, step {self.first_step + done}. The last "
                f"good state is kept in {self.state_file}. Try a lower learning rate or float32."
            )
        self.position.step = self.first_step + done
        self.position.loss_sum = self.first_sum + mean * done
        self.report(self.position)
        if time.monotonic() - self.saved_at >= self.seconds:
            save_state(self.state_file, self.model, self.position)
            self.saved_at = time.monotonic()
