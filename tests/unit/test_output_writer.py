"""One output object: what reaches S3, in which order, and what is left behind when it fails."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import botocore.exceptions
import pytest

from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.s3.multipart_output import PART_BYTES, OutputWriter, UploadJournal
from sagemaker_transform_emulator.transform.keys import S3Location

T = TypeVar("T")
LOCATION = S3Location("bkt", "out/data.csv.out")
PLACE = {"Bucket": "bkt", "Key": "out/data.csv.out"}
UPLOAD = PLACE | {"UploadId": "u1"}
KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}
MIB = 1024 * 1024


def refusal(code: str) -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError({"Error": {"Code": code}}, "PutObject")


class FakeStore(UploadJournal):
    """Storage, client and journal in one, that remembers every call and of bodies the size."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.bodies: list[bytes] = []
        self.refuse: Callable[[str, dict[str, Any]], Exception | None] = lambda _name, _arguments: None
        self.gate: asyncio.Event | None = None

    @property
    def client(self) -> FakeStore:
        return self

    @property
    def journal(self) -> UploadJournal:
        return self

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    async def settled(self, location: S3Location, call: Callable[[], T]) -> T:
        assert location == LOCATION
        await asyncio.sleep(0)
        if self.gate is not None and self.calls and self.calls[-1][0] in ("opened", "upload_part"):
            await self.gate.wait()
        return call()

    async def abort_upload(self, location: S3Location, upload_id: str) -> None:
        self._called("abort_upload", {"location": location, "id": upload_id})

    def opening(self, location: S3Location) -> str:
        self._called("opening", {"location": location})
        return "entry"

    def opened(self, location: S3Location, upload_id: str) -> None:
        self._called("opened", {"location": location, "id": upload_id})

    def closed(self, location: S3Location, upload_id: str) -> None:
        self._called("closed", {"location": location, "id": upload_id})

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        return self._called("put_object", arguments)

    def create_multipart_upload(self, **arguments: Any) -> dict[str, Any]:
        return self._called("create_multipart_upload", arguments) | {"UploadId": "u1"}

    def upload_part(self, **arguments: Any) -> dict[str, Any]:
        return self._called("upload_part", arguments) | {"ETag": f"e{arguments['PartNumber']}", "More": 1}

    def complete_multipart_upload(self, **arguments: Any) -> dict[str, Any]:
        return self._called("complete_multipart_upload", arguments)

    def _called(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if "Body" in arguments:
            self.bodies.append(arguments["Body"])
        shown = arguments | ({"Body": len(arguments["Body"])} if "Body" in arguments else {})
        self.calls.append((name, shown))
        if error := self.refuse(name, arguments):
            raise error
        return {}


def run(talk: Awaitable[T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(talk, 20)

    return asyncio.run(bounded())


def written(store: FakeStore, *pieces: bytes, extra: dict[str, str] | None = None) -> OutputWriter:
    """The writer after these pieces and its completion."""

    async def go() -> OutputWriter:
        writer = OutputWriter(store, LOCATION, extra or {})
        for piece in pieces:
            await writer.write(piece)
        await writer.complete()
        return writer

    return run(go())


@pytest.mark.rule("R2.21")
@pytest.mark.parametrize("pieces", [[], [b""], [b"a\n", b"b\n"]])
def test_a_small_output_is_put_at_the_end(pieces: list[bytes]) -> None:
    store = FakeStore()
    writer = written(store, *pieces, extra={"ContentType": "text/csv"})
    size = sum(map(len, pieces))
    assert store.calls == [("put_object", PLACE | {"ContentType": "text/csv", "Body": size})]
    assert store.bodies == [b"".join(pieces)]
    assert (writer.size, writer.kept_plain, writer.location) == (size, False, LOCATION)


@pytest.mark.rule("R2.21")
def test_an_output_one_byte_short_of_a_part_is_still_small() -> None:
    store = FakeStore()
    written(store, bytes(8 * MIB - 1))
    assert store.names == ["put_object"]


@pytest.mark.rule("R2.21")
def test_a_larger_output_goes_up_in_parts_that_are_journalled_and_then_completed() -> None:
    store = FakeStore()
    first, second, third = b"1" * (5 * MIB), b"2" * (5 * MIB), b"3" * (9 * MIB)
    writer = written(store, first, second, third, b"rest", extra={"ContentType": "text/csv"})
    parts = [{"PartNumber": number, "ETag": f"e{number}"} for number in (1, 2, 3)]
    assert store.calls == [
        ("opening", {"location": LOCATION}),
        ("create_multipart_upload", PLACE | {"ContentType": "text/csv"}),
        ("opened", {"location": LOCATION, "id": "u1"}),
        ("upload_part", UPLOAD | {"PartNumber": 1, "Body": 10 * MIB}),
        ("upload_part", UPLOAD | {"PartNumber": 2, "Body": 9 * MIB}),
        ("upload_part", UPLOAD | {"PartNumber": 3, "Body": 4}),
        ("complete_multipart_upload", UPLOAD | {"MultipartUpload": {"Parts": parts}}),
        ("closed", {"location": LOCATION, "id": "u1"}),
    ]
    assert store.bodies == [first + second, third, b"rest"]
    assert writer.size == 19 * MIB + 4


@pytest.mark.rule("R2.21")
def test_an_output_of_whole_parts_has_no_empty_one_at_its_end() -> None:
    store = FakeStore()
    written(store, bytes(PART_BYTES), bytes(PART_BYTES))
    assert store.names.count("upload_part") == 2
    assert store.bodies == [bytes(PART_BYTES)] * 2


def test_parts_have_8_mib_and_grow_so_that_10_000_of_them_hold_5_tib() -> None:
    writer = OutputWriter(FakeStore(), LOCATION, {})

    def size(count: int) -> int:
        writer._parts = [{}] * count
        return writer.part_bytes

    assert PART_BYTES == 8 * MIB
    assert [size(count) for count in (0, 499, 500, 999, 1000)] == [8 * MIB] * 2 + [32 * MIB] * 2 + [72 * MIB]
    assert sum(500 * size(count) for count in range(0, 10_000, 500)) >= 5 * MIB * MIB
    assert size(9_999) == 3200 * MIB  # S3 takes at most 5 GiB


def test_a_second_part_waits_for_the_first_so_that_two_are_in_memory_at_most() -> None:
    async def go() -> None:
        store = FakeStore()
        store.gate = asyncio.Event()
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(bytes(PART_BYTES))
        await writer.write(bytes(PART_BYTES - 1))  # taken while the first is on its way
        full = asyncio.create_task(writer.write(b"x"))
        await asyncio.wait({full}, timeout=0.05)
        assert not full.done()
        assert "upload_part" not in store.names
        store.gate.set()
        await full
        await writer.complete()
        assert store.names.count("upload_part") == 2

    run(go())


@pytest.mark.rule("R2.21", "R6.4")
def test_a_part_that_is_refused_is_an_error_of_the_next_write_and_of_the_end() -> None:
    async def go() -> None:
        store = FakeStore()
        store.refuse = lambda name, _: StorageError("no") if name == "upload_part" else None
        for end in ("write", "complete"):
            writer = OutputWriter(store, LOCATION, {})
            await writer.write(bytes(PART_BYTES))
            with pytest.raises(StorageError, match="no"):
                await (writer.write(bytes(PART_BYTES)) if end == "write" else writer.complete())
            await writer.abort()
        assert "complete_multipart_upload" not in store.names
        assert store.names.count("abort_upload") == 2

    run(go())


@pytest.mark.rule("R2.21")
def test_a_small_output_that_is_given_up_leaves_nothing_to_abort() -> None:
    async def go() -> None:
        store = FakeStore()
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(b"a")
        await writer.abort()
        assert store.calls == []

    run(go())


@pytest.mark.rule("R2.21")
def test_an_upload_that_is_given_up_is_aborted_once_after_the_part_that_was_on_its_way() -> None:
    async def go() -> None:
        store = FakeStore()
        store.gate = asyncio.Event()
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(bytes(PART_BYTES))
        aborting = asyncio.create_task(writer.abort())
        await asyncio.wait({aborting}, timeout=0.05)
        assert "abort_upload" not in store.names
        store.gate.set()
        await aborting
        await writer.abort()
        assert store.names == ["opening", "create_multipart_upload", "opened", "upload_part", "abort_upload"]
        assert store.calls[-1][1] == {"location": LOCATION, "id": "u1"}

    run(go())


@pytest.mark.rule("R2.21", "R6.4")
def test_giving_up_passes_over_the_errors_of_a_store_that_is_away() -> None:
    async def go() -> None:
        store = FakeStore()
        store.refuse = lambda name, _: (
            StorageError("away") if name in ("upload_part", "abort_upload") else None
        )
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(bytes(PART_BYTES))
        # asyncio writes a traceback about a task whose error nobody asked for
        unheard: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
        await writer.abort()
        await writer.abort()
        assert store.names.count("abort_upload") == 1
        gc.collect()
        assert unheard == []

    run(go())


def test_giving_up_does_not_hide_other_errors() -> None:
    async def go() -> None:
        store = FakeStore()
        store.refuse = lambda name, _: RuntimeError("a bug") if name == "abort_upload" else None
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(bytes(PART_BYTES))
        with pytest.raises(RuntimeError, match="a bug"):
            await writer.abort()

    run(go())


@pytest.mark.rule("R2.21")
def test_a_completed_upload_is_not_aborted() -> None:
    store = FakeStore()
    writer = written(store, bytes(PART_BYTES))
    run(writer.abort())
    assert "abort_upload" not in store.names


@pytest.mark.rule("R2.21", "R6.4")
def test_an_upload_whose_completion_was_refused_is_still_there_to_abort() -> None:
    async def go() -> None:
        store = FakeStore()
        store.refuse = lambda name, _: StorageError("no") if name == "complete_multipart_upload" else None
        writer = OutputWriter(store, LOCATION, {})
        await writer.write(bytes(PART_BYTES))
        with pytest.raises(StorageError):
            await writer.complete()
        assert "closed" not in store.names
        await writer.abort()
        assert store.names[-1] == "abort_upload"

    run(go())


@pytest.mark.rule("R2.24")
@pytest.mark.parametrize("large", [False, True])
def test_a_store_without_a_key_service_keeps_the_output_plain(large: bool) -> None:  # noqa: FBT001 - a parameter
    store = FakeStore()
    store.refuse = lambda _name, arguments: (
        refusal("NotImplemented")
        if "SSEKMSKeyId" in arguments or "ServerSideEncryption" in arguments
        else None
    )
    writer = written(store, bytes(PART_BYTES if large else 3), extra={"ContentType": "text/csv", **KMS})
    assert writer.kept_plain
    name = "create_multipart_upload" if large else "put_object"
    body = {} if large else {"Body": 3}
    assert [call for call in store.calls if call[0] == name] == [
        (name, PLACE | {"ContentType": "text/csv", **KMS} | body),
        (name, PLACE | {"ContentType": "text/csv"} | body),
    ]
    assert store.names.count(name) == 2


@pytest.mark.rule("R2.24")
@pytest.mark.parametrize("extra", [KMS, {"ServerSideEncryption": "AES256"}, {"SSEKMSKeyId": "key"}])
def test_the_output_is_encrypted_as_asked(extra: dict[str, str]) -> None:
    store = FakeStore()
    assert not written(store, b"x", extra=extra).kept_plain
    assert store.calls == [("put_object", PLACE | extra | {"Body": 1})]
    plain = FakeStore()
    plain.refuse = lambda _name, arguments: (
        refusal("NotImplemented") if extra.items() <= arguments.items() else None
    )
    assert written(plain, b"x", extra=extra).kept_plain


@pytest.mark.rule("R2.24")
@pytest.mark.parametrize(
    ("code", "extra"),
    [("AccessDenied", KMS), ("NotImplemented", {"ContentType": "text/csv"}), ("NotImplemented", {})],
)
def test_any_other_refusal_is_an_error(code: str, extra: dict[str, str]) -> None:
    store = FakeStore()
    store.refuse = lambda *_: refusal(code)
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        written(store, b"x", extra=extra)
    assert store.names == ["put_object"]


@pytest.mark.rule("R2.24")
def test_a_refusal_that_says_nothing_is_an_error() -> None:
    store = FakeStore()
    store.refuse = lambda *_: botocore.exceptions.ClientError({}, "PutObject")
    with pytest.raises(botocore.exceptions.ClientError):
        written(store, b"x", extra=KMS)


def test_a_journal_that_nobody_keeps_forgets() -> None:
    journal = UploadJournal()
    journal.forget(journal.opening(LOCATION))
    journal.opened(LOCATION, "u1")
    journal.closed(LOCATION, "u1")
    assert vars(journal) == {}
