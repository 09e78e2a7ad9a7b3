"""Content-Type and Accept, read as AWS's container reads them."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.containers.xgboost.media_types import (
    AcceptError,
    ContentTypeError,
    Format,
    answer_type,
    header_value,
    is_form,
    parse_header,
    request_format,
)


@pytest.mark.parametrize(
    ("content_type", "wanted"),
    [
        (None, Format.LIBSVM),
        ("text/csv", Format.CSV),
        ("TEXT/CSV; charset=utf-8", Format.CSV),
        ("csv", Format.CSV),
        (" text/csv ;label_size=1", Format.CSV),
        ('text/csv; label_size="1"', Format.CSV),
        ("text/libsvm; label_size=7", Format.LIBSVM),
        ("text/x-libsvm", Format.LIBSVM),
        ("libsvm", Format.LIBSVM),
        ("application/x-parquet", Format.PARQUET),
        ("parquet", Format.PARQUET),
        ("Application/X-Recordio-Protobuf", Format.RECORDIO),
        ("recordio-protobuf", Format.RECORDIO),
    ],
)
def test_the_content_type_names_the_format(content_type: str | None, wanted: Format) -> None:
    assert request_format(content_type) is wanted


@pytest.mark.parametrize(
    "content_type", ["Text/Plain", "application/json", "", "text/csv2", "application/x-npy"]
)
def test_other_content_types_are_refused_in_the_words_they_came_in(content_type: str) -> None:
    with pytest.raises(ContentTypeError) as error:
        request_format(content_type)
    assert str(error.value) == (
        f"{content_type} is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, text/csv, "
        "text/libsvm, text/x-libsvm, application/x-parquet, application/x-recordio-protobuf."
    )
    assert error.value.status == 415


def test_a_label_size_other_than_one_is_refused() -> None:
    with pytest.raises(ContentTypeError) as error:
        request_format("text/csv; label_size=0")
    assert str(error.value) == (
        "text/csv; label_size=0 is not an accepted csv ContentType. "
        "Optional parameter label_size must be equal to 1"
    )


@pytest.mark.parametrize(
    ("accept", "default", "wanted"),
    [
        (None, None, "text/csv"),
        ("", None, "text/csv"),
        (" */* ", None, "text/csv"),
        ("*/*;q=0.8", "application/json", "application/json"),
        (None, "anything at all", "anything at all"),
        ("Text/CSV; charset=utf-8", "application/json", "text/csv"),
        ("application/jsonlines", None, "application/jsonlines"),
        ("application/x-recordio-protobuf", None, "application/x-recordio-protobuf"),
    ],
)
def test_the_accept_names_the_answer_type(accept: str | None, default: str | None, wanted: str) -> None:
    assert answer_type(accept, default) == wanted


@pytest.mark.parametrize(
    "accept", ["text/xml", "text/csv, */*", "application/*", "text/csv,application/json"]
)
def test_other_accepts_are_refused(accept: str) -> None:
    with pytest.raises(AcceptError, match=r"is not supported\. Please use") as error:
        answer_type(accept, None)
    assert error.value.status == 406


@pytest.mark.parametrize(
    ("media_type", "header"),
    [
        ("text/csv", b"text/csv; charset=utf-8"),
        ("application/json", b"application/json"),
        ("application/jsonlines;data=text", b"application/jsonlines;data=text"),
        ("application/xml", b"application/xml; charset=utf-8"),
        ("image/svg+xml", b"image/svg+xml; charset=utf-8"),
    ],
)
def test_text_gets_its_charset(media_type: str, header: bytes) -> None:
    assert header_value(media_type) == header


def test_a_semicolon_in_quotes_separates_nothing() -> None:
    assert parse_header(r'text/csv; a="x;\"y"; B = 2') == ("text/csv", {"a": 'x;"y', "b": "2"})


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x"]
)
def test_forms_leave_no_body(content_type: str) -> None:
    assert is_form(content_type)
