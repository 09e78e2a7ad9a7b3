"""Strategies: objects, the ways they arrive, and settings; and the emulator's answer for one of each."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import reference
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import DataError
from sagemaker_transform_emulator.sagemaker.requests import AssembleWith, BatchStrategy, SplitType
from sagemaker_transform_emulator.transform.assembling import assemble
from sagemaker_transform_emulator.transform.batching import Batcher, Payload
from sagemaker_transform_emulator.transform.splitting import make_splitter

awkward = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b",",
        b'"',
        b"\0",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\x0b",
        b"\xff",
        b"a",
        b"",
    ]
)
text_like = st.lists(st.one_of(awkward, st.binary(max_size=6)), max_size=30).map(b"".join)

lines_like = st.lists(st.binary(max_size=6).map(lambda line: line + b"\n"), min_size=2, max_size=12).map(
    b"".join
)
bodies = {
    "None": text_like,
    "Line": st.one_of(text_like, lines_like, st.tuples(lines_like, text_like).map(b"".join)),
}


def record_io(data: bytes) -> bytes:
    """One RecordIO frame."""
    return struct.pack("<II", 0xCED7230A, len(data)) + data + b"\0" * (-len(data) % 4)


def tf_record(data: bytes) -> bytes:
    """One TFRecord frame; nobody looks at the checksums."""
    return struct.pack("<QI", len(data), 7) + data + b"\1\2\3\4"


datas = st.lists(st.binary(max_size=20), max_size=6)
framed = {
    "RecordIO": datas.map(lambda items: b"".join(map(record_io, items))),
    "TFRecord": datas.map(lambda items: b"".join(map(tf_record, items))),
}
bodies |= framed


@dataclass(frozen=True)
class Settings:
    """An object and what to do with it."""

    body: bytes
    split_type: str
    strategy: str
    limit: int | None
    assemble_with: str


KINDS = [
    (split_type, strategy)
    for split_type in ("None", "Line", "RecordIO", "TFRecord")
    for strategy in ("SingleRecord", "MultiRecord")
]


@st.composite
def settings_and_bodies(draw: st.DrawFn, split_type: str, strategy: str) -> Settings:
    """Any object of a SplitType and BatchStrategy; binary ones are now and then cut short or damaged."""
    body = draw(bodies[split_type])
    limit = draw(_limits(body, split_type, strategy))
    if split_type in framed and body:
        body = draw(_perhaps_harmed(body))
    return Settings(body, split_type, strategy, limit, draw(st.sampled_from(["None", "Line"])))


def _limits(body: bytes, split_type: str, strategy: str) -> st.SearchStrategy[int | None]:
    """No limit, any, or one that some records of the object just keep or just miss."""
    keep_framing = strategy == "MultiRecord"
    sizes = list(map(len, reference.records(body, split_type, keep_framing=keep_framing)))
    near = {size + more for size in (*sizes, *accumulate(sizes)) for more in (-1, 0)} - {-1, 0}
    limits: list[st.SearchStrategy[int | None]] = [st.none(), st.integers(1, 40)]
    if near:
        limits += [st.sampled_from(sorted(near))] * 2
    if max(sizes, default=0) > 1:
        limits.append(st.just(max(sizes) - 1))
    return st.one_of(*limits)


@st.composite
def _perhaps_harmed(draw: st.DrawFn, body: bytes) -> bytes:
    """The body, half of the time cut short or with another byte somewhere."""
    harm = draw(st.sampled_from(["none", "none", "cut", "byte"]))
    at = draw(st.integers(0, min(len(body) - 1, 30)))
    if harm == "cut":
        return body[:at]
    return body if harm == "none" else body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]


def chunked(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The body in chunks of these sizes, over and over."""
    position, turn = 0, 0
    while position < len(body):
        size = sizes[turn % len(sizes)]
        yield body[position : position + size]
        position, turn = position + size, turn + 1


def emulated(settings: Settings, sizes: list[int]) -> tuple[list[Payload], DataError | None]:
    """The payloads of the emulator's own splitter and batcher, and the error that ended them."""
    strategy = BatchStrategy(settings.strategy)
    splitter = make_splitter(
        SplitType(settings.split_type),
        max_record_bytes=settings.limit,
        keep_framing=strategy is BatchStrategy.MULTI_RECORD,
    )
    batcher = Batcher(strategy, settings.limit)
    found: list[Payload] = []
    try:
        for chunk in chunked(settings.body, sizes):
            _keep(batcher.feed(splitter.feed(chunk)), found)
        _keep(batcher.feed(splitter.finish()), found)
        _keep(batcher.finish(), found)
    except DataError as error:
        return found, error
    return found, None


def _keep(payloads: Iterator[Payload], found: list[Payload]) -> None:
    """What came before an error is found, too."""
    for payload in payloads:
        found.append(payload)  # noqa: PERF402 - a list made of the rest would be lost with the error


def output_of(settings: Settings, answers: list[bytes]) -> bytes:
    """What the emulator stores for these answers."""
    return b"".join(assemble(answer, AssembleWith(settings.assemble_with)) for answer in answers)
