"""Settings: the usual AWS variables, a few of our own, and one optional `emulator.toml`. No other source.

`emulator.toml` is looked for in the working directory, or named by --config or EMULATOR_CONFIG::

    [[images]]
    match = "*/my-algorithm:*"          # a glob over the image name
    command = ["{python}", "-m", "my_algorithm"]
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulator.errors import UsageError
from emulator.storage import StoreAddress

ROOT = Path(__file__).resolve().parent.parent


class ImageMapping(BaseModel):
    """The command that stands for an image in the process runtime; `serve` is added to it (R4.1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str
    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[str, str] = Field(default_factory=dict)
    directory: str | None = None

    def covers(self, image: str) -> bool:
        """Whether the glob matches the image's name."""
        return fnmatchcase(image, self.match)


BUILT_IN_IMAGES = tuple(
    ImageMapping(match=match, command=("{python}", "-m", module), environment={"PYTHONPATH": str(ROOT)})
    for match, module in (
        ("*sagemaker-sparkml-serving*", "containers.sparkml"),
        ("*sagemaker-xgboost*", "containers.xgboost"),
        ("*/xgboost:*", "containers.xgboost"),
    )
)


class Settings(BaseModel):
    """What `emulator.toml` may say. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: tuple[ImageMapping, ...] = ()
    runtime: Literal["auto", "docker", "process"] = "auto"
    transport: Literal["lean", "httpx"] = "lean"
    ping_window_s: float = Field(default=120.0, gt=0)
    ping_interval_s: float = Field(default=0.1, gt=0)
    no_answer_is_internal_error: bool = False

    @property
    def all_images(self) -> tuple[ImageMapping, ...]:
        """The user's mappings first, then the built-in ones."""
        return (*self.images, *BUILT_IN_IMAGES)

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
            f"{file}: {place}: {first['msg']}", remedy="see emulator/config.py for what it may say"
        ) from None


DUMMY_KEYS = ("test", "test")
DEFAULT_REGION = "us-east-1"


def region(environment: Mapping[str, str] = os.environ) -> str:
    """AWS_REGION, else AWS_DEFAULT_REGION, else us-east-1."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def configured_store(environment: Mapping[str, str] = os.environ) -> StoreAddress | None:
    """The S3 endpoint of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; None when neither is set."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return None
    return StoreAddress(endpoint_url=endpoint, region=region(environment))
