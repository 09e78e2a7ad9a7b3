"""InputFilter, join and OutputFilter over the three formats."""

from __future__ import annotations

import dataclasses

import pytest
from transforming import job, payload

from sagemaker_transform_emulator.errors import JsonPathError, RecordError
from sagemaker_transform_emulator.sagemaker.requests import TransformJob
from sagemaker_transform_emulator.transform.processing import lines_of, processing_of, whole_lines


def finish(settings: TransformJob, answer: bytes, *records: bytes) -> bytes:
    return processing_of(settings).finish(payload(*records), answer)


def prepare(settings: TransformJob, record: bytes) -> bytes:
    found = processing_of(settings).prepare
    return record if found is None else found(record)


@pytest.mark.rule("R3.17")
@pytest.mark.parametrize("kind", ["text/csv", "application/json", "application/jsonlines", "image/png", None])
def test_by_default_nothing_is_parsed(kind: str | None) -> None:
    plain = processing_of(job(kind))
    assert plain.prepare is None
    assert plain.finish(payload(b'"broken\n'), b'"x\xff\n') == b'"x\xff\n\n'


@pytest.mark.rule("R3.1", "R3.7", "R3.17")
def test_an_input_filter_rewrites_rows() -> None:
    assert prepare(job(input_filter="$[1:]"), b"id1,1,2\n") == b"1,2\n"
    assert prepare(job(input_filter="$[1:]"), b'id1,"a ""b"", c",2\r\n') == b'"a ""b"", c",2\n'
    assert prepare(job(input_filter="$[1:]"), b"id1,\xff\xfe") == b"\xff\xfe\n"
    assert prepare(job(input_filter="$[0]"), b"7,8\n") == b"7\n"
    assert prepare(job(input_filter="$[0]"), b",8\n") == b'""\n'
    assert prepare(job(input_filter="$[1]", split="None"), b"1,2\n3,4\n") == b"2\n4\n"


@pytest.mark.rule("R3.5", "R3.10", "R3.14")
def test_an_input_filter_rewrites_json() -> None:
    assert prepare(job("application/jsonlines", input_filter="$.f"), b'{"f": [1.0, 2]}\n') == b"[1.0,2]\n"
    both = job("application/jsonlines", input_filter="$['b','A']")
    assert prepare(both, b'{"b": 1, "A": "x", "c": 0}\n') == b'{"A":"x","b":1}\n'
    document = job("application/json; charset=utf-8", input_filter="$.f", split="None", assemble="None")
    assert prepare(document, b'{\n "f": {"z": 1e5, "a": 1}\n}\n') == b'{"a":1,"z":1e5}'


@pytest.mark.rule("R3.12", "R3.15", "R2.20")
def test_rows_are_joined_by_position_without_blank_lines() -> None:
    settings = job(input_filter="$[1:]", join="Input")
    records = (b"a,1,2\n", b"b,3,4\r\n", b"c,5,6")
    expected = b"a,1,2,3\nb,3,4,7\nc,5,6,11\n"
    assert finish(settings, b"3\n7\n11\n", *records) == expected
    assert finish(settings, b"3\n7\n11", *records) == expected


@pytest.mark.rule("R3.1", "R3.4")
def test_an_output_filter_comes_after_the_join() -> None:
    settings = job(join="Input", output_filter="$[0, -1]")
    assert finish(settings, b"9", b"id1,1,2\n") == b"id1,9\n"


@pytest.mark.rule("R3.13", "R3.14")
@pytest.mark.parametrize(
    ("record", "answer", "expected"),
    [
        (b'{"key": 1}\n', b'{"label": 1}', b'{"SageMakerOutput":{"label":1},"key":1}\n'),
        (b"[1,2]\n", b"3", b'{"SageMakerInput":[1,2],"SageMakerOutput":3}\n'),
        (b'{"SageMakerOutput":"old","k":1}\n', b"2\n", b'{"SageMakerOutput":2,"k":1}\n'),
        (b'"x"', b'{"b": 1, "a": 0.10}', b'{"SageMakerInput":"x","SageMakerOutput":{"a":0.10,"b":1}}\n'),
    ],
)
def test_json_is_joined_under_sagemaker_output(record: bytes, answer: bytes, expected: bytes) -> None:
    assert finish(job("application/jsonlines", join="Input"), answer, record) == expected


@pytest.mark.rule("R3.3", "R3.11")
def test_an_answer_in_json_is_one_document() -> None:
    whole = job("application/json", split="None", assemble="None", join="Input")
    record = b'{"instances": [[1], [2]]}'
    expected = b'{"SageMakerOutput":{"predictions":[0.1,0.2]},"instances":[[1],[2]]}'
    assert finish(whole, b'{\n "predictions": [0.1, 0.2]\n}\n', record) == expected


@pytest.mark.rule("R3.3", "R3.11", "R1.20")
def test_input_and_output_have_their_own_grammar() -> None:
    settings = job("text/csv", "application/json", input_filter="$[:1]", output_filter="$['class']")
    assert prepare(settings, b"0,a,LABEL\n") == b"0,a\n"
    assert finish(settings, b'{"class": {"0": " <=50K"}, "p": 1}', b"0,a,L\n") == b'{"0":" <=50K"}\n'


@pytest.mark.rule("R2.20", "R3.11")
def test_with_an_input_filter_only_lines_come_out_one_by_one() -> None:
    assert finish(job(input_filter="$[1:]"), b"1\n2\n", b"a,1\n", b"b,2\n") == b"1\n2\n"
    assert finish(job(input_filter="$[1:]", assemble="None"), b"1\n2", b"a,1\n", b"b,2\n") == b"1\n2"
    assert (
        finish(job("text/csv", "image/png", input_filter="$[1:]"), b"\x89PNG\n", b"a,1\n") == b"\x89PNG\n\n"
    )


@pytest.mark.rule("R3.15")
@pytest.mark.parametrize("answer", [b"", b"1\n", b"1\n2\n3\n", b"1\n2\n\n"])
def test_another_number_of_records_fails(answer: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        finish(job("application/jsonlines", join="Input"), answer.replace(b"\n\n", b"\n0\n"), b"1\n", b"2\n")
    assert "2 records were sent" in caught.value.text
    assert caught.value.message.startswith("Records 1 to 2 (bytes 0 to 3): ")


@pytest.mark.rule("R3.16", "R4.30")
def test_unreadable_answers_are_logged_like_a_refusal() -> None:
    text = 'Failed to parse output from the algorithm as CSV: bare " in non quoted field found near: '
    with pytest.raises(RecordError) as caught:
        finish(job(join="Input"), b'{\n    "predictions": [[1.5]]\n}', b"1,2\n")
    assert caught.value.data_log == ("ClientError: 400", "", "Message:", text + '    "predictions": [[1.5]]')


@pytest.mark.rule("R3.16", "R2.4")
def test_unreadable_records_are_shown_with_their_newline() -> None:
    with pytest.raises(RecordError) as caught:
        prepare(job(input_filter="$[1:]"), b'id,he said "no"\n')
    assert caught.value.data_log[3:] == (
        'Failed to parse line: \'id,he said "no"',
        '\' as CSV: bare " in non quoted field found near: he said "no"',
    )


@pytest.mark.rule("R3.16")
@pytest.mark.parametrize("answer", [b"NaN", b"{", b"", b"\xff", b'{"a":1} x', b"[" * 100_000])
def test_what_is_no_json_fails(answer: bytes) -> None:
    settings = job("application/json", split="None", assemble="None", output_filter="$.a")
    with pytest.raises(RecordError, match="Failed to parse output from the algorithm as JSON"):
        finish(settings, answer, b"{}")


@pytest.mark.rule("R3.18")
def test_blank_lines_are_no_rows() -> None:
    with pytest.raises(RecordError, match="blank"):
        prepare(job(input_filter="$[0]"), b"\n")


@pytest.mark.rule("R2.31")
def test_rows_get_an_inference_id() -> None:
    def identify() -> tuple[str, str]:
        return "ID", "2023-01-21T01:29:04Z"

    csv = processing_of(job(join="Input"), identify)
    assert csv.finish(payload(b"1,2\n"), b"3") == b"1,2,3,ID,2023-01-21T01:29:04Z\n"
    lines = processing_of(job("application/jsonlines"), identify)
    assert lines.finish(payload(b"{}\n"), b'{"y":0}\n5\n') == (
        b'{"SageMakerInferenceId":"ID","SageMakerInferenceTime":"2023-01-21T01:29:04Z","y":0}\n'
        b'{"SageMakerInferenceId":"ID","SageMakerInferenceTime":"2023-01-21T01:29:04Z","SageMakerOutput":5}\n'
    )
    images = processing_of(job("image/png"), identify)
    assert images.finish(payload(b"x"), b"\x89") == b"\x89\n"


QUOTES = "fields that hold quotes, commas or line ends must be quoted, with every quote inside doubled"


@pytest.mark.rule("R3.2", "R3.17")
@pytest.mark.parametrize("kind", ["image/png", None])
def test_other_content_types_are_sent_and_stored_untouched(kind: str | None) -> None:
    settings = job(kind, input_filter="$[0]", output_filter="$[0]", join="Input", assemble="None")
    assert processing_of(settings).prepare is None
    assert finish(settings, b'"\xff', b"x") == b'"\xff'


@pytest.mark.rule("R3.17")
def test_an_output_filter_alone_leaves_what_is_sent_untouched() -> None:
    assert processing_of(job(output_filter="$[0]")).prepare is None
    assert processing_of(job(join="Input")).prepare is None


@pytest.mark.rule("R3.5")
def test_rows_have_no_names_on_either_side() -> None:
    for settings in ({"input_filter": "$.a"}, {"output_filter": "$.a"}):
        with pytest.raises(JsonPathError, match="names a key"):
            processing_of(job(**settings))
        assert processing_of(job("application/jsonlines", **settings))


@pytest.mark.rule("R3.11")
def test_with_split_type_line_each_line_of_json_is_a_document() -> None:
    settings = job("application/json", input_filter="$.a")
    assert prepare(settings, b'{"a": 1}\n{"a": 2}') == b"1\n2\n"
    assert prepare(job("application/jsonlines", split="None", input_filter="$.a"), b'{"a": [1]}') == b"[1]\n"


@pytest.mark.rule("R3.3", "R3.11")
def test_documents_are_untouched_without_a_setting_that_needs_them() -> None:
    pretty = b'{\n "a": 1.0\n}\n'
    settings = job("text/csv", "application/json", input_filter="$[0]")
    assert finish(settings, pretty, b"1\n") == pretty + b"\n"
    settings = job("text/csv", "application/json", input_filter="$[0]", assemble="None")
    assert finish(settings, pretty, b"1\n") == pretty


@pytest.mark.rule("R3.11", "R2.20")
def test_a_document_ends_with_a_newline_only_with_assemble_with_line() -> None:
    filtered = {"content_type": "application/json", "output_filter": "$.a", "split": "None"}
    assert finish(job(**filtered, assemble="Line"), b'{"a": 1}', b"{}") == b"1\n"  # type: ignore[arg-type]
    assert finish(job(**filtered, assemble="None"), b'{"a": 1}', b"{}") == b"1"  # type: ignore[arg-type]


@pytest.mark.rule("R3.11", "R3.15")
def test_several_documents_are_joined_line_by_line() -> None:
    settings = job("application/json", join="Input")
    assert finish(settings, b"1\n2", b'{"a":0}\n', b"[]\n") == (
        b'{"SageMakerOutput":1,"a":0}\n{"SageMakerInput":[],"SageMakerOutput":2}\n'
    )
    # without a join the answer to several is one document
    settings = job("application/json", output_filter="$.a")
    assert finish(settings, b'{\n"a": 5}', b"{}\n", b"{}\n") == b"5\n"


@pytest.mark.rule("R3.1", "R3.11")
def test_an_output_filter_without_a_join_works_on_each_line_of_the_answer() -> None:
    assert finish(job(output_filter="$[0]"), b"1,2\n3,4", b"any\n") == b"1\n3\n"


@pytest.mark.rule("R2.20")
def test_with_assemble_with_line_the_lines_of_an_answer_come_out_one_by_one() -> None:
    assert finish(job(input_filter="$[0]"), b"1\n\n2", b"a\n", b"b\n") == b"1\n\n2\n"
    assert finish(job(input_filter="$[0]"), b"", b"a\n") == b""
    assert finish(job(input_filter="$[0]", assemble="None"), b"1\n\n", b"a\n") == b"1\n\n"


@pytest.mark.rule("R3.15")
def test_a_whole_object_is_joined_line_by_line() -> None:
    """With SplitType None the object's lines are its records."""
    settings = job("application/jsonlines", split="None", assemble="None", join="Input")
    assert finish(settings, b"1\n2\n", b"{}\n[]") == (
        b'{"SageMakerOutput":1}\n{"SageMakerInput":[],"SageMakerOutput":2}\n'
    )


@pytest.mark.rule("R3.15")
def test_a_different_count_says_both_numbers_and_what_to_do() -> None:
    with pytest.raises(RecordError) as caught:
        finish(job(join="Input"), b"1\n2\n3\n", b"a\n", b"b\n")
    assert caught.value.message == (
        "Records 1 to 2 (bytes 0 to 3): Failed to join the output from the algorithm to its input: "
        "2 records were sent, 3 came back"
    )
    assert caught.value.remedy == (
        "the container must answer each record with one line; with SingleRecord it gets one at a time"
    )
    assert not caught.value.like_refusal


@pytest.mark.rule("R3.16")
def test_of_a_long_record_4096_bytes_are_shown() -> None:
    line = b'"' + b"x" * 5000
    with pytest.raises(RecordError) as caught:
        prepare(job(input_filter="$[0]"), line)
    shown = '"' + "x" * 4095
    assert caught.value.text == (
        f"Failed to parse line: '{shown}…' as CSV: "
        f'extraneous or missing " in quoted field found near: {shown}'
    )
    assert caught.value.remedy == QUOTES
    with pytest.raises(RecordError) as caught:
        prepare(job(input_filter="$[0]"), line[:4096])
    assert caught.value.text.startswith(f"Failed to parse line: '{shown}' as CSV: ")


@pytest.mark.rule("R3.16")
def test_an_unreadable_record_is_found_again_when_it_is_joined() -> None:
    with pytest.raises(RecordError) as caught:
        finish(job("application/jsonlines", join="Input"), b"1\n", b'{"a\xff":\n')
    assert caught.value.message == (
        "Record 1 (bytes 0 to 6): Failed to parse line: '{\"a\ufffd\":\n' as JSON: byte 3 is not UTF-8"
    )
    assert caught.value.data_log[:3] == ("ClientError: 400", "", "Message:")


@pytest.mark.rule("R3.16")
def test_an_unreadable_answer_says_what_to_do() -> None:
    with pytest.raises(RecordError) as caught:
        finish(job(output_filter="$[0]"), b'a"', b"x\n")
    assert caught.value.remedy == QUOTES
    assert caught.value.message == (
        "Record 1 (bytes 0 to 1): Failed to parse output from the algorithm as CSV: "
        'bare " in non quoted field found near: a"'
    )


@pytest.mark.rule("R2.31")
def test_each_row_gets_an_id_of_its_own_behind_the_filter() -> None:
    ids = iter(["A", "B"])
    rows = processing_of(job(output_filter="$[0]"), lambda: (next(ids), "T"))
    assert rows.finish(payload(b"x\n", b"y\n"), b"1,2\n3,4\n") == b"1,A,T\n3,B,T\n"
    documents = processing_of(job("application/json", split="None", assemble="None"), lambda: ("A", "T"))
    assert documents.finish(payload(b"{}"), b'{"z": 1}') == (
        b'{"SageMakerInferenceId":"A","SageMakerInferenceTime":"T","z":1}'
    )


def test_lines_with_and_without_their_newlines() -> None:
    assert lines_of(b"a\n\nb") == [b"a", b"", b"b"]
    assert lines_of(b"a\n") == [b"a"]
    assert lines_of(b"\n") == [b""]
    assert lines_of(b"") == []
    assert whole_lines(b"a\n\nb") == [b"a\n", b"\n", b"b"]
    assert whole_lines(b"a\r\n") == [b"a\r\n"]
    assert whole_lines(b"") == []


def test_what_a_job_does_to_its_records_cannot_be_changed() -> None:
    found = processing_of(job(input_filter="$[0]"))
    for value in (found, found.finish.__self__):  # type: ignore[attr-defined]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
        assert not hasattr(value, "__dict__")
