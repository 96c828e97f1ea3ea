"""TensorFlow Serving's paths: the exported SavedModel, run by TensorFlow, gives the same answers in the same form."""

import asyncio
import base64
import json
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import uvicorn
from fastapi import HTTPException
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

import keras_musictag as kmt
from keras_musictag.library import PresenceThresholds
from keras_musictag.web import ServerSettings, create_app
from keras_musictag.web.batching import Batcher
from keras_musictag.web.routes.serving import SIGNATURES, answer
from keras_musictag.web.served_models import ServedModel
from keras_musictag.web.serving_signatures import metadata, signatures
from tests.runtimes.serving_export import clip_at, exported, tagger, wav
from tests.runtimes.serving_loopback import ServingError, Version, answer_json, metadata_json

MODEL = "/v1/models/vgg-mtat-v1"
PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def savedmodel():
    """An untrained crnn, exported, in a session of TensorFlow's C++."""
    version = Version(exported("crnn") / "1")
    yield version
    version.session.close()


@pytest.fixture(scope="module")
def served():
    """The same network, as the server holds it."""
    batcher = Batcher(batch_chunks=6, max_queued=20)
    yield ServedModel(None, tagger("crnn"), PresenceThresholds(), batcher)
    batcher.close()


def chunks(count: int, size: int = 64_000) -> list:
    return [clip_at(16000)[i * 50_000 :][:size].round(4).tolist() for i in range(count)]


def compare(found, expected):
    """Compares two JSON documents: numbers within the rounding of float32, all else exactly."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            compare(found[key], expected[key])
    elif isinstance(found, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            compare(*pair)
    elif isinstance(found, float):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    else:
        assert found == expected


def same_answers(served, savedmodel, body: dict) -> None:
    content = json.dumps(body).encode()
    compare(json.loads(asyncio.run(answer(served, content))), answer_json(savedmodel, content))


def test_chunks_get_the_answers_of_the_savedmodel(served, savedmodel):
    same_answers(served, savedmodel, {"instances": chunks(2)})
    same_answers(served, savedmodel, {"instances": [{"waveform": chunk} for chunk in chunks(1)]})
    same_answers(served, savedmodel, {"signature_name": "embed", "inputs": {"waveform": chunks(7)}})
    same_answers(served, savedmodel, {"signature_name": "serving_default", "inputs": chunks(1)})


def test_a_chunk_that_is_not_audio_gives_nan_to_itself_alone(served, savedmodel):
    good, loud, broken = *chunks(2), chunks(1)[0]
    loud[3], broken[3] = 11.0, float("nan")
    same_answers(served, savedmodel, {"instances": [loud, good, broken]})
    assert "NaN" in asyncio.run(answer(served, json.dumps({"instances": [broken]}).encode()))


def test_tracks_get_the_answers_of_the_savedmodel(served, savedmodel):
    track = clip_at(16000, 27).round(4).tolist()  # more than one batch
    same_answers(served, savedmodel, {"signature_name": "taggram", "inputs": {"waveform": track}})
    same_answers(served, savedmodel, {"signature_name": "taggram", "instances": track[:70_000]})
    same_answers(served, savedmodel, {"signature_name": "taggram", "inputs": track[:5000]})


def test_wav_files_get_the_answers_of_the_savedmodel(served, savedmodel):
    files = [{"b64": base64.b64encode(wav(clip_at(16000, seconds), 16000)).decode()} for seconds in (27, 3)]
    same_answers(served, savedmodel, {"signature_name": "wav_bytes", "instances": files})
    same_answers(served, savedmodel, {"signature_name": "wav_bytes", "inputs": {"wav_bytes": files[1:]}})


def test_tags_get_the_answers_of_the_savedmodel(served, savedmodel):
    (group, *_) = tagger("crnn").vocabulary.groups
    for asked in ("", group):
        same_answers(served, savedmodel, {"signature_name": "tags", "inputs": {"group": asked}})
    same_answers(served, savedmodel, {"signature_name": "tags", "instances": [""]})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [[0.0] * 5]}, r"`waveform` must have shape \(batch, 64000\).*Received"),
        ({"signature_name": "embed", "inputs": [[0.0] * 64_001]}, r"must have shape \(batch, 64000\)"),
        ({"signature_name": "taggram", "inputs": [[0.0] * 9]}, r"must have shape \(samples,\)"),
        ({"signature_name": "taggram", "inputs": {"waveform": [20000.0]}}, "Divide 16-bit samples|divide 16-bit"),
        ({"signature_name": "wav_bytes", "instances": [{"b64": ""}]}, "File 0: .*not a WAV file"),
        ({"signature_name": "wav_bytes", "inputs": {"b64": "UklGRg=="}}, r"must have shape \(batch,\)"),
        ({"signature_name": "tags", "inputs": "noise"}, "Unknown group of tags. Known groups"),
        ({"signature_name": "other", "instances": [1]}, "other.* not found"),
        ({"instances": []}, "'instances'|not of expected"),
        ({}, "Missing 'inputs' or 'instances' key"),
    ],
)
def test_what_the_savedmodel_refuses_is_refused(served, savedmodel, body, message):
    content = json.dumps(body).encode()
    with pytest.raises(HTTPException, match=message) as refused:
        asyncio.run(answer(served, content))
    assert refused.value.status_code == 400
    with pytest.raises(ServingError, match=message):
        answer_json(savedmodel, content)


def test_the_metadata_are_those_of_the_savedmodel(savedmodel):
    network = tagger("crnn")
    described = signatures(network.chunking, len(network.vocabulary), features=8)
    found = metadata("crnn", described)["metadata"]["signature_def"]
    parsed = json_format.ParseDict(found, get_model_metadata_pb2.SignatureDefMap())
    expected = json_format.ParseDict(
        metadata_json(savedmodel)["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    )
    del expected.signature_def["__saved_model_init_op"]  # of TensorFlow's own, which needs no input
    for each in (parsed, expected):
        for signature in each.signature_def.values():
            for tensor in signature.outputs.values():
                tensor.name = ""  # of a node in the graph
    assert parsed == expected
    assert described.keys() == SIGNATURES.keys()


def test_the_status_is_the_proto_of_tensorflow_serving(client):
    for path in (MODEL, f"{MODEL}/versions/1"):
        reply = client.get(path)
        parsed = json_format.ParseDict(reply.json(), get_model_status_pb2.GetModelStatusResponse())
        (version,) = parsed.model_version_status
        assert (version.version, version.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)


def test_the_metadata_state_the_length_of_a_chunk(client):
    for path in (f"{MODEL}/metadata", f"{MODEL}/versions/1/metadata"):
        described = client.get(path).json()["metadata"]["signature_def"]["signature_def"]
        assert described["serving_default"]["inputs"]["waveform"]["tensor_shape"]["dim"][1]["size"] == "48128"
        assert described["embed"]["outputs"]["embedding"]["tensor_shape"]["dim"][1]["size"] == "256"


def test_scores_are_the_taggers(client, vgg):
    waveform = np.array(chunks(3, 48_128), np.float32)
    for path in (f"{MODEL}:predict", f"{MODEL}/versions/1:predict"):
        reply = client.post(path, json={"instances": waveform.tolist()})
        assert reply.headers["content-type"] == "application/json"
        np.testing.assert_allclose(reply.json()["predictions"], vgg.runner()(waveform), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/nothing", 404),
        ("GET", "/v1/models/nothing/metadata", 404),
        ("POST", "/v1/models/nothing:predict", 404),
        ("GET", f"{MODEL}/versions/2", 404),
        ("GET", f"{MODEL}/versions/2/metadata", 404),
        ("POST", f"{MODEL}/versions/2:predict", 404),
        ("POST", f"{MODEL}:predict", 400),
        ("POST", f"{MODEL}:classify", 405),
    ],
)
def test_errors_have_the_form_of_tensorflow_serving(client, method, path, status):
    reply = client.request(method, path, content=b"{}" if method == "POST" else None)
    assert reply.status_code == status and reply.json().keys() == {"error"}


def test_a_full_queue_is_429_with_retry_after(open_client):
    client = open_client(max_queued_chunks=8)
    model = client.app.state.services.models.loaded[0]
    gate = threading.Event()
    held = model.batcher.submit(lambda batch: gate.wait(20) and batch, np.zeros((1, 4), np.float32))
    while model.batcher.queued:
        time.sleep(0.001)
    waits = model.batcher.submit(lambda batch: batch, np.zeros((8, 4), np.float32))
    reply = client.post(f"{MODEL}:predict", json={"instances": chunks(1, 48_128)})
    gate.set()
    assert held.result(20) is not None and len(waits.result(20)) == 8
    assert reply.status_code == 429 and int(reply.headers["retry-after"]) >= 1
    assert "8 chunks of 8 wait" in reply.json()["error"]
    reply = client.post(f"{MODEL}:predict", json={"instances": [[0.0] * 48_128] * 9})
    assert (reply.status_code, "at most 8 chunks" in reply.json()["error"]) == (400, True)


@pytest.mark.slow
def test_the_rest_client_of_the_page_works_unchanged(tmp_path, monkeypatch, capsys):
    """The one of docs/serving.md, whose answers come from TensorFlow Serving's interface."""
    code = next(block for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if "requests.post" in block)
    wanted = next(block for block in re.findall(r"^```text\n(.*?)^```$", PAGE, re.M | re.S) if "AVAILABLE" in block)
    monkeypatch.chdir(tmp_path)
    samples, rate_hz = soundfile.read(kmt.demo_clip())
    soundfile.write("song.wav", samples, rate_hz, subtype="PCM_16")
    app = create_app(ServerSettings(models=("musicnn-mtat-v1",)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        exec(code.replace("localhost:8501/v1/models/musicnn", f"localhost:{port}/v1/models/musicnn-mtat-v1"), {})
    finally:
        server.should_exit = True
        thread.join()
    assert capsys.readouterr().out == wanted
