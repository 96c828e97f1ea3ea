"""TensorFlow SavedModel, for TensorFlow Serving: one folder per version, with signatures, tags and warm-up requests.

In this process it is run by TensorFlow. `write` alone loads Keras.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.processes import refuse_after_fork
from keras_musictag.runtimes.artefact import Artefact
from keras_musictag.runtimes.engine_tagger import LazyOutputs

if TYPE_CHECKING:  # running an exported model loads no Keras
    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras")  # whose versions `artefact.json` states
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


PRECISIONS = {
    "float32": 1e-4,  # as exact as Keras: what differs is the STFT's round-off and the order of sums
    "bfloat16": 3e-2,  # 8 bits of a number: `musicnn` and `vgg` move by up to 2e-2 in Keras itself
    "float16": 5e-3,  # 11 bits: 1.8e-3 at most with trained weights
}
INPUTS = ("waveform",)  # `taggram` and `wav_bytes` cut audio, so there is no log-mel form


def write(tagger: "Tagger", folder: Path, precision: str, form: str, version: int = 1) -> None:
    """Writes the SavedModel into a folder named by its version, as TensorFlow Serving wants it.

    Args:
        tagger: The tagger to export.
        folder: A scratch folder that exists; the model goes to `folder/<version>/`.
        precision: A key of `PRECISIONS`.
        form: "waveform".
        version: A whole number from 1 on; a server serves the highest.

    Returns:
        None: it takes any batch size.
    """
    import tensorflow as tf

    from keras_musictag.runtimes.export_folder import TAGS_FILE, write_tags
    from keras_musictag.runtimes.export_network import exported_network
    from keras_musictag.runtimes.formats._savedmodel_signatures import signatures_of
    from keras_musictag.runtimes.formats._savedmodel_warmup import write_warmup

    path = Path(folder) / str(version)
    network = exported_network(tagger, form, precision)
    functions = signatures_of(network, tagger.spec.chunking, tagger.vocabulary)
    module = tf.Module()  # which holds no Keras object, so that a model without Keras can be loaded
    module.weights = [weight.value for weight in network.weights]
    with tempfile.TemporaryDirectory() as scratch:
        tags = Path(scratch) / TAGS_FILE
        write_tags(tagger.vocabulary, tags)
        module.tags_csv = tf.saved_model.Asset(str(tags))
        tf.saved_model.save(module, str(path), signatures=functions)
    write_warmup(path, tagger.spec.chunking)
