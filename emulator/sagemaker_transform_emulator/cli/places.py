"""Which account and region the commands `jobs`, `describe`, `logs` and `stop` look at."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import urlencode

import typer

from sagemaker_transform_emulator.config import require_region
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.sagemaker.resources import DEFAULT_ACCOUNT, Place
from sagemaker_transform_emulator.server.state_directory import About

Region = Annotated[
    str | None, typer.Option(help="Only this region; without it AWS_REGION comes first, then any other.")
]
_SECONDS = 30


def place_of_job(server: About, name: str, region: str | None) -> Place:
    """Where the job of that name is. Raises UsageError when it is nowhere, or when that is not all it takes.

    `region` is the only one that counts. Without it that of AWS_REGION wins over others.
    """
    found = list(_ask(server, name))
    return choose(found, name, checked(region), preferred())


def places_of_jobs(server: About, region: str | None) -> tuple[list[Place], list[Place]]:
    """The places whose jobs to list, in the region asked for or that of AWS_REGION if any, and all others."""
    only = checked(region) or preferred()
    found = _ask(server)
    listed = [place for place in found if only in (None, place.region)]
    return listed, [place for place in found if place not in listed]


def choose(found: list[Place], name: str, region: str | None, preferred: str | None) -> Place:
    """The one place among those that have a job of that name. Raises UsageError without exactly one."""
    if not found:
        raise UsageError(
            f"Could not find a job with name {name!r} in any region", remedy="see `emulator jobs`"
        )
    there = [place for place in found if place.region == (region or preferred)]
    if region and not there:
        others = regions(found)
        raise UsageError(
            f"Could not find a job with name {name!r} in {region}", remedy=f"it is in {others}; use --region"
        )
    among = there or found
    if len({place.region for place in among}) > 1:
        raise UsageError(f"Jobs with name {name!r} are in {regions(among)}", remedy="choose with --region")
    return next((place for place in among if place.account == DEFAULT_ACCOUNT), among[0])


def regions(places: list[Place]) -> str:
    """The names of their regions, for people."""
    names = sorted({place.region for place in places})
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def preferred() -> str | None:
    """The region of AWS_REGION; None without one."""
    found = os.environ.get("AWS_REGION")
    return require_region(found, "AWS_REGION") if found else None


def checked(region: str | None) -> str | None:
    """The region as it is; raises UsageError for what can be none."""
    return None if region is None else require_region(region, "--region")


def _ask(server: About, job: str | None = None) -> list[Place]:
    query = f"?{urlencode({'job': job})}" if job else ""
    url = f"{server.endpoint_url}/_emulator/places{query}"
    import httpx  # noqa: PLC0415 - a tenth of a second that commands without a server never need

    try:
        answer = httpx.get(url, timeout=_SECONDS, trust_env=False).raise_for_status()
        return [Place(each["account"], each["region"]) for each in answer.json()["places"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise MachineError(
            f"The emulator at {server.endpoint_url} does not answer: {error}",
            remedy="start it with `emulator up`",
        ) from None
