"""TensorFlow SavedModel, run by TensorFlow in this process."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads the highest version of an exported SavedModel.

    Args:
        folder: The exported folder; the model lies in `folder/<version>/`.
        artefact: What it holds.
        threads: That an operation may use. TensorFlow has one setting for a process, which is made before it computes
            anything; None leaves it.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.

    Raises:
        FileNotFoundError: If the folder holds no version.
        ValueError: If `threads` is another number than the one that TensorFlow runs with already.
    """
    import tensorflow as tf

    _set_threads(tf, threads)
    loaded = tf.saved_model.load(str(latest_version(folder)))

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        outputs = loaded.network(tf.convert_to_tensor(batch, tf.float32))
        return {name: outputs[name].numpy() for name in artefact.outputs}

    return run


def latest_version(folder: Path) -> Path:
    """The folder of the highest version, which is the one that a server serves.

    Raises:
        FileNotFoundError: If there is none.
    """
    versions = [path for path in Path(folder).iterdir() if path.name.isdecimal() and path.is_dir()]
    if not versions:
        raise FileNotFoundError(f"{folder} holds no version of a SavedModel, a folder such as 1. Export it again.")
    return max(versions, key=lambda path: int(path.name))


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
