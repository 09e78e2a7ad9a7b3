"""Model archives: what may be in a model.tar.gz, and its unpacking into a private directory.

The archive is judged member by member before anything of it is written (regular files, directories and
symbolic links that stay inside; nothing else), counted while it streams, and never trusted to tell
where it is unpacked.
"""

from __future__ import annotations

import errno
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sagemaker_transform_emulator.errors import MachineError, ModelError

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold: the model volume has 30 GB; the member count stops tar bombs."""

    members: int = 100_000
    expanded_bytes: int = 30 * GIB
    depth: int = 128


_LONGEST_NAME_HEADER = 64 * 1024
_NAME_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class _LongHeaderError(Exception):
    """A header announces a longer name than any file has."""


class _BoundedInfo(tarfile.TarInfo):
    """A member's header, whose PAX and GNU extensions are refused by their size before they are read."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _NAME_HEADERS and self.size > _LONGEST_NAME_HEADER:
            raise _LongHeaderError(f"a header of it announces {self.size} bytes of names")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def unpack(
    archive: Path, target: Path, *, url: str, container: str, limits: ArchiveLimits = ArchiveLimits()
) -> None:
    """Fill the empty directory `target` with the archive's files (R4.2).

    Raises ModelError, naming `url` and `container`, for anything that is no gzipped tar or holds a member
    that would leave the directory. What was unpacked until then stays for the caller to remove.
    """
    for opened, member in members(archive, url, container, limits):
        try:
            _write(opened, member, target / _inside(member.name, url))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise MachineError(f"Disk full while unpacking {url} into {target}") from None
            raise _refused(url, f"member {member.name!r} cannot be written: {error.strerror}") from None


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)
        return
    source = opened.extractfile(member)
    assert source is not None
    with path.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    path.chmod(0o755 if member.mode & 0o111 else 0o644)


def judge(archive: Path, *, url: str, container: str, limits: ArchiveLimits = ArchiveLimits()) -> int:
    """The number of members, after all of them were found acceptable. Raises ModelError as `unpack` does."""
    return sum(1 for _ in members(archive, url, container, limits))


def members(
    archive: Path, url: str, container: str, limits: ArchiveLimits = ArchiveLimits()
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Each acceptable member with the open archive, whose `extractfile` gives its bytes before the next one.

    Raises ModelError as `unpack` does.
    """
    links: set[PurePosixPath] = set()
    count = expanded = 0
    try:
        with tarfile.open(archive, "r|gz", tarinfo=_BoundedInfo) as opened:
            for member in opened:
                count += 1
                expanded += member.size
                if count > limits.members or expanded > limits.expanded_bytes:
                    raise _refused(
                        url, f"it holds more than {limits.members} members or {limits.expanded_bytes} bytes"
                    )
                if len(PurePosixPath(member.name).parts) > limits.depth:
                    raise _refused(url, f"it holds a member more than {limits.depth} folders deep")
                _judge_member(member, links, url)
                yield opened, member
    except _LongHeaderError as error:
        raise _refused(url, str(error)) from None
    except RecursionError:
        raise _refused(url, "its headers refer to one another without end") from None
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise ModelError(
            f'Failed to extract model data archive for container "{container}" from URL "{url}". '
            "Please ensure that the object located at the URL is a valid tar.gz archive.",
            remedy=f"it does not open ({error}); make it with `tar -czf model.tar.gz -C MODEL_DIR .`",
        ) from None


def _judge_member(member: tarfile.TarInfo, links: set[PurePosixPath], url: str) -> None:
    path = _inside(member.name, url)
    if any(parent in links for parent in path.parents):
        raise _refused(url, f"member {member.name!r} lies behind a symbolic link")
    if member.issym():
        if not _points_inside(path.parent, PurePosixPath(member.linkname)):
            raise _refused(url, f"the link {member.name!r} points outside, to {member.linkname!r}")
        links.add(path)
    elif not (member.isreg() or member.isdir()):
        raise _refused(url, f"member {member.name!r} is neither a file, a directory nor a link inside")


def _inside(name: str, url: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise _refused(url, f"member {name!r} would be written outside the model directory")
    return path


def _points_inside(folder: PurePosixPath, target: PurePosixPath) -> bool:
    """Whether a link in `folder` stays inside. `..` is taken only at its start, where no link can lie."""
    ups = next((i for i, part in enumerate(target.parts) if part != ".."), len(target.parts))
    return not target.is_absolute() and ".." not in target.parts[ups:] and ups <= len(folder.parts)


def _refused(url: str, why: str) -> ModelError:
    return ModelError(
        f"The model archive {url} is refused: {why}",
        remedy="make it with `tar -czf model.tar.gz -C MODEL_DIR .`",
    )
