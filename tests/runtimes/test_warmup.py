import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from keras_musictag.runtimes.formats._savedmodel_signatures import BATCHED
from keras_musictag.runtimes.formats._savedmodel_warmup import BATCH_SIZES, WARMUP_FILE, prediction_log
from tests.runtimes import serving_export as shared_export
from tests.runtimes.serving_loopback import warmup_requests

CHUNK_SAMPLES = 48128


@pytest.mark.parametrize("value", [np.zeros((2, 3), np.float32), np.array([b"a" * 70_000, b""], object), np.int64(5)])
def test_the_bytes_are_those_of_the_official_protos(value):
    tensor = tf.make_tensor_proto(value)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "embed"
    log.predict_log.request.inputs["waveform"].CopyFrom(tensor)
    assert prediction_log("embed", "waveform", tensor) == log.SerializeToString(deterministic=True)


def test_every_batched_signature_and_size_has_a_request():
    found = {}
    for request in warmup_requests(shared_export.exported("musicnn") / "1"):
        assert isinstance(request, predict_pb2.PredictRequest)
        ((name, value),) = request.inputs.items()
        tensor = tf.io.parse_tensor(value.SerializeToString(), value.dtype)  # in C++, as a server reads it
        assert tensor.shape[1:] == ([] if name == "wav_bytes" else [CHUNK_SAMPLES])
        assert len(set(tensor.numpy().ravel().tolist())) == 1  # one value stands for all of them
        found.setdefault(request.model_spec.signature_name, []).append(tensor.shape[0])
    assert found == {signature: list(BATCH_SIZES) for signature in BATCHED}


def test_the_file_is_small():
    assert (shared_export.exported("musicnn") / "1" / WARMUP_FILE).stat().st_size < 5000
