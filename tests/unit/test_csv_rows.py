"""Rows of CSV: what is read, what is refused, and where quotes are written."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.transform.csv_rows import read_row, write_row

REMEDY = "fields that hold quotes, commas or line ends must be quoted, with every quote inside doubled"
QUOTED = 'extraneous or missing " in quoted field'
BARE = 'bare " in non quoted field'


@pytest.mark.rule("R3.17", "R3.18")
@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"", [b""]),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a,b\n", [b"a", b"b"]),
        (b"a,b\r\n", [b"a", b"b"]),
        (b"a,b\r", [b"a", b"b"]),
        (b"a\n\n", [b"a\n"]),
        (b"a\r\r\n", [b"a\r"]),
        (b",", [b"", b""]),
        (b" a , b ", [b" a ", b" b "]),
        (b'"a"', [b"a"]),
        (b'""', [b""]),
        (b'"",""', [b"", b""]),
        (b'"a,b",c', [b"a,b", b"c"]),
        (b'x,"a""b",c\r\n', [b"x", b'a"b', b"c"]),
        (b'x,"a"\n', [b"x", b"a"]),
        (b'"a",', [b"a", b""]),
        (b'"a",b,', [b"a", b"b", b""]),
        (b',"a"', [b"", b"a"]),
        (b'"""",x', [b'"', b"x"]),
        (b'"\xff\xfe",\x00', [b"\xff\xfe", b"\x00"]),
    ],
)
def test_a_line_is_read(line: bytes, row: list[bytes]) -> None:
    assert read_row(line) == row


@pytest.mark.rule("R3.16", "R3.18")
@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'"a', f'{QUOTED} found near: "a'),
        (b'"', f'{QUOTED} found near: "'),
        (b'x,"a"b,c\n', f'{QUOTED} found near: "a"b,c'),
        (b'"a" ,b', f'{QUOTED} found near: "a" ,b'),
        (b'"a"",b', f'{QUOTED} found near: "a"",b'),
        (b'a"b', f'{BARE} found near: a"b'),
        (b'x,he said "no"\r\n', f'{BARE} found near: he said "no"'),
        (b'x, "a",b', f'{BARE} found near:  "a",b'),
        (b'"ok",a"', f'{BARE} found near: a"'),
        (b'\xff"', f'{BARE} found near: \ufffd"'),
    ],
)
def test_broken_quoting_is_refused_in_the_words_of_the_service(line: bytes, text: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_row(line)
    assert caught.value.text == text
    assert caught.value.remedy == REMEDY
    assert caught.value.data_log == ("ClientError: 400", "", "Message:", text)


@pytest.mark.rule("R3.16")
def test_at_most_4096_bytes_of_a_broken_line_are_shown() -> None:
    with pytest.raises(RecordError) as caught:
        read_row(b'x,y"' + b"z" * 5000)
    assert caught.value.text == f'{BARE} found near: y"' + "z" * 4094


@pytest.mark.rule("R3.17")
@pytest.mark.parametrize(
    ("row", "line"),
    [
        ([b"a", b"b"], b"a,b"),
        ([b" a ", b"'b'"], b" a ,'b'"),
        ([b"a,b", b"c"], b'"a,b",c'),
        ([b'a"b'], b'"a""b"'),
        ([b'"'], b'""""'),
        ([b"a\nb", b"c\rd"], b'"a\nb","c\rd"'),
        ([b"", b""], b","),
        ([b""], b'""'),
        ([b"a"], b"a"),
        ([], b""),
    ],
)
def test_quotes_are_written_only_where_a_field_needs_them(row: list[bytes], line: bytes) -> None:
    assert write_row(row) == line
