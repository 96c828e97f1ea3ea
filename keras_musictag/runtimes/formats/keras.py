"""The format "keras": a `.keras` file, which this package runs on TensorFlow and which can be trained further."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.keras_start import start_keras
from keras_musictag.processes import refuse_after_fork
from keras_musictag.runtimes.artefact import Artefact
from keras_musictag.runtimes.engine_tagger import LazyOutputs

if TYPE_CHECKING:  # running an exported model must not import Keras
    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras")  # whose versions `artefact.json` states
MODEL_FILE = "model.keras"
EXAMPLE = '''\
"""Tags a music file with the model in this folder: python example.py song.mp3

Needs: pip install keras-musictag
"""

import sys
from pathlib import Path

import keras_musictag as kmt

tagger = kmt.load(Path(__file__).parent / "model.keras")
for tag, score in tagger.tag(sys.argv[1]).tags:
    print(f"{score:.4f} {tag}")
'''


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], Mapping[str, np.ndarray]]:
    """Loads the `.keras` file of an exported folder.

    Args:
        folder: An exported folder.
        artefact: Its `Artefact`.
        threads: Has no effect: TensorFlow's threads belong to the process.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.
        It runs the network once per output, when that is first used.
    """
    refuse_after_fork()
    start_keras()
    import keras

    from keras_musictag.tagger.model import Tagger  # registers the class of the file with Keras

    tagger: Tagger = keras.saving.load_model(folder / MODEL_FILE)
    runners = {"scores": tagger.runner(), "embedding": tagger.runner(tagger.embedding_layer)}
    return lambda batch: LazyOutputs(runners, lambda name: runners[name](batch))


def example(artefact: Artefact) -> str:
    """Returns the text of `example.py`: it needs this package."""
    return EXAMPLE


# precision -> largest difference of a score from Keras float32
PRECISIONS = {
    "float32": 1e-5,  # same layers and weights; threads may change the order of sums
    "bfloat16": 2e-2,  # the bound that `Tagger` states for `musicnn` and `vgg`
    "float16": 5e-3,  # three more bits than bfloat16
}
INPUTS = ("waveform",)


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> None:
    """Writes `model.keras`: network, weights, tags and settings, without the state of training.

    Args:
        tagger: A tagger with its weights.
        folder: An empty folder.
        precision: What the network computes in; its weights are float32.
        form: "waveform".

    Returns:
        None: the model takes batches of any size.
    """
    from keras_musictag.tagger import Tagger

    plain = Tagger(tagger.spec, precision=precision, name=tagger.name)
    plain.set_weights(tagger.get_weights())
    plain.save(folder / MODEL_FILE)
