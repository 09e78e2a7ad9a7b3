"""What S3 knows of an object's bytes, and whether the bytes that were read are those. Pure but for HEAD.

Three things are offered, in this order: the MD5 that the ETag of an object in one piece is, at no further
request; a checksum of the whole object (x-amz-checksum-*); the MD5s of the parts, of which the ETag of a
multipart object is made. The ETag is no MD5 where the object is encrypted with a key of KMS's or of the
client's, nor in a directory bucket.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

_MD5_ETAG = re.compile(r'"?([0-9a-fA-F]{32})(?:-([1-9][0-9]{0,4}))?"?')
_OPAQUE_ENCRYPTION = ("aws:kms", "aws:kms:dsse", "aws:fsx")

Head = Callable[..., Mapping[str, Any]]
"""HeadObject with further arguments; nothing where the store does not answer them for that version."""


class Digest(Protocol):
    """A running checksum."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        ...

    def digest(self) -> bytes:
        """The checksum of all bytes so far."""
        ...


class Crc32:
    """CRC-32 as x-amz-checksum-crc32 has it: four bytes, the highest first."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """The checksum of all bytes so far."""
        return self._value.to_bytes(4, "big")


class PartDigests:
    """The MD5 of the MD5s of parts of `part_bytes` each, which is the ETag of a multipart object."""

    def __init__(self, part_bytes: int) -> None:
        self._part_bytes = part_bytes
        self._left = part_bytes
        self._part = _md5()
        self._whole = _md5()

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        rest = memoryview(data)
        while rest:
            piece, rest = rest[: self._left], rest[self._left :]
            self._part.update(piece)
            self._left -= len(piece)
            if not self._left:
                self._end_part()

    def digest(self) -> bytes:
        """The checksum of all bytes so far. To be asked once."""
        if self._left < self._part_bytes:
            self._end_part()
        digest: bytes = self._whole.digest()
        return digest

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part = _md5()
        self._left = self._part_bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """What the running `digest` must be at the end; `name` says what it is compared with."""

    name: str
    digest: Digest
    value: bytes
    parts: int = 0
    part_bytes: int = 0


def expected_digest(
    bucket: str, etag: str, size: int, answer: Mapping[str, Any], head: Head
) -> Expected | None:
    """What a whole read must give, from the store's answer to a GET or HEAD; None where nothing is offered.

    `head` is asked only about objects whose ETag alone is not enough.
    """
    found = _MD5_ETAG.fullmatch(etag)
    opaque = (
        answer.get("ServerSideEncryption") in _OPAQUE_ENCRYPTION
        or "SSECustomerAlgorithm" in answer
        or bucket.endswith("--x-s3")
    )
    if found and not opaque and not found[2]:
        return Expected("ETag", _md5(), bytes.fromhex(found[1]))
    whole = _whole_object(head(ChecksumMode="ENABLED"))
    if whole is not None or not found or opaque:
        return whole
    return _multipart(found[1], int(found[2]), size, head)


def uniform_parts(expected: Expected, head: Head) -> bool:
    """Whether all parts but the last are as long as the first, as was taken for granted for `expected`."""
    numbers = range(2, expected.parts)
    return all(head(PartNumber=number).get("ContentLength") == expected.part_bytes for number in numbers)


def _whole_object(answer: Mapping[str, Any]) -> Expected | None:
    algorithms: tuple[tuple[str, Callable[[], Digest]], ...] = (
        ("ChecksumCRC32", Crc32),
        ("ChecksumSHA1", lambda: hashlib.sha1(usedforsecurity=False)),
        ("ChecksumSHA256", hashlib.sha256),
    )
    if answer.get("ChecksumType") == "COMPOSITE":
        return None
    for name, make in algorithms:
        value = answer.get(name)
        if value and "-" not in value:
            return Expected(name, make(), base64.b64decode(value))
    return None


def _multipart(md5: str, parts: int, size: int, head: Head) -> Expected | None:
    first = head(PartNumber=1).get("ContentLength", 0)
    if not 0 < first <= size or -(-size // first) != parts:
        return None
    return Expected("ETag", PartDigests(first), bytes.fromhex(md5), parts, first)


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
