"""The part of the protobuf wire format that records need: reading any message, writing bytes fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

VARINT, FIXED64, LENGTH_DELIMITED, GROUP_START, GROUP_END, FIXED32 = 0, 1, 2, 3, 4, 5
LONGEST_VARINT = 10
DEEPEST_GROUP = 100
SIXTY_FOUR_BITS = (1 << 64) - 1

Field: TypeAlias = tuple[int, int, Any]
"""Number, wire type and content: an int for varints, bytes for all else."""


class DecodeError(ValueError):
    """The bytes are no protobuf message."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a message in order, groups left out. Raises DecodeError."""
    position = 0
    while position < len(message):
        field, position = _read_field(message, position, 0)
        if field[1] == GROUP_END:
            raise DecodeError("a group ends that did not begin")
        if field[1] != GROUP_START:
            yield field


def packed_varints(content: bytes) -> list[int]:
    """The numbers of a packed list. Raises DecodeError."""
    numbers = []
    position = 0
    while position < len(content):
        number, position = read_varint(content, position)
        numbers.append(number)
    return numbers


def read_varint(message: bytes, position: int) -> tuple[int, int]:
    """An unsigned 64-bit number and the position after it. Raises DecodeError."""
    number = 0
    for index in range(LONGEST_VARINT):
        if position + index >= len(message):
            raise DecodeError("the message ends inside a number")
        byte = message[position + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return number & SIXTY_FOUR_BITS, position + index + 1
    raise DecodeError("a number is longer than ten bytes")


def write_varint(number: int) -> bytes:
    """An unsigned number in as few bytes as it needs."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits to a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def length_delimited(number: int, content: bytes) -> bytes:
    """A field that holds bytes, text, a message or a packed list."""
    return write_varint(number << 3 | LENGTH_DELIMITED) + write_varint(len(content)) + content


def _read_field(message: bytes, position: int, depth: int) -> tuple[Field, int]:
    tag, position = read_varint(message, position)
    number, wire_type = tag >> 3, tag & 7
    if number == 0 or tag >= 1 << 32:
        raise DecodeError("a field number is out of range")
    if wire_type == VARINT:
        value, position = read_varint(message, position)
        return (number, wire_type, value), position
    if wire_type == GROUP_START:
        return (number, wire_type, b""), _skip_group(message, position, number, depth + 1)
    if wire_type == GROUP_END:
        return (number, wire_type, b""), position
    length, position = _content_length(message, position, wire_type)
    if position + length > len(message):
        raise DecodeError("the message ends inside a field")
    return (number, wire_type, message[position : position + length]), position + length


def _content_length(message: bytes, position: int, wire_type: int) -> tuple[int, int]:
    if wire_type == LENGTH_DELIMITED:
        return read_varint(message, position)
    if wire_type == FIXED32:
        return 4, position
    if wire_type == FIXED64:
        return 8, position
    raise DecodeError(f"wire type {wire_type} does not exist")


def _skip_group(message: bytes, position: int, number: int, depth: int) -> int:
    if depth > DEEPEST_GROUP:
        raise DecodeError("groups are nested too deep")
    while position < len(message):
        field, position = _read_field(message, position, depth)
        if field[1] == GROUP_END:
            if field[0] != number:
                raise DecodeError("a group ends that did not begin")
            return position
    raise DecodeError("the message ends inside a group")
