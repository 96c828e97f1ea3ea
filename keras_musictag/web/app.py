"""`create_app` makes the ASGI application from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import keras_musictag
from keras_musictag.registry import load_module, module_names
from keras_musictag.web import routes
from keras_musictag.web.body_limits import BodyLimits
from keras_musictag.web.monitoring import RequestCounts
from keras_musictag.web.replies import ERROR_RESPONSES, add_error_replies
from keras_musictag.web.routes.page import STATIC
from keras_musictag.web.security import Security
from keras_musictag.web.services import Services
from keras_musictag.web.settings import ServerSettings


def create_app(settings: ServerSettings | None = None) -> FastAPI:
    """Makes the application. Its models are loaded when it starts.

    Args:
        settings: What to offer; None for the defaults.

    Returns:
        An ASGI application, for any server that supports the lifespan protocol.

    Raises:
        UnknownNameError: If the settings name a model that does not exist.

    Example:
        >>> create_app().title
        'keras-musictag'
    """
    settings = settings or ServerSettings()
    services = Services.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            await services.start()
            yield
        finally:
            await services.close()

    app = FastAPI(
        title="keras-musictag",
        version=keras_musictag.__version__,
        description="Tags music with published neural networks: genre, instruments, mood and voice.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from another host
        redoc_url=None,
        responses=ERROR_RESPONSES,
    )
    app.state.services = services
    app.add_middleware(BodyLimits, settings=settings)
    app.add_middleware(Security, settings=settings)
    app.add_middleware(RequestCounts, monitor=services.monitor)  # added last, it comes first
    add_error_replies(app)
    for name in module_names(routes):
        app.include_router(load_module(routes, "route", name).router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
