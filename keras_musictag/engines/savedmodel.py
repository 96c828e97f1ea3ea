"""TensorFlow SavedModel, run by TensorFlow in this process."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.engines.lazy_outputs import LazyOutputs
from keras_musictag.forks import refuse_after_fork

SIGNATURES = {"scores": "serving_default", "embedding": "embed"}  # what a server gives, by output


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], Mapping[str, np.ndarray]]:
    """Loads the version of an exported SavedModel that its `artefact.json` speaks of.

    Args:
        folder: The exported folder; the model lies in `folder/<version>/`.
        artefact: What it holds.
        threads: That an operation may use. TensorFlow has one setting for a process, which is made before it computes
            anything; None leaves it.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.
        It runs the signatures that a server runs, each when its output is first asked for.

    Raises:
        MusicTagError: In a process that was forked after TensorFlow had run.
        ValueError: If `threads` is another number than the one that TensorFlow runs with already.
    """
    refuse_after_fork()
    import tensorflow as tf

    _set_threads(tf, threads)
    version = next(iter(artefact.files)).partition("/")[0]  # not the highest: a folder may have been copied in
    loaded = tf.saved_model.load(str(Path(folder) / version))

    def run(batch: np.ndarray) -> Mapping[str, np.ndarray]:
        waveform = tf.convert_to_tensor(batch, tf.float32)

        def compute(name: str) -> np.ndarray:
            return loaded.signatures[SIGNATURES[name]](waveform=waveform)[name].numpy()

        return LazyOutputs(SIGNATURES, compute)

    return run


def _set_threads(tf, threads: int | None) -> None:
    threading = tf.config.threading
    if threads is None or threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        raise ValueError(
            f"TensorFlow has computed in this process already, so `threads` cannot be set. Received: {threads}. Open "
            "the model before, or leave `threads` out."
        ) from None
