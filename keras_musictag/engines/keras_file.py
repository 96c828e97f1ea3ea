"""Runs the "keras" format: a `.keras` file, by this package and TensorFlow."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.engines.lazy_outputs import LazyOutputs
from keras_musictag.forks import refuse_after_fork
from keras_musictag.keras_start import start_keras

FILE_NAME = "model.keras"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], Mapping[str, np.ndarray]]:
    """Loads the file.

    Args:
        folder: That was exported.
        artefact: Of the folder.
        threads: Has no effect: TensorFlow's are those of the process.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.
        It runs the network for each of the two, when it is first asked for.
    """
    refuse_after_fork()
    start_keras()
    import keras

    from keras_musictag.tagger import Tagger  # which Keras must know before it loads one

    tagger: Tagger = keras.saving.load_model(folder / FILE_NAME)
    runners = {"scores": tagger.runner(), "embedding": tagger.runner(tagger.embedding_layer)}
    return lambda batch: LazyOutputs(runners, lambda name: runners[name](batch))
