"""What values become on their way through the SparkML container, and what is said about bad ones."""

from __future__ import annotations

import csv as csv_module
import io
import itertools
import json
import math
import struct as binary
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest
from census import missing_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from sparkml_engine import (
    BUNDLES,
    Result,
    column,
    csv,
    engine,
    json_body,
    json_lines,
    outcome,
    schema,
    scored,
)

from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input, Outcome

OK, REFUSED, SILENT = Outcome.OK, Outcome.REFUSED, Outcome.REFUSED_WITHOUT_MESSAGE
UNREADABLE = Outcome.UNREADABLE
MISSING_SCHEMA = "Input schema has to be provided either via environment variable or via the request"
DTO = "com.amazonaws.sagemaker.dto"
NOT_ACCEPTABLE = "Accept value passed via request or environment variable is not valid"


def for_input(text: str) -> tuple[Outcome, str]:
    return REFUSED, f'For input string: "{text}"'


def out_of_range(text: str) -> tuple[Outcome, str]:
    return REFUSED, f'Value out of range. Value:"{text}" Radix:10'


def one(type_: str) -> dict[str, Any]:
    return schema([column("x", type_)], column("x", type_))


TEXTS = [
    ("double", "1e3", (OK, "1000.0")),
    ("double", ".5", (OK, "0.5")),
    ("double", "5.", (OK, "5.0")),
    ("double", "+5", (OK, "5.0")),
    ("double", "\t 5 ", (OK, "5.0")),
    ("double", "1D", (OK, "1.0")),
    ("double", "2F", (OK, "2.0")),
    ("double", "0x1p3", (OK, "8.0")),
    ("double", "0x.8P1", (OK, "1.0")),
    ("double", "-0", (OK, "-0.0")),
    ("double", "NaN", (OK, "NaN")),
    ("double", "-NaN", (OK, "NaN")),
    ("double", "+Infinity", (OK, "Infinity")),
    ("double", "1e400", (OK, "Infinity")),
    ("double", "1e-400", (OK, "0.0")),
    ("double", "nan", for_input("nan")),
    ("double", "inf", for_input("inf")),
    ("double", "1_000", for_input("1_000")),
    ("double", " 1 2 ", for_input("1 2")),
    ("double", "1,5", for_input("1,5")),
    ("double", "0x10", for_input("0x10")),
    ("double", "", (REFUSED, "empty String")),
    ("double", "  ", (REFUSED, "empty String")),
    ("float", "0.1", (REFUSED, "java.lang.Float cannot be cast to java.lang.Double")),
    ("float", "x", for_input("x")),
    ("int", "+7", (OK, "7")),
    ("int", "-0", (OK, "0")),
    ("int", "007", (OK, "7")),
    ("int", "2147483647", (OK, "2147483647")),
    ("int", "2147483648", for_input("2147483648")),
    ("int", "-2147483648", (OK, "-2147483648")),
    ("int", "3.0", for_input("3.0")),
    ("int", " 3", for_input(" 3")),
    ("int", "1e3", for_input("1e3")),
    ("int", "", for_input("")),
    ("int", "-", for_input("-")),
    ("long", "9223372036854775807", (OK, "9223372036854775807")),
    ("long", "9223372036854775808", for_input("9223372036854775808")),
    ("long", "5L", for_input("5L")),
    ("short", "32767", (OK, "32767")),
    ("short", "32768", out_of_range("32768")),
    ("byte", "-128", (OK, "-128")),
    ("byte", "128", out_of_range("128")),
    ("byte", "", for_input("")),
    ("boolean", "TrUe", (OK, "true")),
    ("boolean", " true", (OK, "false")),
    ("boolean", "1", (OK, "false")),
    ("boolean", "", (OK, "false")),
    ("string", "", (OK, "")),
    ("string", ' a "b", c\r\n', (OK, ' a "b", c\r\n')),
    ("string", "żółć 🐚", (OK, "żółć 🐚")),
]


@pytest.mark.parametrize(("type_", "text", "expected"), TEXTS)
def test_texts_become_values_in_csv_and_in_json(type_: str, text: str, expected: tuple[Outcome, str]) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    assert csv(quoted, one(type_)) == expected
    assert scored(text, type_) == expected


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (1, "double", (OK, "1.0")),
        (10000000.0, "string", (OK, "1.0E7")),
        (2e23, "string", (OK, "1.9999999999999998E23")),
        (12345678901234567890, "string", (OK, "12345678901234567890")),
        (1.0, "int", for_input("1.0")),
        (True, "double", for_input("true")),
        (True, "boolean", (OK, "true")),
        ([1, 2.0, "a", None, [2e23]], "string", (OK, "[1, 2.0, a, null, [1.9999999999999998E23]]")),
        ({"a": 1e-5, "b": {}}, "string", (OK, "{a=1.0E-5, b={}}")),
        (None, "string", (SILENT, "java.lang.NullPointerException")),
        (None, "boolean", (SILENT, "java.lang.NullPointerException")),
    ],
)
def test_json_values_are_turned_into_text_first(
    value: Any, type_: str, expected: tuple[Outcome, str]
) -> None:
    assert scored(value, type_) == expected


def cast(given_: str, wanted: str) -> tuple[Outcome, str]:
    return REFUSED, f"java.lang.{given_} cannot be cast to java.lang.{wanted}"


ONLY_DOUBLE = (REFUSED, "Only Double type is supported for vector")
NOT_A_SEQ = (REFUSED, "ml.combust.mleap.tensor.DenseTensor cannot be cast to scala.collection.Seq")
NO_LIST = "Input val is not a list but struct passed is"


@pytest.mark.parametrize(
    ("value", "type_", "struct", "expected"),
    [
        ([1.5, -0.0, 2e23], "double", "vector", (OK, "1.5,-0.0,1.9999999999999998E23")),
        ([1.5, 2], "double", "vector", cast("Integer", "Double")),
        ([1.5, "2"], "double", "vector", cast("String", "Double")),
        ([1.5, None], "double", "vector", (SILENT, "java.lang.NullPointerException")),
        (None, "double", "vector", (SILENT, "java.lang.NullPointerException")),
        (1.5, "double", "vector", (REFUSED, f"{NO_LIST} vector")),
        ({"a": 1.5}, "double", "vector", (REFUSED, f"{NO_LIST} vector")),
        ([1], "int", "vector", ONLY_DOUBLE),
        (["a"], "string", "vector", ONLY_DOUBLE),
        ([1.5, 2.5], "float", "array", (OK, "1.5,2.5")),
        ([1, 2], "double", "array", cast("Integer", "Double")),
        ([1, 2], "int", "array", (OK, "1,2")),
        ([2147483648], "int", "array", cast("Long", "Integer")),
        ([1], "long", "array", cast("Integer", "Long")),
        ([2147483648], "long", "array", (OK, "2147483648")),
        ([2**63], "long", "array", (REFUSED, "java.math.BigInteger cannot be cast to java.lang.Long")),
        ([1], "byte", "array", cast("Integer", "Byte")),
        ([], "byte", "array", (OK, "")),
        ([True, False], "boolean", "array", (OK, "true,false")),
        (["true"], "boolean", "array", cast("String", "Boolean")),
        (["a,b", ""], "string", "array", (OK, "a,b,")),
        ([[1]], "string", "array", (REFUSED, "java.util.ArrayList cannot be cast to java.lang.String")),
        (["a", None], "string", "array", (SILENT, "java.lang.NullPointerException")),
        ("a", "string", "array", (REFUSED, f"{NO_LIST} array")),
        (None, "string", "array", (SILENT, "java.lang.NullPointerException")),
        ([1.5], "double", "matrix", NOT_A_SEQ),
        ([1], "int", "matrix", ONLY_DOUBLE),
        (1.5, "double", " ", (REFUSED, "java.lang.Double cannot be cast to scala.collection.Seq")),
    ],
)
def test_structs(value: Any, type_: str, struct: str, expected: tuple[Outcome, str]) -> None:
    assert scored(value, type_, struct) == expected


@pytest.mark.parametrize(
    ("value", "type_", "struct", "lines", "source"),
    [
        ([1e7, 2e23], "double", "vector", "[1.0E7,1.9999999999999998E23]", "1.0E7 1.9999999999999998E23"),
        ([], "double", "vector", "[]", ""),
        ([3000000000], "long", "array", "[3000000000]", "3000000000"),
        ([True], "boolean", "array", "[true]", "true"),
        (['a"b', "\u00e9\n\u0001/"], "string", "array", '["a\\"b","é\\n\\u0001/"]', 'a\\"b é\\n\\u0001/'),
    ],
)  # fmt: skip
def test_lists_in_json_lines(value: Any, type_: str, struct: str, lines: str, source: str) -> None:
    assert scored(value, type_, struct, Format.JSON_LINES) == (OK, f'{{"features":{lines}}}')
    assert scored(value, type_, struct, Format.JSON_LINES_TEXT) == (OK, f'{{"source":"{source}"}}')


def test_numbers_that_are_none_are_strings_in_json_lines() -> None:
    body = (
        b'{"schema":%s,"data":[[1e400,-1e400,1.0]]}'
        % json.dumps(schema([column("x", "double", "vector")], column("x", "double", "vector"))).encode()
    )
    assert json_body(body, accept=Format.JSON_LINES) == (OK, '{"features":["Infinity","-Infinity",1.0]}')
    assert json_body(body, accept=Format.JSON_LINES_TEXT) == (OK, '{"source":"Infinity -Infinity 1.0"}')


def test_a_null_in_an_array_is_null_in_json_lines() -> None:
    assert scored(["a", None], "string", "array", Format.JSON_LINES) == (OK, '{"features":["a",null]}')


@pytest.mark.parametrize("accept", [Format.CSV, Format.JSON_LINES, Format.JSON_LINES_TEXT])
def test_basic_outputs_are_bare_in_every_format(accept: Format) -> None:
    assert scored('a "b", c', "string", accept=accept) == (OK, 'a "b", c')
    assert scored("1e7", "double", accept=accept) == (OK, "1.0E7")


@pytest.mark.parametrize("type_", ["Double", "vector", ""])
def test_unknown_types(type_: str) -> None:
    assert scored(1, type_) == (REFUSED, "Data type passed in the request is wrong for one or more columns")
    assert csv("1", one(type_)) == (REFUSED, "Given type is not supported")
    assert scored(1, "int", output=type_) == (REFUSED, "Given type is not supported")


def test_output_types_are_not_converted() -> None:
    assert scored(1, "int", output="double") == cast("Integer", "Double")
    assert scored(1, "double", output="float") == (OK, "1.0")
    assert scored(1, "byte", output="short") == cast("Byte", "Short")
    assert scored(True, "boolean", output="string") == cast("Boolean", "String")
    assert scored("1", "string", output="long") == cast("String", "Long")


def test_a_message_stays_however_often_it_is_given() -> None:
    two = schema([column("x", "string"), column("y", "double")], column("x", "string"))
    assert {csv("a", two) for _ in range(30_000)} == {(REFUSED, "1")}


def test_csv_is_one_record() -> None:
    two = schema([column("x", "string"), column("y", "double")], column("x", "string"))
    assert csv("a,1\nb,2\n", two) == (OK, "a")
    assert csv("\r\n\na,1\r\nb", two) == (OK, "a")
    assert csv("a,1,2,3", two) == (OK, "a")
    assert csv("a", two) == (REFUSED, "1")
    assert csv("\n\r\n", two) == (REFUSED, "Index: 0, Size: 0")
    assert csv(" \n", two) == (REFUSED, "1")
    assert csv('"a\n""b"",",1', two) == (OK, 'a\n"b",')
    assert csv('a"b,1', two) == (OK, 'a"b')
    assert csv("\ufeffa,1", two) == (OK, "\ufeffa")
    assert csv(b"\xff\xfea,1", two) == (OK, "\ufffd\ufffda")
    assert csv('"a"b,1', two) == (REFUSED, "(line 1) invalid char between encapsulated token and delimiter")
    assert csv('a,1\n"b"c,2', two) == (
        REFUSED,
        "(line 2) invalid char between encapsulated token and delimiter",
    )
    assert csv('a,1\n"b', two) == (REFUSED, "(startline 2) EOF reached before encapsulated token finished")


def test_csv_cannot_carry_lists_and_says_so_after_all_texts_were_read() -> None:
    for struct in ("vector", "array"):
        mixed = schema([column("x", "double", struct), column("y", "int")], column("y", "int"))
        assert csv("1,2", mixed) == (REFUSED, f"{NO_LIST} {struct}")
        assert csv("1,b", mixed) == for_input("b")
    assert csv("1", schema([column("x", "int", "vector")], column("x", "int"))) == ONLY_DOUBLE
    assert csv("1,2", schema([column("x", "double", ""), column("y", "int")], column("y", "int"))) == (
        OK,
        "2",
    )


def test_the_order_of_checks() -> None:
    assert csv("x", None, accept=Format.NOT_ACCEPTABLE) == (REFUSED, NOT_ACCEPTABLE)
    assert csv('"x', None) == (REFUSED, MISSING_SCHEMA)
    assert json_body(b"{", accept=Format.NOT_ACCEPTABLE)[0] == UNREADABLE
    assert json_body({"data": []}, accept=Format.NOT_ACCEPTABLE) == (REFUSED, NOT_ACCEPTABLE)
    assert json_lines("{", None, accept=Format.NOT_ACCEPTABLE) == (REFUSED, NOT_ACCEPTABLE)
    unknown_output = schema([column("x", "int")], column("nowhere", "int"))
    assert csv("x", unknown_output) == for_input("x")
    assert csv("1", unknown_output) == (REFUSED, "invalid fields: nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No content to map due to end-of-input"),
        ("not json", "Unrecognized token 'not'"),
        (
            '{"input":[],"output":{"name":"x","type":"int"},"more":1}',
            f'Unrecognized field "more" (class {DTO}.DataSchema)',
        ),
        (
            '{"input":[]}',
            f"Cannot construct instance of `{DTO}.DataSchema`, problem: `java.lang.NullPointerException`",
        ),
    ],
)
def test_a_bad_schema_in_the_environment_is_told_per_request(text: str, message: str) -> None:
    for _ in range(2):
        code, said = csv("1", text)
        assert (code, said[: len(message)]) == (REFUSED, message)


def test_schemas() -> None:
    assert csv("1", "null") == (SILENT, "java.lang.NullPointerException")
    twice = schema([column("x", "int"), column("x", "int")], column("x", "int"))
    assert csv("1,2", twice) == (REFUSED, "struct already has field: x")
    assert csv("1,b", twice) == for_input("b")
    own = {"schema": one("int"), "data": [3]}
    assert json_body(own, env=json.dumps(one("string"))) == (OK, "3")
    assert json_body({"data": [3]}, env=json.dumps(one("string"))) == (OK, "3")
    assert json_body({"schema": None, "data": [3]}, env=json.dumps(one("double"))) == (OK, "3.0")
    assert json_body({"data": [3]}) == (REFUSED, MISSING_SCHEMA)
    assert json_body({"data": []}, env=json.dumps(one("int"))) == (REFUSED, "Index: 0, Size: 0")
    assert json_body({"data": [3, "x"]}, env=json.dumps(one("int"))) == (OK, "3")


def test_a_list_of_records_is_no_json_record() -> None:
    two = schema([column("x", "int"), column("y", "int")], column("x", "int"))
    assert json_body({"data": [[1, 2]]}, env=json.dumps(two)) == for_input("[1, 2]")
    strings = schema([column("x", "string"), column("y", "int")], column("x", "string"))
    assert json_body({"data": [["a", 2]]}, env=json.dumps(strings)) == (REFUSED, "Index: 1, Size: 1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"null",
        b"[]",
        b"[1]",
        b"1",
        b'"x"',
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":1}',
        b"{}",
        b'{"data":[1],"x":1}',
        b'{"data":[1]',
        b'{"data":[NaN]}',
        b"{'data':[1]}",
        b'{"data":[1,]}',
        b'{"data":[01]}',
        b'{"data":[1],"schema":{"input":[{"name":"x"}],"output":{"name":"x","type":"int"}}}',
        b'{"data":[1],"schema":{"input":[]}}',
        b'{"data":[1],"schema":{"output":{"name":"x","type":"int"}}}',
        b'{"data":[1],"schema":{"input":[],"output":{"name":"x","type":"int","size":1}}}',
        b'{"data":[1],"schema":3}',
        b'{"Data":[1]}',
        b"\xff\xff",
    ],
)
def test_json_of_the_wrong_shape_never_reaches_the_model(body: bytes) -> None:
    assert json_body(body, env=json.dumps(one("int")))[0] == UNREADABLE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_json_may_be_in_any_unicode_encoding(encoding: str) -> None:
    body = json.dumps({"data": ["żółć"]}, ensure_ascii=False).encode(encoding)
    assert json_body(body, env=json.dumps(one("string"))) == (OK, "żółć")


def test_json_may_be_followed_by_anything() -> None:
    assert json_body(b'{"data":[1]} and more', env=json.dumps(one("int"))) == (OK, "1")


LINES = schema([column("x", "string"), column("y", "double")], column("x", "string"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"data":["a",1]}', (OK, "[[a]]")),
        ('{"data":["a",1]}\n', (OK, "[[a]]")),
        ('{"data":["a",1]}\r\n{"data":["b",1]}\r\n\r\n', (OK, "[[a], [b]]")),
        ('{"data":[["a",1],["b",2]]}\n{"data":["c",3]}', (OK, "[[a], [b], [c]]")),
        ('{"data":[["a",1]]}', (OK, "[[a]]")),
        ('{"data":[]}', (REFUSED, "Index: 0, Size: 0")),
        ('{"data":[]}\n{"data":["b",1]}', (OK, "[[b]]")),
        ('{"data":[null]}', (SILENT, "java.lang.NullPointerException")),
        ("\n", (REFUSED, "0")),
        ("null", (SILENT, "java.lang.NullPointerException")),
        ('{"data":["a",1]}\nnull', (SILENT, "java.lang.NullPointerException")),
        ('{"data":["a",1]}\n{"data":["b","x"]}', for_input("x")),
        ('{"data":["a"]}', (REFUSED, "Index: 1, Size: 1")),
    ],
)
def test_json_lines(text: str, expected: tuple[Outcome, str]) -> None:
    assert json_lines(text, LINES) == expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('\n{"data":["a",1]}', "No content to map due to end-of-input"),
        ('{"data":["a",1]}\n\n{"data":["b",1]}', "No content to map due to end-of-input"),
        ('{"data":["a",1]}\n{"data":', "Unexpected end-of-input within/between Object entries"),
        ('{"data":["a",1],"more":1}', f'Unrecognized field "more" (class {DTO}.SageMakerRequestObject)'),
        (
            '{"data":["a",1]}\n{"data":1}',
            "Cannot deserialize value of type `java.util.ArrayList<java.lang.Object>` from",
        ),
        ("[]", f"Cannot deserialize value of type `{DTO}.SageMakerRequestObject` from Array value"),
    ],
)
def test_bad_json_lines_are_told_in_the_parsers_words(text: str, start: str) -> None:
    code, said = json_lines(text, LINES)
    assert (code, said[: len(start)]) == (REFUSED, start)


def test_json_lines_take_their_schema_from_the_first() -> None:
    first = json.dumps({"schema": one("int"), "data": [1]})
    later = json.dumps({"schema": one("string"), "data": [2]})
    assert json_lines(f"{first}\n{later}", None) == (OK, "[[1], [2]]")
    assert json_lines('{"data":[1]}', None) == (REFUSED, MISSING_SCHEMA)
    assert json_lines(f'{{"data":[1]}}\n{first}', None) == (REFUSED, MISSING_SCHEMA)


def test_one_vector_in_a_json_line_is_taken_for_records() -> None:
    vector = schema([column("x", "double", "vector")], column("x", "double", "vector"))
    assert json_lines('{"data":[[1.5,2.5]]}', vector) == (REFUSED, f"{NO_LIST} vector")
    assert json_lines('{"data":[[[1.5,2.5]],[[3.5]]]}', vector) == (OK, "[[1.5,2.5], [3.5]]")
    answer = json_lines('{"data":[[[1.5,2.5]],[[3.5]]]}', vector, accept=Format.JSON_LINES)
    assert answer == (OK, '[[{"features":[1.5,2.5]}], [{"features":[3.5]}]]')
    text = json_lines('{"data":[[[1.5,2.5]]]}', vector, accept=Format.JSON_LINES_TEXT)
    assert text == (OK, '[[{"source":"1.5 2.5"}]]')


INDEX = schema([column("s", "string")], column("i", "double"))


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        ("indexer-error", (REFUSED, "Unseen label: x. To handle unseen labels, set handleInvalid to keep")),
        ("indexer-keep", (OK, "3.0")),
        ("indexer-skip", (REFUSED, "next on empty iterator")),
    ],
)
def test_unseen_labels(bundle: str, expected: tuple[Outcome, str]) -> None:
    assert csv("x", INDEX, bundle) == expected
    assert csv("c", INDEX, bundle) == (OK, "2.0")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_threads_from_outside_the_jvm_get_the_same_answers(bundle: str) -> None:
    requests = {
        Input.CSV: b"c,1.5",
        Input.JSON: b'{"data":["c",[1.5,2.5]]}',
        Input.JSON_LINES: b'{"data":["c",[1.5,2.5]]}',
    }
    columns = [column("s", "string"), column("v", "double", "vector")]
    output = {"identity": column("s", "string"), "regression": column("p", "double")}
    known = json.dumps(schema(columns, output.get(bundle, column("i", "double"))))
    served = engine(bundle, known)

    def answers() -> list[Result]:
        return [outcome(served.invoke(body, request, Format.CSV)) for request, body in requests.items()]

    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(answers).result() == answers()


def test_a_column_the_pipeline_needs_and_the_schema_lacks() -> None:
    assert csv("x", schema([column("t", "string")], column("i", "double")), "indexer-keep")[0] == REFUSED


def test_dot_products_round_as_without_fused_multiply_add() -> None:
    vector = [0.65, 0.79]
    plain = 0.1 * vector[0] + 0.7 * vector[1]
    fused = float(Fraction(0.7) * Fraction(vector[1]) + Fraction(0.1 * vector[0]))
    assert plain != fused, "these numbers would not tell the difference"
    asked = schema([column("v", "double", "vector")], column("p", "double"))
    assert json_body({"schema": asked, "data": [vector]}, "regression") == (OK, repr(plain))


@pytest.fixture(scope="module")
def numbers() -> Engine:
    return engine()


# what Java 8 to 18 print; most have a shorter decimal, which Java 19 and Python print
JAVA_8 = {
    2e23: "1.9999999999999998E23",
    2.0e-3: "0.002",
    5.684341886080802e-14: "5.6843418860808015E-14",
    4.9e-324: "4.9E-324",
    1e23: "9.999999999999999E22",
    8.0923951372021647e18: "8.0923951372021647E18",
    2.3284479677186816e17: "2.3284479677186816E17",
    8.112094827104553e22: "8.112094827104553E22",
    2.120823613423658e22: "2.120823613423658E22",
    -9.592082827422229e110: "-9.592082827422229E110",
    1e7: "1.0E7",
    9999999.999999998: "9999999.999999998",
    1e-3: "0.001",
    0.0009999999999999998: "9.999999999999998E-4",
    -0.0: "-0.0",
    1.7976931348623157e308: "1.7976931348623157E308",
    2.2250738585072014e-308: "2.2250738585072014E-308",
    math.inf: "Infinity",
    -math.inf: "-Infinity",
}


@pytest.mark.parametrize(("value", "text"), JAVA_8.items())
def test_number_text_of_java_8(numbers: Engine, value: float, text: str) -> None:
    assert numbers.number_text(value) == text


@given(st.integers(0, 2**64 - 1))
def test_number_text_reads_back_as_the_same_number(bits: int) -> None:
    (value,) = binary.unpack("d", binary.pack("Q", bits))
    text = engine().number_text(value)
    if math.isnan(value):
        assert text == "NaN"
    else:
        assert float(text.replace("Infinity", "inf")) == value
        assert (("E" in text) or not math.isfinite(value)) == (not 1e-3 <= abs(value) < 1e7 and value != 0)


@given(st.floats(1e-3, 1e7, exclude_max=True))
def test_everyday_numbers_have_the_digits_of_python(value: float) -> None:
    assert engine().number_text(value) == repr(value)


FIELDS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(FIELDS, min_size=2, max_size=5))
def test_what_python_writes_as_csv_is_read_back(fields: list[str]) -> None:
    written = io.StringIO()
    csv_module.writer(written, quoting=csv_module.QUOTE_ALL).writerow(fields)
    columns = [column(f"c{index}", "string") for index in range(len(fields))]
    last = column(f"c{len(fields) - 1}", "string")
    assert csv(written.getvalue(), schema(columns, last)) == (OK, fields[-1])


@given(st.text(st.sampled_from("a1., \r\n\u00e9"), max_size=20).filter(lambda text: text.strip("\r\n")))
def test_texts_without_quotes_are_read_as_by_the_full_parser(text: str) -> None:
    environment = schema([column("x", "string"), column("y", "string")], column("y", "string"))
    assert csv(text, environment) == csv(f'{text}\n""', environment)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
FITTING = {
    "s": st.sampled_from("abcx"),
    "v": st.lists(FINITE, min_size=2, max_size=2),
    "n": st.one_of(FINITE, st.sampled_from(["NaN", "-Infinity"])),
}
VALUES = st.one_of(FINITE, st.sampled_from("abcx"), st.none(), st.lists(FINITE, max_size=3))
COLUMNS = [column("s", "string"), column("v", "double", "vector"), column("n", "double")]
NEW = itertools.count()
OUTPUTS = [column("i", "double"), column("p", "double"), *COLUMNS, column("n", "string"), column("z", "int")]


@pytest.mark.parametrize("bundle", BUNDLES)
@settings(max_examples=60)
@given(data=st.data())
def test_a_pipeline_made_ready_answers_as_its_frames_do(bundle: str, data: st.DataObject) -> None:
    used = data.draw(st.sampled_from([COLUMNS, COLUMNS[::-1], COLUMNS[:1], COLUMNS[1:]]))
    asked = schema(used, data.draw(st.sampled_from(OUTPUTS)))
    record = [data.draw(FITTING[each["name"]]) for each in used]
    if data.draw(st.integers(0, 3)) == 0:
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(VALUES)
    asked["input"].append(column(f"unused{next(NEW)}", "string"))  # which makes it a schema never seen before
    by_frame, *later = [json_body({"schema": asked, "data": [*record, ""]}, bundle) for _ in range(8)]
    assert later == [by_frame] * 7


TEXT_AND_NUMBER = json.dumps(schema([column("x", "string"), column("y", "double")], column("x", "string")))
CELLS = st.sampled_from(['"a"', "a", "1.5", "-1e3", "null", "true", "[]", "{}", '""', "", '"', "\\", "\r"])
BODIES = st.one_of(
    st.binary(max_size=60),
    st.lists(CELLS, max_size=3).map(",".join).map(str.encode),
    st.lists(CELLS, max_size=3).map(lambda cells: f'{{"data": [{",".join(cells)}]}}'.encode()),
)


@given(BODIES)
def test_no_body_makes_the_engine_fail(body: bytes) -> None:
    for run in (csv(body, TEXT_AND_NUMBER), json_body(body, env=TEXT_AND_NUMBER)):
        assert run[0] in (OK, REFUSED, SILENT, UNREADABLE)


def test_the_bodies_are_taken_and_refused() -> None:
    def cases(body: bytes) -> list[str]:
        as_csv, as_json = csv(body, TEXT_AND_NUMBER), json_body(body, env=TEXT_AND_NUMBER)
        return [f"csv: {as_csv[0] is OK}", f"json: {as_json[0] is OK}"]

    assert missing_cases(BODIES, cases, "csv: True", "csv: False", "json: True", "json: False") == {}
