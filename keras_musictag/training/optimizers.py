"""Optimisers with L2 in the gradient, as PyTorch's `weight_decay` has it; Keras's is decoupled (AdamW)."""

import keras

from keras_musictag.training.recipe import Phase, Recipe


class _L2:
    """Adds `l2 * variable` to the gradient, behind the sum over replicas and accumulated steps."""

    l2 = 0.0

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient + self.l2 * keras.ops.cast(variable, gradient.dtype), variable, learning_rate)


class AdamL2(_L2, keras.optimizers.Adam):
    """Adam with L2 in the gradient: `torch.optim.Adam(weight_decay=l2)`."""


class SGDL2(_L2, keras.optimizers.SGD):
    """SGD with L2 in the gradient: `torch.optim.SGD(weight_decay=l2)`."""


def make_optimizer(phase: Phase, recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimiser of a phase of so many steps.

    Adam's epsilon is PyTorch's 1e-8, which the 2020 evaluation used.
    """
    shared = {
        "learning_rate": _learning_rate(phase, steps),
        "gradient_accumulation_steps": recipe.accumulation if recipe.accumulation > 1 else None,
    }
    if phase.optimizer == "adam":
        optimizer = AdamL2(epsilon=1e-8, **shared)
    else:
        optimizer = SGDL2(momentum=phase.momentum, nesterov=True, **shared)
    optimizer.l2 = recipe.l2
    return optimizer


def _learning_rate(phase: Phase, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if phase.schedule == "constant":
        return phase.learning_rate
    warmup = min(phase.warmup_steps, steps - 1)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(phase.learning_rate, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=phase.learning_rate, warmup_steps=warmup
    )
