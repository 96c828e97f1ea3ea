"""Builds the network of a run on the available devices, and compiles it for a phase of the recipe.

The optimisers add L2 to the gradient, like PyTorch's `weight_decay`; Keras's `weight_decay` is decoupled (AdamW).
"""

import random
from contextlib import AbstractContextManager, nullcontext

import keras

from keras_musictag import architectures
from keras_musictag.layers.spec_augment import SpecAugment
from keras_musictag.tagger import Tagger
from keras_musictag.tagger.network import HEAD
from keras_musictag.tags.vocabulary import Vocabulary
from keras_musictag.training.recipe import Phase, Recipe
from keras_musictag.training.run_state import SONG_SECONDS, Settings
from keras_musictag.zoo.keras_loading import build
from keras_musictag.zoo.loading import load


class _L2:
    """Adds `l2 * variable` to the gradient, after the sum over replicas and accumulated steps."""

    l2 = 0.0

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient + self.l2 * keras.ops.cast(variable, gradient.dtype), variable, learning_rate)


class AdamL2(_L2, keras.optimizers.Adam):
    """Adam with L2 in the gradient: `torch.optim.Adam(weight_decay=l2)`."""


class SGDL2(_L2, keras.optimizers.SGD):
    """SGD with L2 in the gradient: `torch.optim.SGD(weight_decay=l2)`."""


def make_optimizer(phase: Phase, recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Makes the optimiser for a phase with the given number of steps.

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


def make_strategy():
    """Makes TensorFlow's strategy over all devices; None for one device and on other backends."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([d.name for d in devices]) if len(devices) > 1 else None


def scope_of(strategy) -> AbstractContextManager:
    """Returns the context in which variables must be created: the scope of the strategy, if there is one."""
    return nullcontext() if strategy is None else strategy.scope()


def replicas_of(strategy) -> int:
    """Returns how many devices share a batch."""
    return 1 if strategy is None else strategy.num_replicas_in_sync


def make_model(settings: Settings, vocabulary: Vocabulary, replicas: int) -> Tagger:
    """Makes the network of a run with its initial weights.

    Raises:
        UnknownNameError: If the architecture, precision or weights are unknown.
        ValueError: If the architecture cannot take a whole song, or has no features that could be masked.
    """
    _set_seed(settings.recipe.seed)
    seconds = _chunk_seconds(settings)
    if settings.weights is None:
        model = build(
            settings.model,
            vocabulary,
            chunk_seconds=seconds,
            precision=settings.precision,
            config=settings.config,
        )
    else:
        model = load(
            settings.model, settings.weights, tags=vocabulary, chunk_seconds=seconds, precision=settings.precision
        )
    if settings.recipe.spec_augment is not None:
        model = model.with_augment(SpecAugment(**settings.recipe.spec_augment))
    if replicas > 1:
        # otherwise each replica has its own moving statistics, and the saved model differs from the trained one
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
    return model


def _set_seed(seed: int) -> None:
    """Seeds everything random in Keras: the initial weights, and the generators of dropout."""
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
        return
    random.seed(seed)  # Keras takes all default seeds from it; `set_random_seed` would load TensorFlow
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)  # dropout draws from it


def _chunk_seconds(settings: Settings) -> float | None:
    if settings.level == "chunk":
        return None
    if settings.model in architectures.names():
        chunking = architectures.get(settings.model).CHUNKING
        if chunking.chunk_samples == round(SONG_SECONDS * chunking.sample_rate_hz):
            return None
    return SONG_SECONDS


def compile_for(model: keras.Model, phase: Phase, recipe: Recipe, steps: int) -> None:
    """Compiles a tagger or a student for a phase with the given number of steps, and builds a new optimiser."""
    if recipe.teaching is None:
        for layer in model.layers:
            layer.trainable = phase.layers == "all" or layer.name in HEAD
    model.compile(
        optimizer=make_optimizer(phase, recipe, steps),
        loss=keras.losses.BinaryCrossentropy() if recipe.teaching is None else None,  # a student has its own loss
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    model.optimizer.build(model.trainable_variables)


def continue_with(model: Tagger, phase: Phase) -> None:
    """Keeps the optimiser and changes its learning rate.

    Keras stores SGD's velocity multiplied by the learning rate; PyTorch, which the 2020 evaluation used, does not. The
    velocity is therefore scaled, so that the next steps equal PyTorch's.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # float16 wraps it to scale the loss
    scale = phase.learning_rate / float(optimizer.learning_rate)
    for momentum in getattr(optimizer, "momentums", ()) if phase.optimizer == "sgd" else ():
        momentum.assign(momentum * scale)
    optimizer.learning_rate = phase.learning_rate
