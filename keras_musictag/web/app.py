"""`create_app` makes the ASGI application from the settings, and `serve` runs it until it is asked to end."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import keras_musictag
from keras_musictag.registry import load_module, module_names
from keras_musictag.web import routes
from keras_musictag.web.replies import ERROR_RESPONSES, add_error_replies
from keras_musictag.web.routes.page import STATIC
from keras_musictag.web.services import Services
from keras_musictag.web.settings import ServerSettings


def create_app(settings: ServerSettings | None = None) -> FastAPI:
    """Makes the application. Its models are loaded when it starts.

    Args:
        settings: What to offer; None for the defaults.

    Returns:
        An ASGI application, for any server that supports the lifespan protocol.

    Example:
        >>> create_app().title
        'keras-musictag'
    """
    settings = settings or ServerSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = await Services.start(settings)
        try:
            yield
        finally:
            await app.state.services.close()

    app = FastAPI(
        title="keras-musictag",
        version=keras_musictag.__version__,
        description="Tags music with published neural networks: genre, instruments, mood and voice.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from another host
        redoc_url=None,
        responses=ERROR_RESPONSES,
    )
    add_error_replies(app)
    for name in module_names(routes):
        app.include_router(load_module(routes, "route", name).router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


class _Server(uvicorn.Server):
    """A server that starts no new work once it was asked to end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI):
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame) -> None:
        if services := getattr(self._app.state, "services", None):
            services.jobs.ending = True
        super().handle_exit(sig, frame)


def serve(settings: ServerSettings | None = None) -> None:
    """Runs the server until SIGTERM or Ctrl-C. Then requests that run may finish, for `drain_seconds` at most.

    Args:
        settings: What to offer, and where to listen; None for the defaults.
    """
    settings = settings or ServerSettings()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=round(settings.drain_seconds),
        http="h11",
        ws="none",
    )
    # after it has ended, uvicorn raises the signal again: the exit code is 0 nevertheless
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        _Server(config, app).run()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
