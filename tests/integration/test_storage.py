"""S3: pinned ranged reads, outputs that appear whole or not at all."""

from __future__ import annotations

import asyncio

import pytest
from harness import Bench

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.errors import DataError, StorageError, UsageError
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.multipart_output import PART_BYTES
from sagemaker_transform_emulator.transform.keys import S3Location

ODD_KEYS = ["a b", "a%20b", "a+b?c#d", "ünïcode/✓", "x//y", "x/../y", "'\"<>&", "k" * 1000]


def at(key: str) -> S3Location:
    return S3Location("bkt", key)


async def whole(storage: Storage, key: str, range_bytes: int) -> bytes:
    found = await storage.head(at(key))
    return b"".join([chunk async for chunk in storage.read(found, range_bytes)])


def test_ranges_give_the_object(jobs: Bench) -> None:
    body = bytes(range(256)) * 41
    jobs.put("x", body)
    for size in (1000, len(body), len(body) + 1, len(body) - 1):
        assert run_loop(whole(jobs.storage, "x", size)) == body
    jobs.put("empty", b"")
    assert run_loop(whole(jobs.storage, "empty", 10)) == b""


def test_41_an_object_that_changes_while_it_is_read_is_an_error(jobs: Bench) -> None:
    jobs.put("x", b"a" * 100)

    async def go() -> None:
        found = await jobs.storage.head(at("x"))
        reading = jobs.storage.read(found, 10)
        await anext(reading)
        jobs.put("x", b"b" * 100)
        with pytest.raises(DataError, match="was changed while it was read"):
            assert [chunk async for chunk in reading if b"b" in chunk] == []

    run_loop(go())


@pytest.mark.rule("R2.21")
@pytest.mark.parametrize("size", [0, 10, PART_BYTES, 3 * PART_BYTES + 5])
def test_an_output_is_whole(jobs: Bench, size: int) -> None:
    body = bytes(251) * (size // 251) + bytes(size % 251)

    async def go() -> None:
        async with jobs.storage.writer(at("out"), "text/csv") as output:
            for start in range(0, size, 1_000_003):
                await output.write(body[start : start + 1_000_003])
                assert jobs.keys("out") == []

    run_loop(go())
    assert jobs.get("out") == body
    assert jobs.storage.client.head_object(Bucket="bkt", Key="out")["ContentType"] == "text/csv"
    assert jobs.open_uploads() == []


@pytest.mark.rule("R2.21", "R6.4")
def test_an_output_that_fails_never_appears(jobs: Bench) -> None:
    async def go() -> None:
        async with jobs.storage.writer(at("out"), None) as output:
            for _ in range(5):
                await output.write(bytes(PART_BYTES // 2))
            raise DataError("no")

    with pytest.raises(DataError, match="no"):
        run_loop(go())
    assert jobs.keys("out") == []
    assert jobs.open_uploads() == []


def test_an_output_that_is_cancelled_at_any_moment_never_appears(jobs: Bench) -> None:
    async def write() -> None:
        async with jobs.storage.writer(at("out"), None) as output:
            for _ in range(4):
                await output.write(bytes(PART_BYTES))

    async def go(wait: int) -> None:
        task = asyncio.create_task(write())
        for _ in range(wait):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    for wait in range(1, 40, 3):
        run_loop(go(wait))
        assert jobs.keys("out") == []
        assert jobs.open_uploads() == []


def test_38_odd_keys_survive(jobs: Bench) -> None:
    for key in ODD_KEYS:
        jobs.put(f"odd/{key}", key.encode())
    listed = run_loop(jobs.storage.list_prefix(at("odd/")))
    assert [item.location.key for item in listed] == sorted(
        (f"odd/{key}" for key in ODD_KEYS), key=str.encode
    )
    for item in listed:
        assert run_loop(whole(jobs.storage, item.location.key, 100)).decode() == item.location.key[4:]


@pytest.mark.rule("R2.12", "R2.14")
def test_a_prefix_is_a_raw_string_and_the_order_is_that_of_bytes(jobs: Bench) -> None:
    for key in ("in/a", "in2/x", "in.out", "iN", "in/\U0001f600", "in/￿"):
        jobs.put(key, b"1")
    listed = run_loop(jobs.storage.list_prefix(at("in")))
    keys = [item.location.key for item in listed]
    assert keys == ["in.out", "in/a", "in/￿", "in/\U0001f600", "in2/x"]


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (S3Location("bkt", "no"), "object s3://bkt/no does not exist"),
        (S3Location("nope", "x"), "does not exist"),
    ],
)
def test_what_is_missing_is_named(jobs: Bench, location: S3Location, text: str) -> None:
    with pytest.raises(StorageError, match=text) as caught:
        run_loop(jobs.storage.head(location))
    assert caught.value.failure_reason == "ClientError: See job logs for more information"


def test_46_a_store_that_is_away_is_an_internal_error() -> None:
    storage = Storage(StoreAddress("http://127.0.0.1:9", "us-east-1", "k", "s"))
    with pytest.raises(StorageError, match="does not answer") as caught:
        run_loop(storage.list_prefix(at("x")))
    storage.close()
    assert caught.value.blame == "InternalServerError"


def test_a_part_that_is_cancelled_on_its_way_leaves_no_upload_open(jobs: Bench) -> None:
    async def write(reached: asyncio.Event) -> None:
        async with jobs.storage.writer(at("out"), None) as output:
            await output.write(bytes(PART_BYTES))  # the first part is on its way now
            reached.set()
            await output.write(bytes(PART_BYTES))  # waits for it

    async def go() -> None:
        reached = asyncio.Event()
        task = asyncio.create_task(write(reached))
        await reached.wait()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    run_loop(go())
    assert jobs.keys("out") == []
    assert jobs.open_uploads() == []


def test_a_profile_that_does_not_exist_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(UsageError, match=r"\(nosuch\) could not be found") as refused:
        Storage()
    assert "AWS_PROFILE" in refused.value.remedy
