r"""Rows of CSV as RFC 4180 has them, without embedded newlines (R3.17, R3.18). Pure; fields are bytes.

A row is read without its line end, `\n` or `\r\n`, and written with quotes only where a field needs them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sagemaker_transform_emulator.errors import RecordError

Row = list[bytes]

_PLAIN = re.compile(rb'[^",\r\n]*')
_QUOTED = re.compile(rb'"((?:[^"]|"")*)"(?=,|$)')
_SHOWN_BYTES = 4096
_REMEDY = "fields that hold quotes, commas or line ends must be quoted, with every quote inside doubled"


def read_row(line: bytes) -> Row:
    """The fields of one line. Raises RecordError in the words of the service's CSV reader (R3.16)."""
    text = line.removesuffix(b"\n").removesuffix(b"\r")
    if b'"' not in text:
        return text.split(b",")
    row: Row = []
    position = 0
    while True:
        field, position = _field(text, position)
        row.append(field)
        if position == len(text):
            return row
        position += 1  # the comma


def write_row(row: Sequence[bytes]) -> bytes:
    """The fields joined by commas, without a line end. A row of one empty field is `""`, no blank line."""
    if len(row) == 1 and not row[0]:
        return b'""'
    return b",".join(field if _PLAIN.fullmatch(field) else _quoted(field) for field in row)


def _quoted(field: bytes) -> bytes:
    return b'"%b"' % field.replace(b'"', b'""')


def _field(text: bytes, start: int) -> tuple[bytes, int]:
    if text[start : start + 1] == b'"':
        found = _QUOTED.match(text, start)
        if found is None:
            raise _broken('extraneous or missing " in quoted field', text, start)
        return found[1].replace(b'""', b'"'), found.end()
    comma = text.find(b",", start)
    end = len(text) if comma < 0 else comma
    if b'"' in text[start:end]:
        raise _broken('bare " in non quoted field', text, start)
    return text[start:end], end


def _broken(what: str, text: bytes, start: int) -> RecordError:
    near = text[start : start + _SHOWN_BYTES].decode("utf-8", "replace")
    return RecordError(f"{what} found near: {near}", remedy=_REMEDY, like_refusal=True)


def is_number(cell: str) -> bool:
    """Whether the text of a cell is a number as Python reads one, NaN and infinity included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
