"""One payload of a job again: rebuilt from the trace or the store, sent to fresh containers, compared."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple

from sagemaker_transform_emulator.errors import StorageError, UsageError
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.jobs.input_objects import objects_of
from sagemaker_transform_emulator.jobs.instances import Services
from sagemaker_transform_emulator.jobs.record_path import Reading
from sagemaker_transform_emulator.jobs.single_payloads import Outcome, job_of, rehearse
from sagemaker_transform_emulator.s3.client import S3Object, Storage
from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy, SplitType, TransformJob
from sagemaker_transform_emulator.trace.store import TracedHop, TracedInvocation
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.payloads import records_of

_SHOWN_BYTES = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent again.

    `model` and `job` are the requests to send it with, `job_as_run` is that of the job. `before` is the
    traced invocation, where there is one. `replaced` are places in S3 that were written for this replay:
    objects there are read, whatever the trace holds.
    """

    record: int
    model: dict[str, Any]
    job: dict[str, Any]
    job_as_run: dict[str, Any]
    before: TracedInvocation | None = None
    object: str = ""
    replaced: tuple[S3Location, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True)
class Replayed:
    """An invocation as it was and as it is now, sending by sending. `note` says what is not as it was."""

    before: TracedInvocation | None
    outcomes: tuple[Outcome, ...]
    note: str = ""

    @property
    def now(self) -> Outcome:
        """The last sending's outcome."""
        return self.outcomes[-1]

    @property
    def change(self) -> str:
        """The difference to what the job saw, in words."""
        if self.before is None or not self.before.hops:
            return "the trace does not keep this record's first answer: nothing to compare with"
        was, now = self.before.hops[-1], self.now
        if was.status != now.status:
            return f"changed: status {was.status or 'none'} → {now.status or 'none'}"
        difference = _difference(was, now.body)
        if difference:
            return difference
        if bool(self.before.error) != bool(now.error):
            return f"changed: the same answer, but then {_fate(self.before.error)}, now {_fate(now.error)}"
        if was.answer_size > len(was.answer_body or b""):
            kept = len(was.answer_body or b"")
            return f"unchanged: the same status, size and first {kept} bytes, more are not in the trace"
        return "unchanged: the same status and the same bytes"


async def replay(wanted: Wanted, services: Services) -> Replayed:
    """The payload with the record went through fresh containers, `times` times on the same connections.

    It is the payload the job sent, byte for byte, unless settings that make payloads were changed. Raises
    UsageError when it is neither in the trace nor in the store, and RecordError when filtering it fails.
    """
    model = await admit_model(wanted.model, services.storage)
    job = job_of(wanted.job)
    async with rehearse(model, job, services) as rehearsal:
        payload, source, note = await find_payload(wanted, job, rehearsal.path, services.storage)
        outcomes = [await rehearsal.send(payload, source) for _ in range(max(wanted.times, 1))]
        return Replayed(wanted.before, tuple(outcomes), note)


async def find_payload(
    wanted: Wanted, job: TransformJob, path: Reading, storage: Storage
) -> tuple[Payload, S3Location, str]:
    """The payload that holds the record, the object it is from, and a note on what is not as it was."""
    before, same = wanted.before, _what_is_same(wanted, job)
    if before is not None:
        traced = _from_trace(wanted.record, before, same, path)
        if traced is not None:
            return traced, S3Location.parse(before.object), ""
    try:
        for source in await _sources(wanted, job, storage, same):
            found = await _payload_with(wanted.record, source, path, storage)
            if found is not None:
                note = _note(before, found) if same.payloads else ""
                return found, source.location, note
    except StorageError as error:
        if error.blame == "InternalServerError":
            raise
    why = (
        "with these settings its payload is another one than the trace holds"
        if before and before.original is not None
        else "the trace does not hold all of its payload"
    )
    raise UsageError(
        f"Record {wanted.record} has to be read again, for {why}, and it is not in the store, in "
        f"{before.object if before else job.transform_input.s3_uri}",
        remedy="--put the input again; --trace all keeps payloads up to 1 MiB",
    )


def _from_trace(record: int, before: TracedInvocation, same: _Same, path: Reading) -> Payload | None:
    """The payload as the job sent it, or the record out of it, for lines that now are sent one by one."""
    split_type = path.job.transform_input.split_type
    if before.original is None or not same.input or not same.records:
        return None
    records = records_of(before.original, split_type, before.records)
    if same.payloads:
        return path.payload_of(records, before.first_record, before.first_byte)
    if split_type is SplitType.LINE and path.parameters.batch_strategy is BatchStrategy.SINGLE_RECORD:
        at = record - before.first_record
        return path.payload_of([records[at]], record, before.first_byte + sum(map(len, records[:at])))
    return None


class _Same(NamedTuple):
    """Whether the input, and the settings that cut records and payloads, are those of the job."""

    input: bool
    records: bool
    payloads: bool


def _what_is_same(wanted: Wanted, job: TransformJob) -> _Same:
    then = TransformJob.from_request(wanted.job_as_run)
    replaced = wanted.before is not None and any(
        wanted.before.object.startswith(str(place)) for place in wanted.replaced
    )
    source, was = job.transform_input, then.transform_input
    same_records = (source.split_type, source.compression_type) == (was.split_type, was.compression_type)
    return _Same(
        input=not replaced and (source.s3_uri, source.s3_data_type) == (was.s3_uri, was.s3_data_type),
        records=same_records,
        payloads=same_records
        and (job.batch_strategy, job.max_payload_in_mb) == (then.batch_strategy, then.max_payload_in_mb),
    )


async def _sources(wanted: Wanted, job: TransformJob, storage: Storage, same: _Same) -> list[S3Object]:
    """The objects that may hold the record: the traced one, or all inputs whose URI ends as asked."""
    if wanted.before is not None and (same.input or wanted.replaced):
        return [await storage.head(S3Location.parse(wanted.before.object))]
    found = [item.source for item in await objects_of(job, storage, lambda _: None)]
    return [source for source in found if str(source.location).endswith(wanted.object)]


async def _payload_with(record: int, source: S3Object, path: Reading, storage: Storage) -> Payload | None:
    async with aclosing(path.payloads(storage.read(source))) as payloads:
        async for payload in payloads:
            if payload.first_record <= record < payload.first_record + len(payload.records):
                return payload
    return None


def _note(before: TracedInvocation | None, payload: Payload) -> str:
    if before is None:
        return ""
    then = (before.first_record, before.records, before.first_byte, before.size)
    now = (payload.first_record, len(payload.records), payload.offset, payload.size)
    return "" if then == now else f"the object is another one now; the job sent {before.where}"


def _difference(was: TracedHop, new: bytes) -> str:
    """The first byte that differs; "" when all that is kept is the same."""
    old = was.answer_body or b""
    whole = len(old) == was.answer_size
    if old == new or (not whole and len(new) == was.answer_size and new.startswith(old)):
        return ""
    place = next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    shown = slice(place, place + _SHOWN_BYTES)
    return f"changed at byte {place}: {old[shown]!r} → {new[shown]!r} ({was.answer_size} → {len(new)} bytes)"


def _fate(error: str) -> str:
    return f"it failed ({error.splitlines()[0]})" if error else "it is written"
