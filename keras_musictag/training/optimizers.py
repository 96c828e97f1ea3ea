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


def make_optimizer(phase: Phase, recipe: Recipe) -> keras.optimizers.Optimizer:
    """The optimiser of a phase.

    Adam's epsilon is PyTorch's 1e-8, which the 2020 evaluation used.
    """
    shared = {
        "learning_rate": phase.learning_rate,
        "gradient_accumulation_steps": recipe.accumulation if recipe.accumulation > 1 else None,
    }
    if phase.optimizer == "adam":
        optimizer = AdamL2(epsilon=1e-8, **shared)
    else:
        optimizer = SGDL2(momentum=phase.momentum, nesterov=True, **shared)
    optimizer.l2 = recipe.l2
    return optimizer
