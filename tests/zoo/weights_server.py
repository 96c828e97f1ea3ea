"""A server of weights in this process, and the ways in which it answers: correctly, or like a failing connection."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `files`: path -> bytes. `answer` answers one; `requests` counts."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.answer, self.requests = {}, whole, 0

    def handle_error(self, request, client_address):
        pass  # tests include clients that disconnect


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
        else:
            self.server.answer(self, content)

    def log_message(self, *arguments):
        pass

    def head(self, size):
        self.send_response(200)
        if size is not None:
            self.send_header("Content-Length", str(size))
        self.end_headers()


def whole(handler, content):
    handler.head(len(content))
    handler.wfile.write(content)


def without_length(handler, content):
    handler.head(None)
    handler.wfile.write(content)


def altered(handler, content):
    whole(handler, content[:-1] + bytes([content[-1] ^ 1]))


def empty(handler, content):
    whole(handler, b"")


def half(handler, content):
    handler.head(len(content))
    handler.wfile.write(content[: len(content) // 2])


def half_without_length(handler, content):
    without_length(handler, content[: len(content) // 2])


def more_promised(handler, content):
    handler.head(len(content) + 1000)
    handler.wfile.write(content)


def reset(handler, content):
    """Ends the connection like a failing line, not like a server that has finished."""
    half(handler, content)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    handler.connection.close()


def broken(handler, content):
    handler.send_error(503)
