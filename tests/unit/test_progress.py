"""What is told of a job while it runs: waits, retries, progress; each once when it is worth it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sagemaker_transform_emulator.cli.progress import Watch, figures
from sagemaker_transform_emulator.jobs.health import _counted
from sagemaker_transform_emulator.jobs.invocation import Waiting
from sagemaker_transform_emulator.transform.batching import Payload


def run(waiting: list[Waiting], **progress: Any) -> Any:
    invoker = SimpleNamespace(waiting=lambda: list(waiting))
    known = {"records": 0, "bytes_in": 0, "objects_done": 0, "retries": 0}
    return SimpleNamespace(progress=SimpleNamespace(instances=[invoker], **(known | progress)))


def in_container(key: tuple[int, int], attempt: int = 1) -> Waiting:
    return Waiting(key, "s3://b/in/a.csv", Payload(3, 8, [b"1,2\n"], b"1,2\n"), "container-2", attempt)


def test_a_record_that_hangs_is_named_after_ten_seconds_and_when_that_has_doubled() -> None:
    told: list[str] = []
    waiting = [in_container((1, 1))]
    watch = Watch(run(waiting), told.append, lambda: None)
    for second in range(100, 160):
        watch.look(float(second))
    assert told == [
        f"waiting: s3://b/in/a.csv: record 3 (bytes 8 to 11) has been in container-2 for {seconds} s"
        for seconds in (10, 20, 40)
    ]
    assert watch.last_words(159.0) == [
        "stopped while s3://b/in/a.csv: record 3 (bytes 8 to 11) has been in container-2 for 59 s"
    ]


def test_records_that_go_on_are_not_told_of() -> None:
    told: list[str] = []
    waiting: list[Waiting] = []
    watch = Watch(run(waiting), told.append, lambda: None)
    for second in range(100, 160):
        waiting[:] = [in_container((second // 9, 0), attempt=2)]
        watch.look(float(second))
    assert told == []


def test_retries_are_told_when_there_are_more() -> None:
    told: list[str] = []
    job = run([], retries=2)
    watch = Watch(job, told.append, lambda: "running")
    watch.look(1e12)
    watch.look(2e12)
    job.progress.retries = 3
    watch.look(3e12)
    retried = [text for text in told if text.startswith("retried")]
    assert retried == [f"retried: {count} attempts beyond the first so far" for count in (2, 3)]
    assert told.count("running") == 3


def test_the_remaining_time_is_that_of_the_bytes() -> None:
    shown = figures(run([], records=1000, bytes_in=250, objects_done=1), 10.0, 4, 1000)
    assert shown == "1,000 records  100/s  object 2 of 4  25%, 0:30 to go"
    assert figures(run([]), 0.0, 1, 0) == "0 records  0/s  object 1 of 1"


def test_equal_lines_are_counted() -> None:
    assert _counted(["a", "a", "a", "b", "a"]) == ["a  (3 times)", "b", "a"]
