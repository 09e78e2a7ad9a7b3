"""The model directory of a container: an archive's members as a tar stream for the engine."""

from __future__ import annotations

import copy
import tarfile
from collections.abc import Iterator
from pathlib import Path

from sagemaker_transform_emulator.model_artifacts.archive import members

MODEL_DIRECTORY = "/opt/ml/model"
_CHUNK = 1 << 20
_BLOCK = 512
_ROOT_USERS = {"", "0", "root", "0:0", "root:root"}


def writable_by_all(user: str) -> bool:
    """Whether the image runs as somebody but root, who must be able to write the files too (R4.2)."""
    return user not in _ROOT_USERS


def tar_stream(archive: Path | None, *, url: str, container: str, for_all: bool) -> Iterator[bytes]:
    """The directory itself, then the archive's members: root's, with plain modes, in bounded memory.

    Every member passes the same policy as when the archive was judged; nothing touches this machine's
    disk. Raises ModelError as `artifacts.unpack` does.
    """
    top = tarfile.TarInfo(".")
    top.type, top.mode = tarfile.DIRTYPE, 0o777 if for_all else 0o755
    yield top.tobuf(tarfile.PAX_FORMAT)
    if archive is not None:
        for opened, member in members(archive, url, container):
            yield from _member(opened, member, for_all=for_all)
    yield bytes(2 * _BLOCK)


def _member(opened: tarfile.TarFile, member: tarfile.TarInfo, *, for_all: bool) -> Iterator[bytes]:
    if member.name.rstrip("/") in {"", "."}:
        return
    info = copy.copy(member)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.pax_headers = {}
    info.mode = _mode(member, for_all=for_all)
    if not member.isreg():
        info.size = 0
        yield info.tobuf(tarfile.PAX_FORMAT)
        return
    info.type = tarfile.REGTYPE
    yield info.tobuf(tarfile.PAX_FORMAT)
    source = opened.extractfile(member)
    assert source is not None
    while chunk := source.read(_CHUNK):
        yield chunk
    yield bytes(-member.size % _BLOCK)


def _mode(member: tarfile.TarInfo, *, for_all: bool) -> int:
    runs = member.isdir() or bool(member.mode & 0o111)
    if for_all:
        return 0o777 if runs else 0o666
    return 0o755 if runs else 0o644
