"""`emulator diff`: two outputs, record by record."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.tools.output_diff import Comparison, Tolerance, compare, split_records

if TYPE_CHECKING:
    from sagemaker_transform_emulator.trace.job_store import StoredJob

Flag = typer.Option
_LARGEST_BYTES = 2 * 1024**3


def diff(
    left: Annotated[str, typer.Argument(help="A file, an s3://… object, or the name of a job that ran.")],
    right: Annotated[str, typer.Argument(help="The other one, for example downloaded from AWS.")],
    rel_tol: Annotated[float, Flag(help="Relative distance at which numbers are equal.")] = 0.0,
    abs_tol: Annotated[float, Flag(help="Absolute distance at which numbers are equal.")] = 0.0,
    limit: Annotated[int, Flag(help="How many differences to show.")] = 20,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Compare two outputs. Exit code 0 when they agree, 1 when they do not."""
    tolerance = Tolerance(rel_tol, abs_tol)
    jobs = [_job(name) for name in (left, right)]
    if jobs[0] is None or jobs[1] is None:
        result = compare(split_records(_load(left)), split_records(_load(right)), tolerance, shown=limit)
        if as_json:
            print(json.dumps(asdict(result) | {"equal": result.equal}, indent=2))
        else:
            _print(result)
        sys.exit(0 if result.equal else 1)
    sys.exit(0 if _compare_jobs(jobs[0], jobs[1], tolerance, limit, as_json=as_json) else 1)


def _job(name: str) -> StoredJob | None:
    """The newest stored job of that name, unless it is an object or a file."""
    if name.startswith("s3://") or Path(name).is_file():
        return None
    # files are compared without it
    from sagemaker_transform_emulator.trace.job_store import JobStore  # noqa: PLC0415

    return next((job for _, job in JobStore().find(name)), None)


def _compare_jobs(
    left: StoredJob, right: StoredJob, tolerance: Tolerance, limit: int, *, as_json: bool
) -> bool:
    """Whether both jobs have outputs of the same names, and these agree; prints how."""
    ours, theirs = _outputs(left), _outputs(right)
    shown: dict[str, Any] = {}
    for name in sorted(ours.keys() & theirs.keys()):
        result = compare(
            split_records(_output(left, ours[name])), split_records(_output(right, theirs[name])), tolerance,
            shown=limit,
        )  # fmt: skip
        shown[name] = asdict(result) | {"equal": result.equal}
        if not as_json:
            print(name)
            _print(result)
    alone = {job.name: sorted(mine.keys() - other.keys()) for job, mine, other in (
        (left, ours, theirs), (right, theirs, ours))}  # fmt: skip
    if as_json:
        print(json.dumps({"outputs": shown, "only": alone}, indent=2))
    else:
        for name, outputs in alone.items():
            for output in outputs:
                print(f"only {name} has {output}")
    return all(each["equal"] for each in shown.values()) and not any(alone.values())


def _outputs(job: StoredJob) -> dict[str, str]:
    """The URL of each output by its name below S3OutputPath."""
    if not job.outputs:
        raise UsageError(f"{job.name} is {job.status} and has no outputs")
    root = job.request["TransformOutput"]["S3OutputPath"].rstrip("/") + "/"
    return {each["output"].removeprefix(root): each["output"] for each in job.outputs}


def _output(job: StoredJob, url: str) -> bytes:
    for get in job.gets:
        copy = Path(get["folder"]) / url.removeprefix(get["source"]).lstrip("/")
        if url.startswith(get["source"]) and copy.is_file():
            return copy.read_bytes()
    if job.endpoint is None:
        raise UsageError(
            f"{url} of {job.name} was in the built-in store and is gone",
            remedy=f"run it with --get {job.request['TransformOutput']['S3OutputPath']}=FOLDER",
        )
    return _load_object(url, job)


def _load(name: str) -> bytes:
    if name.startswith("s3://"):
        return _load_object(name)
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}") from None


def _load_object(url: str, job: StoredJob | None = None) -> bytes:
    # files are compared without boto3 and an event loop
    from sagemaker_transform_emulator.config import StoreAddress, configured_store  # noqa: PLC0415
    from sagemaker_transform_emulator.processes.event_loop import run_loop  # noqa: PLC0415
    from sagemaker_transform_emulator.s3.client import Storage  # noqa: PLC0415
    from sagemaker_transform_emulator.transform.keys import S3Location  # noqa: PLC0415

    if job is not None:
        from sagemaker_transform_emulator.cli.stored_files import store_of  # noqa: PLC0415

        with store_of(job) as (address, _):
            storage = Storage(address)
    else:
        storage = Storage(configured_store() or StoreAddress())
    try:
        return run_loop(storage.get(S3Location.parse(url), _LARGEST_BYTES))
    finally:
        storage.close()


def _print(result: Comparison) -> None:
    for item in result.differences:
        print(f"record {item.record}, {item.place}: {item.left} | {item.right}  ({item.why})")
    if result.different > len({item.record for item in result.differences}):
        print("…")
    print(
        f"{result.records} records: {result.identical} identical, {result.within} equal within tolerance, "
        f"{result.different} different; largest relative distance {result.largest:.3g}"
    )
