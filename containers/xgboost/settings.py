"""What the environment asks of the container, read once when it starts (R4.3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagemaker_transform_emulator.containers.serving import StartError

DEFAULT_MAX_CONTENT_LENGTH = 6 * 1024 * 1024
TRUST_SWITCH = "XGBOOST_TRUST_MODEL_PICKLES"
TRUE_WORDS = frozenset({"y", "yes", "t", "true", "on", "1"})
FALSE_WORDS = frozenset({"n", "no", "f", "false", "off", "0"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The variables of AWS's container, under its own rules, plus the switch that trusts pickles.

    `selected_keys` is None when SAGEMAKER_INFERENCE_OUTPUT is not set; set but empty it holds one empty
    key, as in AWS's container.
    """

    model_dir: Path = Path("/opt/ml/model")
    batch: bool = False
    default_accept: str | None = None
    selected_keys: tuple[str, ...] | None = None
    ensemble: bool = True
    max_content_length: int = DEFAULT_MAX_CONTENT_LENGTH
    workers: int = 1
    nginx_paths: bool = True
    trust_pickles: bool = False
    program: str | None = None
    submit_directory: str = "/opt/ml/code"

    @property
    def max_payload_in_mb(self) -> int:
        """MaxPayloadInMB of /execution-parameters: MAX_CONTENT_LENGTH in whole MiB."""
        return int(self.max_content_length / 1024**2)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises StartError for a value AWS's container could not start with."""
    if environ.get("SAGEMAKER_MULTI_MODEL"):
        raise StartError(
            "SAGEMAKER_MULTI_MODEL is set, but this container serves one model directory; "
            "unset it, or run one container for each model"
        )
    output = environ.get("SAGEMAKER_INFERENCE_OUTPUT")
    return Settings(
        model_dir=Path(environ.get("SM_MODEL_DIR", "/opt/ml/model")),
        batch=bool(environ.get("SAGEMAKER_BATCH")),
        default_accept=environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"),
        selected_keys=None if output is None else tuple(output.replace(" ", "").lower().split(",")),
        ensemble=environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true",
        max_content_length=_integer(environ, "MAX_CONTENT_LENGTH", DEFAULT_MAX_CONTENT_LENGTH),
        workers=max(1, _integer(environ, "SAGEMAKER_MODEL_SERVER_WORKERS", cpu_count())),
        nginx_paths=_switch(environ, "SAGEMAKER_USE_NGINX", default=True),
        trust_pickles=_switch(environ, TRUST_SWITCH, default=False),
        program=environ.get("SAGEMAKER_PROGRAM") or None,
        submit_directory=environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or "/opt/ml/code",
    )


def cpu_count() -> int:
    """The CPUs of the machine, whatever share of them this process may use: AWS counts them so."""
    return os.cpu_count() or 1


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    try:
        return default if text is None else int(text)
    except ValueError:
        raise StartError(f"{name} is {text!r}; it must be a whole number") from None


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name)
    if text is None:
        return default
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise StartError(f"{name} is {text!r}; it must be true or false")
