"""SageMaker's JSONPath dialect."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.errors import JsonPathError, JsonPathValueError
from sagemaker_transform_emulator.transform.jsonpath import (
    CSV_OPERATORS,
    JSON_OPERATORS,
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
    assert unexpected_character("$.é1", CSV_OPERATORS, letters=False) == "é"
    assert unexpected_character("$[٣]", CSV_OPERATORS, letters=False) == "٣"


FITS = "a filter must fit every record; see InputFilter, OutputFilter"
FORMS = "forms are $, $.name, $.*, $['a'], $['a','b'], $[0], $[0,-1], $[1:4]; one range in a bracket"


@pytest.mark.rule("R3.9")
@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("$[3]", [1, 2, 3], "index 3 is out of range, the record has 3 elements"),
        ("$[-4]", [1, 2, 3], "index -4 is out of range, the record has 3 elements"),
        ("$[0]", [], "index 0 is out of range, the record has 0 elements"),
        ("$[1:3]", [1, 2, 3], "index 3 is out of range, the record has 3 elements"),
        ("$[3:]", [1, 2, 3], "index 3 is out of range, the record has 3 elements"),
        ("$[*].a", [{"a": 1}, {"b": 2}], "the record has no key 'a'"),
        ("$[2:1]", [1, 2, 3], "the range ends before it starts in 3 elements"),
        ("$.a", {"b": 1}, "the record has no key 'a'"),
        ("$['b','a']", {"b": 1}, "the record has no key 'a'"),
        ("$.a.b", {"a": [1]}, "'b' is asked of an array, which has no names"),
        ("$.a", "text", "'a' is asked of a single value, which has no names"),
        ("$['a','b']", 1, "'a' is asked of a single value, which has no names"),
        ("$.a", True, "'a' is asked of a boolean, which has no names"),
        ("$.a", None, "'a' is asked of null, which has no names"),
        ("$[0]", {"a": 1}, "an index is asked of an object, which has none"),
        ("$[0:]", "text", "an index is asked of a single value, which has none"),
        ("$.*", None, "an index is asked of null, which has none"),
    ],
)
def test_a_path_that_does_not_fit_says_why(path: str, value: object, said: str) -> None:
    with pytest.raises(JsonPathValueError) as caught:
        parse(path).of(value)
    assert caught.value.text == f"Invalid JsonPath: {path}: {said}"
    assert caught.value.remedy == FITS


@pytest.mark.rule("R3.8")
def test_a_second_range_has_a_remedy() -> None:
    with pytest.raises(JsonPathValueError) as caught:
        parse("$[0:1,2:3]").of(ROW)
    assert caught.value.remedy == "use one range, or list the indexes"


@pytest.mark.rule("R3.4", "R3.5")
@pytest.mark.parametrize(
    ("path", "csv", "message", "remedy"),
    [
        (" a", False, '" a" does not begin with $', "the whole record is $"),
        ("\t$", False, '"\t$" does not begin with $', "the whole record is $"),
        ("X$", False, '"X$" does not begin with $', "the whole record is $"),
        ("$.id", True, '"$.id" names a key', "rows of CSV have indexes only, such as $[1:]"),
        ("$.a..b", False, "\"$.a..b\" cannot be read from '.b' on", FORMS),
        ("$ x", False, "\"$ x\" cannot be read from ' x' on", FORMS),
        ("$[0", True, "\"$[0\" cannot be read from '[0' on", FORMS),
        ("$[x]", True, '"$[x]" has a bracket that cannot be read: [x]', FORMS),
        ("$['a':'b']", False, "\"$['a':'b']\" has a bracket that cannot be read: ['a':'b']", FORMS),
    ],
)
def test_a_path_that_cannot_be_read_says_where(path: str, csv: bool, message: str, remedy: str) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(JsonPathError) as caught:
        parse(path, csv=csv)
    assert caught.value.message == message
    assert caught.value.remedy == remedy


@pytest.mark.rule("R3.4", "R3.10")
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (" $ ", [1], [1]),
        ("$ [0]", [1, 2], 1),
        ("$[ 0 , -1 ]", [1, 2, 3], [1, 3]),
        ("$[ * ]", [1, 2], [1, 2]),
        ("$[ 'a' , 'b c' ]", {"a": 1, "b c": 2}, {"a": 1, "b c": 2}),
        ("$['']", {"": 1}, 1),
        ("$.a-1", {"a-1": 2}, 2),
        ("$.PassengerId", {"PassengerId": 7}, 7),
        ("$[:]", [], []),
        ("$[*]", [], []),
        ("$.*", {"b": 1, "a": 2, "B": 3, "\U0001f600": 4, "\uffff": 5}, [3, 2, 1, 5, 4]),
        ("$[*]", {"\ud800": 1, "a": 2}, [2, 1]),
        ("$.*.n", {"b": {"n": 1}, "a": {"n": 2}}, [2, 1]),
        ("$.*[0]", [[1], [2]], [1, 2]),
        ("$[0,1][0]", [[1], [2]], [1, 2]),
        ("$[0][0]", [[1], [2]], 1),
        ("$[0:1][0]", [[1], [2], [3]], [1, 2]),
        ("$[*][*]", [[1, 2], [3]], [[1, 2], [3]]),
        ("$['a','b'].a", {"a": {"a": 1}, "b": 2}, {"a": 1}),
    ],
)
def test_forms_with_blanks_and_steps_behind_many(path: str, value: object, expected: object) -> None:
    assert parse(path).of(value) == expected


def test_a_path_says_whether_it_changes_anything() -> None:
    assert parse("$").is_root
    assert not parse("$[:]").is_root
    assert parse(" $[0]").text == " $[0]"


@pytest.mark.rule("R1.16")
def test_the_operators_of_each_dialect() -> None:
    assert JSON_OPERATORS == ("$", "[", "]", "*", ".", " ", ",", ":", "-", "'")
    assert CSV_OPERATORS == ("$", "[", "]", "*", ".", " ", ",", ":", "-")


@pytest.mark.parametrize("path", ["$", "$.a", "$['a','b']", "$[0]", "$[0:1]", "$[*]", "$[0:1,2:3]"])
def test_a_path_is_a_value(path: str) -> None:
    read = parse(path)
    assert read == parse(path)
    assert hash(read) == hash(parse(path))
    for value in (read, *read.steps):
        assert not hasattr(value, "__dict__")
