"""Making and starting one container in a Docker engine. Blocking; all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker.errors
from docker.types import LogConfig, Mount

from sagemaker_transform_emulator.errors import ContainerError, ModelError
from sagemaker_transform_emulator.processes.loopback import LOOPBACK
from sagemaker_transform_emulator.runtime.base import ContainerSpec
from sagemaker_transform_emulator.runtime.docker.confinement import Confinement
from sagemaker_transform_emulator.runtime.docker.container import ContainerOutput, Made, remove
from sagemaker_transform_emulator.runtime.docker.engine import Engine, engine_errors, explanation
from sagemaker_transform_emulator.runtime.docker.exit_reason import start_failure
from sagemaker_transform_emulator.runtime.docker.images import Image
from sagemaker_transform_emulator.runtime.docker.instance_types import Capacity
from sagemaker_transform_emulator.runtime.docker.model_volume import (
    MODEL_DIRECTORY,
    tar_stream,
    writable_by_all,
)
from sagemaker_transform_emulator.runtime.docker.networks import HOST_NAME, JobNetwork

_NOWHERE = 0
_ENGINE_TROUBLE = (
    "no space left",
    "port is already allocated",
    "network",
    "cgroup",
    "address already in use",
)


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """One container as it is to be made. `limit` is None where its memory and CPUs are not limited."""

    spec: ContainerSpec
    image: Image
    network: JobNetwork
    name: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    port: int
    limit: Capacity | None


def make(engine: Engine, plan: ContainerPlan, confinement: Confinement) -> Made:
    """The started container, its model directory filled and its output attached before its first word.

    Raises ModelError for the archive, ContainerError when the image cannot be run, EngineError for the
    rest; what was made until then is removed.
    """
    api, container, volume = engine.api, "", ""
    output: ContainerOutput | None = None
    try:
        with engine_errors(f'make container "{plan.spec.name}"'):
            volume = api.create_volume(plan.name, labels=dict(plan.labels))["Name"]
            if confinement.model_is_read_only:
                _fill_beforehand(engine, plan, volume)
            container = _create(engine, plan, confinement, volume)
            if not confinement.model_is_read_only:
                _fill(engine, plan, container)
            output = ContainerOutput(
                api.attach_socket(container, params={"stdout": 1, "stderr": 1, "stream": 1})
            )
        _start(engine, plan, container)
        return _made(engine, plan, container, volume, output)
    except BaseException:
        if output is not None:
            output.close()
        remove(engine, container, volume, stop=False)
        raise


def _create(engine: Engine, plan: ContainerPlan, confinement: Confinement, volume: str) -> str:
    network = plan.network
    options: dict[str, Any] = confinement.host_config(plan.limit)
    if network.isolated:
        options["dns"] = [LOOPBACK]  # the engine's resolver would else ask outside in the container's name
    elif not network.near:
        options["port_bindings"] = {plan.port: (LOOPBACK, None)}
        options["extra_hosts"] = {HOST_NAME: "host-gateway"}
    mount = Mount(
        MODEL_DIRECTORY, volume, type="volume", no_copy=True, read_only=confinement.model_is_read_only
    )
    created = engine.api.create_container(
        plan.image.name,
        command=["serve"],
        name=plan.name,
        environment=dict(plan.environment),
        labels=dict(plan.labels),
        ports=[plan.port],
        stop_signal="SIGTERM",
        healthcheck={"test": ["NONE"]},  # /ping is the one that counts
        host_config=engine.api.create_host_config(
            network_mode=network.name,
            mounts=[mount],
            log_config=LogConfig(type="none"),  # the output is read as it comes, and kept by the emulator
            **options,
        ),
    )
    return str(created["Id"])


def _fill(engine: Engine, plan: ContainerPlan, container: str) -> None:
    spec = plan.spec
    stream = tar_stream(
        spec.model_archive,
        url=spec.model_data_url,
        container=spec.name,
        for_all=writable_by_all(plan.image.user),
    )
    try:
        engine.api.put_archive(container, MODEL_DIRECTORY, stream)
    except docker.errors.APIError as error:
        if spec.model_archive is None or "no space left" in str(error):
            raise
        raise ModelError(
            f'Failed to extract model data archive for container "{spec.name}" from URL '
            f'"{spec.model_data_url}": {explanation(error)}',
            remedy="make it with `tar -czf model.tar.gz -C MODEL_DIR .`",
        ) from None


def _fill_beforehand(engine: Engine, plan: ContainerPlan, volume: str) -> None:
    """The volume is filled through a container that never runs: a read-only mount cannot be written."""
    mount = Mount(MODEL_DIRECTORY, volume, type="volume", no_copy=True)
    created = engine.api.create_container(
        plan.image.name,
        command=["serve"],
        labels=dict(plan.labels),
        host_config=engine.api.create_host_config(network_mode="none", mounts=[mount]),
    )
    try:
        _fill(engine, plan, created["Id"])
    finally:
        remove(engine, created["Id"], "", stop=False)


def _start(engine: Engine, plan: ContainerPlan, container: str) -> None:
    with engine_errors(f'start container "{plan.spec.name}"'):
        try:
            engine.api.start(container)
        except docker.errors.APIError as error:
            said = explanation(error)
            if any(trouble in said for trouble in _ENGINE_TROUBLE):
                raise
            meaning, remedy = start_failure(said)
            raise ContainerError(
                f'Container "{plan.spec.name}" ({plan.spec.image}) cannot be started: {meaning}',
                remedy=remedy,
            ) from None


def _made(engine: Engine, plan: ContainerPlan, container: str, volume: str, output: ContainerOutput) -> Made:
    with engine_errors(f'find container "{plan.spec.name}"'):
        found = engine.api.inspect_container(container)
    settings = found["NetworkSettings"]
    address = settings["Networks"].get(plan.network.name, {}).get("IPAddress")
    published = (settings.get("Ports") or {}).get(f"{plan.port}/tcp")
    if plan.network.near and address:
        host, port = address, plan.port
    elif published:
        host, port = LOOPBACK, int(published[0]["HostPort"])
    else:
        host, port = LOOPBACK, _NOWHERE  # it has ended already
    on_this_machine = plan.network.near and not plan.network.inside
    pid = int(found["State"].get("Pid") or 0) if on_this_machine else 0
    return Made(container, volume, host, port, plan.port, pid, output, plan.limit)
