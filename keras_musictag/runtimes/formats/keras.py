"""The "keras" format: a `.keras` file, run by this package and TensorFlow, and ready for further training."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.keras_start import start_keras
from keras_musictag.processes import refuse_after_fork
from keras_musictag.runtimes.artefact import Artefact
from keras_musictag.runtimes.engine_tagger import LazyOutputs

if TYPE_CHECKING:  # running an exported model loads no Keras
    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras")  # whose versions `artefact.json` states
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

    tagger = keras.saving.load_model(folder / FILE_NAME)
    runners = {"scores": tagger.runner(), "embedding": tagger.runner(tagger.embedding_layer)}
    return lambda batch: LazyOutputs(runners, lambda name: runners[name](batch))


# precision -> largest difference of a score from Keras float32
PRECISIONS = {
    "float32": 1e-5,  # the same layers on the same weights: other threads may sum in another order
    "bfloat16": 2e-2,  # what `Tagger` states for `musicnn` and `vgg`
    "float16": 5e-3,  # three more bits than bfloat16
}
INPUTS = ("waveform",)


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> None:
    """Writes `model.keras`: network, weights, tags and settings, without the state of a training.

    Args:
        tagger: With its weights.
        folder: An empty one.
        precision: What the network computes in; the weights are float32.
        form: "waveform".

    Returns:
        None: the model takes any batch size.
    """
    from keras_musictag.tagger import Tagger

    plain = Tagger(tagger.spec, precision=precision, name=tagger.name)
    plain.set_weights(tagger.get_weights())
    plain.save(folder / FILE_NAME)
