"""TensorFlow SavedModel, run by TensorFlow in this process.

Requests that a model server runs once when it loads a model, so that the first client does not wait.

They lie in `assets.extra/tf_serving_warmup_requests`, a TFRecord of `tensorflow.serving.PredictionLog`. These messages
are few and their field numbers cannot change, so they are written here by hand: `tensorflow-serving-api`, which
declares them, demands TensorFlow of its own version or later. The tests read the file with it.

TensorFlow SavedModel, for TensorFlow Serving: a version's folder with signatures, tags and warm-up requests.
"""

import io
import tempfile
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from keras_musictag.audio.chunking import Chunking
from keras_musictag.processes import refuse_after_fork
from keras_musictag.runtimes.artefact import Artefact
from keras_musictag.runtimes.engine_tagger import LazyOutputs
from keras_musictag.runtimes.export_folder import TAGS_FILE, write_tags
from keras_musictag.runtimes.export_network import exported_network
from keras_musictag.runtimes.formats._savedmodel_signatures import signatures_of
from keras_musictag.tagger import Tagger

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


BATCH_SIZES = (1, 2, 4, 8)  # those of the batching parameters in docs/serving.md
FILE_NAME = "assets.extra/tf_serving_warmup_requests"


def write_warmup(folder: Path, chunking: Chunking) -> None:
    """Writes a request of each batched signature and batch size into the folder of a SavedModel.

    Args:
        folder: That holds `saved_model.pb`.
        chunking: How the network hears a track.
    """
    path = folder / FILE_NAME
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, name, tensor in _requests(chunking):
            writer.write(prediction_log(signature, name, tensor))


def prediction_log(signature: str, name: str, tensor: tensor_pb2.TensorProto) -> bytes:
    """A serialised `PredictionLog` with a `PredictRequest` of one input.

    Args:
        signature: The signature to call.
        name: Of the input.
        tensor: Its value.
    """
    model_spec = _field(3, signature.encode())  # ModelSpec.signature_name; the server does not read the name
    an_input = _field(1, name.encode()) + _field(2, tensor.SerializeToString())  # an entry of the map
    request = _field(1, model_spec) + _field(2, an_input)  # PredictRequest.model_spec, .inputs
    return _field(6, _field(1, request))  # PredictionLog.predict_log, PredictLog.request


def _requests(chunking: Chunking) -> Iterator[tuple[str, str, tensor_pb2.TensorProto]]:
    """Silence: one value stands for all of a tensor, so the file is small."""
    wav = silent_wav(chunking.sample_rate_hz)
    for size in BATCH_SIZES:
        chunks = _filled(tf.float32, (size, chunking.chunk_samples), float_val=[0.0])
        yield "serving_default", "waveform", chunks
        yield "embed", "waveform", chunks
        yield "wav_bytes", "wav_bytes", _filled(tf.string, (size,), string_val=[wav])


def _filled(dtype: tf.DType, shape: tuple[int, ...], **value) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=tf.TensorShape(shape).as_proto(), **value)


def silent_wav(rate_hz: int) -> bytes:
    """A short 16-bit mono WAV file; the network's chunk is filled up with silence anyway."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(bytes(2 * 16))
    return file.getvalue()


def _field(number: int, content: bytes) -> bytes:
    """A field of a message that is a string, bytes or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


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
