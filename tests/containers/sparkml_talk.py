"""A client that writes and reads HTTP by the byte."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

SILENCE_S = 20
_VARIES = re.compile(rb'date: [^\r]+\r\n|"timestamp":\d+')


@dataclass(frozen=True)
class Answer:
    """What came, without what changes from second to second, and whether the connection is still open."""

    content: bytes
    kept_open: bool

    def starts_with(self, text: bytes) -> bool:
        return self.content.startswith(text)

    def ends_with(self, text: bytes) -> bool:
        return self.content.endswith(b"\r\n\r\n" + text)

    def count(self, text: bytes) -> int:
        return self.content.count(text)


class Talk:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, message: bytes) -> None:
        self.socket.sendall(message)

    def say(self, message: bytes, cut: int = 0) -> Answer:
        """The answer to one message, sent in two pieces when `cut` is within it."""
        try:
            self.socket.sendall(message[:cut])
            self.socket.sendall(message[cut:])
        except ConnectionError:
            return Answer(b"", kept_open=False)
        return self.receive(without_body=message.startswith(b"HEAD"))

    def receive(self, *, without_body: bool = False) -> Answer:
        received = b""
        while not _is_whole(received, without_body=without_body):
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionError:
                more = b""
            if not more:
                return Answer(_VARIES.sub(b"", received), kept_open=False)
            received += more
        return Answer(_VARIES.sub(b"", received), kept_open=b"connection: close" not in received)

    def all_that_comes_after(self, pieces: Sequence[bytes]) -> bytes:
        """Everything until the other side closes."""
        for piece in pieces:
            self.socket.sendall(piece)
        return _VARIES.sub(b"", b"".join(iter(lambda: self.socket.recv(1 << 20), b"")))


def _is_whole(received: bytes, *, without_body: bool) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    if end and head.startswith(b"HTTP/1.1 100"):
        return _is_whole(body, without_body=without_body)
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end) and (without_body or length is None or len(body) >= int(length[1]))
