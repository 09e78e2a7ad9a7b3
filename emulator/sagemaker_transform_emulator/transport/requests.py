"""The bytes of a request to a container: its head and how its body is framed."""

from __future__ import annotations

from sagemaker_transform_emulator.transport.base import Body, RequestHead

LENGTHLESS_METHODS = frozenset({"GET", "HEAD"})


def host_header(host: str, port: int) -> str:
    """The value of Host, as Go's client writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def framing_header(head: RequestHead, body: Body) -> tuple[str, str] | None:
    """The header that says where the request ends; a GET without body needs none (as Go's client)."""
    if not isinstance(body, bytes):
        return ("Transfer-Encoding", "chunked")
    if not body and head.method in LENGTHLESS_METHODS:
        return None
    return ("Content-Length", str(len(body)))


def opening(head: RequestHead, host: str, port: int) -> bytes:
    """Request line, Host and the shared headers, without framing header and blank line.

    Raises ValueError when a header would break out of its line, as Go's client refuses it too.
    """
    if (
        head.encoded.count(b"\n") != len(head.headers) + 1
        or head.encoded.count(b"\r") != len(head.headers) + 1
    ):
        raise ValueError(f"a line break in the request line or a header of {head.method} {head.target!r}")
    line, _, headers = head.encoded.partition(b"\r\n")
    return b"%b\r\nHost: %b\r\n%b" % (line, host_header(host, port).encode("latin-1"), headers)
