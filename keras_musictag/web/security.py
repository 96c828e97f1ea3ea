"""Who may use the server: the check of every request before a route sees it, and the headers of every reply.

A page of another site, opened in the same browser, must neither read nor trigger anything here:

- The `Host` must be a name of this server. A name that was made to point to this machine (DNS rebinding) is refused.
- An `Origin` must be this server's, and `Sec-Fetch-Site` must not be another site. Browsers send one of them with every
  request that a page makes; only opening the page by a link is allowed.
- If the server has a token, every request must send it, except for the empty page and the health checks: in the header
  `Authorization: Bearer TOKEN`, or as the cookie that `POST /api/session` sets, which scripts cannot read.
"""

import hashlib
import hmac
import ipaddress
import logging
import re
import socket

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_musictag.web.replies import error_reply
from keras_musictag.web.settings import ServerSettings

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
ANY_ADDRESS = {"0.0.0.0", "::", ""}
PUBLIC_PATHS = {"/", "/healthz", "/readyz"}  # they tell nothing of the server's content
LINKED_PATHS = {"/", "/docs"}  # a link on another page may lead here
MAX_HEADERS = 100
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

log = logging.getLogger(__name__)


class Security:
    """The ASGI middleware.

    Args:
        app: The application.
        settings: The server's settings.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings):
        self._app, self._settings = app, settings
        self._names = host_names(settings)
        self._takes_addresses = settings.host in ANY_ADDRESS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a web socket: there are none
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await error_reply(*refusal)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            log.exception("A request failed: %s %s", scope["method"], scope["path"])
            if started:
                raise
            sentence = f"The server failed on this request ({type(error).__name__}); its log says where."
            await error_reply(500, sentence)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        """The status, sentence and headers with which a request is refused; None if it may pass."""
        headers = Headers(scope=scope)
        if len(scope["headers"]) > MAX_HEADERS:
            return 431, f"The request has {len(scope['headers'])} headers; expected {MAX_HEADERS} at most.", {}
        if not self._host_is_allowed(headers.get("host", "")):
            sentence = "The `Host` header names another server. Use this server's address, or start it with "
            return 403, f"{sentence}`--allow-host NAME` if NAME leads to it.", {}
        if self._is_foreign(scope, headers):
            return 403, "The request comes from a page of another site, which may not use this server.", {}
        is_public = scope["path"] in PUBLIC_PATHS or scope["path"].startswith("/static/")
        if not is_public and not self._has_token(headers):
            sentence = "The token is missing or wrong. Open the address that the server printed when it started, or "
            return 401, f"{sentence}send the header `Authorization: Bearer TOKEN`.", {"WWW-Authenticate": "Bearer"}
        return None

    def _host_is_allowed(self, host: str) -> bool:
        match = HOST.fullmatch(host.lower())
        if match is None:
            return False
        name = match[1].rstrip(".")
        return name in self._names or (self._takes_addresses and _is_address(name))

    def _is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """Whether a page of another site made the request."""
        origin = headers.get("origin")
        if origin is not None:
            place = origin.lower().partition("://")[2]
            match = HOST.fullmatch(place)
            named = {name.lower() for name in self._settings.allowed_hosts}
            if place != headers["host"].lower() and not (match and match[1] in named):
                return True
        if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            return False
        follows_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return not (follows_link and scope["method"] in ("GET", "HEAD") and scope["path"] in LINKED_PATHS)

    def _has_token(self, headers: Headers) -> bool:
        token = self._settings.token
        if token is None:
            return True
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme:
            return scheme.lower() == "bearer" and _equal(sent.strip(), token)
        cookie = cookie_parser(headers.get("cookie", "")).get(cookie_name(self._settings), "")
        return _equal(cookie, cookie_value(token))


def host_names(settings: ServerSettings) -> set[str]:
    """The names in a `Host` header, without a port and in lower case, that mean this server."""
    names = {*LOOPBACK_NAMES, *(name.lower() for name in settings.allowed_hosts)}
    if settings.host not in ANY_ADDRESS:
        return {*names, f"[{settings.host}]" if ":" in settings.host else settings.host.lower()}
    own = socket.gethostname().lower()
    return {*names, own, f"{own}.local"}


def cookie_name(settings: ServerSettings) -> str:
    """Name of the session's cookie. It has the port, because browsers give a cookie to all ports of a host."""
    return f"keras_musictag_{settings.port}"


def cookie_value(token: str) -> str:
    """What the cookie holds instead of the token itself: it proves that the client knew the token."""
    return hmac.new(token.encode(), b"session cookie", hashlib.sha256).hexdigest()


def add_headers(headers: MutableHeaders, path: str) -> None:
    """Adds the headers of every reply, unless the route has set its own."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-cache" if path.startswith("/static/") else "no-store")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _equal(received: str, expected: str) -> bool:
    """Compares in a time that does not depend on where they differ."""
    return hmac.compare_digest(received.encode(), expected.encode())
