"""Which keys belong to the input, and where their outputs go. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sagemaker_transform_emulator.errors import UsageError

OUTPUT_SUFFIX = ".out"

_S3_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:-fips|-accelerate|-external-1)?(?:\.dualstack)?"
    r"(?:[.-][a-z]{2,4}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?",
    re.IGNORECASE,
)
"""S3's hosts, a bucket in front or not: global, regional, the older s3-REGION, dual-stack and others."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket and a key or prefix, taken literally."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Location:
        """The location of an `s3://` URI, or of an `https://` URL of S3 with the bucket in its host or path.

        Raises UsageError for anything else, URLs of other hosts among it.
        """
        scheme, separator, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if separator and scheme == "https":
            host = _S3_HOST.fullmatch(bucket)
            bucket, key = ("", "") if host is None else (host["bucket"] or "", key)
            if host is not None and not bucket:
                bucket, _, key = key.partition("/")
        if not separator or scheme not in ("s3", "https") or not bucket:
            raise UsageError(f"{uri!r} is no S3 URI", remedy="write it as s3://bucket/key")
        return cls(bucket, key)

    def __str__(self) -> str:
        """The `s3://` URI."""
        return f"s3://{self.bucket}/{self.key}"


def is_folder_marker(key: str, size: int) -> bool:
    """Whether the object only marks a folder: an empty object whose key ends in `/` (R2.13)."""
    return size == 0 and key.endswith("/")


def relative_key(prefix: str, key: str) -> str:
    """The part of `key` that the output key keeps, for an input prefix that `key` starts with (R2.18)."""
    if key == prefix:
        return key.rsplit("/", 1)[-1]
    if not prefix or prefix.endswith("/"):
        return key[len(prefix) :]
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def output_location(output_path: str, relative: str) -> S3Location:
    """Where the output of the object with that relative key goes (R2.18)."""
    target = S3Location.parse(output_path)
    folder = target.key.rstrip("/")
    return S3Location(
        target.bucket, f"{folder}/{relative}{OUTPUT_SUFFIX}" if folder else relative + OUTPUT_SUFFIX
    )
