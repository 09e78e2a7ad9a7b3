"""`emulator up`: the server of SageMaker's batch transform, its logs and S3."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sagemaker_transform_emulator.config import load_settings, state_directory, user_state_directory
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.extras import require
from sagemaker_transform_emulator.jobs.fault_injection import parse_faults
from sagemaker_transform_emulator.processes.event_loop import run_loop

if TYPE_CHECKING:
    from sagemaker_transform_emulator.s3.store_choice import StoreChoice
    from sagemaker_transform_emulator.server.main import ServerOptions
    from sagemaker_transform_emulator.server.state_directory import About

DEFAULT_PORT = 4566
Flag = typer.Option


def up(
    host: Annotated[
        str, Flag(help="Address to listen on; anything but loopback opens it to others.")
    ] = "127.0.0.1",
    port: Annotated[
        int, Flag(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")
    ] = DEFAULT_PORT,
    state_dir: Annotated[Path | None, Flag(help="Folder for everything the emulator keeps.")] = None,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    s3: Annotated[
        str, Flag(help="auto (AWS_ENDPOINT_URL_S3, else MinIO, else moto), minio or moto.")
    ] = "auto",
    describe_wait: Annotated[
        float | None, Flag(help="Seconds DescribeTransformJob is held open for waiting clients; 0: never.")
    ] = None,
    trace: Annotated[str | None, Flag(help="Keep invocations: off, errors, sample or all.")] = None,
    faults: Annotated[
        list[str] | None, Flag("--fault", help='A fault on demand: "container=2 record=17 status=500".')
    ] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    aws_timing: Annotated[bool, Flag("--aws-timing", help="Ping once a second for 30 minutes.")] = False,
    as_json: Annotated[bool, Flag("--json", help="One line of JSON on stdout when ready.")] = False,
) -> None:
    """Serve SageMaker's batch transform, its logs and S3 until Ctrl-C."""
    require("server", "`emulator up`")
    from sagemaker_transform_emulator.server.main import ServerOptions, serve  # noqa: PLC0415 - the extra [server]

    settings = load_settings(config).changed(
        runtime=runtime, describe_wait_s=describe_wait, trace=trace, faults=faults
    )
    parse_faults(settings.faults)
    folder = (state_dir or state_directory()).absolute()
    plan = ServerOptions(
        settings.with_aws_timing() if aws_timing else settings, folder, host, port, _store_choice(s3)
    )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for library in ("botocore", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    sys.exit(run_loop(serve(plan, lambda about, left: _announce(plan, about, left, as_json=as_json))))


def _announce(plan: ServerOptions, about: About, interrupted: int, *, as_json: bool) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"SageMaker batch transform: {about.endpoint_url}\nS3: {about.s3}\nstate: {plan.state}")
    if interrupted:
        console.print(f"{interrupted} jobs were running when the last emulator died; they have ended now")
    if plan.open_to_network:
        console.print(
            f"warning: listening on {plan.host}: whoever reaches this address can run jobs and read objects; "
            "there are no passwords",
            style="yellow",
        )
    console.print('In another shell: eval "$(emulator env)"' + _named(plan.state))
    if as_json:  # last: whoever waits for it may read the rest then
        print(json.dumps(asdict(about)), flush=True)


def _named(folder: Path) -> str:
    return f" (with --state-dir {folder})" if folder != user_state_directory().absolute() else ""


def _store_choice(text: str) -> StoreChoice:
    for choice in ("auto", "minio", "moto"):
        if text == choice:
            return choice
    raise UsageError(
        f"--s3 {text!r} is none of auto, minio, moto", remedy="a store's URL goes into AWS_ENDPOINT_URL_S3"
    )
