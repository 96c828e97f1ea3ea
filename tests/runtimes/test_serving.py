"""A SavedModel on a loopback server, queried with the official protos and over REST: every line of docs/serving.md."""

import base64
import contextlib
import json
import re
import shlex
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from click.testing import CliRunner
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from keras_musictag.cli import keras_musictag_group
from keras_musictag.runtimes import comparison
from keras_musictag.runtimes.formats._savedmodel_signatures import BATCHED
from keras_musictag.runtimes.formats._savedmodel_warmup import BATCH_SIZES
from tests.runtimes.networks import differences_in_this_process
from tests.runtimes.serving_export import clip_at, exported, tagger, wav
from tests.runtimes.serving_loopback import ServingError, serve

PAGE, OWN_SERVER, _ = (
    (Path(__file__).parents[2] / "docs" / "serving.md")
    .read_text(encoding="utf-8")
    .partition("## This package's own server")  # whose lines tests/web runs
)
assert OWN_SERVER


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The folder in which the page's command was run."""
    folder = tmp_path_factory.mktemp("page")
    (command,) = blocks("console")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "differences", differences_in_this_process)
        done = CliRunner().invoke(keras_musictag_group, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def server(page):
    with serve("musicnn", page / "served" / "musicnn") as running:
        yield running


@pytest.fixture(scope="module")
def small():
    """A server of small networks: version 2 is a crnn, version 10 a sample_cnn."""
    with tempfile.TemporaryDirectory() as folder:
        for version, name in (("2", "crnn"), ("10", "sample_cnn")):
            (Path(folder) / version).symlink_to(exported(name) / "1")
        with serve("small", Path(folder)) as running:
            yield running


def request_of(signature: str, **inputs) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def predict(server, signature: str, version: int | None = None, **inputs) -> dict[str, np.ndarray]:
    request = request_of(signature, **inputs)
    request.model_spec.name = server.name
    if version:
        request.model_spec.version.value = version
    with grpc.insecure_channel(server.grpc) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = stub.Predict(request, timeout=60).outputs
    return {name: tf.make_ndarray(value) for name, value in outputs.items()}


def rest(server, path: str, body=None) -> tuple[int, dict]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"http://{server.rest}{path}", data, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def chunks(count: int) -> np.ndarray:
    return np.stack([clip_at(16000)[i * 50_000 :][:48128] for i in range(count)])


def test_every_warm_up_request_runs(server):
    ran = [request.model_spec.signature_name for request in server.versions[1].warmed_up]
    assert ran == [*BATCHED] * len(BATCH_SIZES)


def test_grpc_gives_the_taggers_scores(server):
    found = predict(server, "serving_default", waveform=chunks(2))
    np.testing.assert_allclose(found["scores"], tagger("musicnn").runner()(chunks(2)), rtol=0, atol=1e-5)
    files = [wav(clip_at(16000, 4), 16000), wav(clip_at(48000, 8), 48000)]
    expected = [tagger("musicnn").tag(clip_at(16000, seconds), 16000, top=None).scores for seconds in (4, 8)]
    # 16 bits, and a filter's transition at 48 kHz
    np.testing.assert_allclose(predict(server, "wav_bytes", wav_bytes=files)["scores"], expected, rtol=0, atol=1e-3)
    taggram = predict(server, "taggram", version=1, waveform=clip_at(16000, 8))
    assert taggram["scores"].shape == (3, 50) and taggram["end_seconds"][-1] == 8.0


def test_grpc_says_what_is_wrong(server):
    with pytest.raises(grpc.RpcError, match=r"File 1: .* one of the sample rates.*37800"):
        predict(server, "wav_bytes", wav_bytes=[wav(np.zeros(9), 16000), wav(np.zeros(9), 37800)])


# a chunk of another network, one sample more, no batch axis, two channels, and as many samples on other axes
@pytest.mark.parametrize("shape", [(1, 59049), (3, 48129), (48128,), (1, 2, 48128), (1, 2, 24064), (1, 48128, 1)])
@pytest.mark.parametrize("signature", ["serving_default", "embed"])
def test_chunks_of_another_shape_are_refused_on_the_graph(server, signature, shape):
    with pytest.raises(grpc.RpcError, match=rf"must have shape \(batch, 48128\).* Received:\] \[{shape[0]}"):
        predict(server, signature, waveform=np.zeros(shape, np.float32))


# which this network would accept, because it computes no spectrogram
@pytest.mark.parametrize("shape", [(1, 59049, 1), (2, 59049, 1), (1, 3, 19683)])
def test_no_network_takes_chunks_of_another_rank(small, shape):
    with pytest.raises(grpc.RpcError, match=rf"must have shape \(batch, 59049\).* Received:\] \[{shape[0]}"):
        predict(small, "serving_default", version=10, waveform=np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(1, 48128), (48128, 2)])
def test_a_track_of_another_shape_is_refused_on_the_graph(server, shape):
    with pytest.raises(grpc.RpcError, match=r"must have shape \(samples,\): one track, mono, at 16000 Hz"):
        predict(server, "taggram", waveform=np.zeros(shape, np.float32))


def test_a_wav_file_outside_of_a_list_is_refused_on_the_graph(server):
    with pytest.raises(grpc.RpcError, match=r"must have shape \(batch,\): a list of WAV files"):
        predict(server, "wav_bytes", wav_bytes=wav(np.zeros(9), 16000))


def test_the_newest_version_answers_unless_another_is_asked_for(small):
    chunk = np.zeros((1, 59049), np.float32)  # of version 10
    newest = predict(small, "embed", waveform=chunk)["embedding"]
    np.testing.assert_array_equal(predict(small, "embed", version=10, waveform=chunk)["embedding"], newest)
    with pytest.raises(grpc.RpcError, match=r"must have shape \(batch, 64000\)"):
        predict(small, "embed", version=2, waveform=chunk)
    with pytest.raises(grpc.RpcError, match="not found"):
        predict(small, "embed", version=1, waveform=chunk)
    status = rest(small, "/v1/models/small")[1]["model_version_status"]
    assert [version["version"] for version in status] == ["10", "2"]


def test_the_metadata_state_the_length_of_a_chunk(server):
    signatures = rest(server, "/v1/models/musicnn/metadata")[1]["metadata"]["signature_def"]["signature_def"]
    for name in ("serving_default", "embed"):
        batch, samples = signatures[name]["inputs"]["waveform"]["tensor_shape"]["dim"]
        assert (batch["size"], samples["size"]) == ("-1", "48128")


def test_rest_takes_rows_and_columns(server):
    waveform = np.round(chunks(1), 4)
    expected = tagger("musicnn").runner()(waveform.astype(np.float32))
    path = "/v1/models/musicnn/versions/1:predict"
    _, by_row = rest(server, path, {"instances": waveform.tolist()})
    _, by_column = rest(server, path, {"inputs": {"waveform": waveform.tolist()}})
    assert by_row["predictions"] == by_column["outputs"]
    np.testing.assert_allclose(by_row["predictions"], expected, rtol=0, atol=1e-5)


def test_rest_takes_wav_files_as_base64(server):
    encoded = {"b64": base64.b64encode(wav(clip_at(16000, 4), 16000)).decode()}
    expected = tagger("musicnn").tag(clip_at(16000, 4), 16000, top=None).scores
    for instances in ([encoded, encoded], [{"wav_bytes": encoded}, {"wav_bytes": encoded}]):
        body = {"signature_name": "wav_bytes", "instances": instances}
        code, answer = rest(server, "/v1/models/musicnn:predict", body)
        assert code == 200
        np.testing.assert_allclose(answer["predictions"], [expected] * 2, rtol=0, atol=1e-3)  # 16 bits


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"signature_name": "wav_bytes", "instances": [{"b64": ""}]}, "not a WAV file"),
        ({"instances": [[0.0] * 5]}, "must have shape (batch, 48128)"),
    ],
)
def test_rest_says_what_is_wrong(server, body, message):
    code, answer = rest(server, "/v1/models/musicnn:predict", body)
    assert code == 400 and message in answer["error"]


def test_joined_requests_get_what_each_gets_alone(server):
    model = server.versions[1]
    for signature in ("serving_default", "embed"):
        requests = [request_of(signature, waveform=part) for part in (chunks(2), chunks(5)[4:], chunks(4)[2:])]
        joined = model.run_joined(requests, BATCH_SIZES)  # five, filled up to eight
        for request, found in zip(requests, joined, strict=True):
            for name, alone in model.run(request).items():
                np.testing.assert_allclose(found[name], alone, rtol=0, atol=1e-5)
    files = [wav(clip_at(rate_hz, seconds), rate_hz) for rate_hz, seconds in ((16000, 4), (8000, 7), (44100, 1))]
    requests = [request_of("wav_bytes", wav_bytes=[file]) for file in files]
    for request, found in zip(requests, model.run_joined(requests, BATCH_SIZES), strict=True):
        np.testing.assert_allclose(found["scores"], model.run(request)["scores"], rtol=0, atol=1e-5)


def test_a_refused_file_is_counted_in_the_joined_batch(server):
    requests = [request_of("wav_bytes", wav_bytes=[file]) for file in (wav(np.zeros(9), 16000), b"RIFF")]
    with pytest.raises(ServingError, match="File 1: These bytes are not a WAV file"):
        server.versions[1].run_joined(requests, BATCH_SIZES)


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("tags", {"group": ""}, "at least one dimension"),
        ("taggram", {"waveform": np.zeros(48128, np.float32)}, "Task size 48128 is larger"),
        ("taggram", {"waveform": np.zeros(8, np.float32)}, "0th dimension does not equal"),
        ("serving_default", {"waveform": np.zeros((9, 48128), np.float32)}, "Task size 9 is larger"),
    ],
)
def test_a_server_that_joins_refuses_what_cannot_be_joined(server, signature, inputs, message):
    with pytest.raises(ServingError, match=message):
        server.versions[1].run_joined([request_of(signature, **inputs)], BATCH_SIZES)


def test_the_model_config_is_one_and_names_the_folder():
    config, _ = blocks("pbtxt")
    parsed = text_format.Parse(config, model_server_config_pb2.ModelServerConfig())
    (model,) = parsed.model_config_list.config
    assert model.base_path == f"/models/{model.name}" and f"served/{model.name}" in PAGE


def test_the_batching_parameters_allow_the_warm_up_sizes():
    _, config = blocks("pbtxt")
    sizes = re.findall(r"^allowed_batch_sizes: (\d+)$", config, flags=re.MULTILINE)
    numbers = dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", config, flags=re.MULTILINE))
    assert len(sizes) + len(numbers) == len(config.splitlines())
    # fields of BatchingParameters in session_bundle_config.proto, which tensorflow-serving-api does not have
    assert numbers.keys() == {"max_batch_size", "batch_timeout_micros", "num_batch_threads", "max_enqueued_batches"}
    assert tuple(map(int, sizes)) == BATCH_SIZES and int(numbers["max_batch_size"]) == max(BATCH_SIZES)


def test_the_servers_have_one_pinned_image_and_separate_ports():
    commands = [shlex.split(block) for block in blocks("sh")]
    assert len(commands) == 3
    images = {word for command in commands for word in command if word.startswith("tensorflow/serving")}
    (image,) = images
    served = re.fullmatch(r"tensorflow/serving:(\d+)\.(\d+)\.(\d+)", image).groups()
    installed = re.match(r"(\d+)\.(\d+)\.(\d+)", tf.__version__).groups()
    assert [*map(int, installed)] <= [*map(int, served)]
    ports = [word.partition(":")[0] for command in commands for word in command if re.fullmatch(r"\d+:\d+", word)]
    assert len(ports) == len(set(ports)) == 6


def scores_shown(text: str) -> list[tuple[str, float]]:
    return [(tag, float(score)) for tag, score in map(str.split, text.splitlines()[1:])]


def stereo(samples: np.ndarray) -> np.ndarray:
    """Two channels (samples, 2) that differ, and whose mean is the samples."""
    side = 0.5 * samples[::-1]
    return np.stack([samples + side, samples - side], axis=1)


@pytest.mark.slow
def test_the_page_runs_line_by_line(page, server, monkeypatch, capsys):
    monkeypatch.chdir(page)
    demo, make_wav, over_rest, over_grpc, without_a_server = blocks("python")
    wanted_rest, wanted_grpc, wanted_without = blocks("text")

    def shown(code: str) -> str:
        capsys.readouterr()
        exec(code.replace("localhost:8501", server.rest).replace("localhost:8500", server.grpc), {})
        return capsys.readouterr().out

    exec(demo, {})
    exec(make_wav, {})
    assert shown(over_rest) == wanted_rest
    assert shown(over_grpc) == wanted_grpc
    # like most songs; libsndfile reads a file by its content
    soundfile.write("song.mp3", stereo(clip_at(44100)), 44100, format="FLAC")
    exec(make_wav, {})
    pairs = zip(scores_shown(shown(over_rest)), scores_shown(wanted_rest), strict=True)
    assert all(tag == wanted_tag and abs(score - wanted) < 2e-3 for (tag, score), (wanted_tag, wanted) in pairs)
    assert shown(over_grpc) == wanted_grpc
    for name in ("keras", "keras_musictag"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert shown(without_a_server) == wanted_without
