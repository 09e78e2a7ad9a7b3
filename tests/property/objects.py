"""Strategies: objects, the ways they arrive, and settings; and the emulator's answer for one of each."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Settings:
    """An object and what to do with it."""

    body: bytes
    split_type: str
    strategy: str
    limit: int | None
    assemble_with: str


@st.composite
def settings_and_bodies(draw: st.DrawFn) -> Settings:
    """Any object with any settings; binary ones are now and then cut short or damaged."""
    split_type = draw(st.sampled_from(["None", "Line", "Line", "RecordIO", "TFRecord"]))
    body = draw(framed.get(split_type, text_like))
    if split_type in framed and draw(st.integers(0, 9)) == 0:
        body = body[: draw(st.integers(0, len(body)))]
    return Settings(
        body,
        split_type,
        draw(st.sampled_from(["SingleRecord", "MultiRecord"])),
        draw(st.one_of(st.none(), st.integers(1, 40))),
        draw(st.sampled_from(["None", "Line"])),
    )


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
