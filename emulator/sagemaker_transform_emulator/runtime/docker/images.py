"""Docker images: which local image serves which name, whether it is there, pulling. Blocking calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import docker.errors
from docker.api.client import APIClient
from docker.utils import parse_repository_tag

from sagemaker_transform_emulator.config import ImageMapping
from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.runtime import xgboost_versions
from sagemaker_transform_emulator.runtime.base import BIND_LABEL
from sagemaker_transform_emulator.runtime.docker.engine import engine_errors, explanation

PullPolicy = Literal["missing", "never", "always"]
_TOLD_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Image:
    """An image the engine has. `name` is what it is started by; `made_here` tells it came by no pull."""

    name: str
    user: str
    labels: Mapping[str, str]
    made_here: bool

    @property
    def accepts_bind_to_port(self) -> bool:
        """Whether it promises to listen on SAGEMAKER_BIND_TO_PORT (R1.10)."""
        return self.labels.get(BIND_LABEL, "").lower() == "true"


def find_image(api: APIClient, name: str) -> Image | None:
    """The engine's image of that name; None when it has none."""
    with engine_errors(f"look for image {name!r}"):
        found = _inspect(api, name)
    if found is None:
        return None
    config: dict[str, Any] = found.get("Config") or {}
    return Image(name, config.get("User") or "", config.get("Labels") or {}, not found.get("RepoDigests"))


def local_stand_in(api: APIClient, name: str, mappings: tuple[ImageMapping, ...]) -> tuple[str, Image | None]:
    """The name that stands for the image, and the image when the engine has it.

    A user's mapping always holds; a built-in one only where the image itself is not there but the
    stand-in is, so that AWS's own image is run where it was pulled.
    """
    mapping = _mapping(name, mappings)
    if mapping is None or mapping.image is None:
        return name, find_image(api, name)
    if not mapping.built_in:
        return mapping.image, find_image(api, mapping.image)
    for candidate in (name, *names_standing_for(name, mapping)):
        found = find_image(api, candidate)
        if found is not None:
            return candidate, found
    return name, None


def names_standing_for(name: str, mapping: ImageMapping) -> tuple[str, ...]:
    """The local images that the mapping offers for this one, the best first."""
    if mapping.image is None:
        return ()
    if mapping.built_in and mapping.library is not None:
        return xgboost_versions.local_images(mapping.image, name)
    return (mapping.image,)


def note_on_version(name: str, stand_in: str, mappings: tuple[ImageMapping, ...]) -> str:
    """What a user should know of the library's version in our image that stands for `name`; "" if nothing."""
    mapping = _mapping(name, mappings)
    if mapping is None or mapping.library is None or not mapping.built_in:
        return ""
    return xgboost_versions.note_on_local_image(name, stand_in)


def other_version_stands_in(name: str, stand_in: str, mappings: tuple[ImageMapping, ...]) -> bool:
    """Whether our image of the version that the tag names would be better than `stand_in`."""
    mapping = _mapping(name, mappings)
    return mapping is not None and mapping.built_in and names_standing_for(name, mapping)[0] != stand_in


def _mapping(name: str, mappings: tuple[ImageMapping, ...]) -> ImageMapping | None:
    return next((each for each in mappings if each.image is not None and each.covers(name)), None)


def obtain(
    api: APIClient, name: str, found: Image | None, policy: PullPolicy, tell: Callable[[str], None]
) -> Image:
    """The image, pulled if the policy says so. An image that was made here is never pulled over.

    `tell` is called about every two seconds while layers arrive. Raises ModelError with what the registry
    answered.
    """
    if found is not None and (policy != "always" or found.made_here):
        return found
    if policy == "never":
        raise ModelError(
            f"Image {name!r} is not on this machine, and pull = never forbids to fetch it",
            remedy=f"`docker pull {name}`, or set --pull missing",
        )
    _pull(api, name, tell)
    pulled = find_image(api, name)
    if pulled is None:
        raise ModelError(f"Image {name!r} was pulled, but the engine does not know it by that name")
    return pulled


class PullProgress:
    """Counts the layers and bytes of a pull's events. Pure."""

    def __init__(self) -> None:
        self._status: dict[str, str] = {}
        self._bytes: dict[str, tuple[int, int]] = {}

    def feed(self, event: Mapping[str, Any]) -> None:
        """Take one event of the engine's stream into account."""
        layer, status = event.get("id"), str(event.get("status", ""))
        if not layer or status.startswith("Pulling from"):
            return
        self._status[layer] = status
        detail = event.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif status in {"Download complete", "Pull complete"} and layer in self._bytes:
            self._bytes[layer] = (self._bytes[layer][1],) * 2

    @property
    def text(self) -> str:
        """Such as "3 of 7 layers, 120 of 340 MB"."""
        done = sum(status in {"Pull complete", "Already exists"} for status in self._status.values())
        current = sum(part for part, _ in self._bytes.values()) / 1e6
        total = sum(whole for _, whole in self._bytes.values()) / 1e6
        return f"{done} of {len(self._status)} layers, {current:.0f} of {total:.0f} MB"


def _inspect(api: APIClient, name: str) -> dict[str, Any] | None:
    try:
        return dict(api.inspect_image(name))  # type: ignore[no-untyped-call]
    except docker.errors.APIError as error:
        if error.status_code in {400, 404}:  # no such image, or no name an image can have
            return None
        raise


def _pull(api: APIClient, name: str, tell: Callable[[str], None]) -> None:
    repository, tag = parse_repository_tag(name)
    progress, told = PullProgress(), time.monotonic()
    tell(f"pulling {name}")
    try:
        for event in api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in event:
                raise _refused(name, str(event["error"]))
            progress.feed(event)
            if time.monotonic() - told > _TOLD_EVERY_S:
                told = time.monotonic()
                tell(f"pulling {name}: {progress.text}")
    except docker.errors.APIError as error:
        raise _refused(name, explanation(error)) from None
    tell(f"pulled {name}")


def _refused(name: str, answer: str) -> ModelError:
    return ModelError(
        f"Image {name!r} is not on this machine and cannot be pulled: {answer.strip()}",
        remedy=_pull_remedy(name, answer),
    )


def _pull_remedy(name: str, answer: str) -> str:
    host = name.partition("/")[0]
    if "no matching manifest" in answer:
        return f"the image is for another CPU architecture: `docker pull --platform linux/amd64 {name}`"
    if ".dkr.ecr." in host:
        region = host.split(".dkr.ecr.")[1].split(".")[0]
        return (
            f"`aws ecr get-login-password --region {region} | docker login --username AWS "
            f"--password-stdin {host}`, then `docker pull {name}`; or name a local image in emulator.toml"
        )
    return f"check the name, `docker login` if it is private, or build it: `docker build -t {name} .`"
