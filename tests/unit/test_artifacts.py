"""What may be in a model archive, and where it ends up."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.model_artifacts.archive import ArchiveLimits, judge, unpack

URL = "s3://bkt/model.tar.gz"


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def archive(folder: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as out:
        for entry in members:
            info, body = entry if isinstance(entry, tuple) else (entry, b"")
            info.size = len(body)
            out.addfile(info, io.BytesIO(body))
    return path


def open_archive(path: Path, target: Path) -> None:
    target.mkdir()
    unpack(path, target, url=URL, container="container-1")


@pytest.mark.rule("R4.2")
def test_files_directories_and_links_inside_are_unpacked(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        member("root/", tarfile.DIRTYPE),
        (member("root/model.json"), b"{}"),
        (member("./code/run"), b"#!"),
        member("root/link", tarfile.SYMTYPE, "../code/run"),
    )
    open_archive(path, tmp_path / "out")
    assert (tmp_path / "out/root/model.json").read_bytes() == b"{}"
    assert (tmp_path / "out/root/link").read_bytes() == b"#!"
    assert judge(path, url=URL, container="c") == 4


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member("../evil")], "outside"),
        ([member("/etc/evil")], "outside"),
        ([member("a/../../evil")], "outside"),
        ([member("link", tarfile.SYMTYPE, "/etc")], "points outside"),
        ([member("a/link", tarfile.SYMTYPE, "../../etc")], "points outside"),
        (
            [member("here", tarfile.SYMTYPE, "."), member("up", tarfile.SYMTYPE, "here/../etc")],
            "points outside",
        ),
        ([member("link", tarfile.SYMTYPE, "sub"), member("link/evil")], "behind a symbolic link"),
        ([member("hard", tarfile.LNKTYPE, "other")], "neither a file"),
        ([member("device", tarfile.CHRTYPE)], "neither a file"),
        ([member("pipe", tarfile.FIFOTYPE)], "neither a file"),
        ([member("dir", tarfile.DIRTYPE), member("dir")], "cannot be written"),
    ],
)
def test_members_that_leave_the_directory_are_refused(
    tmp_path: Path, members: list[tarfile.TarInfo], why: str
) -> None:
    path = archive(tmp_path, *members)
    with pytest.raises(ModelError, match=why) as caught:
        open_archive(path, tmp_path / "out")
    assert URL in caught.value.message
    assert sorted(item.name for item in tmp_path.iterdir()) == ["model.tar.gz", "out"]


@pytest.mark.rule("R6.7")
@pytest.mark.parametrize("body", [b"", b"not a tar", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_tar_gz_is_refused_in_the_services_words(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(body)
    with pytest.raises(ModelError) as caught:
        open_archive(path, tmp_path / "out")
    assert caught.value.failure_reason == (
        'ClientError: Failed to extract model data archive for container "container-1" from URL '
        f'"{URL}". Please ensure that the object located at the URL is a valid tar.gz archive.'
    )


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, (member("big"), bytes(range(256)) * 4000))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError, match="a valid tar"):
        judge(path, url=URL, container="c")


def test_bombs_are_stopped_by_count_and_by_size(tmp_path: Path) -> None:
    path = archive(tmp_path, *[member(f"f{number}") for number in range(11)])
    with pytest.raises(ModelError, match="more than 10 members"):
        judge(path, url=URL, container="c", limits=ArchiveLimits(members=10))
    path = archive(tmp_path, (member("zeros"), bytes(2000)))
    with pytest.raises(ModelError, match="1000 bytes"):
        judge(path, url=URL, container="c", limits=ArchiveLimits(expanded_bytes=1000))


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE]
)
def test_a_name_of_many_megabytes_is_refused_before_it_is_read(tmp_path: Path, kind: bytes) -> None:
    path = archive(tmp_path, (member("name", kind), bytes(64 << 20)), member("a"))
    tracemalloc.start()
    with pytest.raises(ModelError, match="announces 67108864 bytes of names"):
        judge(path, url=URL, container="c")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20  # what one read inflates, not what the header announces


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_long_name_is_still_a_name(tmp_path: Path, style: int) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz", format=style) as out:
        out.addfile(member("/".join(["d" * 200] * 9)))
    assert judge(tmp_path / "model.tar.gz", url=URL, container="c") == 1


def test_a_member_two_thousand_folders_deep_is_a_client_error(tmp_path: Path) -> None:
    path = archive(tmp_path, member("d/" * 2000 + "f"))
    with pytest.raises(ModelError, match="more than 128 folders deep") as caught:
        open_archive(path, tmp_path / "out")
    assert caught.value.failure_reason.startswith("ClientError: ")
    assert judge(archive(tmp_path, member("d/" * 127 + "f")), url=URL, container="c") == 1


def test_headers_before_headers_without_end_are_refused(tmp_path: Path) -> None:
    extension = (member("x", tarfile.XHDTYPE), b"11 path=ab\n")
    path = archive(tmp_path, *[extension] * 3000, member("a"))
    with pytest.raises(ModelError, match="refused"):
        judge(path, url=URL, container="c")
