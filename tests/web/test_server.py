"""A real server: hostile clients on sockets, and the command from its start to its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import keras_musictag as kmt
from keras_musictag import MusicTagError
from keras_musictag.web import ServerSettings
from keras_musictag.web.server import bound_socket, page_address
from tests.web.conftest import APPS, demo_file, running_server


def connect(settings, text: str = "") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", settings.port), timeout=20)
    connection.sendall(text.encode())
    return connection


def head(path: str, *lines: str) -> str:
    boundary = "Content-Type: multipart/form-data; boundary=x"
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", boundary, *lines, "", ""])


PART = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'


def reply_of(connection: socket.socket) -> tuple[int, dict]:
    """Status and JSON of the reply, after the server has closed the connection."""
    content = b""
    while piece := connection.recv(65536):
        content += piece
    first, _, rest = content.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(rest)


def uploads_of(settings) -> list[Path]:
    """The files that a running server keeps."""
    return list(APPS[settings.port].state.services.sources.folder.iterdir())


def test_a_body_that_stalls_gets_an_answer_and_leaves_nothing(live_server):
    with connect(live_server, head("/api/sources", "Content-Length: 5000") + PART + "abc") as connection:
        status, reply = reply_of(connection)
    assert (status, reply["error"]) == (408, "The body came too slowly. Send it again.")
    assert uploads_of(live_server) == []


def test_a_stated_length_beyond_the_limit_is_refused_before_the_body(live_server):
    with connect(live_server, head("/api/sources", "Content-Length: 2000000000") + PART) as connection:
        connection.settimeout(10)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_chunked_body_is_refused_at_the_limit_and_the_client_sees_why(live_server):
    with connect(live_server, head("/api/sources", "Transfer-Encoding: chunked")) as connection:
        for content in [PART.encode(), *[b"x" * 65536] * 24]:
            connection.sendall(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        status, reply = reply_of(connection)
    assert (status, reply["error"].startswith("The body is too large; expected at most 1 MiB.")) == (413, True)
    assert uploads_of(live_server) == []


@pytest.mark.parametrize("path", ["/api/sources", "/v1/models/vgg-mtat-v1:predict"])
def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(live_server, path, caplog):
    own = open_temporary_files()
    with connect(live_server, head(path, "Content-Length: 900000") + PART + "x" * 800_000):
        time.sleep(0.2)
    eventually(lambda: uploads_of(live_server) == [] and open_temporary_files() == own)
    monitor = APPS[live_server.port].state.services.monitor
    route = path.replace("vgg-mtat-v1", "{name}")
    eventually(lambda: f'method="POST",route="{route}",status="499"}} 1.0'.encode() in monitor.exposition())
    assert caplog.records == []  # a client cannot fill the log


def test_a_client_that_hangs_up_while_its_file_is_tagged_ends_the_work():
    with running_server() as settings:
        content = kmt.demo_clip().read_bytes()
        fields = '--x\r\nContent-Disposition: form-data; name="hop_seconds"\r\n\r\n0.01\r\n'
        body = (fields + PART).encode() + content + b"\r\n--x--\r\n"
        with connect(settings, head("/api/tag", f"Content-Length: {len(body)}")) as connection:
            connection.sendall(body)
            eventually(lambda: len(uploads_of(settings)) == 1)
        eventually(lambda: uploads_of(settings) == [])  # 2,800 chunks would take longer than this waits


def open_temporary_files() -> list[str]:
    """Files of this process without a name, such as the parts of forms."""
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [os.readlink(link) for link in links if os.path.islink(link) and "deleted" in os.readlink(link)]


def eventually(is_true, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_slow_clients_do_not_stop_others(live_server):
    slow = [connect(live_server, "GET / HTT") for _ in range(20)]
    slow += [connect(live_server, head("/api/sources", "Content-Length: 900000") + PART) for _ in range(20)]
    assert httpx.get(f"http://127.0.0.1:{live_server.port}/api/models", timeout=60).status_code == 200
    for connection in slow:
        connection.close()


TRICKLING = {
    "a first request": "GET / HTTP/1.1\r\nHost: 127",
    "a second request": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HTTP/1.1\r\nX: ",
    "a body that nobody wants": "POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n",
}


@pytest.mark.parametrize("text", TRICKLING.values(), ids=TRICKLING)
def test_a_connection_that_trickles_is_dropped(monkeypatch, text):
    monkeypatch.setattr("keras_musictag.web.server.REQUEST_SECONDS", 0.2)
    with running_server() as settings, connect(settings, text) as connection:
        connection.settimeout(0.05)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with suppress(TimeoutError, ConnectionError):
                if connection.recv(65536) == b"":
                    return
            with suppress(ConnectionError):
                connection.sendall(b"1")
        pytest.fail("the connection was not dropped")


def test_an_address_that_is_in_use_is_a_sentence(live_server):
    with pytest.raises(MusicTagError, match=rf"cannot listen on 127.0.0.1, port {live_server.port} .*Try another"):
        bound_socket(live_server)
    with pytest.raises(MusicTagError, match="cannot listen on nowhere.invalid"):
        bound_socket(ServerSettings(host="nowhere.invalid"))


def test_the_address_of_the_page_has_the_token():
    assert page_address(ServerSettings()) == "http://127.0.0.1:8000/"
    assert page_address(ServerSettings(host="0.0.0.0", port=9, token="abc")) == "http://127.0.0.1:9/#token=abc"
    assert page_address(ServerSettings(token="a+b&c%")).endswith("#token=a%2Bb%26c%25")
    assert page_address(ServerSettings(host="::1")) == "http://[::1]:8000/"


@pytest.mark.slow
@pytest.mark.needs("posix")
def test_the_command_serves_until_it_is_asked_to_end(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "from keras_musictag.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--model", "vgg-mtat-v1", "--port", str(port)]
    own = {"KERAS_MUSICTAG_TOKEN": "abc", "PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    # TensorFlow's AutoGraph imports what it generates from there: Python would leave a folder of compiled files
    own |= {"TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **own}
    )
    try:
        line = process.stdout.readline()
        assert re.fullmatch(rf"The page is at http://127.0.0.1:{port}/#token=abc - press Ctrl-C to end.\n", line)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        assert client.get("/api/models").status_code == 401
        client.headers["Authorization"] = "Bearer abc"
        reply = client.post("/api/tag", files=demo_file(), data={"top": "1"}).json()
        assert reply["tags"][0]["tag"] == "flute"
        assert client.post("/api/sources", files=demo_file()).status_code == 201
        assert len(list(tmp_path.glob("keras_musictag-*/*"))) == 1
        form = {"source": "demo:demo", "hop_seconds": "0.25"}
        with client.stream("POST", "/api/tag", data=form, headers={"Accept": "text/event-stream"}) as stream:
            lines = stream.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)  # in the middle of a request, which finishes
            assert "event: done" in list(lines)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in errors and "ERROR" not in errors
    assert list(tmp_path.iterdir()) == []
