"""The signals that an exported model is compared on, music and extremes, and the outputs of Keras for them."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike

import keras
import numpy as np
import tensorflow as tf

from keras_musictag import frontends
from keras_musictag.bundled_files import demo_clip
from keras_musictag.runtimes.comparison import slices
from keras_musictag.tagger import Tagger
from keras_musictag.tagger.fold import fold_normalisation
from keras_musictag.tagger.track import run_track

RunBoth = Callable[[np.ndarray], tuple[np.ndarray, ...]]


@dataclass(frozen=True, eq=False)
class KerasOutputs:
    """The outputs of Keras for one signal.

    Attributes:
        inputs: Float32 (chunks, ...), in the form that the exported model takes.
        scores: Float32 (chunks, tags).
        embedding: Float32 (chunks, features).
    """

    inputs: np.ndarray
    scores: np.ndarray
    embedding: np.ndarray


def keras_outputs(tagger: Tagger, form: str, chunks: dict[str, np.ndarray] | None = None) -> dict[str, KerasOutputs]:
    """Computes the scores and embeddings of a tagger for each signal, in float32 and on the CPU.

    Args:
        tagger: A tagger with its weights.
        form: "waveform" or "log-mel".
        chunks: What `signals` returns; None for its default, with the demo clip.
    """
    chunks = signals(tagger) if chunks is None else chunks
    with keras.device("cpu"):  # a GPU would round to TF32, which differs more than most exports
        tagger = _in_float32(tagger)
        run = scores_and_embeddings(tagger)
        make_inputs = _features(tagger) if form == "log-mel" else np.asarray
        return {name: KerasOutputs(make_inputs(part), *_in_slices(run, part)) for name, part in chunks.items()}


def scores_and_embeddings(tagger: Tagger) -> RunBoth:
    """From float32 (chunks, chunk_samples) to scores and embeddings in one pass; `Tagger.runner` would take two."""
    scores = tagger.outputs[0]
    if tagger.spec.classifier_activation is None:
        scores = keras.ops.sigmoid(scores)
    embedding = tagger.get_layer(tagger.embedding_layer).output
    network = fold_normalisation(keras.Model(tagger.inputs[0], [scores, embedding]))
    signature = [tf.TensorSpec((None, *network.inputs[0].shape[1:]), tf.float32)]
    run = tf.function(lambda batch: network(batch, training=False), input_signature=signature, autograph=False)
    return lambda batch: tuple(output.numpy() for output in run(batch))


def signals(tagger: Tagger, audio: str | PathLike | None = None) -> dict[str, np.ndarray]:
    """Makes the signals, by name: music, digital silence, noise, and noise at full scale.

    Args:
        tagger: The tagger to make them for.
        audio: A file of music; None for the demo clip.

    Returns:
        Float32 (chunks, chunk_samples) for each name.

    Raises:
        AudioError, FileNotFoundError: As in `Tagger.tag`: not audio, too short to tag, or missing.
    """
    chunking = tagger.spec.chunking
    music, _, _ = run_track(np.asarray, chunking, demo_clip() if audio is None else audio)
    noise = np.random.default_rng(0).normal(0, 0.1, (1, chunking.chunk_samples)).astype(np.float32)
    return {"music": music, "silence": np.zeros_like(noise), "noise": noise, "full scale": np.sign(noise)}


def _in_slices(run: RunBoth, chunks: np.ndarray) -> tuple[np.ndarray, ...]:
    parts = [run(part) for part in slices(chunks)]
    return tuple(np.concatenate(output) for output in zip(*parts, strict=True))


def _in_float32(tagger: Tagger) -> Tagger:
    """A copy, even of a float32 tagger: the original's compiled functions stay where they are, such as on a GPU."""
    plain = Tagger(tagger.spec, tagger.implementation, "float32", tagger.name)
    plain.set_weights(tagger.get_weights())
    return plain


def _features(tagger: Tagger):
    """Returns a function from waveforms to the features of a tagger's front end."""
    config = tagger.spec.frontend_config
    waveform = keras.Input((tagger.spec.chunking.chunk_samples,), dtype="float32")
    features = frontends.get(frontends.name_of(config)).apply(waveform, config, "portable")
    network = keras.Model(waveform, features)
    return lambda chunks: np.concatenate([np.asarray(network(chunk[None], training=False)) for chunk in chunks])
