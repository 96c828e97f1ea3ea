from .app import create_app as create_app
from .server import serve as serve
from .settings import ServerSettings as ServerSettings

__all__ = ["ServerSettings", "create_app", "serve"]
