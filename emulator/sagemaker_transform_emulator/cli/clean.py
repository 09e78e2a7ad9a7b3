"""`emulator clean`: removes what killed emulators left on this machine."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from sagemaker_transform_emulator.config import StoreAddress, configured_store, region
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.jobs.services import sweep_leftovers
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.trace.job_store import JobStore
from sagemaker_transform_emulator.trace.store import trace_path


def clean(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what belongs to runs that are under way.")
    ] = False,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Also the stored jobs that have ended: logs, diagnoses, traces.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was removed, as JSON on stdout.")] = False,
) -> None:
    """Remove what killed runs left: containers, networks, volumes, processes, uploads, folders.

    Only things that carry the emulator's label, and its own folders, are touched.
    """
    report = run_loop(_clean(everything=everything)) | {"jobs": _remove_jobs() if jobs else []}
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        _print(report)


def _remove_jobs() -> list[str]:
    """Stored jobs that have ended are gone with their traces; their names."""
    store = JobStore()
    names = store.remove()
    running = {job.name for _, job in store.jobs()}
    for name in set(names) - running:
        for suffix in ("", "-wal", "-shm"):
            trace_path(name).with_name(trace_path(name).name + suffix).unlink(missing_ok=True)
    return names


async def _clean(*, everything: bool) -> dict[str, Any]:
    swept = await sweep_leftovers(configured_store() or StoreAddress(region=region()))
    try:
        removed = await asyncio.to_thread(_clean_engine, everything=everything)
        engine = ""
    except MachineError as error:
        removed, engine = {"containers": [], "networks": [], "volumes": [], "spared": 0}, error.message
    return {
        **removed,
        "processes": swept.processes,
        "uploads": [str(upload.location) for upload in swept.uploads],
        "folders": [str(folder) for folder in swept.folders],
        "engine": engine,
    }


def _clean_engine(*, everything: bool) -> dict[str, Any]:
    # they need the extra [docker]
    from sagemaker_transform_emulator.runtime.docker.engine import connect  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.leftovers import (  # noqa: PLC0415
        remove_everything,
        sweep_engine,
    )

    engine = connect()
    try:
        return asdict(remove_everything(engine) if everything else sweep_engine(engine))
    finally:
        engine.close()


def _print(report: dict[str, Any]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    kinds = ("containers", "networks", "volumes", "uploads", "folders", "jobs")
    for kind in kinds:
        for name in report[kind]:
            console.print(f"removed {kind.removesuffix('s')} {name}")
    if report["processes"]:
        console.print(f"ended {report['processes']} processes")
    if not report["processes"] and not any(report[kind] for kind in kinds):
        console.print("nothing was left behind")
    if report["spared"]:
        console.print(f"{report['spared']} things of runs under way stay; --all removes them too")
    if report["engine"]:
        console.print(f"containers were not looked at: {report['engine']}")
