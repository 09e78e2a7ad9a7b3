"""Which XGBoost each tag of AWS's images carries, and which one serves in its place here. Pure.

The versions are those of the Dockerfiles in aws/sagemaker-xgboost-container (branches 0.90-1 to 1.7-1, and
master for 3.0-5), of the SDK's list of images for 3.2-0, and of the developer guide for 1. A model that one
version reads another may refuse: pickles made before 1.0 load in 0.72 and 0.90 only, JSON needs 1.0, the old
binary format ends with 3.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINUX, LINUX_ARM, MAC, MAC_ARM = "linux-x86_64", "linux-aarch64", "darwin-x86_64", "darwin-arm64"
EVERYWHERE = frozenset({LINUX, LINUX_ARM, MAC, MAC_ARM})
IMAGE_VERSION = "3.0.5"
"""What the image `sagemaker-transform-emulator/xgboost` carries when its tag does not name another one."""
_OLD_REPOSITORY = re.compile(r"\.dkr\.ecr\.[^/]+/xgboost:")
_NO_OTHER_BUILD = "the Python index has no other build of it"
_VERSION_OF_TAG = re.compile(r"(latest|1|0\.72|\d+\.\d+-\d+)(?:-\d+)?(?:-(?:cpu|gpu|py).*)?")


@dataclass(frozen=True, slots=True)
class Release:
    """One version of AWS's image.

    `library` is the XGBoost it carries, `served` the one of the Python index that serves, `platforms` are
    those with a build of it, `megabytes` about what its environment downloads on Linux.
    """

    tags: tuple[str, ...]
    library: str
    served: str
    platforms: frozenset[str]
    megabytes: int


RELEASES = (
    Release(("1", "0.72", "latest"), "0.72", "0.72.1", frozenset({LINUX}), 75),
    Release(("0.90-1", "0.90-2"), "0.90", "0.90", frozenset({LINUX}), 200),
    Release(("1.0-1",), "1.0.0", "1.0.0", frozenset({LINUX}), 165),
    Release(("1.2-1", "1.2-2"), "1.2.0", "1.2.0", frozenset({LINUX, MAC}), 205),
    Release(("1.3-1",), "1.3.3", "1.3.3", frozenset({LINUX, LINUX_ARM, MAC}), 215),
    Release(("1.5-1",), "1.5.2", "1.5.2", frozenset({LINUX, LINUX_ARM, MAC}), 230),
    Release(("1.7-1",), "1.7.4", "1.7.4", EVERYWHERE, 250),
    Release(("3.0-5",), "3.0.5", "3.0.5", EVERYWHERE, 5),
    Release(("3.2-0",), "3.2.0", "3.2.0", EVERYWHERE, 6),
)
"""From the oldest to the newest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The XGBoost that serves an image. `note` says what a user should know where it is not its own."""

    served: str
    note: str = ""


def choose(image: str, installed: str | None, platform: str, *, only_installed: bool = False) -> Choice:
    """The image's own version where there is a build of it for `platform`, else the next newer one.

    An image without a tag that is known gets the `installed` version, as does every image with
    `only_installed`. `installed` is None where XGBoost is missing.
    """
    release, fallback = release_of(image), installed or IMAGE_VERSION
    if release is None:
        return Choice(fallback, _unknown(image, fallback))
    if only_installed:
        return Choice(fallback, _note(image, release, fallback, 'emulator.toml says xgboost = "installed"'))
    if platform in release.platforms:
        return Choice(release.served, _note(image, release, release.served, _NO_OTHER_BUILD))
    newer = RELEASES[RELEASES.index(release) :]
    served = next((each.served for each in newer if platform in each.platforms), fallback)
    return Choice(served, _note(image, release, served, f"there is no build of that for {platform}"))


def release_of(image: str) -> Release | None:
    """The release that the image's tag names; None for a digest, no tag, or one that is not known.

    `latest` means 1 in AWS's old repository alone; elsewhere it is anybody's.
    """
    tag = _tag(image)
    if tag == "latest" and not _OLD_REPOSITORY.search(image):
        return None
    found = _VERSION_OF_TAG.fullmatch(tag) if tag else None
    return next((each for each in RELEASES if found and found[1] in each.tags), None)


def release_serving(version: str) -> Release | None:
    """The release whose served version this is."""
    return next((each for each in RELEASES if each.served == version), None)


def numbers(version: str) -> tuple[int, ...]:
    """What a version is ordered by."""
    return tuple(map(int, version.split(".")))


def local_images(repository: str, image: str) -> tuple[str, ...]:
    """Our images that can stand for this one, the best first: of the tag's version, then the usual one."""
    release = release_of(image)
    if release is None or release.served == IMAGE_VERSION:
        return (repository,)
    return (f"{repository}:{release.served}", repository)


def note_on_local_image(image: str, stand_in: str) -> str:
    """What a user should know when our image `stand_in` stands for `image`; "" when it is of its version."""
    served = _tag(stand_in) or IMAGE_VERSION
    release = release_of(image)
    if release is None:
        return _unknown(image, served)
    if served == release.served:
        return _note(image, release, served, _NO_OTHER_BUILD)
    build = f"`python3 tools/images.py build xgboost-{release.served}` makes an image of that"
    return _note(image, release, served, build)


def _tag(image: str) -> str:
    name = image.rpartition("/")[2]
    return "" if "@" in name else name.partition(":")[2]


def _note(image: str, release: Release, served: str, why: str) -> str:
    if served == release.library:
        return ""
    wanted = f"{release.library}, which AWS's image {_tag(image)!r} carries"
    return f"xgboost {served} serves in place of {wanted}: {why}"


def _unknown(image: str, served: str) -> str:
    tag = _tag(image)
    reason = f"the image's tag {tag!r} is none of AWS's" if tag else "the image's name has no tag"
    return f"xgboost {served} serves, because {reason}"
