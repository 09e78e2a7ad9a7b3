"""Content-Type and Accept, read the way AWS's container reads them."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from http import HTTPStatus

from sagemaker_transform_emulator.containers.xgboost.answers import RefusedError

ACCEPTED_ANSWERS = (
    "application/json",
    "application/jsonlines",
    "application/x-recordio-protobuf",
    "text/csv",
)
CHARSET_TYPES = frozenset(
    f"application/{name}"
    for name in ("ecmascript", "javascript", "sql", "xml", "xml-dtd", "xml-external-parsed-entity")
)
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class Format(Enum):
    """A request format under the name error texts give it."""

    CSV = "csv"
    LIBSVM = "libsvm"
    PARQUET = "parquet"
    RECORDIO = "recordio-protobuf"


NAMES = {
    "csv": Format.CSV,
    "libsvm": Format.LIBSVM,
    "parquet": Format.PARQUET,
    "recordio-protobuf": Format.RECORDIO,
    "text/csv": Format.CSV,
    "text/libsvm": Format.LIBSVM,
    "text/x-libsvm": Format.LIBSVM,
    "application/x-parquet": Format.PARQUET,
    "application/x-recordio-protobuf": Format.RECORDIO,
}


class ContentTypeError(RefusedError):
    """The Content-Type names no format, or one with a parameter that is not allowed."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class AcceptError(RefusedError):
    """The Accept names no supported answer type."""

    status = HTTPStatus.NOT_ACCEPTABLE


@lru_cache(maxsize=256)
def request_format(content_type: str | None) -> Format:
    """The format a Content-Type header names; libsvm without one. Raises ContentTypeError."""
    if content_type is None:
        return Format.LIBSVM
    name, parameters = parse_header(content_type.lower())
    if name not in NAMES:
        raise ContentTypeError(f"{content_type} is not an accepted ContentType: {', '.join(NAMES)}.")
    if NAMES[name] is Format.CSV and parameters.get("label_size", "1") != "1":
        raise ContentTypeError(
            f"{content_type} is not an accepted csv ContentType. "
            "Optional parameter label_size must be equal to 1"
        )
    return NAMES[name]


@lru_cache(maxsize=256)
def answer_type(accept: str | None, default: str | None) -> str:
    """The media type to answer with. Raises AcceptError for an Accept that is not supported.

    `default` (SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT) counts when the header is absent, blank or `*/*`;
    it is taken unseen.
    """
    name, _ = parse_header(accept or "")
    if name in ("", "*/*"):
        return "text/csv" if default is None else default
    if name.lower() not in ACCEPTED_ANSWERS:
        raise AcceptError(
            f"Accept type {name} is not supported. "
            f"Please use supported accept types: {list(ACCEPTED_ANSWERS)}."
        )
    return name.lower()


@lru_cache(maxsize=256)
def is_form(content_type: str | None) -> bool:
    """Whether AWS's web framework would take the body for a form, which leaves no body to score."""
    return content_type is not None and parse_header(content_type.lower())[0] in FORM_TYPES


@lru_cache(maxsize=64)
def header_value(media_type: str) -> bytes:
    """The Content-Type header for an answer: text gets its charset, the rest stays as it is."""
    if media_type.startswith("text/") or media_type.endswith("+xml") or media_type in CHARSET_TYPES:
        media_type += "; charset=utf-8"
    return media_type.encode("latin-1", "replace")


def parse_header(line: str) -> tuple[str, dict[str, str]]:
    """The value of a header and its parameters; a `;` inside double quotes separates nothing."""
    head, *rest = _split_outside_quotes(line)
    parameters = {}
    for part in rest:
        name, equals, value = part.partition("=")
        if equals:
            parameters[name.strip().lower()] = _unquote(value.strip())
    return head.strip(), parameters


def _split_outside_quotes(line: str) -> list[str]:
    parts = [""]
    quoted = escaped = False
    for char in line:
        if char == ";" and not quoted:
            parts.append("")
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\"
        parts[-1] += char
    return parts


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace("\\\\", "\\").replace('\\"', '"')
    return value
