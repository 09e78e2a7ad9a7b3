"""What emulators left in a Docker engine: found by label, removed when the run that made it is over."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors

from sagemaker_transform_emulator.runtime.docker.engine import Engine, engine_errors
from sagemaker_transform_emulator.runtime.docker.labels import RUN, Owner, owner_of
from sagemaker_transform_emulator.runtime.docker.own_container import remove_network
from sagemaker_transform_emulator.runtime.workspace import Workspace, run_lives


@dataclass(slots=True)
class Removed:
    """Names of what was removed, and how much was left to runs that live."""

    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    spared: int = 0


def owner(workspace: Workspace) -> Owner:
    """How things made for this run are labelled."""
    return Owner(workspace.run_id, str(workspace.path.parent.absolute()), _this_host())


def is_over(found: Owner) -> bool:
    """Whether the run has ended for certain: on this host its lock is free or its folder gone."""
    return found.host == _this_host() and not run_lives(Path(found.runs_folder), found.run_id)


def count(engine: Engine) -> int:
    """How many containers, networks and volumes were left by runs that are over."""
    owners = [owner_of(thing.get("Labels")) for things in _made_by_emulators(engine) for thing in things]
    return sum(owner is not None and is_over(owner) for owner in owners)


def sweep_engine(engine: Engine) -> Removed:
    """What killed runs left is gone; what belongs to runs that live, here or elsewhere, is untouched."""
    return _remove(engine, is_over)


def remove_everything(engine: Engine) -> Removed:
    """Whatever any emulator made is gone, also what is in use. Nothing else is touched."""
    return _remove(engine, lambda _: True)


def remove_of_run(engine: Engine, run_id: str) -> Removed:
    """Whatever that run made is gone."""
    return _remove(engine, lambda found: found.run_id == run_id)


def _remove(engine: Engine, wanted: Callable[[Owner], bool]) -> Removed:
    api, removed = engine.api, Removed()
    containers, networks, volumes = _made_by_emulators(engine)
    kinds: tuple[tuple[list[str], Any, str, Callable[[str], object]], ...] = (
        (removed.containers, containers, "Id", lambda item: api.remove_container(item, v=True, force=True)),
        (removed.networks, networks, "Id", lambda item: remove_network(api, item)),
        (removed.volumes, volumes, "Name", lambda item: api.remove_volume(item, force=True)),
    )
    for kind, things, identify, drop in kinds:
        for thing in things:
            found = owner_of(thing.get("Labels"))
            if found is None or not wanted(found):
                removed.spared += found is not None
                continue
            with engine_errors("remove what emulators made"), suppress(docker.errors.APIError):
                drop(thing[identify])
                kind.append(_name(thing))
    return removed


def _made_by_emulators(engine: Engine) -> tuple[list[dict[str, Any]], ...]:
    """The containers, the networks and the volumes with our label, as the engine describes them."""
    filters = {"label": RUN}
    with engine_errors("list what emulators made"):
        return (
            engine.api.containers(all=True, filters=filters),
            engine.api.networks(filters=filters),
            engine.api.volumes(filters=filters)["Volumes"] or [],
        )


def _name(thing: dict[str, Any]) -> str:
    names = thing.get("Names")
    return str(names[0]).lstrip("/") if names else str(thing.get("Name") or thing.get("Id"))


def _this_host() -> str:
    """A name for this machine or container that no other one shares, as far as can be told."""
    machine = ""
    with suppress(OSError):
        machine = Path("/etc/machine-id").read_text().strip()
    return f"{socket.gethostname()}/{machine}"
