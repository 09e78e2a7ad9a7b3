"""Settings: the usual AWS variables, a few of our own, and one optional `emulator.toml`. No other source.

`emulator.toml` is looked for in the working directory, or named by --config or EMULATOR_CONFIG::

    [[images]]
    match = "*/my-algorithm:*"                     # a glob over the image name
    command = ["{python}", "-m", "my_algorithm"]   # stands for it in the process runtime
    image = "my-algorithm:dev"                     # stands for it in the Docker runtime
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sagemaker_transform_emulator.errors import UsageError

SOURCE_ROOT = Path(__file__).resolve().parent.parent
"""What must be on PYTHONPATH for the serving containers to be importable."""
LOCAL_IMAGES = "sagemaker-transform-emulator"
"""The repository of the images that `make images` and `docker compose` build."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where S3 is and with which credentials. None leaves the choice to boto3's usual chain."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


def state_directory() -> Path:
    """Where runs keep their scratch space: EMULATOR_STATE_DIR, else the user's state directory."""
    named = os.environ.get("EMULATOR_STATE_DIR")
    return Path(named) if named else user_state_directory()


def user_state_directory() -> Path:
    """The state directory where EMULATOR_STATE_DIR names none."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "sagemaker-transform-emulator"


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where what is fetched or built once per user is kept: EMULATOR_CACHE_DIR, else the user's cache."""
    named = environment.get("EMULATOR_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sagemaker-transform-emulator"


class ImageMapping(BaseModel):
    """What stands for an image here. Each runtime looks only at mappings that say something to it.

    `command` is for the process runtime, with `environment` and `directory`; `serve` is added to it (R4.1).
    `image` is for the Docker runtime: the local image to run instead. A built-in one is used only when the
    engine does not have the image of the request itself, so that AWS's own is run where it was pulled.
    `library` names the library whose version is that of the request's image tag (see xgboost_versions.py).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str
    command: tuple[str, ...] = ()
    image: str | None = Field(default=None, min_length=1)
    library: Literal["xgboost"] | None = None
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    directory: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.command and self.image is None:
            raise ValueError("a mapping needs `command`, `image` or both")
        return self

    def covers(self, image: str) -> bool:
        """Whether the glob matches the image's name."""
        return fnmatchcase(image, self.match)

    @property
    def built_in(self) -> bool:
        """Whether it is one of ours rather than the user's."""
        return self in BUILT_IN_IMAGES

    @property
    def serving_container(self) -> Literal["sparkml", "xgboost"] | None:
        """Which of our serving containers it starts; None for a mapping of the user's."""
        if not self.built_in:
            return None
        return "sparkml" if str(self.image).endswith("/sparkml") else "xgboost"


BUILT_IN_IMAGES = tuple(
    ImageMapping(
        match=match,
        command=("{python}", "-P", "-m", f"sagemaker_transform_emulator.containers.{name}"),
        image=f"{LOCAL_IMAGES}/{name}",
        library="xgboost" if name == "xgboost" else None,
        environment={"PYTHONPATH": str(SOURCE_ROOT)},
    )
    for match, name in (
        ("*sagemaker-sparkml-serving*", "sparkml"),
        ("*sagemaker-xgboost*", "xgboost"),
        ("*/xgboost:*", "xgboost"),
    )
)


class Settings(BaseModel):
    """What `emulator.toml` may say. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: tuple[ImageMapping, ...] = ()
    runtime: Literal["auto", "docker", "process"] = "auto"
    pull: Literal["missing", "never", "always"] = "missing"
    xgboost: Literal["tag", "installed"] = "tag"
    profile: Literal["sagemaker", "strict"] = "sagemaker"
    instance_limits: bool = False
    ping_window_s: float = Field(default=120.0, gt=0)
    ping_interval_s: float = Field(default=0.1, gt=0)
    no_answer_is_internal_error: bool = False
    faults: tuple[str, ...] = ()
    trace: Literal["off", "errors", "sample", "all"] = "errors"
    describe_wait_s: float = Field(default=45.0, ge=0, le=55)
    quotas: dict[str, int] = Field(default_factory=dict)
    enforce_bind_to_port_label: bool = False
    allowed_hosts: tuple[str, ...] = ()
    webhook: str | None = Field(default=None, pattern=r"^https?://\S+$", repr=False)

    @property
    def all_images(self) -> tuple[ImageMapping, ...]:
        """The user's mappings first, then the built-in ones."""
        return (*self.images, *BUILT_IN_IMAGES)

    def changed(self, **values: object) -> Settings:
        """These settings with the given values over them; None leaves a setting alone.

        Raises UsageError naming the setting and what it may be.
        """
        given = {name: value for name, value in values.items() if value is not None}
        try:
            return Settings.model_validate(self.model_dump() | given)
        except ValidationError as error:
            first = error.errors()[0]
            name = "-".join(map(str, first["loc"])).replace("_", "-")
            raise UsageError(f"--{name} {first['input']!r}: {first['msg']}") from None

    def with_aws_timing(self) -> Settings:
        """The service's own patience: pings once a second for 30 minutes (R4.10, R4.11)."""
        return self.model_copy(update={"ping_window_s": 1800.0, "ping_interval_s": 1.0})


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `path`, of EMULATOR_CONFIG or of ./emulator.toml, or the defaults without a file."""
    named = path or (Path(environment["EMULATOR_CONFIG"]) if environment.get("EMULATOR_CONFIG") else None)
    file = named or Path("emulator.toml")
    if named is None and not file.exists():
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(file.read_text()))
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{file}: {place}: {first['msg']}",
            remedy="see emulator/sagemaker_transform_emulator/config.py for what it may say",
        ) from None


DUMMY_KEYS = ("emulator", "emulator-secret")
"""The one pair of keys that is the emulator's own, and no secret.

Stores that it starts itself take them, the MinIO of docker-compose.yml too unless MINIO_ROOT_USER says
otherwise; clients and containers get them wherever a store has no others. MinIO wants a password of eight
characters or more.
"""
DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"[a-z0-9-]{1,32}")


def region(environment: Mapping[str, str] = os.environ) -> str:
    """AWS_REGION, else AWS_DEFAULT_REGION, else us-east-1. Raises UsageError for what is no region's name."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if found := environment.get(name):
            return require_region(found, name)
    return DEFAULT_REGION


def require_region(text: str, name: str) -> str:
    """The text, which may be a region. Raises UsageError saying that what is called `name` is none."""
    if not _REGION.fullmatch(text):
        raise UsageError(f"{name} is {text[:50]!r}, which is no region", remedy="such as us-east-1")
    return text


def configured_store(
    environment: Mapping[str, str] = os.environ, *, for_server: bool = False
) -> StoreAddress | None:
    """The S3 endpoint of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; None when neither is set.

    For a server only the first counts: the other is what clients set to find the server itself. The keys are
    the environment's; without them boto3's own chain finds them if the user has a profile or a credentials
    file, else they are the emulator's own pair.
    """
    endpoint = environment.get("AWS_ENDPOINT_URL_S3")
    if not endpoint and not for_server:
        endpoint = environment.get("AWS_ENDPOINT_URL")
    return StoreAddress(endpoint, region(environment), *_store_keys(environment)) if endpoint else None


def _store_keys(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        # a session token belongs to the pair, and boto3 reads all three of them itself
        return (None, None) if environment.get("AWS_SESSION_TOKEN") else (key, secret)
    file = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials")
    return (None, None) if environment.get("AWS_PROFILE") or file.exists() else DUMMY_KEYS
