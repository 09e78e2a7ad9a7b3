"""Checks of files: what it writes outside its folders or into its model, and whether it runs read-only."""

from __future__ import annotations

from contextlib import suppress

from sagemaker_transform_emulator.runtime.choice import open_runtime
from sagemaker_transform_emulator.runtime.probing import Probed
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.launch import launched
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, listed, tail
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_OWN_PLACES = (
    "/tmp", "/var/tmp",  # noqa: S108 - names inside the container
    "/run", "/var/run", "/var/log", "/var/cache", "/var/lib/nginx", "/opt/ml", "/dev",
    "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab",
)  # fmt: skip
_OWN_PARTS = {"__pycache__", ".cache", ".config", ".local", ".java"}

WRITES = Kind(
    "writes-elsewhere", Severity.NOTE, "it writes files outside /tmp, /var/log, /opt/ml and caches",
    "the files are lost with the container, are not shared between instances, and cannot be written where "
    "the root is read-only",
    "write to /tmp", "R4.37",
)  # fmt: skip
WRITES_MODEL = Kind(
    "writes-model", Severity.WARNING, "it writes into its model directory",
    "users found /opt/ml/model read-only on endpoints; for batch transform AWS does not say",
    "unpack and convert models into /tmp, or before they are packed", "R4.2",
)  # fmt: skip
STRICT = Kind(
    "strict-fails", Severity.NOTE, "it does not work with a read-only model and root",
    "it needs more than the contract promises: /opt/ml/model may be read-only",
    "write to /tmp only, and listen on a port above 1023; try it with `emulator run --profile strict`",
    "R4.2",
)  # fmt: skip


async def files(probe: Probe) -> list[Finding]:
    """Files it wrote so far, besides those in its own places."""
    await _use(probe)
    container = probe.container
    written = await container.written_files() if isinstance(container, Probed) else None
    if written is None:
        raise NotRun("only a Docker engine keeps account of files")
    leaves = [path for path in written if not any(other.startswith(f"{path}/") for other in written)]
    strange = [path for path in leaves if not _is_own(path)]
    return [WRITES.found(probe.name, listed(strange))] if strange else []


async def model_files(probe: Probe) -> list[Finding]:
    """Files of the model directory that are not those of the archive."""
    await _use(probe)
    container = probe.container
    written = await container.written_model_files() if isinstance(container, Probed) else None
    if written is None:
        raise NotRun("the engine does not compare volumes; see the check strict")
    return [WRITES_MODEL.found(probe.name, listed(written))] if written else []


async def strict(probe: Probe) -> list[Finding]:
    """The same container, started once more with all that can be taken from it."""
    around = probe.around
    if around.needs.prepared.runtime.name != "docker":
        raise NotRun("only a Docker engine can take rights from a container")
    settings = around.services.settings.changed(profile="strict", runtime="docker")
    with open_workspace() as workspace:
        async with open_runtime(settings, workspace) as choice:
            prepared = await choice.prepare([probe.subject.spec.image], lambda _: None)
            async with launched(
                probe.subject, around, probe.sample, runtime=prepared.runtime, window_s=_window(probe)
            ) as second:
                return await _verdict(probe, second)


async def _use(probe: Probe) -> None:
    """It was sent the sample, where there is one: some write only then."""
    with suppress(NotRun):
        await probe.contact()


async def _verdict(probe: Probe, second: Probe) -> list[Finding]:
    if second.start.refusal:
        return [STRICT.found(probe.name, second.start.refusal)]
    if second.start.ready_s is None:
        return [STRICT.found(probe.name, f"it does not become healthy{tail(second.container)}")]
    if probe.sample is None or not (await probe.contact()).accepted:
        return []
    contact = await second.contact()
    if contact.accepted:
        return []
    return [STRICT.found(probe.name, f"{contact.rejected[0][1].words}{tail(second.container)}")]


def _window(probe: Probe) -> float:
    return max(10.0, 3 * (probe.start.ready_s or 0.0))


def _is_own(path: str) -> bool:
    inside = any(path == place or path.startswith(f"{place}/") for place in _OWN_PLACES)
    return inside or bool(_OWN_PARTS & set(path.split("/"))) or path.endswith(".pyc")


FILES = Check("files", "files", "It writes only where it may", (WRITES,), files)
MODEL_FILES = Check("model-files", "files", "It leaves its model alone", (WRITES_MODEL,), model_files)
STRICT_START = Check("strict", "files", "It works with a read-only model and root", (STRICT,), strict)
