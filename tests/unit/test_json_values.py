"""JSON of records: what is read, what is refused, and how it is written."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.transform.json_values import Literal, read_json, write_json


@pytest.mark.rule("R3.14")
@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b' {"b" : 1 , "a" : [ ] }\r\n', b'{"a":[],"b":1}'),
        (b"\t[1, 2.50, -0, 1E5, 1e-7, 123456789012345678901234567890]\n",
         b"[1,2.50,-0,1E5,1e-7,123456789012345678901234567890]"),
        (b"[true, false, null]", b"[true,false,null]"),
        (b"{}", b"{}"),
        (b"[]", b"[]"),
        (b"[[], {}, [[1]]]", b"[[],{},[[1]]]"),
        (b'"<&>\\u003c"', b'"<&><"'),
        (b'"\\u00e9\\ud83d\\ude00"', '"é😀"'.encode()),
        ('"é"'.encode(), '"é"'.encode()),
        (b'"a\\"b\\\\c\\n\\u0001"', b'"a\\"b\\\\c\\n\\u0001"'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a\\"":0}', b'{"a\\"":0}'),
        (b"7", b"7"),
        (b'""', b'""'),
    ],
)  # fmt: skip
def test_only_the_form_changes(text: bytes, written: bytes) -> None:
    assert write_json(read_json(text)) == written


@pytest.mark.rule("R3.14")
def test_keys_are_in_the_order_of_their_bytes_upper_case_first() -> None:
    keys = ["b", "SageMakerOutput", "é", "B", "\uffff", "\U0001f600", "", "a", "ab"]
    written = write_json(dict.fromkeys(keys))
    assert written.decode() == "{" + ",".join(f'"{key}":null' for key in
        ["", "B", "SageMakerOutput", "a", "ab", "b", "é", "\uffff", "\U0001f600"]) + "}"  # fmt: skip


@pytest.mark.rule("R3.14")
def test_numbers_are_the_characters_they_were_written_with() -> None:
    value = read_json(b'[1.0, "1.0"]')
    assert value == ["1.0", "1.0"]
    assert [type(item) for item in value] == [Literal, str]
    assert not hasattr(value[0], "__dict__")


@pytest.mark.rule("R3.14")
def test_a_lone_surrogate_is_written_as_the_replacement_character() -> None:
    assert write_json(read_json(b'"a\\ud800b"')) == b'"a\xef\xbf\xbdb"'
    assert write_json(read_json(b'{"\\udc00":1,"a":2}')) == b'{"a":2,"\xef\xbf\xbd":1}'


@pytest.mark.rule("R3.16")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"\n", "Expecting value: line 1 column 1 (char 0)"),
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"X1", "Expecting value: line 1 column 1 (char 0)"),
        (b"1 2", "Extra data: line 1 column 3 (char 2)"),
        (b"NaN", "NaN is no JSON"),
        (b"[-Infinity]", "-Infinity is no JSON"),
        (b'"a\xff"', "byte 2 is not UTF-8"),
        (b"\xef\xbb\xbf1", "Expecting value: line 1 column 1 (char 0)"),
        (b"\x0b1", "Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_one_json_value_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_json(text)
    assert caught.value.text == said
    assert caught.value.data_log == ("ClientError: 400", "", "Message:", said)


@pytest.mark.rule("R3.16")
def test_a_value_that_is_nested_too_deeply_cannot_be_written() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecordError, match=r"^nested too deeply$") as caught:
        write_json(value)
    assert caught.value.like_refusal
    while value:  # else taking it down would go as deep
        value = value.pop()  # type: ignore[assignment]
