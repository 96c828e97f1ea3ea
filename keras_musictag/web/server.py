"""`serve`: listens, prints the page's address, and ends in order when it is asked to."""

import asyncio
import math
import signal
import socket
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_musictag.errors import MusicTagError
from keras_musictag.web.app import create_app
from keras_musictag.web.security import ANY_ADDRESS
from keras_musictag.web.settings import ServerSettings

REQUEST_SECONDS = 15.0  # the head of the next request must come whole within at most twice this time
MAX_CONNECTIONS = 500  # below the usual limit of 1024 open files


def serve(settings: ServerSettings | None = None) -> None:
    """Runs the server until SIGTERM or Ctrl-C. Then requests that run may finish, for `drain_seconds` at most.

    Args:
        settings: What to offer, and where to listen; None for the defaults.

    Raises:
        MusicTagError: If the address cannot be used, or a model does not exist.
    """
    settings = settings or ServerSettings()
    with bound_socket(settings) as listener:  # first, because models take seconds
        server = make_server(settings)
        # after it has ended, uvicorn raises the signal again: the exit code is 0 nevertheless
        before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            server.run([listener])
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def make_server(settings: ServerSettings) -> "Server":
    """A server of an application with these settings; `run` it with the socket of `bound_socket`."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
        limit_concurrency=MAX_CONNECTIONS,
        http=_Protocol,
        ws="none",
    )
    return Server(config, app, settings)


def page_address(settings: ServerSettings) -> str:
    """The address at which a browser on this machine finds the page, with the token if there is one."""
    host = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{settings.port}/" + (f"#token={quote(settings.token, safe='')}" if settings.token else "")


def bound_socket(settings: ServerSettings) -> socket.socket:
    """A socket at the address of the settings.

    Raises:
        MusicTagError: If the address is unknown, or in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise MusicTagError(
            f"The server cannot listen on {settings.host}, port {settings.port} ({error.strerror or error}). Try "
            "another `--port`, or another `--host`."
        ) from error
    return listener


class Server(uvicorn.Server):
    """A server that says where the page is, and starts no new work once it was asked to end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: ServerSettings):
        super().__init__(config)
        self.app, self._settings = app, settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            print(f"The page is at {page_address(self._settings)} - press Ctrl-C to end.", flush=True)

    def handle_exit(self, sig: int, frame) -> None:
        self.app.state.services.jobs.begin_ending()
        super().handle_exit(sig, frame)


class _Protocol(H11Protocol):
    """uvicorn's protocol, which also drops a connection on which no request comes in time, however it trickles."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._seen = None  # the last request that was known at the last look
        self._look_again()

    def connection_lost(self, error: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(error)

    def _look_again(self) -> None:
        self._next_look = self.loop.call_later(REQUEST_SECONDS, self._drop_if_no_request_came)

    def _drop_if_no_request_came(self) -> None:
        has_ended = self.cycle is None or self.cycle.response_complete
        if has_ended and self.cycle is self._seen:
            self.transport.close()
        else:
            self._seen = self.cycle
            self._look_again()
