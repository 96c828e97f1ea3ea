"""A server on this machine with the interfaces of TensorFlow Serving: its gRPC protos, its REST paths and JSON.

It is not that server, because no package index has its binary. What they share: it runs the SavedModel in a C++
session, which checks no shapes, on tensors that C++ reads from the protos; it finds versions in folders named by
numbers; it runs the warm-up requests; it joins requests on the first axis as `--enable_batching` does. Rules and
messages follow its source (json_tensor.cc, http_rest_api_handler.cc, http_rest_api_util.cc, batching_session.cc,
predict_util.cc).
"""

import base64
import json
import re
import threading
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

WARMUP = "assets.extra/tf_serving_warmup_requests"
REST_PATH = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?(:predict|/metadata)?")


class ServingError(Exception):
    """An error that the client receives."""


class Version:
    """One version of a model, loaded as a session."""

    def __init__(self, folder: Path):
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        meta_graph = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = meta_graph.signature_def
        self.callables = {}
        self.warmed_up = [self.run(request) and request for request in warmup_requests(folder)]

    def signature(self, name: str):
        if (name or "serving_default") not in self.signatures:
            raise ServingError(f'Serving signature key "{name}" not found.')
        return self.signatures[name or "serving_default"]

    def run(self, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
        signature = self.signature(request.model_spec.signature_name)
        if request.inputs.keys() != signature.inputs.keys():
            raise ServingError(f"input size does not match signature: {set(request.inputs)} {set(signature.inputs)}")
        wanted = list(request.output_filter) or list(signature.outputs)
        feed = {signature.inputs[name].name: array_of(value) for name, value in request.inputs.items()}
        run = self.callable((*feed,), tuple(signature.outputs[name].name for name in wanted))
        try:
            return dict(zip(wanted, run(*feed.values()), strict=True))
        except tf.errors.OpError as error:
            raise ServingError(error.message) from None

    def callable(self, feed: tuple[str, ...], fetch: tuple[str, ...]):
        """A function of arrays. `Session.run` would compare their shapes with the signature's; a server does not."""
        if (feed, fetch) not in self.callables:
            options = CallableOptions(feed=feed, fetch=fetch)
            self.callables[feed, fetch] = self.session._make_callable_from_options(options)
        return self.callables[feed, fetch]

    def run_joined(self, requests: list, allowed_batch_sizes: tuple[int, ...]) -> list[dict[str, np.ndarray]]:
        """Joins requests that arrive together: one call, with the next larger allowed batch size."""
        arrays = [{name: tf.make_ndarray(value) for name, value in r.inputs.items()} for r in requests]
        if any(array.ndim == 0 for inputs in arrays for array in inputs.values()):
            raise ServingError("Batching Run() input tensors must have at least one dimension")
        sizes = [len(next(iter(inputs.values()))) for inputs in arrays]
        if max(sizes) > max(allowed_batch_sizes):
            raise ServingError(f"Task size {max(sizes)} is larger than maximum input batch size")
        padding = min(size for size in allowed_batch_sizes if size >= sum(sizes)) - sum(sizes)
        joined = predict_pb2.PredictRequest(model_spec=requests[0].model_spec)
        for name in arrays[0]:
            rows = [*(inputs[name] for inputs in arrays), *([arrays[-1][name][:1]] * padding)]
            joined.inputs[name].CopyFrom(tf.make_tensor_proto(np.concatenate(rows)))
        outputs = self.run(joined)
        if any(array.ndim == 0 or len(array) != sum(sizes) + padding for array in outputs.values()):
            raise ServingError(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
                "tensors"
            )
        ends = np.cumsum(sizes)
        return [
            {name: array[end - size : end] for name, array in outputs.items()}
            for end, size in zip(ends, sizes, strict=True)
        ]


def array_of(value) -> np.ndarray:
    """A `TensorProto`, read in C++ as a server does; `tf.make_ndarray` is written in Python."""
    tensor = tf.io.parse_tensor(value.SerializeToString(), value.dtype)
    return np.array(tensor.numpy(), tensor.dtype.as_numpy_dtype)


def warmup_requests(folder: Path) -> list[predict_pb2.PredictRequest]:
    """The warm-up requests in a version's folder, as the server reads them."""
    if not (folder / WARMUP).is_file():
        return []
    records = tf.data.TFRecordDataset(str(folder / WARMUP)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert all(log.WhichOneof("log_type") == "predict_log" for log in logs)
    return [log.predict_log.request for log in logs]


@dataclass(frozen=True)
class Loopback:
    """The running server: the versions of the one model it serves, and its addresses."""

    name: str
    versions: dict[int, Version]
    rest: str
    grpc: str


@contextmanager
def serve(name: str, base_path: Path):
    """Serves every version below a folder until the block ends."""
    found = {int(path.name): Version(path) for path in base_path.iterdir() if path.name.isdecimal()}
    versions = dict(sorted(found.items(), reverse=True))  # the newest first

    def find(asked: str, version: int | None) -> Version:
        if asked != name or (version or max(versions)) not in versions:
            raise ServingError(f"Servable not found for request: Specific({asked}, {version})")
        return versions[version or max(versions)]

    rest = ThreadingHTTPServer(("localhost", 0), _rest_handler(find, versions))
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    rpc = grpc.server(futures.ThreadPoolExecutor(2), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_prediction_service(find), rpc)
    port = rpc.add_insecure_port("localhost:0")
    rpc.start()
    try:
        yield Loopback(name, versions, f"localhost:{rest.server_port}", f"localhost:{port}")
    finally:
        rest.shutdown()
        rest.server_close()
        rpc.stop(None).wait()
        for version in versions.values():
            version.session.close()


def _prediction_service(find):
    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802 - the proto's name
            try:
                version = find(request.model_spec.name, request.model_spec.version.value or None)
                outputs = version.run(request)
            except ServingError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for name, array in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
            return response

    return Service()


def _rest_handler(find, versions):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            def status(name, version):
                find(name, version)
                known = [{"version": str(n), "state": "AVAILABLE"} for n in versions if version in (None, n)]
                return {"model_version_status": known}

            self.answer({None: status, "/metadata": lambda name, version: metadata_json(find(name, version))})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({":predict": lambda name, version: answer_json(find(name, version), body)})

        def answer(self, makers: dict):
            match = REST_PATH.fullmatch(self.path)
            try:
                if not match or match[3] not in makers:
                    raise ServingError(f"Malformed request: {self.command} {self.path}")
                code, answer = 200, makers[match[3]](match[1], int(match[2]) if match[2] else None)
            except ServingError as error:
                code, answer = 400, {"error": str(error)}
            content = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def metadata_json(version: Version) -> dict:
    """The signatures, as protobuf writes them: 64-bit integers are strings."""
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=dict(version.signatures))
    return {"metadata": {"signature_def": json_format.MessageToDict(signatures, preserving_proto_field_name=True)}}


def answer_json(version: Version, body: bytes) -> dict:
    """A REST request of either form: rows ("instances") or columns ("inputs")."""
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise ServingError(f"JSON Parse error: {error}") from None
    name = asked.get("signature_name", "serving_default")
    signature = version.signature(name)
    if not signature.inputs:
        raise ServingError(f"Failed to get input map for signature: {name}")
    if ("instances" in asked) == ("inputs" in asked):
        raise ServingError("Missing 'inputs' or 'instances' key" if "inputs" not in asked else "only one of both")
    by_row = "instances" in asked
    values = _columns(asked["instances"], signature) if by_row else _named(asked["inputs"], signature)
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = name
    for key, value in values.items():
        request.inputs[key].CopyFrom(_tensor(value, signature.inputs[key].dtype))
    outputs = {key: _plain(key, array) for key, array in version.run(request).items()}
    if not by_row:
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}
    if len(outputs) == 1:
        return {"predictions": next(iter(outputs.values()))}
    if len({len(column) for column in outputs.values()}) != 1:
        raise ServingError("Tensor has inconsistent batch size")
    rows = zip(*outputs.values(), strict=True)
    return {"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]}


def _is_base64(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _named(inputs, signature) -> dict:
    if isinstance(inputs, dict) and not _is_base64(inputs):
        return {name: inputs[name] for name in signature.inputs}
    return {next(iter(signature.inputs)): inputs}


def _columns(instances: list, signature) -> dict:
    if not isinstance(instances, list) or not instances:
        raise ServingError("No values in 'instances' array")
    rows = [row if isinstance(row, dict) and not _is_base64(row) else _named(row, signature) for row in instances]
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _tensor(value, dtype: int):
    def decoded(value):
        if isinstance(value, list):
            return [decoded(v) for v in value]
        return base64.b64decode(value["b64"], validate=True) if _is_base64(value) else value

    try:
        return tf.make_tensor_proto(decoded(value), dtype=tf.as_dtype(dtype))
    except (TypeError, ValueError) as error:
        raise ServingError(f"JSON Value is not of expected type or shape: {error}") from None


def _plain(name: str, array: np.ndarray):
    def encoded(value):
        if isinstance(value, list):
            return [encoded(v) for v in value]
        if isinstance(value, bytes):
            return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode()
        return value

    return encoded(array.tolist())
