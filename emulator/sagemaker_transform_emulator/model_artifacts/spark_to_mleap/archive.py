"""model.tar.gz: written so that equal content gives equal bytes, read so that nothing leaves its folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from sagemaker_transform_emulator.errors import UsageError

# The start of 2000: old enough to be nobody's, and not 0, which GNU tar warns about.
MEMBER_TIME = 946_684_800


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar of `files`, members sorted by path, with no times, owners or names of this machine."""
    return gzip.compress(tar(files), compresslevel=9, mtime=0)


def tar(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar of `files`, as `tar_gz` writes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.mtime = MEMBER_TIME
            member.size = len(files[path])
            archive.addfile(member, io.BytesIO(files[path]))
    return buffer.getvalue()


def unpack(archive: Path, folder: Path) -> None:
    """Extract `archive` into `folder`; a broken archive, or a member that would leave it, is a UsageError."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            opened.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise unreadable(archive, error) from None


def member_names(archive: Path) -> list[str]:
    """The paths of the files in `archive`, without a leading `./`."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            return [member.name.removeprefix("./") for member in opened if member.isfile()]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise unreadable(archive, error) from None


def unreadable(archive: Path, error: Exception) -> UsageError:
    """The error for an archive that is not one."""
    return UsageError(
        f"{archive} cannot be read as a gzipped tar: {error}",
        remedy="make it with `tar -czf model.tar.gz -C DIRECTORY .`",
    )
