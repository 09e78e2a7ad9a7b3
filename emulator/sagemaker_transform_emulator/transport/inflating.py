"""Content-Encoding: gzip, undone as Go's client does when it asked for it itself (R4.21)."""

from __future__ import annotations

import zlib

from sagemaker_transform_emulator.errors import MalformedAnswerError
from sagemaker_transform_emulator.transport.base import Headers

GZIP = zlib.MAX_WBITS | 16
DESCRIBES_THE_COMPRESSED = frozenset({"content-encoding", "content-length"})


def inflated(peer: str, headers: Headers, body: bytes, limit: int) -> tuple[Headers, bytes]:
    """Return headers and body as they were before gzip; anything else comes back as it is.

    The two headers that described the compressed body are left out then. An empty body is not a gzip
    stream and stays empty. Raises MalformedAnswerError for a broken stream and for one of more than
    `limit` bytes, of which no more than `limit` + 1 were ever in memory.
    """
    if not body or not any(name == "content-encoding" and value.lower() == "gzip" for name, value in headers):
        return headers, body
    try:
        plain = gunzip(body, limit)
    except (zlib.error, EOFError) as error:
        raise MalformedAnswerError(f"{peer} sent a broken gzip body: {error}") from None
    if len(plain) > limit:
        raise MalformedAnswerError(f"{peer} sent a gzip body of more than {limit} bytes when inflated")
    return tuple(pair for pair in headers if pair[0] not in DESCRIBES_THE_COMPRESSED), plain


def gunzip(data: bytes, limit: int) -> bytes:
    """Inflate all members of `data`, stopping once more than `limit` bytes came out.

    Raises zlib.error for bad data and EOFError when the last member is cut.
    """
    parts: list[bytes] = []
    room = limit + 1
    while data and room > 0:
        member = zlib.decompressobj(GZIP)
        part = member.decompress(data, room)
        parts.append(part)
        room -= len(part)
        if not member.eof and room > 0:
            raise EOFError("it ends too early")
        data = member.unused_data
    return b"".join(parts)
