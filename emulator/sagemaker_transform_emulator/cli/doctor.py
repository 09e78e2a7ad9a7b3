"""`emulator doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sagemaker_transform_emulator.cli.findings import finding_lines
from sagemaker_transform_emulator.config import StoreAddress, configured_store, region
from sagemaker_transform_emulator.errors import EmulatorError, MachineError
from sagemaker_transform_emulator.jobs.services import sweep_leftovers
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.tools.doctor import MachineView, Part, diagnose
from sagemaker_transform_emulator.tools.doctor.engine import LEFTOVERS
from sagemaker_transform_emulator.tools.doctor.machine import ABANDONED
from sagemaker_transform_emulator.tools.doctor.software import (
    JARS_ABSENT,
    JARS_DAMAGED,
    XGBOOST_DAMAGED,
    fetch_jars,
    remove_damaged_xgboost,
)
from sagemaker_transform_emulator.tools.findings import has_errors

Flag = typer.Option


def doctor(
    fix: Annotated[
        bool, Flag("--fix", help="Fetch missing jars, remove what is damaged or was left by killed runs.")
    ] = False,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Look at this machine: Python, Docker, Java, S3, variables. Exit code 3 on an error."""
    at = MachineView()
    parts = diagnose(at)
    fixed = _fix(at, {finding.id for part in parts for finding in part.findings}) if fix else []
    if fixed:
        parts = diagnose(at)
    findings = [finding for part in parts for finding in part.findings]
    if as_json:
        print(json.dumps(_plain(parts, fixed), indent=2))
    else:
        _print(parts, fixed)
    sys.exit(MachineError.exit_code if has_errors(findings) else 0)


def _fix(at: MachineView, found: set[str]) -> list[str]:
    """What was done about the findings that can be mended safely."""
    done = []
    if found & {JARS_ABSENT.id, JARS_DAMAGED.id}:
        done.append(_try("jars", lambda: fetch_jars(at)))
    if XGBOOST_DAMAGED.id in found:
        done.append(_try("XGBoost", lambda: remove_damaged_xgboost(at)))
    if ABANDONED.id in found:
        done.append(_try("runs", lambda: run_loop(_sweep_runs())))
    if LEFTOVERS.id in found:
        done.append(_try("Docker", _sweep_engine))
    return done


def _try(what: str, work: Callable[[], str]) -> str:
    try:
        return f"{what}: {work()}"
    except EmulatorError as error:
        return f"{what}: not mended: {error}"


async def _sweep_runs() -> str:
    swept = await sweep_leftovers(configured_store() or StoreAddress(region=region()))
    return f"{len(swept.folders)} folders removed, {swept.processes} processes ended"


def _sweep_engine() -> str:
    # they need the extra [docker], which is there when leftovers were found
    from sagemaker_transform_emulator.runtime.docker.engine import connect  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.leftovers import sweep_engine  # noqa: PLC0415

    engine = connect()
    try:
        removed = asyncio.run(engine.call(lambda: sweep_engine(engine)))
    finally:
        engine.close()
    return (
        f"{len(removed.containers)} containers, {len(removed.networks)} networks, "
        f"{len(removed.volumes)} volumes removed"
    )


def _plain(parts: tuple[Part, ...], fixed: list[str]) -> dict[str, Any]:
    return {
        "fixed": fixed,
        "findings": [finding.as_dict() for part in parts for finding in part.findings],
        "parts": [{"name": part.name, "facts": list(part.facts)} for part in parts],
    }


def _print(parts: tuple[Part, ...], fixed: list[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for text in fixed:
        console.print(Text(f"fixed  {text}", style="green"))
    for part in parts:
        mark, style = ("ok", "green") if not part.findings else ("..", "yellow")
        line = Text(f"{mark}  {part.name:<13}", style=style)
        line.append("; ".join(part.facts), style="default")
        console.print(line)
        for finding in part.findings:
            for each in finding_lines(finding, note="so"):
                console.print(each)
