"""An application to talk to, in this process: `client` is shared by all tests, `open_client` makes others."""

import json
import shutil
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from fastapi.testclient import TestClient

import keras_musictag as kmt
from keras_musictag.web import ServerSettings, create_app
from keras_musictag.web.server import bound_socket, make_server
from tests.web.report_folders import write_reports

BASE_URL = "http://127.0.0.1:8000"  # the server refuses other names


def make_client(**settings):
    """A test client of an application with these settings; a context manager that starts and ends it."""
    return TestClient(create_app(ServerSettings(**settings)), base_url=BASE_URL)


@pytest.fixture(scope="package")
def client():
    """A client of a server that offers the bundled musicnn-mtat-v1 and vgg-mtat-v1. Tests do not change it."""
    with make_client(models=("musicnn-mtat-v1", "vgg-mtat-v1")) as shared:
        yield shared


@pytest.fixture
def open_client():
    """A function from settings to a client that is closed after the test; by default it offers vgg-mtat-v1."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(make_client(**{"models": ("vgg-mtat-v1",), **settings}))


@pytest.fixture(scope="package")
def musicnn():
    """The tagger with which the server's results are compared."""
    return kmt.load("musicnn-mtat-v1")


def demo_file(name: str = "demo.mp3") -> dict:
    """The demo clip as the file of a form."""
    return {"file": (name, kmt.demo_clip().read_bytes())}


def events_of(text: str) -> list[tuple[int, str, dict]]:
    """The events of a stream: number, name and data."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


APPS = {}  # the applications of the servers that run, by their ports


@contextmanager
def running_server(**settings):
    """A real server on a free port of this process; yields its settings. For what `TestClient` cannot do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ServerSettings(**{"models": ("vgg-mtat-v1",), "port": port, **settings})
    server = make_server(settings)
    APPS[port] = server.app
    with bound_socket(settings) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield settings
        finally:
            server.should_exit = True
            thread.join()
            del APPS[port]


@pytest.fixture(scope="package")
def live_server():
    """The settings of a real server. Tests do not change it."""
    with running_server(stall_seconds=1.0, max_upload_bytes=2**20) as settings:
        yield settings


@pytest.fixture(scope="session")
def written_reports(tmp_path_factory):
    """A folder of reports. Tests do not change it."""
    return write_reports(tmp_path_factory.mktemp("reports"))


@pytest.fixture
def reports_folder(written_reports, tmp_path):
    """A copy that the test may change."""
    return shutil.copytree(written_reports, tmp_path / "mine")


@pytest.fixture(scope="session")
def scanned_library(tmp_path_factory):
    """A real library, `library.db` and `music`, scanned with the bundled vgg. Tests do not change it."""
    from tests.web.scanned_music import scan_music

    return scan_music(tmp_path_factory.mktemp("library"))
