"""An application to talk to, in this process: `client` is shared by all tests, `open_client` makes others."""

from contextlib import ExitStack

import pytest

BASE_URL = "http://127.0.0.1:8000"  # the server refuses other names


def make_client(**settings):
    """A test client of an application with these settings; a context manager that starts and ends it."""
    from fastapi.testclient import TestClient

    from keras_musictag.web import ServerSettings, create_app

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
