"""`emulator env`: the variables with which AWS clients find the server."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.server import health
from sagemaker_transform_emulator.server import state_directory as state

Flag = typer.Option
_ELSEWHERE = frozenset(
    {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    }
)
"""Variables that win over the ones printed, whatever they say."""


def env(
    state_dir: Annotated[Path | None, Flag(help="Folder of the emulator.")] = None,
    endpoint: Annotated[
        str | None, Flag(help="URL of an emulator that runs elsewhere, such as in Docker Compose.")
    ] = None,
    direct_s3: Annotated[bool, Flag("--direct-s3", help="Let S3 clients talk to the store itself.")] = False,
    as_json: Annotated[bool, Flag("--json", help="As JSON instead of export lines.")] = False,
) -> None:
    """Print the variables that send AWS clients to the emulator: eval "$(emulator env)".

    Variables that are set and would lead past it, such as AWS_PROFILE, are unset.
    """
    folder = (state_dir or state_directory()).absolute()
    about = health.elsewhere(endpoint, folder, os.environ) if endpoint else state.published(folder)
    found = about.environment() | ({"AWS_ENDPOINT_URL_S3": about.s3_endpoint_url} if direct_s3 else {})
    if as_json:
        print(json.dumps(found, indent=2))
        return
    is_same_store = os.environ.get("AWS_ENDPOINT_URL_S3") == about.s3_endpoint_url
    kept = found | ({"AWS_ENDPOINT_URL_S3": about.s3_endpoint_url} if is_same_store else {})
    for name in _misleading(os.environ, kept):
        print(f"unset {name}")
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


def _misleading(environment: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """Set variables that would send a client past the emulator, or with keys that are not its own."""
    return sorted(
        name
        for name, value in environment.items()
        if value and name not in ours and (name in _ELSEWHERE or name.startswith("AWS_ENDPOINT_URL_"))
    )
