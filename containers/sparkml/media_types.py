"""Media types as Spring parses, compares and chooses them: AWS's container leaves all three to Spring 5.3.

What matters of it: letter case is free in types but kept in parameters, a syntax error in Content-Type is
415, and the Content-Type of an error text is negotiated from Accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sagemaker_transform_emulator.containers.sparkml import java_numbers

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
# what java.lang.String.trim takes for blank; Python's strip takes some of Latin-1 too
_BLANKS = "".join(map(chr, range(0x21)))
# Jetty has these in a table and writes them its own way
_JETTY_TYPES = ("text/html", "text/plain", "text/xml", "text/json")
_JSON_SUFFIX = "+json"


class MediaTypeError(ValueError):
    """The header value is not a media type."""


@dataclass(frozen=True)
class MediaType:
    """`kind` and `subtype` in lower case, parameters as they were sent."""

    kind: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def essence(self) -> str:
        """Type and subtype."""
        return f"{self.kind}/{self.subtype}"

    @property
    def charset(self) -> str | None:
        """The charset parameter without quotes, or None."""
        return next((_unquoted(value) for name, value in self.parameters if name.lower() == "charset"), None)

    @property
    def quality(self) -> float:
        """The q parameter, 1.0 without one. Raises ValueError for a Q that is no number."""
        return next(
            (java_numbers.double(_unquoted(value)) for name, value in self.parameters if name.lower() == "q"),
            1.0,
        )

    @property
    def concrete(self) -> bool:
        """Whether neither part is a wildcard, `*+json` included."""
        return self.kind != "*" and not self.subtype.startswith("*")

    @property
    def text(self) -> str:
        """The header value; q left out, as in an answer's Content-Type (and Q left in, as Spring does)."""
        shown = [f";{name}={value}" for name, value in self.parameters if name != "q"]
        return self.essence + "".join(shown)


JSON = MediaType("application", "json")
# what Spring can make of a String, in its order of preference
_STRING_TYPES = (MediaType("text", "plain"), MediaType("*", "*"), JSON, MediaType("application", "*+json"))
_OBJECT_TYPES = (JSON, MediaType("application", "*+json"))


HasCharset = Callable[[str], bool]


def _any_charset(_: str) -> bool:
    return True


def parse(text: str, has_charset: HasCharset = _any_charset) -> MediaType:
    """The media type in a Content-Type header. Raises MediaTypeError where Spring does.

    `has_charset` decides about the names of charsets; an unknown one is an error too.
    """
    essence, *parameters = _split(text, ";")
    essence = essence.strip(_BLANKS)
    kind, slash, subtype = ("*/*" if essence == "*" else essence).partition("/")
    if not slash or not _is_token(kind) or not _is_token(subtype) or (kind == "*" and subtype != "*"):
        raise MediaTypeError(text)
    parsed = MediaType(kind.lower(), subtype.lower(), tuple(_parameters(parameters, text)))
    if parsed.charset is not None and not has_charset(parsed.charset):
        raise MediaTypeError(text)
    return parsed


def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def _unquoted(value: str) -> str:
    return value[1:-1] if _QUOTED.fullmatch(value) else value


def _parameters(parts: list[str], text: str) -> list[tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for part in parts:
        name, equals, value = (piece.strip(_BLANKS) for piece in part.partition("="))
        if not equals:
            continue
        if not _is_token(name) or not (_is_token(value) or _QUOTED.fullmatch(value)):
            raise MediaTypeError(text)
        if name == "q" and not _is_quality(_unquoted(value)):
            raise MediaTypeError(text)
        found[name.lower()] = (name, value)
    return list(found.values())


def _is_quality(value: str) -> bool:
    try:
        return 0.0 <= java_numbers.double(value) <= 1.0
    except ValueError:
        return False


def _split(text: str, separator: str) -> list[str]:
    """Cut at separators outside double quotes."""
    parts, start, quoted = [], 0, False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def accepted(text: str, has_charset: HasCharset = _any_charset) -> list[MediaType]:
    """The media types of an Accept header; `*/*` for a blank one. Raises MediaTypeError."""
    types = [parse(part, has_charset) for part in _split(text, ",") if part.strip(_BLANKS)]
    return types or [MediaType("*", "*")]


class Negotiation:
    """The Content-Type that answers get under an Accept header, which `has_charset` helps to read."""

    def __init__(self, has_charset: HasCharset = _any_charset) -> None:
        self._has_charset = has_charset

    def of_text(self, accept: str) -> str | None:
        """The Content-Type of a text; None where Spring sends no body at all."""
        chosen = self._choose(accept, _STRING_TYPES)
        if chosen is None or chosen.essence == JSON.essence or chosen.subtype.endswith(_JSON_SUFFIX):
            return None if chosen is None else chosen.text
        if chosen.essence == "application/octet-stream":
            chosen = MediaType("text", "plain")
        text = chosen.text if chosen.charset else f"{chosen.text};charset=UTF-8"
        return text.lower() if text.lower() in {f"{known};charset=utf-8" for known in _JETTY_TYPES} else text

    def of_object(self, accept: str) -> str | None:
        """The Content-Type of a JSON object; None where it cannot be sent."""
        chosen = self._choose(accept, _OBJECT_TYPES)
        return None if chosen is None else chosen.text

    def of_json(self, accept: str) -> str | None:
        """The Content-Type of an endpoint that produces application/json and nothing else; None for 406."""
        chosen = self._choose(accept, (JSON,))
        return None if chosen is None else chosen.text

    def _choose(self, accept: str, producible: tuple[MediaType, ...]) -> MediaType | None:
        try:
            return _best(accepted(accept, self._has_charset), producible)
        except ValueError:
            return None


def _best(wanted: list[MediaType], producible: tuple[MediaType, ...]) -> MediaType | None:
    """The best type that both sides name: concrete ones first, then by quality, then in the order given."""
    candidates = [
        (_more_specific(want, offer), want.quality)
        for want in wanted
        for offer in producible
        if _compatible(want, offer)
    ]
    candidates.sort(key=lambda candidate: (_wildness(candidate[0]), -candidate[1]))
    for candidate, _ in candidates:
        if candidate.concrete:
            return candidate
        if candidate.essence in ("*/*", "application/*"):
            return MediaType("application", "octet-stream")
    return None


def _wildness(media_type: MediaType) -> int:
    return 2 if media_type.kind == "*" else int(not media_type.concrete)


def _compatible(first: MediaType, second: MediaType) -> bool:
    if "*" in (first.kind, second.kind):
        return True
    if first.kind != second.kind:
        return False
    return first.subtype == second.subtype or _covers(first, second) or _covers(second, first)


def _covers(wild: MediaType, other: MediaType) -> bool:
    """`*` covers every subtype, `*+json` those with that suffix."""
    if not wild.subtype.startswith("*"):
        return False
    suffix = wild.subtype[1:]
    return other.subtype.endswith(suffix) or other.subtype == "*"


def _more_specific(want: MediaType, offer: MediaType) -> MediaType:
    if _wildness(want) == _wildness(offer):
        return want if len(want.parameters) >= len(offer.parameters) else offer
    return want if _wildness(want) < _wildness(offer) else offer
