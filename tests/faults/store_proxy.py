"""A proxy between the emulator and a store that damages chosen answers: bit flips, cuts, lost answers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from sagemaker_transform_emulator.config import StoreAddress


@dataclass(frozen=True)
class Exchange:
    """A request and the store's answer to it, which the proxy may still change."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """The store did what it was asked; its answer never arrives."""


@dataclass(frozen=True)
class Cut:
    """Only that many bytes of the body arrive, then the connection closes."""

    after: int


Outcome = Exchange | Lost | Cut
Damage = Callable[[Exchange], Outcome]


@dataclass
class StoreProxy:
    """Where the proxy is, what it has passed on, and what it does to answers.

    Requests that are `withheld` never reach the store; their answer, which `damage` makes, begins as an
    empty 500.
    """

    address: StoreAddress
    damage: Damage = lambda exchange: exchange
    withheld: Callable[[str, str], bool] = lambda _method, _path: False
    seen: list[Exchange] = field(default_factory=list)


@contextmanager
def store_proxy(store: StoreAddress) -> Iterator[StoreProxy]:
    """A proxy to that store on a free loopback port; it ends with the block."""
    target = urlsplit(store.endpoint_url or "").netloc
    proxy = StoreProxy(store)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _pass_on(self) -> None:
            exchange = self._ask()
            proxy.seen.append(exchange)
            outcome = proxy.damage(exchange)
            if isinstance(outcome, Lost):
                self.close_connection = True
                return
            answer = exchange if isinstance(outcome, Cut) else outcome
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            if isinstance(outcome, Cut):
                self.wfile.write(answer.body[: outcome.after])
                self.close_connection = True
            else:
                self.wfile.write(answer.body)

        def _ask(self) -> Exchange:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if proxy.withheld(self.command, self.path):
                return Exchange(self.command, self.path, 500, (("Content-Length", "0"),), b"")
            headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
            connection = http.client.HTTPConnection(target, timeout=20)
            try:
                # the Host header stays the client's: it is signed
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            kept = tuple((k, v) for k, v in answer.getheaders() if k.lower() != "transfer-encoding")
            if self.command != "HEAD" and not any(k.lower() == "content-length" for k, _ in kept):
                kept += (("Content-Length", str(len(content))),)
            return Exchange(self.command, self.path, answer.status, kept, content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.address = replace(store, endpoint_url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def flipped(exchange: Exchange, at: int) -> Exchange:
    """The same answer with one bit of its body changed, and its headers as they were."""
    body = bytearray(exchange.body)
    body[at] ^= 1
    return replace(exchange, body=bytes(body))
