"""The health page: what a server tells of itself, and what clients that have only its URL make of it.

The health page names the keys. It tells the secret only where it is none, being the emulator's own pair:
whoever can reach the port may read the page, while the keys of a store that somebody brought along are for
those who may read the server's private file, or have the keys already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import DUMMY_KEYS
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.server import state_directory as state
from sagemaker_transform_emulator.server.state_directory import About

_ANSWER_SECONDS = 5
_MOST_BYTES = 64 * 1024
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_KEY = re.compile(r"[!-~]{1,128}")
_PAIRS = (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"))


@dataclass(frozen=True, slots=True)
class Told:
    """What a server's health page says. `secret` is None where it keeps it to itself."""

    pid: int
    region: str
    s3: str
    runtime: str
    endpoint_url: str
    key: str
    secret: str | None


def public(about: About) -> Mapping[str, Any]:
    """What the health page shows to whoever asks."""
    told = asdict(about)
    names = ["endpoint_url", "pid", "region", "s3", "runtime", "access_key_id"]
    if (about.access_key_id, about.secret_access_key) == DUMMY_KEYS:
        names.append("secret_access_key")
    return {name: told[name] for name in names}


def elsewhere(endpoint: str, folder: Path, environment: Mapping[str, str]) -> About:
    """The server at that URL, for clients of this machine; the SDKs' file of its region is in `folder`.

    The keys are what it tells. Those of a store that was brought along come from the server's own file in
    `folder` if it runs there, else from the environment. Raises UsageError when they cannot be known, and
    MachineError when no emulator answers.
    """
    url = endpoint.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{endpoint!r} is no URL of an emulator", remedy="such as http://127.0.0.1:4566")
    told = ask(url)
    key, secret = _keys(told, url, folder, environment)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return About(
        endpoint_url=url,
        pid=told.pid,
        region=told.region,
        access_key_id=key,
        secret_access_key=secret,
        sdk_config=str(state.write_sdk_config(folder, told.region)),
        s3=told.s3,
        s3_endpoint_url=url,
        runtime=told.runtime,
    )


def read(page: bytes) -> Told:
    """What the page says, checked: it goes into shells and files. Raises ValueError for any other page."""
    said = json.loads(page)
    pid = said.get("pid") if isinstance(said, dict) else None
    if type(pid) is not int:
        raise ValueError("this is no emulator's health page")
    secret = said.get("secret_access_key")
    return Told(
        pid=pid,
        region=_matching(_REGION, said.get("region"), "region"),
        s3=str(said.get("s3", "")),
        runtime=str(said.get("runtime", "")),
        endpoint_url=str(said.get("endpoint_url", "")),
        key=_matching(_KEY, said.get("access_key_id"), "access key"),
        secret=None if secret is None else _matching(_KEY, secret, "secret key"),
    )


def _at_most(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:size]
        size -= len(chunk)
        if size <= 0:
            return


def ask(url: str, *, timeout_s: float = _ANSWER_SECONDS, trust_env: bool = True) -> Told:
    """What the server at that URL tells, proxies of the environment being asked only with `trust_env`.

    Raises MachineError when no emulator answers there.
    """
    import httpx  # noqa: PLC0415 - a tenth of a second that commands without a server never need

    try:
        page = f"{url}/_emulator/health"
        with httpx.stream("GET", page, timeout=timeout_s, trust_env=trust_env) as answer:
            answer.raise_for_status()
            return read(b"".join(_at_most(answer.iter_raw(), _MOST_BYTES)))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        said = "".join(letter if letter.isprintable() else "?" for letter in str(error))
        raise MachineError(f"No emulator answers at {url}: {said}", remedy="check the URL") from None


def _keys(told: Told, url: str, folder: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    if told.secret is not None:
        return told.key, told.secret
    own = _server_of(folder)
    if own and (own.pid, own.endpoint_url) == (told.pid, told.endpoint_url):
        return own.access_key_id, own.secret_access_key
    for name, secret in _PAIRS:
        if environment.get(name) == told.key and environment.get(secret):
            return told.key, environment[secret]
    raise UsageError(
        f"The store behind {url} has keys of its own, and the secret of {told.key!r} is not known here",
        remedy=f"set AWS_ACCESS_KEY_ID={told.key} and AWS_SECRET_ACCESS_KEY, or name the server's folder "
        "with --state-dir",
    )


def _server_of(folder: Path) -> About | None:
    try:
        return state.published(folder)
    except MachineError:
        return None


def _matching(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"it tells no {what}")
    return value
