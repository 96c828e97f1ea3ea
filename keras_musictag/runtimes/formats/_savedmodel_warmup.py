"""Warm-up requests: a model server runs them once when it loads a model, so that the first client does not wait.

They are in `assets.extra/tf_serving_warmup_requests`, a TFRecord of `tensorflow.serving.PredictionLog`. There are few
of these messages, and their field numbers cannot change. So this module encodes them itself: `tensorflow-serving-api`,
which defines them, requires a TensorFlow of its own version or later. The tests read the file with it.
"""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from keras_musictag.audio.chunking import Chunking

BATCH_SIZES = (1, 2, 4, 8)  # those of the batching parameters in docs/serving.md
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(folder: Path, chunking: Chunking) -> None:
    """Writes one request per batched signature and batch size to the folder of a SavedModel.

    Args:
        folder: The folder that holds `saved_model.pb`.
        chunking: How a track is cut into chunks.
    """
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, name, tensor in _requests(chunking):
            writer.write(prediction_log(signature, name, tensor))


def prediction_log(signature: str, name: str, tensor: tensor_pb2.TensorProto) -> bytes:
    """Serialises a `PredictionLog` with a `PredictRequest` of one input.

    Args:
        signature: The signature to call.
        name: The name of the input.
        tensor: The value of the input.
    """
    model_spec = _field(3, signature.encode())  # ModelSpec.signature_name; the server does not read the name
    an_input = _field(1, name.encode()) + _field(2, tensor.SerializeToString())  # an entry of the map
    request = _field(1, model_spec) + _field(2, an_input)  # PredictRequest.model_spec, .inputs
    return _field(6, _field(1, request))  # PredictionLog.predict_log, PredictLog.request


def _requests(chunking: Chunking) -> Iterator[tuple[str, str, tensor_pb2.TensorProto]]:
    """Requests of silence: one value stands for all values of a tensor, so the file is small."""
    wav = silent_wav(chunking.sample_rate_hz)
    for size in BATCH_SIZES:
        chunks = _filled(tf.float32, (size, chunking.chunk_samples), float_val=[0.0])
        yield "serving_default", "waveform", chunks
        yield "embed", "waveform", chunks
        yield "wav_bytes", "wav_bytes", _filled(tf.string, (size,), string_val=[wav])


def _filled(dtype: tf.DType, shape: tuple[int, ...], **value) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=tf.TensorShape(shape).as_proto(), **value)


def silent_wav(rate_hz: int) -> bytes:
    """A short 16-bit mono WAV file; it is padded with silence to a chunk."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(bytes(2 * 16))
    return file.getvalue()


def _field(number: int, content: bytes) -> bytes:
    """Encodes a field of a message: a string, bytes or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
