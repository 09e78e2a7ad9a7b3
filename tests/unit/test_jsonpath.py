"""SageMaker's JSONPath dialect."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.transform.jsonpath import (
    CSV_OPERATORS,
    JSON_OPERATORS,
    JsonPathError,
    JsonPathValueError,
    parse,
    unexpected_character,
)

ROW = [b"a", b"b", b"c", b"d", b"e"]
RECORD = {"id": "x", "f": {"a": 1, "b": [1, 2, 3], "c": {"d": 4}}, "list": [{"n": 1}, {"n": 2}]}


@pytest.mark.rule("R3.4", "R3.7", "R3.10")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", ROW),
        ("$[0]", b"a"),
        ("$[-1]", b"e"),
        ("$[0, -1]", [b"a", b"e"]),
        ("$[3,1]", [b"d", b"b"]),
        ("$[1,1]", [b"b", b"b"]),
        ("$[1:4]", [b"b", b"c", b"d", b"e"]),
        ("$[1:3]", [b"b", b"c", b"d"]),
        ("$[:1]", [b"a", b"b"]),
        ("$[3:]", [b"d", b"e"]),
        ("$[:-1]", ROW),
        ("$[:-2]", [b"a", b"b", b"c", b"d"]),
        ("$[-2:]", [b"d", b"e"]),
        ("$[2:2]", [b"c"]),
        ("$[ 1 : 2 ]", [b"b", b"c"]),
        ("$[:]", ROW),
        ("$[*]", ROW),
        ("$.[0]", b"a"),
    ],
)
def test_rows_are_indexed_and_slices_hold_their_end(path: str, expected: object) -> None:
    assert parse(path, csv=True).of(ROW) == expected


@pytest.mark.rule("R3.4", "R3.6", "R3.10")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", RECORD),
        ("$.id", "x"),
        ("$['id']", "x"),
        ("$.f.b[0]", 1),
        ("$.f['b'][1:2]", [2, 3]),
        ("$['id','f']", {"id": "x", "f": RECORD["f"]}),
        ("$.f.['a','b']", {"a": 1, "b": [1, 2, 3]}),
        ("$.f['c']['d']", 4),
        ("$.f.c.*", [4]),
        ("$.list[*].n", [1, 2]),
        ("$.list[0:1]['n']", [1, 2]),
        ("$.list[0,1].n", [1, 2]),
        ("$['id', 'f']", {"id": "x", "f": RECORD["f"]}),
    ],
)
def test_names_reach_into_objects(path: str, expected: object) -> None:
    assert parse(path).of(RECORD) == expected


@pytest.mark.rule("R3.9")
@pytest.mark.parametrize(
    "path", ["$[5]", "$[-6]", "$[0,9]", "$[0:5]", "$[9:]", "$[:9]", "$[-9:]", "$[3:1]", "$.list.n"]
)
def test_what_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(JsonPathValueError, match="Invalid JsonPath"):
        parse(path).of(ROW)


@pytest.mark.rule("R3.9")
@pytest.mark.parametrize("path", ["$.nope", "$['id','nope']", "$.id.more", "$.id[0]", "$.f[0]", "$.f.b.x"])
def test_missing_names_and_wrong_kinds_are_errors(path: str) -> None:
    with pytest.raises(JsonPathValueError, match="Invalid JsonPath"):
        parse(path).of(RECORD)


@pytest.mark.rule("R3.8")
@pytest.mark.parametrize("content", ["0:2,246:", "0,5:", "1:2:3", "0:1,3:4"])
def test_a_second_range_is_refused_when_a_record_comes(content: str) -> None:
    path = parse(f"$[{content}]", csv=True)
    with pytest.raises(JsonPathValueError) as caught:
        path.of(ROW)
    assert caught.value.text == (
        f"Invalid JsonPath: $[{content}]: only single range filters of format (eg: [1:5]) are supported. "
        f"Format [{content}] is not supported"
    )


@pytest.mark.rule("R3.4")
@pytest.mark.parametrize(
    "path",
    ["", "a", "[0]", "$a", "$.", "$..a", "$[", "$[]", "$[a]", "$['a]", "$['a'", "$[0]]", "$['a',0]", "$[,1]"],
)
def test_anything_else_cannot_be_read(path: str) -> None:
    with pytest.raises(JsonPathError):
        parse(path)


@pytest.mark.rule("R3.5")
@pytest.mark.parametrize("path", ["$.id", "$['id']", "$[0].id"])
def test_rows_have_no_names(path: str) -> None:
    with pytest.raises(JsonPathError, match="names a key"):
        parse(path, csv=True)


@pytest.mark.rule("R1.16")
def test_characters_outside_the_dialect_are_found() -> None:
    assert unexpected_character("$['account_id']", JSON_OPERATORS, letters=True) == "_"
    assert unexpected_character("$[?(@.a)]", JSON_OPERATORS, letters=True) == "?"
    assert unexpected_character("$['é']", JSON_OPERATORS, letters=True) == "é"
    assert unexpected_character("$['a1','B']", JSON_OPERATORS, letters=True) == ""
    assert unexpected_character("$.id", CSV_OPERATORS, letters=False) == "i"
    assert unexpected_character("$[0, -1]", CSV_OPERATORS, letters=False) == ""
