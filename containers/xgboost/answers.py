"""What goes back over HTTP, and the pages of AWS's web framework."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

HTML = b"text/html; charset=utf-8"

SENTENCES = {
    HTTPStatus.NOT_FOUND: (
        "The requested URL was not found on the server. If you entered the URL manually please check your "
        "spelling and try again."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: "The method is not allowed for the requested URL.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The data value transmitted exceeds the capacity limit.",
}
TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large"}


class Answer(NamedTuple):
    """Status, Content-Type and body; `allow` is the Allow header, where there is one."""

    status: int
    content_type: bytes
    body: bytes
    allow: bytes = b""


class RefusedError(Exception):
    """An invocation cannot be answered; the message becomes the body under `status`."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


EMPTY = Answer(HTTPStatus.NO_CONTENT, HTML, b"")


def text(status: HTTPStatus, body: str) -> Answer:
    """An error in words, typed as AWS's container types all of them."""
    return Answer(status, HTML, body.encode("utf-8", "replace"))


def page(status: HTTPStatus, *, allow: str = "") -> Answer:
    """The framework's own page for an error it finds before the container's code runs."""
    title = TITLES.get(status, status.phrase)
    body = (
        f"<!doctype html>\n<html lang=en>\n<title>{status.value} {title}</title>\n<h1>{title}</h1>\n"
        f"<p>{SENTENCES[status]}</p>\n"
    )
    return Answer(status, HTML, body.encode(), allow.encode())
