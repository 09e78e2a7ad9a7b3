"""recordio-protobuf: what is read from good bytes, and that bad ones are a ValueError."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from census import missing_cases
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import issparse

from sagemaker_transform_emulator.containers.xgboost.protobuf import (
    DecodeError,
    fields,
    length_delimited,
    read_varint,
    write_varint,
)
from sagemaker_transform_emulator.containers.xgboost.recordio import (
    read_frames,
    read_record,
    read_recordio,
    write_frame,
    write_labels,
)

FLOAT32, FLOAT64, INT32, BYTES = 2, 3, 7, 9
CODES = {FLOAT32: "f", FLOAT64: "d"}


def tensor(kind: int, values: list[float], keys: tuple[int, ...] = (), shape: tuple[int, ...] = ()) -> bytes:
    if kind == INT32:
        packed = b"".join(write_varint(int(value) & (2**64 - 1)) for value in values)
    else:
        packed = struct.pack(f"<{len(values)}{CODES[kind]}", *values)
    message = length_delimited(1, packed)
    for number, varints in ((2, keys), (3, shape)):
        if varints:
            message += length_delimited(number, b"".join(map(write_varint, varints)))
    return length_delimited(kind, message)


def record(value: bytes, *, label: bytes | None = None, key: bytes = b"values") -> bytes:
    message = length_delimited(1, length_delimited(1, key) + length_delimited(2, value))
    if label is not None:
        message += length_delimited(2, length_delimited(1, b"values") + length_delimited(2, label))
    return message


def body(*messages: bytes) -> bytes:
    return b"".join(map(write_frame, messages))


@pytest.mark.parametrize("kind", [FLOAT32, FLOAT64, INT32])
def test_dense_tensors_of_every_type_are_rows(kind: int) -> None:
    features, labels = read_recordio(body(record(tensor(kind, [1, -2, 3])), record(tensor(kind, [4, 5, 6]))))
    assert features.tolist() == [[1, -2, 3], [4, 5, 6]]
    assert labels is None


def test_sparse_tensors_take_their_width_from_the_shape() -> None:
    features, _ = read_recordio(body(record(tensor(FLOAT32, [0.5, 1.5], (1, 3), (6,)))))
    assert issparse(features)
    assert features.shape == (1, 6)
    assert features.toarray().tolist() == [[0, 0.5, 0, 1.5, 0, 0]]


def test_sparse_tensors_without_a_shape_end_at_the_last_key() -> None:
    assert read_recordio(body(record(tensor(FLOAT64, [2.0], (4,)))))[0].shape == (1, 5)


def test_labels_are_read() -> None:
    one, two = (record(tensor(FLOAT32, [1, 2]), label=tensor(FLOAT32, [label])) for label in (7, 8))
    assert read_recordio(body(one, two))[1].tolist() == [7, 8]


def test_unpacked_values_and_unknown_fields_are_understood() -> None:
    unpacked = b"".join(write_varint(1 << 3 | 5) + struct.pack("<f", value) for value in (1.5, 2.5))
    value = length_delimited(FLOAT32, unpacked + length_delimited(15, b"new"))
    message = record(value) + length_delimited(3, b"uid") + write_varint(6 << 3) + write_varint(9)
    features, _ = read_record(message)
    assert features is not None
    assert features.values.tolist() == [1.5, 2.5]


def test_groups_are_skipped() -> None:
    group = write_varint(8 << 3 | 3) + length_delimited(1, b"inside") + write_varint(8 << 3 | 4)
    features, _ = read_record(group + record(tensor(FLOAT32, [1.0])))
    assert features is not None
    assert features.values.tolist() == [1.0]


def test_the_last_of_two_kinds_of_tensor_counts() -> None:
    both = tensor(FLOAT32, [1.0]) + tensor(FLOAT64, [2.0, 3.0])
    features, _ = read_record(record(both))
    assert features is not None
    assert features.values.tolist() == [2.0, 3.0]


def test_records_without_a_tensor_under_values_are_left_out() -> None:
    no_tensor = length_delimited(BYTES, length_delimited(1, b"x"))
    others = (record(tensor(FLOAT32, [9.0]), key=b"other"), record(no_tensor))
    features, _ = read_recordio(body(*others, record(tensor(FLOAT32, [1.0]))))
    assert features.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello world", "Invalid RecordIO magic at offset 0"),
        (write_frame(b"abcd")[:-1], "Truncated record at offset 8"),
        (b"", "No records found"),
        (b"short", "No records found"),
        (body(record(tensor(FLOAT32, [1.0])), record(tensor(FLOAT32, [1.0, 2.0]))), "must match exactly"),
        (body(b"\xff"), "ends inside a number"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_recordio(data)


def test_up_to_seven_bytes_after_the_last_record_are_ignored() -> None:
    assert len(list(read_frames(write_frame(b"one") + b"\0" * 7))) == 1


numbers = st.integers(1, 2**29 - 1)
parts = st.one_of(
    st.tuples(numbers, st.just(2), st.binary(max_size=20)),
    st.tuples(numbers, st.just(0), st.integers(0, 2**64 - 1)),
    st.tuples(numbers, st.just(1), st.binary(min_size=8, max_size=8)),
    st.tuples(numbers, st.just(5), st.binary(min_size=4, max_size=4)),
)


def encoded(number: int, wire_type: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return write_varint(number << 3) + write_varint(content)
    length = write_varint(len(content)) if wire_type == 2 else b""
    return write_varint(number << 3 | wire_type) + length + content


@given(st.lists(parts, max_size=6))
def test_fields_come_back(message: list[tuple[int, int, bytes | int]]) -> None:
    found = list(fields(b"".join(encoded(*part) for part in message)))
    assert [(number, wire_type) for number, wire_type, _ in found] == [part[:2] for part in message]
    for (_, _, content), (_, _, wanted) in zip(found, message, strict=True):
        assert (content if isinstance(content, int) else bytes(content)) == wanted


@st.composite
def harmed(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with a few of them replaced by others, by more or by none."""
    data = draw(whole)
    start = draw(st.integers(0, len(data)))
    return data[:start] + draw(st.binary(max_size=3)) + data[start + draw(st.integers(0, 3)) :]


messages = st.lists(parts, max_size=6).map(lambda message: b"".join(encoded(*part) for part in message))
any_fields = st.binary(max_size=200) | harmed(messages)


def fields_of(data: bytes) -> list[object] | None:
    try:
        return list(fields(data))
    except DecodeError:
        return None


@given(any_fields)
def test_any_bytes_are_fields_or_a_decode_error(data: bytes) -> None:
    found = fields_of(data)
    # what follows whole fields does not change them
    assert found is None or fields_of(data + encoded(1, 0, 7)) == [*found, (1, 0, 7)]


floats = st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2)
tables = st.lists(floats, min_size=1, max_size=3)
any_bodies = st.one_of(
    st.tuples(
        st.lists(st.binary(max_size=60), max_size=4).map(lambda raw: body(*raw)), st.binary(max_size=12)
    ).map(b"".join),
    harmed(tables.map(lambda rows: body(*(record(tensor(FLOAT32, row)) for row in rows)))),
)


def table_of(data: bytes) -> np.ndarray | None:
    try:
        return read_recordio(data)[0]
    except ValueError:
        return None


@given(any_bodies)
def test_any_bytes_are_features_or_a_value_error(data: bytes) -> None:
    table = table_of(data)
    if table is not None:
        assert table.ndim == 2
        assert 1 <= table.shape[0] <= len(list(read_frames(data)))


@given(tables)
def test_tables_come_back(rows: list[list[float]]) -> None:
    found, labels = read_recordio(body(*(record(tensor(FLOAT32, row)) for row in rows)))
    assert labels is None
    assert found.tolist() == rows


def test_the_bytes_are_of_every_kind() -> None:
    def of_fields(data: bytes) -> list[str]:
        found = fields_of(data)
        return ["error" if found is None else "several" if len(found) > 1 else "few"]

    assert missing_cases(any_fields, of_fields, "error", "several") == {}
    assert missing_cases(any_bodies, lambda data: [str(table_of(data) is None)], "True", "False") == {}


@given(st.integers(0, 2**64 - 1))
def test_varints_come_back(number: int) -> None:
    encoded = write_varint(number)
    assert read_varint(encoded, 0) == (number, len(encoded))


@given(st.binary(max_size=50))
def test_frames_come_back(message: bytes) -> None:
    frame = write_frame(message)
    assert len(frame) % 4 == 0
    assert list(read_frames(frame)) == [message]


def test_labels_are_written_with_one_float32_tensor_per_key() -> None:
    (message,) = write_labels([{"values": [1.0, 2.0], "raw_score": 0.5}])
    _, label = read_record(message)
    assert label is not None
    assert (label.values.dtype, label.values.tolist()) == (np.dtype("<f4"), [1.0, 2.0])


def test_tensors_of_one_kind_are_joined() -> None:
    features, _ = read_record(record(tensor(FLOAT32, [1.0], (3,)) + tensor(FLOAT32, [2.0], (4,), (9,))))
    assert features is not None
    assert (features.values.tolist(), features.keys.tolist(), features.columns) == ([1.0, 2.0], [3, 4], 9)


def test_a_broken_tensor_under_another_key_breaks_the_record() -> None:
    with pytest.raises(DecodeError):
        read_record(record(length_delimited(FLOAT32, b"\x0a\x03abc"), key=b"other"))
