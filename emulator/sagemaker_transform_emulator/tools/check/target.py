"""What the user named, as requests: an image, CreateModel's request in a file, or a directory of files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import DEFAULT_REGION, DUMMY_KEYS, StoreAddress
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.services import read_request
from sagemaker_transform_emulator.jobs.single_payloads import job_of
from sagemaker_transform_emulator.sagemaker.field_paths import set_environment, set_fields
from sagemaker_transform_emulator.sagemaker.requests import TransformJob
from sagemaker_transform_emulator.tools.check.samples import Sample, given, read_records

_ROLE = "arn:aws:iam::000000000000:role/emulator-check"
_URI = "s3://emulator-check/records"


@dataclass(frozen=True, slots=True)
class Target:
    """The requests as dicts, and the file of records where there is one."""

    name: str
    model: dict[str, Any]
    job: dict[str, Any]
    records: Path | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What flags say about records and the job."""

    records: tuple[str, ...] = ()
    records_file: Path | None = None
    content_type: str | None = None
    accept: str | None = None
    assignments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


def find_target(text: str, model_data: str | None = None) -> Target:
    """The requests of a directory or a file of that name, else those for the image of that name.

    Raises UsageError for a directory without model.json, and for `model_data` besides a model.
    """
    path = Path(text)
    if not path.exists() and path.suffix != ".json":
        image = {"Image": text, **({"ModelDataUrl": model_data} if model_data else {})}
        return Target(text, {"ModelName": "checked", "PrimaryContainer": image}, {})
    if model_data:
        raise UsageError("--model-data goes with an image", remedy="set ModelDataUrl in the model's request")
    if not path.is_dir():
        return Target(text, read_request(path, "CreateModel"), {})
    model, job = path / "model.json", path / "job.json"
    if not model.exists():
        raise UsageError(
            f"{path} holds no model.json",
            remedy="put CreateModel's request there, as --cli-input-json takes it",
        )
    return Target(
        text,
        read_request(model, "CreateModel"),
        read_request(job, "CreateTransformJob") if job.exists() else {},
        _records_in(path),
    )


def checked_job(target: Target, wishes: Wishes) -> TransformJob:
    """The job whose requests the containers get. Raises UsageError and ServiceError."""
    request = dict(target.job)
    request.setdefault("TransformJobName", "check")
    request["ModelName"] = target.model.get("ModelName", "checked")
    source = request.setdefault("TransformInput", {}).setdefault("DataSource", {})
    source.setdefault("S3DataSource", {"S3DataType": "S3Prefix", "S3Uri": _URI})
    output = request.setdefault("TransformOutput", {})
    output.setdefault("S3OutputPath", _URI)
    request.setdefault("TransformResources", {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1})
    if wishes.content_type is not None:
        request["TransformInput"]["ContentType"] = wishes.content_type
    if wishes.accept is not None:
        output["Accept"] = wishes.accept
    set_fields(request, wishes.assignments)
    set_environment(request, wishes.environment)
    return job_of(request)


def chosen_sample(target: Target, wishes: Wishes, job: TransformJob) -> Sample | None:
    """The records that flags, or else the directory, give; None leaves it to the image's kind."""
    kind = job.transform_input.content_type
    if wishes.records:
        return given([text.encode() for text in wishes.records], kind, job, "--record")
    path = wishes.records_file or target.records
    return read_records(path, kind, job) if path else None


def complete(model: dict[str, Any]) -> dict[str, Any]:
    """The model's request with what a check does not care about."""
    return {"ExecutionRoleArn": _ROLE, **model}


def nobody() -> StoreAddress:
    """A store that is not there, for models that need none."""
    return StoreAddress("http://127.0.0.1:9", DEFAULT_REGION, *DUMMY_KEYS)


def needs_store(model: dict[str, Any]) -> bool:
    """Whether a container of the model has model data."""
    definitions = model.get("Containers") or [model.get("PrimaryContainer") or {}]
    return any(definition.get("ModelDataUrl") for definition in definitions)


def _records_in(folder: Path) -> Path | None:
    """`records`, `records.*`, or the first file below `records/` or `input/`."""
    named = [path for path in sorted(folder.glob("records*")) if path.is_file()]
    below = [
        path for name in ("records", "input") for path in sorted((folder / name).glob("*")) if path.is_file()
    ]
    return next(iter(named + below), None)
