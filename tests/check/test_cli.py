"""`emulator check` as a user runs it: what can be named, exit codes, files, mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from harness import ROOT
from typer.testing import CliRunner

from sagemaker_transform_emulator.cli import app
from sagemaker_transform_emulator.errors import EmulatorError, UsageError
from sagemaker_transform_emulator.jobs.single_payloads import rehearsal_job
from sagemaker_transform_emulator.tools.check.samples import given, read_records
from sagemaker_transform_emulator.tools.check.target import Wishes, checked_job, chosen_sample, find_target

FAST = ("--only", "ping", "--only", "invocations", "--record", "a,b", "--content-type", "text/csv")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "emulator.toml").write_text(
        f'runtime = "process"\n[[images]]\nmatch = "faulty*"\ncommand = ["{{python}}", "-m", '
        f'"sagemaker_transform_emulator.containers.faulty"]\ndirectory = "{ROOT}"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_an_image_that_keeps_the_contract(here: Path) -> None:
    done = run("faulty", *FAST)
    assert done.exit_code == 0, done.output
    assert "container-1  faulty (process), healthy after" in done.stdout
    assert done.stdout.endswith("0 errors, 0 warnings, 0 notes\n")


def test_one_that_breaks_it_ends_with_4_and_writes_the_files_that_ci_reads(here: Path) -> None:
    done = run(
        "faulty", *FAST, "--env", "FAULT=first-only,ping-body", "--junit", "j.xml", "--sarif", "s.json"
    )
    assert done.exit_code == 4, done.output
    assert "error records-lost  container-1: 10 records gave 1 lines" in done.stdout
    assert "remedy: answer one line for each record" in done.stdout
    assert "1 error, 0 warnings, 1 note" in done.stdout
    assert ET.parse(here / "j.xml").getroot().tag == "testsuites"
    assert json.loads((here / "s.json").read_text())["runs"][0]["results"]


def test_warnings_alone_are_no_violation(here: Path) -> None:
    done = run("faulty", *FAST, "--env", "FAULT=untyped", "--json")
    assert done.exit_code == 0
    assert [finding["id"] for finding in json.loads(done.stdout)["findings"]] == ["answer-untyped"]


def test_a_directory_with_job_and_records(here: Path) -> None:
    folder = here / "mine"
    folder.mkdir()
    container = {"Image": "faulty", "ContainerHostname": "letters"}
    (folder / "model.json").write_text(json.dumps({"ModelName": "m", "PrimaryContainer": container}))
    (folder / "job.json").write_text(json.dumps({"Environment": {"FAULT": "charset"}}))
    (folder / "records.csv").write_text("a,b\r\nc,d\r\n")
    done = run("mine", "--only", "invocations", "--accept", "text/csv", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [(finding["subject"], finding["id"]) for finding in report["findings"]] == [
        ("letters", "answer-charset")
    ]
    assert report["containers"][0]["sample"] == "mine/records.csv"


def failure(*arguments: str) -> EmulatorError:
    done = run(*arguments)
    assert isinstance(done.exception, EmulatorError), done.output
    return done.exception


def test_mistakes_are_named(here: Path) -> None:
    (here / "empty").mkdir()
    assert "empty holds no model.json" in failure("empty").message
    assert "Cannot read absent.json" in failure("absent.json").message
    assert "neither a group nor a check" in failure("faulty", "--only", "pong").message
    assert "there is no such file" in failure("faulty", "--model-data", "absent.tar.gz").message
    assert "Cannot read absent.csv" in failure("faulty", "--records", "absent.csv").message
    unknown = failure("nobody-knows-this")
    assert "nobody-knows-this" in unknown.message
    assert unknown.remedy


def test_model_data_goes_with_an_image_only(here: Path) -> None:
    (here / "m.json").write_text("{}")
    with pytest.raises(UsageError, match="--model-data goes with an image"):
        find_target("m.json", "s3://b/model.tar.gz")
    assert find_target("img", "s3://b/k").model["PrimaryContainer"]["ModelDataUrl"] == "s3://b/k"


def test_flags_go_over_the_job_file(here: Path) -> None:
    wishes = Wishes(
        records=("1,2", "1,2", "3,4\n"), content_type="text/csv", accept="text/csv",
        assignments=("SplitType=Line", "MaxPayloadInMB=2"), environment=("A=b",),
    )  # fmt: skip
    target = find_target("img")
    job = checked_job(target, wishes)
    assert (job.max_payload_in_mb, job.environment) == (2, {"A": "b"})
    sample = chosen_sample(target, wishes, job)
    assert sample is not None
    assert (sample.records, sample.content_type, sample.is_lines) == ((b"1,2", b"3,4"), "text/csv", True)


@pytest.mark.parametrize(
    ("name", "content_type", "records"),
    [
        ("r.csv", "text/csv", (b"a", b"b")),
        ("r.jsonl", "application/jsonlines", (b"a", b"b")),
        ("r.json", "application/json", (b"a\nb\n",)),
        ("r.bin", None, (b"a\nb\n",)),
    ],
)
def test_a_file_of_records_is_read_by_its_type(
    tmp_path: Path, name: str, content_type: str | None, records: tuple[bytes, ...]
) -> None:
    (tmp_path / name).write_bytes(b"a\nb\n")
    sample = read_records(tmp_path / name, None, rehearsal_job("m"))
    assert (sample.content_type, sample.records) == (content_type, records)


def test_a_file_without_records_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"\n\n")
    with pytest.raises(UsageError, match="holds no record"):
        read_records(tmp_path / "r.csv", None, rehearsal_job("m"))


@pytest.mark.rule("R3.1")
def test_the_users_records_go_through_the_input_filter() -> None:
    settings = rehearsal_job(
        "m", ContentType="text/csv", SplitType="Line", DataProcessing={"InputFilter": "$[1:]"}
    )
    sample = given([b"id1,1,2", b"id2,3,4\r\n"], "text/csv", settings, "--record")
    assert (sample.records, sample.origin) == ((b"1,2", b"3,4"), "--record, after the InputFilter")
    with pytest.raises(UsageError, match=r"--record: Invalid JsonPath: .* index 1 "):
        given([b"1"], "text/csv", settings, "--record")
