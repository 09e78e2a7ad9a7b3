"""A second, slow model of splitting, batching, filtering and assembling, made to be read, not to be fast.

It shares no code with the emulator: whole objects as lists of single bytes, one rule of the contract at a
time. Where the two disagree, one of them is wrong.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

TOO_LARGE = "too large"
DAMAGED = "damaged"


class ObjectFailsError(Exception):
    """The object fails; `kind` says how."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def records(body: bytes, split_type: str, *, keep_framing: bool, limit: int | None = None) -> Iterator[bytes]:
    """The records of an object, up to the one that makes it fail (R2.3, R2.4, R2.11, R2.26)."""
    if split_type == "None":
        found: Iterator[bytes] = iter([body])
    elif split_type == "Line":
        found = iter(_lines(body))
    else:
        found = _frames(body, split_type, keep_framing=keep_framing, limit=limit)
    for record in found:
        if limit is not None and len(record) > limit:
            raise ObjectFailsError(TOO_LARGE)
        yield record


def payloads(
    body: bytes, split_type: str, strategy: str, limit: int | None
) -> tuple[list[bytes], str | None]:
    """The bodies that are sent, in order, and how the object fails, if it does (R2.5 to R2.11)."""
    sent: list[bytes] = []
    waiting: list[bytes] = []
    try:
        for record in records(body, split_type, keep_framing=strategy == "MultiRecord", limit=limit):
            if strategy == "SingleRecord":
                sent.append(record)
                continue
            if limit is not None and len(b"".join([*waiting, record])) > limit:
                sent.append(b"".join(waiting))
                waiting = []
            waiting.append(record)
    except ObjectFailsError as error:
        return sent, error.kind
    if waiting:
        sent.append(b"".join(waiting))
    return sent, None


def assembled(answers: list[bytes], assemble_with: str) -> bytes:
    """The output of an object (R2.19, R2.20)."""
    output = b""
    for answer in answers:
        output = output + answer
        if assemble_with == "Line":
            output = output + b"\n"
    return output


def output_key(prefix: str, key: str, folder: str) -> str:
    """Where the output of `key` goes (R2.18), `folder` being the key part of S3OutputPath."""
    parts = key.split("/")
    if key == prefix:
        kept = parts[-1]
    elif prefix == "" or prefix[-1] == "/":
        kept = key[len(prefix) :]
    elif key[: len(prefix) + 1] == prefix + "/":
        kept = key[len(prefix) + 1 :]
    else:
        kept = "/".join(parts[len(prefix.split("/")) - 1 :])
    while folder.endswith("/"):
        folder = folder[:-1]
    return (folder + "/" if folder else "") + kept + ".out"


def csv_line(row: list[str]) -> bytes:
    """The row as Python's own writer has it, with a newline (R3.17)."""
    output = io.StringIO(newline="")
    csv.writer(output, lineterminator="\n").writerow(row)
    return output.getvalue().encode()


def fields_of(line: bytes) -> list[bytes] | None:
    """The fields of a line without its newline, None where it is no row of RFC 4180 (R3.16, R3.18)."""
    if line[-1:] == b"\r":
        line = line[:-1]
    found = [b""]
    state = "start"  # of a field; then "plain", "quoted", or "closed" behind a closing quote
    for byte in (line[at : at + 1] for at in range(len(line))):
        if state == "quoted":
            if byte == b'"':
                state = "closed"
            else:
                found[-1] += byte
        elif byte == b",":
            found.append(b"")
            state = "start"
        elif byte == b'"':
            if state == "plain":
                return None
            found[-1] += b'"' if state == "closed" else b""
            state = "quoted"
        elif state == "closed":
            return None
        else:
            found[-1] += byte
            state = "plain"
    return None if state == "quoted" else found


def joined_json(record: bytes, answer: bytes) -> Any:
    """The value a joined record has (R3.13), numbers as Decimal."""
    value, output = (json.loads(text, parse_float=Decimal, parse_int=Decimal) for text in (record, answer))
    if type(value) is dict:
        value["SageMakerOutput"] = output
        return value
    return {"SageMakerInput": value, "SageMakerOutput": output}


def sliced(row: list[Any], start: int | None, end: int | None) -> list[Any] | None:
    """Elements start to end, the end among them (R3.7); None where one of them is not there (R3.9)."""
    size = len(row)
    first = 0 if start is None else start if start >= 0 else size + start
    last = size - 1 if end is None else end if end >= 0 else size + end
    wanted = list(range(first, last + 1))
    for given, place in ((start, first), (end, last)):
        if given is not None and place not in range(size):
            return None
    if not wanted and size:
        return None
    return [row[place] for place in wanted]


def _lines(body: bytes) -> list[bytes]:
    found = []
    line = []
    for byte in body:
        line.append(byte)
        if byte == 0x0A:
            found.append(bytes(line))
            line = []
    if line:
        found.append(bytes(line))
    return found


def _frames(body: bytes, split_type: str, *, keep_framing: bool, limit: int | None) -> Iterator[bytes]:
    rest = body
    while rest:
        if split_type == "RecordIO":
            header, length, tail = 8, int.from_bytes(rest[4:8], "little"), 0
            if len(rest) >= header and rest[:4] != bytes.fromhex("0a23d7ce"):
                raise ObjectFailsError(DAMAGED)
            while (header + length + tail) % 4:
                tail += 1
        else:
            header, length, tail = 12, int.from_bytes(rest[:8], "little"), 4
            if len(rest) >= header and length > 2**40:
                raise ObjectFailsError(DAMAGED)
        end = header + length + tail
        # the header says it before the data are there
        if len(rest) >= header and limit is not None and (end if keep_framing else length) > limit:
            raise ObjectFailsError(TOO_LARGE)
        if len(rest) < header or len(rest) < end:
            raise ObjectFailsError(DAMAGED)
        yield rest[:end] if keep_framing else rest[header : header + length]
        rest = rest[end:]
