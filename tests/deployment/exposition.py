"""A monitor made by hand: what it serves at /metrics is a text that a test changes; and a webhook that keeps alerts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["served"]


class Told:
    """What is served, and what was posted."""

    def __init__(self) -> None:
        self.text = ""
        self.posted: list[Any] = []
        self.port = 0


@contextmanager
def served() -> Iterator[Told]:
    """While this lasts, a port of loopback serves ``text`` and keeps what is ``posted`` as JSON."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(told.text.encode())

        def do_POST(self) -> None:
            told.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
