"""A REST service on the loopback interface that stands for a Databricks workspace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

Answer = Callable[[str, str, dict[str, Any]], dict[str, Any] | None]
"""From method, path and what was said (query or body) to what is answered; None for what is not there."""


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve; gives the address, and as a list that grows what was asked, as (method, path)."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlparse(self.path).query).items()}
            self._reply(query | self._body())

        def do_POST(self) -> None:
            self._reply(self._body())

        do_DELETE = do_PATCH = do_POST  # noqa: N815

        def _body(self) -> dict[str, Any]:
            return dict(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

        def _reply(self, said: dict[str, Any]) -> None:
            path = unquote(urlparse(self.path).path)
            asked.append((self.command, path))
            found = answer(self.command, path, said)
            missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{path} is not there"}
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(missing if found is None else found).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
