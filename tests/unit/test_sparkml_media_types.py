"""Media types as AWS's SparkML container parses and chooses them."""

from __future__ import annotations

import pytest
from census import missing_cases
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.sparkml.media_types import (
    MediaTypeError,
    Negotiation,
    accepted,
    parse,
)

NEGOTIATION = Negotiation()


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
        ("text/csv;charset='utf-8'", "text/csv", "utf-8"),
        ("text/csv;charset='utf-8", "text/csv", "'utf-8"),
        ("text/csv;charset=''", "text/csv", ""),
        ("a/b;q=0.5d", "a/b", None),
        ("a/b;q=0x1p-1", "a/b", None),
        ("a/b;q=' 1 '", "a/b", None),
        ("a/b;Q=2", "a/b", None),
    ],
)
def test_parsing(text: str, essence: str, charset: str | None) -> None:
    parsed = parse(text)
    assert (parsed.essence, parsed.charset) == (essence, charset)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "text/",
        "/csv",
        "text/c v",
        "*/csv",
        "a/b;c=",
        "a/b;=c",
        "a/b;q=2",
        "a/b;q=x",
        "a/b/c",
        "text/csv\xa0",
        "text/csv\x85",
        "\xa0text/csv",
        "a/b;q=1_0",
        "a/b;q=inf",
        "a/b;q=NaN",
        "a/b;q=0x1",
    ],
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
        ("application/json;Q=1", "application/json;Q=1", "application/json;Q=1", "application/json;Q=1"),
        ("a/b;Q=0.1,text/xml;q=0.5", "text/xml;charset=utf-8", None, None),
        ("text/csv;Q=x,a/b", None, None, None),
        ("a/b;q=0.1,c/d;q=0.9", "c/d;charset=UTF-8", None, None),
    ],
)  # fmt: skip
def test_choosing(accept: str, text: str | None, object_: str | None, json: str | None) -> None:
    assert NEGOTIATION.of_text(accept) == text
    assert NEGOTIATION.of_object(accept) == object_
    assert NEGOTIATION.of_json(accept) == json


def test_an_unknown_charset_in_accept_makes_all_of_it_unreadable() -> None:
    strict = Negotiation(lambda name: name == "utf-8")
    assert strict.of_text("text/csv;charset=utf-8") == "text/csv;charset=utf-8"
    for accept in ("text/csv;charset=no-such", "*/*;charset=''", "text/csv, a/b;charset=x"):
        assert (strict.of_text(accept), strict.of_object(accept), strict.of_json(accept)) == (
            None,
            None,
            None,
        )


RANGES = ("text/csv", "Application/JSON", "application/*", "text/*", "*/*", "*", "image/*", "a/b+json",
          "application/*+json", "text/plain;charset=utf-8", "nonsense", "a/", "")  # fmt: skip
QUALITIES = ("", ";q=0.5", ";q=1", ";q=0", ";q=2", ";v=1")
headers = st.lists(st.tuples(st.sampled_from(RANGES), st.sampled_from(QUALITIES)).map("".join), max_size=4)
CHOICES = (NEGOTIATION.of_text, NEGOTIATION.of_object, NEGOTIATION.of_json)


def within(chosen: str, accept: str) -> bool:
    """Whether one of the accepted ranges holds the type."""
    kind, _, subtype = chosen.partition(";")[0].partition("/")
    for item in accepted(accept):
        suffix = item.subtype.startswith("*+") and subtype.endswith(item.subtype[1:])
        if item.kind in ("*", kind) and (item.subtype in ("*", subtype) or suffix):
            return True
    return False


@given(st.text(max_size=40) | headers.map(", ".join))
def test_any_header_is_chosen_for_or_refused(accept: str) -> None:
    for choose in CHOICES:
        chosen = choose(accept)
        if chosen is None:
            assert accept.strip()  # without a wish there is always an answer
            assert "*/*" not in [part.strip() for part in accept.split(",")] or not readable(accept)
        else:
            assert "*" not in parse(chosen).essence
            assert within(chosen, accept)


def readable(accept: str) -> bool:
    try:
        accepted(accept)
    except MediaTypeError:
        return False
    return True


def test_the_headers_are_of_every_kind() -> None:
    def cases(accept: str) -> list[str]:
        return [f"{choose.__name__}: {choose(accept) is not None}" for choose in CHOICES]

    expected = [f"{choose.__name__}: {found}" for choose in CHOICES for found in (True, False)]
    assert missing_cases(headers.map(", ".join), cases, *expected) == {}
