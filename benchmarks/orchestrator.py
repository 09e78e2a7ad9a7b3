"""What the orchestrator adds to the containers: time, memory, and what tracing costs on top.

    python benchmarks/orchestrator.py [--only overhead] [--rounds 5] [--records 10000] [--size 1024] [--json]

overhead   the whole job path, SingleRecord, on an echo server against the bare loop of transport.py on the
           same server process. Each round runs bare, job, bare, so that a noisy machine disturbs both; the
           figure to look at is the median over the rounds of job / bare. CPU time is that of this process,
           all its threads, and suffers less from neighbours.
tracing    the same job with `--trace off`, `errors`, `sample` and `all` in turns, each against `off`.
pipeline   made-up penguins through the two serving containers, local processes or (--runtime docker) images.
memory     one object of --size MiB through `emulator run`, MultiRecord, see memory.py. Needs MinIO.

The time of a job is that from the object's first byte to its visible output; what starting and stopping
cost besides is the last column.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import memory
from attached import Stretch, job, put, run_attached, store
from transport import LINE, bare, echo_server, measured

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.jobs.events import Event, ObjectCompleted, ObjectStarted
from sagemaker_transform_emulator.jobs.instances import JobRun
from sagemaker_transform_emulator.library import run_transform_job
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.trace.recorder import Mode, Recorder, record_policy

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data"
BARE_SECONDS = 0.5
COLUMNS = (
    ("records_per_s", "records/s", 9, ",.0f"),
    ("wall_us", "us", 8, ".1f"),
    ("cpu_us", "CPU us", 8, ".1f"),
    ("bare_us", "bare us", 8, ".1f"),
    ("bare_cpu_us", "bare CPU", 9, ".1f"),
    ("ratio", "ratio", 6, ".2f"),
    ("cpu_ratio", "CPU ratio", 9, ".2f"),
    ("sparkml_us", "SparkML us", 10, ".0f"),
    ("xgboost_us", "XGBoost us", 10, ".0f"),
    ("ours_us", "ours us", 8, ".1f"),
    ("peak_mib", "peak MiB", 8, ".0f"),
    ("mib_per_s", "MiB/s", 7, ".1f"),
    ("slope", "MiB/GiB", 8, ".1f"),
    ("besides_s", "besides s", 9, ".2f"),
)
Report = dict[str, Any]


def overhead(options: argparse.Namespace) -> Report:
    """The job path in microseconds per record, and as ratios to the bare loop."""
    found: list[Report] = []
    with store() as (kind, address), echo_server() as port:
        uri = seeded(address, LINE, options.records)
        run_attached(port, address, uri)  # the first job of a process imports half of boto3
        before = measured(bare, port, BARE_SECONDS)
        for _ in range(options.rounds):
            stretch = run_attached(port, address, uri)
            after = measured(bare, port, BARE_SECONDS)
            found.append(
                {
                    **figures(stretch),
                    "bare_us": (before.wall_us + after.wall_us) / 2,
                    "bare_cpu_us": (before.cpu_us + after.cpu_us) / 2,
                    "ratio": 2 * stretch.wall_us / (before.wall_us + after.wall_us),
                    "cpu_ratio": 2 * stretch.cpu_us / (before.cpu_us + after.cpu_us),
                }
            )
            before = after
    return {"store": kind, "rows": {"job path": summed(found)}}


def tracing(options: argparse.Namespace) -> Report:
    """Each mode of --trace in microseconds per record, and as ratios to `off` in the same round."""
    modes: tuple[Mode, ...] = get_args(Mode)
    found: dict[str, list[Report]] = {mode: [] for mode in modes}
    with store() as (kind, address), echo_server() as port:
        uri = seeded(address, LINE, options.records)
        run_attached(port, address, uri)
        for _ in range(options.rounds):
            stretches = {mode: traced(port, address, uri, mode) for mode in modes}
            off = stretches["off"]
            for mode, stretch in stretches.items():
                ratios = {
                    "ratio": stretch.wall_us / off.wall_us,
                    "cpu_ratio": stretch.cpu_us / off.cpu_us,
                }
                found[mode].append({**figures(stretch), **ratios})
    return {"store": kind, "rows": {mode: summed(rounds) for mode, rounds in found.items()}}


def traced(port: int, address: StoreAddress, uri: str, mode: Mode) -> Stretch:
    """One job whose invocations a Recorder gets, as `emulator run --trace` does it."""
    recorders: list[Recorder] = []

    with tempfile.TemporaryDirectory() as folder:

        def setup(run: JobRun) -> None:
            policy = record_policy(mode)
            recorder = Recorder(Path(folder) / "trace.sqlite", policy, {})
            recorders.append(recorder)
            run.sink = both(run.sink, recorder)
            run.record_invocations = policy.wants_invocations

        try:
            return run_attached(port, address, uri, setup=setup)
        finally:
            recorders[0].close()


def pipeline(options: argparse.Namespace) -> Report:
    """Penguins a second through SparkML and XGBoost, and where the time went.

    SparkML's container asks for as many concurrent transforms as it has CPUs; one at a time is the closed
    loop in which the shares add up.
    """
    penguins = subprocess.run(
        [sys.executable, SAMPLE / "generate.py", str(options.penguins)], capture_output=True, check=True
    ).stdout
    with store() as (kind, address):
        storage = Storage(address)
        uri = put(storage, "in/penguins.csv", penguins)
        containers = json.loads((SAMPLE / "model.json").read_text())["Containers"]
        for container, name in zip(containers, ("sparkml", "xgboost"), strict=True):
            archive = (SAMPLE / "models" / name / "model.tar.gz").read_bytes()
            container["ModelDataUrl"] = put(storage, f"models/{name}.tar.gz", archive)
        storage.close()
        rounds: dict[str, list[Report]] = {"1 at a time": [], "as SparkML asks": []}
        for _ in range(min(options.rounds, 2)):
            for name, fields in zip(rounds, ({"MaxConcurrentTransforms": 1}, {}), strict=True):
                request = job(uri, TransformJobName="penguins", **fields)
                rounds[name].append(through_both(containers, request, address, options.runtime))
    rows = {name: summed(found) for name, found in rounds.items()}
    return {"store": kind, "runtime": options.runtime, "rows": rows}


def through_both(containers: list[Any], request: Report, address: StoreAddress, runtime: str) -> Report:
    """One job, its containers started and stopped. `ours_us` is what the containers were not asked in."""
    clock: dict[type[Event], tuple[float, float]] = {}

    def sink(event: Event) -> None:
        clock[type(event)] = (time.perf_counter(), time.process_time())

    began = time.perf_counter()
    settings = Settings.model_validate({"runtime": runtime, "pull": "never"})
    run = run_transform_job(
        {"ModelName": "m", "Containers": containers}, request, settings=settings, store=address, sink=sink
    )
    job_s = time.perf_counter() - began
    assert run.status is JobStatus.COMPLETED, run.error
    records = run.records
    (wall, cpu), (wall_end, cpu_end) = clock[ObjectStarted], clock[ObjectCompleted]
    waited = list(run.container_seconds.values())
    at_once = request.get("MaxConcurrentTransforms") or os.cpu_count() or 1
    return {
        "wall_us": (wall_end - wall) / records * 1e6,
        "cpu_us": (cpu_end - cpu) / records * 1e6,
        "besides_s": job_s - (wall_end - wall),
        "sparkml_us": waited[0] / records * 1e6,
        "xgboost_us": waited[1] / records * 1e6,
        "ours_us": (wall_end - wall - sum(waited) / at_once) / records * 1e6,
    }


def figures(stretch: Stretch) -> Report:
    """A stretch as numbers."""
    data_s = stretch.wall_us * stretch.run.progress.records / 1e6
    return {"wall_us": stretch.wall_us, "cpu_us": stretch.cpu_us, "besides_s": stretch.job_s - data_s}


def summed(rounds: list[Report]) -> Report:
    """The median of every figure over the rounds, the spread of the ratio, and the rounds themselves."""
    medians = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    leading = [found.get("ratio", found["wall_us"]) for found in rounds]
    rate = 1e6 / medians["wall_us"]
    return {
        **medians,
        "records_per_s": rate,
        "spread": [min(leading), max(leading)],
        "rounds": rounds,
    }


def seeded(address: StoreAddress, line: bytes, records: int) -> str:
    """The URI of an object with that many records."""
    storage = Storage(address)
    try:
        return put(storage, f"in/{records}.csv", line * records)
    finally:
        storage.close()


def both(first: Callable[[Event], None], second: Callable[[Event], None]) -> Callable[[Event], None]:
    """A sink that passes every event to two others."""

    def pass_on(event: Event) -> None:
        first(event)
        second(event)

    return pass_on


def table(title: str, report: Report) -> str:
    """The report for people."""
    some = next(iter(report["rows"].values()))
    shown = [column for column in COLUMNS if column[0] in some]
    head = f"{'':18}" + " ".join(f"{text:>{width}}" for _, text, width, _ in shown) + "  spread"
    lines = [f"{title} ({', '.join(str(value) for key, value in report.items() if key != 'rows')})", head]
    for name, row in report["rows"].items():
        cells = " ".join(f"{row[key]:>{width}{form}}" for key, _, width, form in shown)
        spread = "{:.2f} to {:.2f}".format(*row["spread"]) if "spread" in row else ""
        lines.append(f"{name:18}{cells}  {spread}")
        lines += [f"    {note}" for note in row.get("notes", ())]
    return "\n".join(lines)


SUBJECTS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "overhead": overhead,
    "tracing": tracing,
    "pipeline": pipeline,
    "memory": memory.measure,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="just this one (repeatable)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=10_000, help="for overhead and tracing")
    parser.add_argument("--penguins", type=int, default=5_000, help="for pipeline")
    parser.add_argument("--runtime", choices=("process", "docker"), default="process", help="for pipeline")
    parser.add_argument("--size", type=int, default=1024, help="MiB for memory")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    reports: Report = {}
    with tempfile.TemporaryDirectory() as state:
        os.environ["EMULATOR_STATE_DIR"] = state
        for name in options.only or SUBJECTS:
            load = os.getloadavg()[0]
            reports[name] = {**SUBJECTS[name](options), "load before": round(load, 1)}
            if not options.json:
                print(table(name, reports[name]), end="\n\n", flush=True)
    if options.json:
        print(json.dumps(reports, indent=2))


if __name__ == "__main__":
    main()
