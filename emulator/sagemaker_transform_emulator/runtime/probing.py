"""The interface through which checks look into a running container; a runtime may not know every answer."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path
from typing import Protocol, runtime_checkable

from sagemaker_transform_emulator.processes.listening import Hearing
from sagemaker_transform_emulator.runtime.base import Exit


@runtime_checkable
class Probed(Protocol):
    """A container that can be looked into."""

    def hearing(self) -> Hearing | None:
        """Where it listens; None when that cannot be seen from here."""
        ...

    async def terminate(self, grace_s: float) -> Exit | None:
        """It was sent SIGTERM; how it ended within `grace_s` seconds, None when it still runs (R4.7)."""
        ...

    async def written_files(self) -> list[str] | None:
        """Files it made or changed outside its volumes; None when the runtime does not know."""
        ...

    async def written_model_files(self) -> list[str] | None:
        """Files of its model directory that are not as in the archive; None when nobody knows."""
        ...


async def changes_to_archive(archive: Path | None, directory: Path) -> list[str]:
    """Files below `directory` that the archive does not have, or has in another size."""
    return await asyncio.to_thread(_changes, archive, directory)


def _changes(archive: Path | None, directory: Path) -> list[str]:
    known: dict[str, int] = {}
    if archive is not None:
        with tarfile.open(archive, "r|gz") as opened:
            known = {str(Path(member.name)): member.size for member in opened if member.isreg()}
    found = []
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_file() and not path.is_symlink() and known.get(name) != path.stat().st_size:
            found.append(name)
    return found
