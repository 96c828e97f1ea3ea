"""`keras-musictag serve`: its options; tests/web/test_server.py runs it in a process."""

import socket
import sys
from pathlib import Path

import pytest

from keras_musictag.web import ServerSettings


@pytest.fixture
def serve(call, monkeypatch):
    """A function from options to the settings with which the server would run, and the outcome."""
    served = []
    monkeypatch.setattr("keras_musictag.web.server.serve", served.append)
    monkeypatch.delenv("KERAS_MUSICTAG_TOKEN", raising=False)

    def run(*options):
        outcome = call("serve", *options)
        return (served.pop() if served else None), outcome

    return run


def test_the_defaults_are_those_of_the_settings(serve):
    assert serve()[0] == ServerSettings()


def test_options_become_settings(serve, folder):
    (folder / "made").mkdir()
    (folder / "library.db").touch()
    options = ["--model", "vgg-mtat-v1", "--engine", "onnx", "--db", "library.db", "--records", "made"]
    options += ["--reports", "made", "--port", "9000", "--allow-host", "music.example", "--max-upload-mb", "2"]
    options += ["--max-minutes", "0.5", "--max-queued", "7", "--max-memory-mb", "3"]
    assert serve(*options)[0] == ServerSettings(
        models=("vgg-mtat-v1",),
        engine="onnx",
        database=Path("library.db"),
        records=(Path("made"),),
        reports=(Path("made"),),
        port=9000,
        allowed_hosts=("music.example",),
        max_upload_bytes=2 * 2**20,
        max_audio_seconds=30.0,
        max_queued_chunks=7,
        max_memory_bytes=3 * 2**20,
    )


def test_other_machines_need_a_token(serve, monkeypatch):
    tokens = {serve("--host", "0.0.0.0")[0].token for _ in range(2)}
    assert len(tokens) == 2 and all(len(token) >= 32 for token in tokens)
    settings, outcome = serve("--host", "0.0.0.0", "--no-token")
    assert (settings.token, outcome.err.startswith("Everyone who can reach 0.0.0.0")) == (None, True)
    monkeypatch.setenv("KERAS_MUSICTAG_TOKEN", "my token")
    assert serve("--host", "0.0.0.0")[0].token == "my token"
    assert serve()[0].token == "my token"
    assert serve("--no-token")[0].token is None


def test_invalid_options_are_usage_errors(serve):
    for options in (["--db", "missing.db"], ["--records", "missing"], ["--port", "0"], ["--max-minutes", "0"]):
        settings, outcome = serve(*options)
        assert (settings, outcome.code) == (None, 2), options


def test_an_address_in_use_is_one_line(call):
    with socket.create_server(("127.0.0.1", 0)) as used:
        outcome = call("serve", "--port", used.getsockname()[1])
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1 and "Try another `--port`" in outcome.err


def test_an_unknown_model_is_one_line(call):
    outcome = call("serve", "--model", "musicn-mtat-v1", "--port", "65000")
    assert (outcome.code, "Did you mean 'musicnn-mtat-v1'?" in outcome.err) == (1, True)


def test_a_missing_extra_is_named(call, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras_musictag.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    outcome = call("serve")
    assert (outcome.code, 'pip install "keras-musictag[web]"' in outcome.err) == (1, True), outcome.err
