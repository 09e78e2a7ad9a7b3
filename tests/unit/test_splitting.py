"""SplitType: what is a record, what waits, and what is refused before it has ended."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.errors import RecordTooLargeError
from sagemaker_transform_emulator.sagemaker.requests import SplitType
from sagemaker_transform_emulator.transform.framing import RecordIOSplitter, TFRecordSplitter
from sagemaker_transform_emulator.transform.splitting import (
    LineSplitter,
    Splitter,
    WholeSplitter,
    make_splitter,
)

REMEDY = "raise MaxPayloadInMB (at most 100, or 0 for no limit), or make the record smaller"


def split(splitter: Splitter, *chunks: bytes) -> list[list[bytes]]:
    """What each chunk gave, and the end."""
    return [*(list(splitter.feed(chunk)) for chunk in chunks), list(splitter.finish())]


@pytest.mark.rule("R2.4", "R2.10")
def test_a_line_ends_with_its_newline_and_the_last_one_may_lack_it() -> None:
    assert split(LineSplitter(None), b"a\nbc\n\nd") == [[b"a\n", b"bc\n", b"\n"], [b"d"]]
    assert split(LineSplitter(None), b"a\n") == [[b"a\n"], []]
    assert split(LineSplitter(None), b"a") == [[], [b"a"]]
    assert split(LineSplitter(None)) == [[]]


@pytest.mark.rule("R2.9", "R2.10")
def test_nothing_but_a_newline_ends_a_line() -> None:
    odd = b'"a\r,\x0b\x0c\x1c\x85\xe2\x80\xa8"\r\n'
    assert split(LineSplitter(None), odd + odd) == [[odd, odd], []]


@pytest.mark.rule("R2.4")
def test_a_line_is_put_together_from_the_chunks_it_came_in() -> None:
    assert split(LineSplitter(None), b"a", b"b", b"", b"c\nd\ne", b"\n", b"f") == [
        [], [], [], [b"abc\n", b"d\n"], [b"e\n"], [], [b"f"],
    ]  # fmt: skip
    assert split(LineSplitter(None), b"ab", b"\n\nc\n") == [[], [b"ab\n", b"\n", b"c\n"], []]


@pytest.mark.rule("R2.11")
def test_a_line_that_has_not_ended_may_have_as_many_bytes_as_the_limit() -> None:
    assert split(LineSplitter(4), b"ab", b"cd", b"\n") == [[], [], [b"abcd\n"], []]
    assert split(LineSplitter(4), b"abcd") == [[], [b"abcd"]]
    # lines that ended do not count, nor those put together
    assert split(LineSplitter(4), b"abc\nabc", b"d\nab", b"cd") == [
        [b"abc\n"], [b"abcd\n"], [], [b"abcd"],
    ]  # fmt: skip


@pytest.mark.rule("R2.11")
@pytest.mark.parametrize(
    "chunks", [[b"abcde"], [b"abcd", b"e"], [b"x\nab", b"cde"], [b"ab", b"c\nabc", b"de"]]
)
def test_a_line_that_passes_the_limit_is_refused_before_it_ends(chunks: list[bytes]) -> None:
    with pytest.raises(RecordTooLargeError) as caught:
        split(LineSplitter(4), *chunks)
    _is_refusal(caught.value)


@pytest.mark.rule("R2.3", "R2.16")
def test_without_a_split_type_the_object_is_one_record_even_an_empty_one() -> None:
    assert split(WholeSplitter(None), b"a\n", b"", b"b\n") == [[], [], [], [b"a\nb\n"]]
    assert split(WholeSplitter(None)) == [[b""]]
    assert split(WholeSplitter(4), b"ab", b"cd") == [[], [], [b"abcd"]]


@pytest.mark.rule("R2.11")
@pytest.mark.parametrize("chunks", [[b"abcde"], [b"abcd", b"e"]])
def test_a_whole_object_above_the_limit_is_refused_before_it_ends(chunks: list[bytes]) -> None:
    with pytest.raises(RecordTooLargeError) as caught:
        split(WholeSplitter(4), *chunks)
    _is_refusal(caught.value)


def _is_refusal(error: RecordTooLargeError) -> None:
    assert (error.size, error.limit) == (5, 4)
    assert error.text == (
        "Record is larger than MaxPayloadInMB allows: at least 5 bytes, the limit is 4 bytes"
    )
    assert error.remedy == REMEDY
    assert error.failure_reason == "ClientError: See job logs for more information"


@pytest.mark.rule("R2.3", "R2.4", "R2.11", "R2.26")
def test_each_split_type_has_its_splitter_with_the_limit() -> None:
    def made(split_type: SplitType) -> Splitter:
        return make_splitter(split_type, max_record_bytes=4, keep_framing=True)

    assert isinstance(made(SplitType.NONE), WholeSplitter)
    assert isinstance(made(SplitType.LINE), LineSplitter)
    assert isinstance(made(SplitType.RECORD_IO), RecordIOSplitter)
    assert isinstance(made(SplitType.TF_RECORD), TFRecordSplitter)
    for split_type in (SplitType.NONE, SplitType.LINE):
        with pytest.raises(RecordTooLargeError):
            list(made(split_type).feed(b"abcde"))


@pytest.mark.rule("R2.11", "R2.26")
@pytest.mark.parametrize(
    ("split_type", "frame"),
    [
        (SplitType.RECORD_IO, b"\x0a\x23\xd7\xce\4\0\0\0abcd"),
        (SplitType.TF_RECORD, b"\4\0\0\0\0\0\0\0....abcd...."),
    ],
)
def test_binary_framing_is_kept_or_not_as_asked_with_the_limit(split_type: SplitType, frame: bytes) -> None:
    kept = make_splitter(split_type, max_record_bytes=None, keep_framing=True)
    assert split(kept, frame) == [[frame], []]
    stripped = make_splitter(split_type, max_record_bytes=4, keep_framing=False)
    assert split(stripped, frame) == [[b"abcd"], []]
    for limit, keep_framing in ((3, False), (len(frame) - 1, True)):
        limited = make_splitter(split_type, max_record_bytes=limit, keep_framing=keep_framing)
        with pytest.raises(Exception, match=f"the limit is {limit} bytes"):
            list(limited.feed(frame))
