"""recordio-protobuf: SageMaker's record framing and the `aialgs.data.Record` message inside it.

A frame is the magic number, the length, the message and zero bytes up to a multiple of four.

::

    Record        1 features: map<string, Value>      2 label: map<string, Value>
    Value         2 float32_tensor | 3 float64_tensor | 7 int32_tensor | 9 bytes    (oneof)
    *Tensor       1 values, packed    2 keys, packed varints    3 shape, packed varints
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sagemaker_transform_emulator.containers.xgboost.protobuf import (
    FIXED32,
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    DecodeError,
    Field,
    fields,
    length_delimited,
    packed_varints,
)

MAGIC = 0xCED7230A
FRAME_HEADER = struct.Struct("<II")
TENSOR_TYPES: dict[int, str] = {2: "<f4", 3: "<f8", 7: "<i4"}
FLOAT_WIRE_TYPES = {"<f4": FIXED32, "<f8": FIXED64}
BYTES_FIELD = 9


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `keys` is None for a dense one, `columns` is the first number of its shape."""

    values: Any
    keys: Any
    columns: int | None


def read_frames(body: bytes) -> Iterator[bytes]:
    """The messages of a body in order. Raises ValueError for a wrong magic number or a cut record.

    Up to seven bytes after the last record are ignored.
    """
    offset = 0
    while offset + FRAME_HEADER.size <= len(body):
        magic, length = FRAME_HEADER.unpack_from(body, offset)
        if magic != MAGIC:
            raise ValueError(f"Invalid RecordIO magic at offset {offset}")
        offset += FRAME_HEADER.size
        end = offset + length + -length % 4
        if end > len(body):
            raise ValueError(f"Truncated record at offset {offset}")
        yield body[offset : offset + length]
        offset = end


def write_frame(message: bytes) -> bytes:
    """The message in its frame."""
    return FRAME_HEADER.pack(MAGIC, len(message)) + message + bytes(-len(message) % 4)


def read_recordio(body: bytes) -> tuple[Any, Any]:
    """Features (a dense array, or sparse as soon as one record is) and labels (or None).

    Records without a tensor under `values` are left out. Raises ValueError for bytes that are no
    records, for records of different widths, and when no record is left.
    """
    rows: list[Any] = []
    labels: list[Any] = []
    sparse = False
    for message in read_frames(body):
        features, label = read_record(message)
        if features is None:
            continue
        sparse = sparse or features.keys is not None
        rows.append(_row(features))
        if label is not None:
            labels.append(label.values)
    if not rows:
        raise ValueError("No records found in RecordIO-Protobuf data")
    matrix = vstack(rows).tocsr() if sparse else np.vstack(rows)
    return matrix, np.concatenate(labels, axis=None) if labels else None


def _row(tensor: Tensor) -> Any:
    if tensor.keys is None:
        return tensor.values.reshape(1, -1)
    columns = tensor.columns if tensor.columns is not None else int(tensor.keys.max()) + 1
    indices = tensor.keys.astype(np.int64)
    return csr_matrix((tensor.values, indices, [0, len(indices)]), shape=(1, columns))


def read_record(message: bytes) -> tuple[Tensor | None, Tensor | None]:
    """The tensors under `values` of the features and of the labels. Raises DecodeError.

    Of two entries with one key the last counts.
    """
    maps: dict[int, dict[bytes, Tensor | None]] = {1: {}, 2: {}}
    for number, wire_type, content in fields(message):
        if number in maps and wire_type == LENGTH_DELIMITED:
            key, tensor = _map_entry(content)
            maps[number][key] = tensor
    return maps[1].get(b"values"), maps[2].get(b"values")


def _map_entry(entry: bytes) -> tuple[bytes, Tensor | None]:
    key = b""
    value: list[Field] = []
    for number, wire_type, content in fields(entry):
        if wire_type != LENGTH_DELIMITED:
            continue
        if number == 1:
            key = content
        elif number == 2:  # noqa: PLR2004 - field numbers are listed at the top of the module
            value += fields(content)
    return key, _tensor(value)


def _tensor(value: list[Field]) -> Tensor | None:
    """The tensor of a Value; of several the last kind counts, and tensors of that kind are joined."""
    tensor: Tensor | None = None
    kind = 0
    for number, wire_type, content in value:
        if wire_type != LENGTH_DELIMITED:
            continue
        if number in TENSOR_TYPES:
            part = _read_tensor(content, TENSOR_TYPES[number])
            tensor = part if tensor is None or number != kind else _join(tensor, part)
            kind = number
        elif number == BYTES_FIELD:
            list(fields(content))  # broken bytes are an error even where their content does not matter
            tensor, kind = None, number
    return tensor


def _join(one: Tensor, other: Tensor) -> Tensor:
    keys = [tensor.keys for tensor in (one, other) if tensor.keys is not None]
    return Tensor(
        np.concatenate([one.values, other.values]),
        np.concatenate(keys) if keys else None,
        one.columns if one.columns is not None else other.columns,
    )


def _read_tensor(message: bytes, dtype: str) -> Tensor:
    """The tensor in a message; fields of a wire type that does not fit are unknown ones and left out."""
    floats: list[Any] = [np.empty(0, dtype)]
    numbers: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for number, wire_type, content in fields(message):
        if number == 1 and dtype != "<i4":
            if wire_type in (LENGTH_DELIMITED, FLOAT_WIRE_TYPES[dtype]):
                floats.append(_floats(content, dtype))
        elif number in numbers and wire_type in (LENGTH_DELIMITED, VARINT):
            numbers[number] += packed_varints(content) if wire_type == LENGTH_DELIMITED else [content]
    if dtype == "<i4":
        floats = [np.array(numbers[1], np.uint64).astype(np.uint32).view(np.int32)]
    keys = np.array(numbers[2], np.uint64) if numbers[2] else None
    return Tensor(np.concatenate(floats), keys, numbers[3][0] if numbers[3] else None)


def _floats(content: bytes, dtype: str) -> Any:
    if len(content) % np.dtype(dtype).itemsize:
        raise DecodeError("a list of floats ends inside a number")
    return np.frombuffer(content, dtype)


def write_labels(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """For each row the message of a Record with one float32 label tensor per key."""
    for row in rows:
        entries = []
        for key, value in row.items():
            numbers = value if isinstance(value, list) else [value]
            packed = length_delimited(1, struct.pack(f"<{len(numbers)}f", *numbers))
            content = length_delimited(1, key.encode()) + length_delimited(2, length_delimited(2, packed))
            entries.append(length_delimited(2, content))
        yield b"".join(entries)
