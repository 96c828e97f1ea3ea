"""TensorFlow SavedModel, for TensorFlow Serving: a version's folder with signatures, tags and warm-up requests."""

import tempfile
from pathlib import Path

import tensorflow as tf

from keras_musictag.exporting.folder import TAGS_FILE, write_tags
from keras_musictag.exporting.network import exported_network
from keras_musictag.exporting.signatures import signatures_of
from keras_musictag.exporting.warmup import write_warmup
from keras_musictag.tagger import Tagger

PRECISIONS = {
    "float32": 1e-4,  # as exact as Keras: what differs is the STFT's round-off and the order of sums
    "bfloat16": 3e-2,  # 8 bits of a number: `musicnn` and `vgg` move by up to 2e-2 in Keras itself
    "float16": 5e-3,  # 11 bits: 1.8e-3 at most with trained weights
}
INPUTS = ("waveform",)  # `taggram` and `wav_bytes` cut audio, so there is no log-mel form


def write(tagger: Tagger, folder: Path, precision: str, form: str, version: int = 1) -> None:
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
