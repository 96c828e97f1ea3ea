"""Runs the "keras" format: a `.keras` file, by this package and TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact

FILE_NAME = "model.keras"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads the file.

    Args:
        folder: That was exported.
        artefact: Of the folder.
        threads: Has no effect: TensorFlow's are those of the process.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.
    """
    import keras

    from keras_musictag.tagger import Tagger  # which Keras must know before it loads one

    tagger: Tagger = keras.saving.load_model(folder / FILE_NAME)
    scores, embedding = tagger.runner(), tagger.runner(tagger.embedding_layer)
    return lambda batch: {"scores": scores(batch), "embedding": embedding(batch)}
