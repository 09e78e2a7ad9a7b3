"""The stored jobs: readable while they run, after a kill, and bounded."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis, diagnosis_of_json
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.trace import job_store
from sagemaker_transform_emulator.trace.job_keeping import hashes
from sagemaker_transform_emulator.trace.job_store import JobStore, StoredJob

JOB = StoredJob(
    "Job", "us-east-1", "000000000000", "gone", "run", {"TransformJobName": "Job"}, {}, time.time()
)


def test_a_job_is_seen_while_its_run_lives_and_failed_when_it_was_killed(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with open_workspace(tmp_path) as workspace:
        folder = store.add(replace(JOB, owner=workspace.run_id))
        folder.log(1.5, "container-1", "hello")
        [(path, found)] = store.find("job")
        assert (found.status, found.ended) == ("InProgress", None)
        assert store.log_lines(path) == [{"at": 1.5, "stream": "container-1", "message": "hello"}]
    [(_, found)] = store.find("JOB")
    assert (found.status, found.note) == ("Failed", job_store.INTERRUPTED)
    folder.change(status="Stopping")
    assert next(store.jobs())[1].status == "Stopped"
    folder.change(status="Completed", ended=5.0)
    folder.close()
    assert (next(store.jobs())[1].status, next(store.jobs())[1].note) == ("Completed", "")


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        JobStore(tmp_path).add(JOB).close()
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "jobs").rglob("*") if path.is_file()}
    assert modes == {0o600}
    folders = [tmp_path / "jobs", *(path for path in (tmp_path / "jobs").iterdir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_what_a_crash_left_half_written_is_no_error(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    store.add(replace(JOB, ended=1.0)).close()
    [(path, _)] = store.jobs()
    with (path / "log.jsonl").open("a") as log:
        log.write('{"at": 1, "stream": "a", "message": "whole"}\n{"at": 2, "str')
    assert [line["message"] for line in store.log_lines(path)] == ["whole"]
    (path / "job.json").write_text('{"version": 1, "na')
    assert list(store.jobs()) == []
    (path / "job.json").write_text('{"version": 99}')
    assert list(store.jobs()) == []


def test_retention_is_bounded_and_spares_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "MOST_JOBS", 3)
    store = JobStore(tmp_path)
    now = time.time()
    with open_workspace(tmp_path) as workspace:
        running = replace(JOB, name="running", owner=workspace.run_id, created=now - 50)
        store.add(running).close()
        for number in range(5):
            store.add(replace(JOB, name=f"job-{number}", created=now - 10 + number, ended=now)).close()
        assert [job.name for _, job in store.jobs()] == ["job-4", "job-3", "job-2", "running"]
        monkeypatch.setattr(job_store, "MOST_AGE_S", 7.5)
        store.prune()
        assert [job.name for _, job in store.jobs()] == ["job-4", "job-3", "running"]
        assert store.remove() == ["job-4", "job-3"]
        assert [job.name for _, job in store.jobs()] == ["running"]


def test_a_diagnosis_comes_back_from_its_json_and_a_newer_one_is_read(tmp_path: Path) -> None:
    told = Diagnosis(
        "s3://b/k", "record 1", "b'x'", "c", "status 400", ("line",), "cause", "remedy", 1, 1, 0, 1
    )
    assert diagnosis_of_json({**told.as_json(), "from_later": 1}) == told


def test_the_hashes_tell_one_content_from_another(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text("1")
    whole = hashes(tmp_path)
    assert set(whole) == {"a", "sub/b"}
    assert hashes(tmp_path / "a") == {".": whole["a"]}
    (tmp_path / "a").write_text("2")
    assert hashes(tmp_path)["a"] != whole["a"]
