"""Media types as AWS's SparkML container parses and chooses them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.sparkml.media_types import (
    MediaTypeError,
    accepted,
    content_type_of_json,
    content_type_of_object,
    content_type_of_text,
    parse,
)


@pytest.mark.parametrize(
    ("text", "essence", "charset"),
    [
        ("text/csv", "text/csv", None),
        (" Text/CSV ", "text/csv", None),
        ("text/csv;Charset=Utf-8", "text/csv", "Utf-8"),
        ('text/csv; charset="utf-8" ; a=b', "text/csv", "utf-8"),
        ("text/csv;;flag", "text/csv", None),
        ('text/csv;a="x;y";charset=c', "text/csv", "c"),
        ("*", "*/*", None),
    ],
)
def test_parsing(text: str, essence: str, charset: str | None) -> None:
    parsed = parse(text)
    assert (parsed.essence, parsed.charset) == (essence, charset)


@pytest.mark.parametrize(
    "text",
    ["", "text", "text/", "/csv", "text/c v", "*/csv", "a/b;c=", "a/b;=c", "a/b;q=2", "a/b;q=x", "a/b/c"],
)
def test_what_is_no_media_type(text: str) -> None:
    with pytest.raises(MediaTypeError):
        parse(text)


def test_charsets_are_looked_up() -> None:
    assert parse("a/b;charset=x", lambda name: name == "x").charset == "x"
    with pytest.raises(MediaTypeError):
        parse("a/b;charset=y", lambda name: name == "x")


def test_accept_lists() -> None:
    assert [item.text for item in accepted('a/b;q=0.5, c/d;x="1,2" ,')] == ["a/b", 'c/d;x="1,2"']
    assert [item.text for item in accepted(" ")] == ["*/*"]


@pytest.mark.parametrize(
    ("accept", "text", "object_", "json"),
    [
        ("", "text/plain;charset=utf-8", "application/json", "application/json"),
        ("text/csv", "text/csv;charset=UTF-8", None, None),
        ("text/csv, */*;q=0.5", "text/csv;charset=UTF-8", "application/json", "application/json"),
        ("application/json;charset=utf-8", "application/json;charset=utf-8",
         "application/json;charset=utf-8", "application/json;charset=utf-8"),
        ("application/*", "application/json", "application/json", "application/json"),
        ("application/problem+json", "application/problem+json", "application/problem+json", None),
        ("text/xml", "text/xml;charset=utf-8", None, None),
        ("image/*", None, None, None),
        ("nonsense", None, None, None),
        ("a/b;q=0.1,c/d;q=0.9", "c/d;charset=UTF-8", None, None),
    ],
)  # fmt: skip
def test_choosing(accept: str, text: str | None, object_: str | None, json: str | None) -> None:
    assert content_type_of_text(accept) == text
    assert content_type_of_object(accept) == object_
    assert content_type_of_json(accept) == json


@given(st.text(max_size=40))
def test_any_header_is_chosen_for_or_refused(accept: str) -> None:
    for choose in (content_type_of_text, content_type_of_object, content_type_of_json):
        chosen = choose(accept)
        assert chosen is None or "/" in chosen
