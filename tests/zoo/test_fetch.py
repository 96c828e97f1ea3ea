"""Weights at an address, against a server in this process. Nothing leaves the machine."""

import dataclasses
import io
import logging
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from keras_musictag import ChecksumError, MusicTagError, demo_clip, load
from keras_musictag.bundled_files import bundled
from keras_musictag.files import SCRATCH_PREFIX
from keras_musictag.user_folders import cache_folder
from keras_musictag.zoo import fetching as fetch_module, read_card, read_weights, write_card
from keras_musictag.zoo.fetching import MIRROR_VARIABLE, ORIGIN, fetch, git_blob_sha1
from keras_musictag.zoo.importers.sota2020 import convert
from tests import shared
from tests.zoo.importers.test_checkpoint import fcn_state, write
from tests.zoo.importers.test_sota2020 import tagger_of
from tests.zoo.weights_server import (
    Server,
    altered,
    broken,
    empty,
    half,
    half_without_length,
    more_promised,
    reset,
    whole,
    without_length,
)

PROGRAM = """
import sys
from pathlib import Path
from keras_musictag.zoo.card import read_card
from keras_musictag.zoo.fetching import fetch
print(fetch(read_card(Path(sys.argv[1]))))
"""
REAL = {"fcn": "mtat_fcn", "crnn": "mtat_crnn", "musicnn_2020": "mtat_musicnn"}
UPSTREAM = {architecture: read_card(bundled("zoo") / f"{architecture}-mtat-v1").weights.url for architecture in REAL}


@pytest.fixture
def server(monkeypatch):
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv(MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def card(server, tmp_path):
    """The card of a small checkpoint that the server has."""
    checkpoint = write(tmp_path / "best_model.pth", fcn_state())
    server.files["/someone/models/best_model.pth"] = checkpoint.read_bytes()
    published = read_card(bundled("zoo") / "fcn-mtat-v1")
    url, sha1 = f"{ORIGIN}/someone/models/best_model.pth", git_blob_sha1(checkpoint)
    weights = dataclasses.replace(published.weights, url=url, git_blob_sha1=sha1)
    return dataclasses.replace(published, name="fcn-mtat-v7", weights=weights)


@pytest.fixture
def entry(card, tmp_path):
    """The folder of its entry, for another process."""
    folder = tmp_path / card.name
    folder.mkdir()
    write_card(card, folder)
    return folder


def assert_sound(path):
    found, expected = read_weights(path), convert(fcn_state())
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


def cached() -> list[str]:
    return sorted(path.name for path in cache_folder("weights").rglob("*")) if cache_folder("weights").exists() else []


# The real files


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture", REAL)
def test_a_checkpoint_is_fetched_once_and_gives_its_scores(server, architecture, capfd):
    content = (shared.FOLDER / "reference" / "upstream" / f"{REAL[architecture]}.pth").read_bytes()
    server.files[UPSTREAM[architecture].removeprefix(ORIGIN)] = content
    expected = tagger_of(architecture, "mtat")
    capfd.readouterr()
    first = load(architecture, weights="mtat")
    assert (first.name, first.spec, server.requests) == (f"{architecture}-mtat-v1", expected.spec, 1)
    second = load(f"{architecture}-mtat-v1")
    assert server.requests == 1
    assert capfd.readouterr() == ("", "")
    for tagger in (first, second):
        for found, wanted in zip(tagger.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted.numpy(), err_msg=found.path)
    np.testing.assert_array_equal(second.taggram(demo_clip()).scores, expected.taggram(demo_clip()).scores)


@pytest.mark.needs("shared")
def test_another_head_and_no_head_are_put_on_fetched_weights(server):
    server.files[UPSTREAM["fcn"].removeprefix(ORIGIN)] = (
        shared.FOLDER / "reference" / "upstream" / "mtat_fcn.pth"
    ).read_bytes()
    kernel = tagger_of("fcn", "mtat").get_layer("layer3_conv").kernel.numpy()
    for options in ({"tags": ["calm", "wild"]}, {"include_top": False}):
        tagger = load("fcn", weights="mtat", **options)
        np.testing.assert_array_equal(tagger.get_layer("layer3_conv").kernel.numpy(), kernel)
    assert server.requests == 1


def test_random_weights_fetch_nothing(server):
    assert load("fcn", weights=None).name == "fcn"
    assert (server.requests, cached()) == (0, [])


# Successful fetches


@pytest.mark.parametrize("answer", [whole, without_length])
def test_the_cache_holds_the_converted_file_and_its_hash(server, card, answer):
    server.answer = answer
    path = fetch(card)
    assert_sound(path)
    assert cached() == [path.name, path.with_suffix(".sha256").name]
    assert fetch(card) == path
    assert server.requests == 1


def test_the_variable_for_the_home_moves_the_cache(card, tmp_path):
    assert fetch(card).parent == cache_folder("weights") == tmp_path / "home" / "weights"


def test_without_a_mirror_the_address_is_the_cards(card, monkeypatch):
    monkeypatch.delenv(MIRROR_VARIABLE)
    assert fetch_module._address(card) == card.weights.url


def test_another_checkpoint_of_the_same_name_is_fetched(server, card, tmp_path):
    fetch(card)
    other = write(tmp_path / "other.pth", {**fcn_state(), "dense.bias": np.ones(50, np.float32)})
    server.files["/other.pth"] = other.read_bytes()
    weights = dataclasses.replace(card.weights, url=f"{ORIGIN}/other.pth", git_blob_sha1=git_blob_sha1(other))
    assert read_weights(fetch(dataclasses.replace(card, weights=weights)))["logits/bias"][0] == 1
    assert_sound(fetch(card))
    assert server.requests == 2


@pytest.mark.parametrize("part", [".safetensors", ".sha256"])
@pytest.mark.parametrize("damage", ["altered", "cut", "empty", "gone", "bytes"])
def test_a_damaged_cache_is_filled_again(server, card, part, damage):
    path = fetch(card).with_suffix(part)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        new = {"altered": content[:-1] + b"!", "cut": content[: len(content) // 2], "empty": b"", "bytes": b"\xff\xfe"}
        path.write_bytes(new[damage])
    assert_sound(fetch(card))
    assert server.requests == 2
    assert path.read_bytes() == content


# Failed fetches


def assert_tells_what_to_do(error, card):
    text = str(error)
    assert card.weights.url.removeprefix(ORIGIN) in text and "\n" not in text
    assert "keras-musictag zoo import FILE --architecture fcn --dataset mtat" in text


@pytest.mark.parametrize("answer", [altered, empty, half_without_length])
def test_what_is_not_the_checkpoint_is_refused(server, card, answer):
    server.answer = answer
    with pytest.raises(
        ChecksumError, match=rf"did not return the checkpoint of 'fcn-mtat-v7'.*{card.weights.git_blob_sha1}"
    ):
        fetch(card)
    assert cached() == []
    server.answer = whole  # the advice is to try again
    assert_sound(fetch(card))


@pytest.mark.parametrize("answer", [half, more_promised, reset])
def test_an_interrupted_download_leaves_nothing_behind(server, card, answer):
    server.answer = answer
    with pytest.raises(MusicTagError, match="could not be fetched") as caught:
        fetch(card)
    assert_tells_what_to_do(caught.value, card)
    assert cached() == []
    server.answer = whole
    assert_sound(fetch(card))


def test_offline_it_says_what_to_do_within_seconds(card, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening
        monkeypatch.setenv(MIRROR_VARIABLE, f"http://127.0.0.1:{closed.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(
            MusicTagError, match=r"could not be fetched from .*\(ConnectionError\)\. Check the connection"
        ) as caught:
            fetch(card)
        assert time.monotonic() - start < 5
    assert_tells_what_to_do(caught.value, card)
    assert cached() == []


def test_a_server_that_falls_silent_is_given_up(server, card, monkeypatch):
    monkeypatch.setattr(fetch_module, "TIMEOUT_SECONDS", (1, 0.3))
    silent = threading.Event()
    server.answer = lambda handler, content: (handler.head(len(content)), silent.wait(20))
    start = time.monotonic()
    with pytest.raises(MusicTagError, match="could not be fetched") as caught:
        fetch(card)
    silent.set()
    assert time.monotonic() - start < 5
    assert_tells_what_to_do(caught.value, card)
    assert cached() == []


def test_a_cached_file_needs_no_server(server, card, monkeypatch):
    path = fetch(card)
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1:1")
    assert fetch(card) == path


@pytest.mark.parametrize("answer, said", [(None, "404 "), (broken, "503 ")])
def test_the_answer_of_the_server_is_reported(server, card, answer, said):
    server.answer = answer
    if answer is None:
        server.files.clear()
    with pytest.raises(MusicTagError, match=rf"\(the server answered {said}") as caught:
        fetch(card)
    assert_tells_what_to_do(caught.value, card)
    assert cached() == []


@pytest.mark.parametrize("mirror", ["nowhere", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_a_mirror_that_is_no_address_is_one_error(card, monkeypatch, mirror):
    monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    with pytest.raises(MusicTagError, match="could not be fetched"):
        fetch(card)
    assert cached() == []


def test_a_cache_that_cannot_be_made_is_one_line(card, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_MUSICTAG_HOME", str(tmp_path / "file"))
    with pytest.raises(
        MusicTagError, match=r"cannot be kept in .*file/weights \(.+\)\. Set KERAS_MUSICTAG_HOME"
    ) as caught:
        fetch(card)
    assert "\n" not in str(caught.value)


@pytest.mark.needs("permissions")
def test_a_read_only_cache_is_one_line(card):
    cache_folder("weights").mkdir(parents=True)
    cache_folder("weights").chmod(0o500)
    with pytest.raises(MusicTagError, match=r"cannot be kept in .*Permission denied.* Set KERAS_MUSICTAG_HOME"):
        fetch(card)


def test_a_full_disk_is_one_line_and_leaves_nothing(card, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch_module.Path, "write_bytes", full)
    with pytest.raises(MusicTagError, match=r"cannot be kept in .*\(No space left on device\)"):
        fetch(card)
    monkeypatch.undo()
    assert cached() == []


# Other processes, terminals, signals


def start(entry, **options):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(entry)], **pipes)


def test_two_processes_at_once_do_no_harm(server, card, entry):
    both_here = threading.Barrier(2, timeout=30)

    def together(handler, content):
        both_here.wait()
        whole(handler, content)

    server.answer = together
    runs = [start(entry), start(entry)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [(run.returncode, err) for run, (_, err) in zip(runs, outputs, strict=True)] == [(0, b"")] * 2
    assert server.requests == 2
    assert_sound(fetch(card))
    assert len(cached()) == 2


def test_ctrl_c_during_the_download_leaves_nothing(server, card, entry):
    started, stopped = threading.Event(), threading.Event()

    def slow(handler, content):
        half(handler, content)
        handler.wfile.flush()
        started.set()
        stopped.wait(30)

    server.answer = slow
    run = start(entry)
    assert started.wait(30)
    time.sleep(0.2)
    assert any(name.startswith(SCRATCH_PREFIX) for name in cached())
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    stopped.set()
    assert b"KeyboardInterrupt" in err and run.returncode != 0
    assert cached() == []


@pytest.mark.parametrize("terminal", [True, False])
def test_a_progress_bar_is_drawn_on_a_terminal_and_nowhere_else(server, entry, terminal):
    def slow(handler, content):
        handler.head(len(content))
        for piece in range(4):
            handler.wfile.write(content[piece * len(content) // 4 : (piece + 1) * len(content) // 4])
            handler.wfile.flush()
            time.sleep(0.15)

    server.answer = slow
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TTY_COMPATIBLE")}
    master, slave = pty.openpty()
    options = {"stderr": slave} if terminal else {}
    run = start(entry, env={**environment, "TERM": "xterm", "COLUMNS": "100"}, **options)
    shown, done = [], threading.Thread(target=lambda: shown.extend(iter(lambda: read(master), b"")))
    os.close(slave)
    done.start()
    out, err = run.communicate(timeout=30)
    done.join(5)
    os.close(master)
    assert run.returncode == 0 and b"fcn-mtat-v7" in out
    text = b"".join(shown).decode()
    if terminal:
        assert "Fetching fcn-mtat-v7" in text and re.search(r"\d+/1\.\d MB|\d\.\d/1\.\d MB", text), text
    else:
        assert (text, err) == ("", b"")


def read(terminal) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the client has gone
        return b""


def test_nothing_is_logged(server, card, capfd):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        fetch(card)
    finally:
        logging.getLogger().removeHandler(handler)
    assert capfd.readouterr() == ("", "")
    assert stream.getvalue() == ""


def test_fetching_loads_no_tensorflow():
    code = "import sys, keras_musictag.zoo.fetching; assert not {'tensorflow', 'keras', 'torch'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
