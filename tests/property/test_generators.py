"""The strategies of the property tests make the cases that the properties are about."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import reference
from census import missing_cases
from objects import KINDS, Settings, settings_and_bodies
from test_processing_bytes import csv_lines, values
from test_transport_bytes import Sent, any_bytes, parsed, sent_answers

from sagemaker_transform_emulator.transport import Answer


def cases_of(wanted: Settings) -> Iterator[str]:
    """What is interesting about an object and its settings."""
    bodies, failure = reference.payloads(wanted.body, wanted.split_type, wanted.strategy, wanted.limit)
    yield failure or "taken"
    yield "no limit" if wanted.limit is None else "a limit"
    if wanted.limit is not None and wanted.limit in map(len, bodies):
        yield "a body as large as the limit"
    if len(bodies) > 1:
        yield "several payloads"
    if failure == reference.TOO_LARGE and bodies:
        yield "too large behind a payload"
    if failure == reference.TOO_LARGE and not wanted.body.endswith(b"\n"):
        yield "perhaps too large before its end"
    if wanted.body and wanted.body[:4] != b"\x0a\x23\xd7\xce":
        yield "another magic number"
    if not wanted.body:
        yield "empty"


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_objects_are_of_every_kind(kind: tuple[str, str]) -> None:
    expected = ["taken", reference.TOO_LARGE, "no limit", "a limit", "a body as large as the limit", "empty"]
    if kind[0] != "None":
        expected += ["several payloads", "too large behind a payload"]
    if kind[0] in ("RecordIO", "TFRecord"):
        expected += [reference.DAMAGED, "another magic number"]
    if kind[0] == "Line":
        expected.append("perhaps too large before its end")
    assert missing_cases(settings_and_bodies(*kind), cases_of, *expected) == {}


def test_the_lines_are_of_every_kind() -> None:
    def cases(line: bytes) -> list[str]:
        row = reference.fields_of(line)
        if row is None:
            return ["quoted and broken"] if line.startswith(b'"') else ["bare quote"]
        return ["quoted", "quote inside"] if any(b'"' in field for field in row) else (
            ["quoted"] if b'"' in line else ["plain"])  # fmt: skip

    expected = "quoted and broken", "bare quote", "quoted", "quote inside", "plain"
    assert missing_cases(csv_lines, cases, *expected) == {}


def test_the_values_are_of_every_kind() -> None:
    def cases(text: str) -> list[str]:
        value = json.loads(text)
        words = [
            word for word in ("null", "true", "false", "{}", "[]", '""') if word in "".join(text.split())
        ]
        overwritten = ["overwritten"] if isinstance(value, dict) and "SageMakerOutput" in value else []
        return [type(value).__name__, *words, *overwritten]

    expected = "dict", "list", "str", "int", "float", "null", "true", "false", "{}", "[]", '""', "overwritten"
    assert missing_cases(values, cases, *expected) == {}


def test_the_bytes_are_of_every_kind() -> None:
    def cases(data: bytes) -> list[str]:
        outcome = parsed([data])
        if not isinstance(outcome, Answer):
            return [outcome.__name__]
        return [
            "answer",
            "closed by the peer" if outcome.closed_by_peer else "with its length",
            *(["with bytes behind it"] if outcome.extra_bytes else []),
        ]

    expected = ("MalformedAnswerError", "answer", "closed by the peer",
                "with its length", "with bytes behind it")  # fmt: skip
    assert missing_cases(any_bytes, cases, *expected) == {}


def test_the_answers_are_of_every_kind() -> None:
    def cases(sent: Sent) -> list[str]:
        marks = {
            "chunks": b"chunked",
            "length": b"Content-Length",
            "gzip": b"gzip",
            "informational": b" 102 ",
        }
        return [
            *(name for name, mark in marks.items() if mark in sent.raw),
            *(["until the end"] if sent.until_close else []),
            "with a body" if sent.answer.body else "empty",
        ]

    expected = "chunks", "length", "gzip", "informational", "until the end", "with a body", "empty"
    assert missing_cases(sent_answers(), cases, *expected) == {}
