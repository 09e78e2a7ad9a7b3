"""Which variables tell a container where S3 is, and with which keys. Pure but for os.environ."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress

_OWN_STORES = ("127.0.0.1", "localhost", "[::1]", "minio")


def for_process(address: StoreAddress, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for a process of this machine.

    The keys are the store's own, else, for a store of the user's own machine, the environment's, which
    are needed to read it; else the emulator's dummy keys.
    """
    key, secret = DUMMY_KEYS
    found = {
        "AWS_ACCESS_KEY_ID": address.access_key_id or key,
        "AWS_SECRET_ACCESS_KEY": address.secret_access_key or secret,
    }
    if address.endpoint_url:
        found["AWS_ENDPOINT_URL_S3"] = address.endpoint_url
        if not address.access_key_id and any(host in address.endpoint_url for host in _OWN_STORES):
            found |= {name: environment[name] for name in found if name in environment and "KEY" in name}
    return found


def for_container(endpoint_url: str | None) -> dict[str, str]:
    """The variables for a container, which sees the store at `endpoint_url`.

    The keys are the emulator's own, always. A store that asks for other keys gets them from the model's or
    the job's Environment, or not at all.
    """
    key, secret = DUMMY_KEYS
    found = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    return found | ({"AWS_ENDPOINT_URL_S3": endpoint_url} if endpoint_url else {})


def loopback_target(endpoint_url: str | None) -> tuple[str, int] | None:
    """Host and port of an endpoint that only this machine reaches; None for any other."""
    host, port = _address(endpoint_url)
    return (host, port) if host == "localhost" or _is_loopback(host) else None


def plain_target(endpoint_url: str | None) -> tuple[str, int] | None:
    """Host and port of an endpoint that works under any name, being plain HTTP; None for any other."""
    host, port = _address(endpoint_url)
    return (host, port) if host and endpoint_url and endpoint_url.startswith("http://") else None


def moved(endpoint_url: str, host: str, port: int) -> str:
    """The same URL at another address."""
    return urlsplit(endpoint_url)._replace(netloc=f"{host}:{port}").geturl()


def _address(endpoint_url: str | None) -> tuple[str, int]:
    parts = urlsplit(endpoint_url or "")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
