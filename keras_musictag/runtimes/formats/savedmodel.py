"""TensorFlow SavedModel, for TensorFlow Serving: one folder per version, with signatures, tags and warm-up requests.

TensorFlow runs it in this process. Only `write` imports Keras.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.processes import refuse_after_fork
from keras_musictag.runtimes.artefact import INPUT_NAMES, Artefact
from keras_musictag.runtimes.engine_tagger import LazyOutputs
from keras_musictag.runtimes.example_program import fill_example

if TYPE_CHECKING:  # running an exported model must not import Keras
    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras")  # `artefact.json` states their versions
SIGNATURES = {"scores": "serving_default", "embedding": "embed"}  # output -> the signature that returns it


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], Mapping[str, np.ndarray]]:
    """Loads the version of an exported SavedModel that its `artefact.json` describes.

    Args:
        folder: The exported folder; the model is in `folder/<version>/`.
        artefact: Its `Artefact`.
        threads: Number of threads that an operation may use. TensorFlow has one setting per process, which cannot be
            changed once it has computed something; None leaves it unchanged.

    Returns:
        A function from float32 (batch, chunk_samples) to `{"scores": (batch, tags), "embedding": (batch, features)}`.
        It runs the signatures that a server runs, each when its output is first used.

    Raises:
        MusicTagError: If this process was forked after TensorFlow had run.
        ValueError: If TensorFlow already runs with another number of threads.
    """
    refuse_after_fork()
    import tensorflow as tf

    _set_threads(tf, threads)
    loaded = tf.saved_model.load(str(Path(folder) / _version(artefact)))

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
            f"TensorFlow has already computed in this process, so `threads` cannot be set. Received: {threads}. Open "
            "the model earlier, or omit `threads`."
        ) from None


def example(artefact: Artefact) -> str:
    """Returns the text of `example.py`: see `fill_example`."""
    version = _version(artefact)
    return fill_example(
        artefact,
        package="tensorflow",
        imports="import tensorflow as tf",
        opening=f'run = tf.saved_model.load(str(folder / "{version}")).signatures["serving_default"]',
        run=f'run({INPUT_NAMES[artefact.input]}=tf.constant(chunk[None]))["scores"].numpy()',
    )


def _version(artefact: Artefact) -> str:
    """The folder of the model: not the highest version, as users may copy other versions into the folder."""
    return next(iter(artefact.files)).partition("/")[0]


PRECISIONS = {
    "float32": 1e-4,  # as exact as Keras: only the STFT's round-off and the order of sums differ
    "bfloat16": 3e-2,  # 8 bits: scores of `musicnn` and `vgg` move by up to 2e-2 in Keras itself
    "float16": 5e-3,  # 11 bits: at most 1.8e-3 with trained weights
}
INPUTS = ("waveform",)  # no log-mel form, because `taggram` and `wav_bytes` cut audio


def write(tagger: "Tagger", folder: Path, precision: str, form: str, version: int = 1) -> None:
    """Writes the SavedModel to a folder named after its version, as TensorFlow Serving expects.

    Args:
        tagger: The tagger to export.
        folder: An existing folder; the model is written to `folder/<version>/`.
        precision: A key of `PRECISIONS`.
        form: "waveform".
        version: A whole number of 1 or more; a server serves the highest.

    Returns:
        None: the model takes batches of any size.
    """
    import tensorflow as tf

    from keras_musictag.runtimes.export_folder import TAGS_FILE, write_tags_file
    from keras_musictag.runtimes.export_network import exported_network
    from keras_musictag.runtimes.formats._savedmodel_signatures import signatures_of
    from keras_musictag.runtimes.formats._savedmodel_warmup import write_warmup

    path = Path(folder) / str(version)
    network = exported_network(tagger, form, precision)
    functions = signatures_of(network, tagger.spec.chunking, tagger.vocabulary)
    module = tf.Module()  # without Keras objects, so that the model can be loaded without Keras
    module.weights = [weight.value for weight in network.weights]
    with tempfile.TemporaryDirectory() as scratch:
        tags = Path(scratch) / TAGS_FILE
        write_tags_file(tagger.vocabulary, tags)
        module.tags_csv = tf.saved_model.Asset(str(tags))
        tf.saved_model.save(module, str(path), signatures=functions)
    write_warmup(path, tagger.spec.chunking)
