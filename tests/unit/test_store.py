"""The emulator's memory: what is in it stays, in any case, and a broken disk is said aloud."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sagemaker_transform_emulator.errors import MachineError, NameTakenError
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, LogWindow, ModelRecord, Place
from sagemaker_transform_emulator.server.database import Store

HERE, THERE = Place(), Place("123456789012", "eu-west-1")


def job(name: str, place: Place = HERE, ended: float | None = None) -> JobRecord:
    return JobRecord(place, {"TransformJobName": name}, {}, JobStatus.IN_PROGRESS, 1.0, 1.0, ended=ended)


def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "db")
    model = ModelRecord(HERE, "m", {"ModelName": "m"}, 1.0)
    first.add_model(model)
    first.add_job(job("Job"))
    first.set_tags(model.arn, {"a": "b"})
    first.create_streams(HERE, ["Job/x"], 5)
    first.log(first.streams(HERE)[0].id, 7, "line\x00 ü")
    first.close()
    second = Store(tmp_path / "db")
    assert second.model(HERE, "m") == model
    assert second.job(HERE, "jOB") == job("Job")
    assert second.unfinished_jobs() == [job("Job")]
    assert second.tags(model.arn) == {"a": "b"}
    (stream,) = second.streams(HERE, "Job/")
    assert (stream.first, stream.last) == (7, 7)
    second.log(stream.id, 6, "earlier")
    events = second.events(stream.id, LogWindow())
    assert [(event.time, event.message, event.position) for event in events] == [
        (7, "line\x00 ü", 1),
        (7, "earlier", 2),
    ]
    second.close()


@pytest.mark.rule("R1.25")
def test_names_are_taken_within_account_and_region_and_jobs_in_any_case() -> None:
    store = Store(":memory:")
    store.add_job(job("Job"))
    store.add_job(job("Job", THERE))
    with pytest.raises(NameTakenError):
        store.add_job(job("jOB"))
    store.add_model(ModelRecord(HERE, "m", {}, 1.0))
    with pytest.raises(NameTakenError):
        store.add_model(ModelRecord(HERE, "m", {}, 1.0))
    assert [record.place for record in store.jobs(THERE)] == [THERE]
    store.close()


def test_a_prefix_is_a_prefix_and_no_pattern() -> None:
    store = Store(":memory:")
    names = ["a%/x", "a_/x", "ab/x", "a%/y", "Ü/x"]
    store.create_streams(HERE, names, 0)
    assert [stream.name for stream in store.streams(HERE, "a%/")] == ["a%/x", "a%/y"]
    assert [stream.name for stream in store.streams(HERE, "Ü")] == ["Ü/x"]
    assert store.streams(THERE) == []
    assert (store.oldest_stream(HERE) is None, store.oldest_stream(THERE)) == (False, None)
    store.close()


def test_a_hundred_thousand_lines_are_kept_in_order_while_others_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create_streams(HERE, ["x"], 0)
    stream = store.streams(HERE)[0].id
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            events = store.events(stream, LogWindow(after=seen[-1] if seen else 0))
            seen.extend(event.position for event in events)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100_000):
        store.log(stream, number // 50, f"line {number}")
    done.set()
    reader.join()
    after = store.events(stream, LogWindow(after=seen[-1] if seen else 0))
    assert seen + [event.position for event in after] == list(range(1, 100_001))
    last = store.events(stream, LogWindow(limit=1, from_end=True))
    assert [event.message for event in last] == ["line 99999"]
    store.close()


def test_47_a_disk_that_cannot_be_written_is_told_and_forgotten_when_it_can(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store._db.execute("pragma query_only = on")
    with pytest.raises(MachineError, match="cannot be used: attempt to write a readonly database"):
        store.add_job(job("j"))
    assert "readonly" in store.broken
    store._db.execute("pragma query_only = off")
    store.add_job(job("j"))
    assert store.broken == ""
    store.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="no-such/db cannot be used"):
        Store(tmp_path / "no-such/db")


def test_clear_forgets_everything_also_lines_on_their_way() -> None:
    store = Store(":memory:")
    store.add_job(job("j"))
    store.create_streams(HERE, ["x"], 0)
    before = store.streams(HERE)[0].id
    store.log(before, 1, "a")
    store.clear()
    assert (store.jobs(HERE), store.streams(HERE)) == ([], [])
    store.create_streams(HERE, ["x"], 0)
    store.update_job(job("j", ended=2.0))  # a job that took its time to end
    store.log(before, 1, "its last words")
    assert store.jobs(HERE) == []
    stream = store.streams(HERE)[0].id
    store.log(stream, 1, "b")
    assert [event.message for event in store.events(stream, LogWindow())] == ["b"]
    store.close()
