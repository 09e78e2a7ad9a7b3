"""Answers of a store that are damaged on their way: wrong bytes never become an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from harness import Bench
from store_proxy import Cut, Exchange, Lost, Outcome, StoreProxy, flipped, store_proxy

from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.jobs.events import JobNote
from sagemaker_transform_emulator.jobs.services import sweep_leftovers
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3 import ranged_read
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.multipart_output import PART_BYTES
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.transform.keys import S3Location

MIB = 1024 * 1024
PLACE = S3Location("bkt", "x")


@pytest.fixture
def proxy(jobs: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreProxy]:
    monkeypatch.setattr(ranged_read, "_PAUSE_S", 0.001)
    with store_proxy(jobs.address) as made:
        yield made


@pytest.fixture
def storage(proxy: StoreProxy) -> Iterator[Storage]:
    made = Storage(proxy.address)
    yield made
    made.close()


def first(
    damage: Callable[[Exchange], Outcome], method: str, text: str, times: int = 1
) -> Callable[..., Outcome]:
    """That damage to the first so many answers to such requests, none to the others."""
    left = [times]

    def choose(exchange: Exchange) -> Outcome:
        if left[0] and exchange.method == method and text in exchange.path:
            left[0] -= 1
            return damage(exchange)
        return exchange

    return choose


async def whole(storage: Storage, range_bytes: int = 8 * MIB, unchecked: list[str] | None = None) -> bytes:
    found = await storage.head(PLACE)
    notes = [] if unchecked is None else unchecked
    return b"".join([chunk async for chunk in storage.read(found, range_bytes, lambda: notes.append("x"))])


def upload_in_parts(bench: Bench, *parts: bytes, **extra: str) -> None:
    client = bench.storage.client
    begun = client.create_multipart_upload(Bucket="bkt", Key="x", **extra)["UploadId"]
    place = {"Bucket": "bkt", "Key": "x", "UploadId": begun}
    etags = [client.upload_part(**place, PartNumber=i, Body=part)["ETag"] for i, part in enumerate(parts, 1)]
    listed = [{"PartNumber": i, "ETag": etag} for i, etag in enumerate(etags, 1)]
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": listed})


@pytest.mark.parametrize("at", [0, 57, 99])
@pytest.mark.parametrize("range_bytes", [40, 100, 1000])
def test_44_a_flipped_bit_in_any_range_is_an_error(
    jobs: Bench, proxy: StoreProxy, storage: Storage, at: int, range_bytes: int
) -> None:
    jobs.put("x", bytes(range(100)))
    assert run_loop(whole(storage, range_bytes)) == bytes(range(100))

    def damage(exchange: Exchange) -> Outcome:
        found = exchange.body.find(bytes([at]))
        return flipped(exchange, found) if exchange.method == "GET" and found >= 0 else exchange

    proxy.damage = damage
    with pytest.raises(StorageError, match="not those that S3 stored"):
        run_loop(whole(storage, range_bytes))


def test_44_a_flipped_bit_in_a_multipart_object_is_an_error(
    jobs: Bench, proxy: StoreProxy, storage: Storage
) -> None:
    parts = bytes(5 * MIB), b"1" * (5 * MIB), b"rest"
    upload_in_parts(jobs, *parts)
    notes: list[str] = []
    assert run_loop(whole(storage, unchecked=notes)) == b"".join(parts)
    assert notes == []
    proxy.damage = first(lambda exchange: flipped(exchange, 7), "GET", "/x", 1000)
    with pytest.raises(StorageError, match="not those that S3 stored"):
        run_loop(whole(storage))


def test_44_parts_of_different_sizes_are_read_with_a_note(jobs: Bench, storage: Storage) -> None:
    parts = bytes(5 * MIB), b"1" * (6 * MIB), b"22"
    upload_in_parts(jobs, *parts)
    notes: list[str] = []
    assert run_loop(whole(storage, unchecked=notes)) == b"".join(parts)
    assert notes == ["x"]


def test_44_a_download_is_checked_too(
    jobs: Bench, proxy: StoreProxy, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("download") / "x"
    jobs.put("x", bytes(9 * MIB))
    run_loop(storage.download(PLACE, target))
    assert target.read_bytes() == bytes(9 * MIB)
    proxy.damage = first(lambda exchange: flipped(exchange, 7), "GET", "/x", 1000)
    with pytest.raises(StorageError, match="not those that S3 stored"):
        run_loop(storage.download(PLACE, target))


def test_44_a_job_that_read_a_flipped_bit_has_no_output(jobs: Bench, proxy: StoreProxy) -> None:
    bench = Bench(proxy.address, jobs.storage, jobs.folder, jobs.settings)
    jobs.put("in/a.csv", b"1\n2\n")
    jobs.put("in/b.csv", b"3\n4\n")
    proxy.damage = first(lambda exchange: flipped(exchange, 0), "GET", "in/a.csv", 1000)
    run = bench.run({})
    assert run.status is JobStatus.FAILED
    assert run.failure_reason.startswith("InternalServerError")
    assert jobs.keys("out") == ["out/b.csv.out"]


def test_44_a_store_without_checksums_is_noted_once(jobs: Bench, proxy: StoreProxy) -> None:
    bench = Bench(proxy.address, jobs.storage, jobs.folder, jobs.settings)
    for name in "ab":
        jobs.storage.client.put_object(
            Bucket="bkt", Key=f"in/{name}.csv", Body=b"1\n", ServerSideEncryption="aws:kms"
        )

    def silent(exchange: Exchange) -> Outcome:
        kept = tuple((k, v) for k, v in exchange.headers if "checksum" not in k.lower())
        return Exchange(exchange.method, exchange.path, exchange.status, kept, exchange.body)

    proxy.damage = silent
    assert bench.run({}).status is JobStatus.COMPLETED
    notes = [event.text for event in bench.events if isinstance(event, JobNote)]
    assert [note for note in notes if "no checksum" in note] == [
        "s3://bkt/in/a.csv: the store offers no checksum by which what was read could be checked"
    ]


@pytest.mark.parametrize("times", [1, 3])
def test_43_a_body_that_is_cut_is_read_again(
    jobs: Bench, proxy: StoreProxy, storage: Storage, times: int
) -> None:
    jobs.put("x", bytes(range(200)))
    proxy.damage = first(lambda _: Cut(20), "GET", "/x", times)
    assert run_loop(whole(storage, 100)) == bytes(range(200))


def test_43_a_body_that_is_always_cut_is_an_error_after_four_attempts(
    jobs: Bench, proxy: StoreProxy, storage: Storage
) -> None:
    jobs.put("x", bytes(100))
    proxy.damage = first(lambda _: Cut(20), "GET", "/x", 1000)
    with pytest.raises(StorageError) as caught:
        run_loop(whole(storage))
    assert caught.value.blame == "InternalServerError"
    assert sum(exchange.method == "GET" for exchange in proxy.seen) == ranged_read.BODY_ATTEMPTS


async def write_in_parts(storage: Storage) -> None:
    async with storage.writer(PLACE, None) as output:
        await output.write(bytes(PART_BYTES))
        await output.write(b"rest")


@pytest.mark.rule("R2.21")
def test_45_a_lost_answer_to_the_completion_is_no_failure(
    jobs: Bench, proxy: StoreProxy, storage: Storage
) -> None:
    proxy.damage = first(lambda _: Lost(), "POST", "uploadId=")
    run_loop(write_in_parts(storage))
    assert jobs.get("x") == bytes(PART_BYTES) + b"rest"
    assert jobs.open_uploads() == []


@pytest.mark.rule("R2.21")
def test_45_a_completion_that_was_refused_is_a_failure_beside_an_older_object(
    jobs: Bench, proxy: StoreProxy, storage: Storage
) -> None:
    jobs.put("x", bytes(PART_BYTES) + b"tser")
    refusal = b"<Error><Code>InvalidPart</Code><Message>no</Message></Error>"

    def refuse(exchange: Exchange) -> Outcome:
        length = (("Content-Length", str(len(refusal))),)
        return Exchange(exchange.method, exchange.path, 400, length, refusal)

    proxy.withheld = lambda method, path: method == "POST" and "uploadId=" in path
    proxy.damage = first(refuse, "POST", "uploadId=")
    with pytest.raises(StorageError, match="InvalidPart"):
        run_loop(write_in_parts(storage))
    assert jobs.get("x") == bytes(PART_BYTES) + b"tser"


def test_45_an_upload_whose_id_never_arrived_is_aborted_by_the_sweep(
    jobs: Bench, proxy: StoreProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(jobs.folder / "state"))
    proxy.damage = first(lambda _: Lost(), "POST", "?uploads")
    jobs.storage.client.create_multipart_upload(Bucket="bkt", Key="x/other")
    with open_workspace() as workspace:
        storage = Storage(proxy.address, workspace.journal(proxy.address.endpoint_url))
        run_loop(write_in_parts(storage))
        storage.close()
        assert sorted(jobs.open_uploads()) == ["x", "x/other"]
    swept = run_loop(sweep_leftovers(proxy.address))
    assert [(upload.location, upload.upload_id) for upload in swept.uploads] == [(PLACE, None)]
    assert jobs.open_uploads() == ["x/other"]
    assert list((jobs.folder / "state" / "runs").iterdir()) == []
