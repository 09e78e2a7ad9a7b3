"""What botocore knows of all of AWS's services: enough to name what a request is for.

Whole models are large and there are hundreds; their metadata stands at the beginning of each file, so the
catalogue is read in half a second, and only once something is asked that no operation here answers.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session

from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.server.api.addressing import Address, Incoming, Wire

_HEAD_CHARACTERS = 6_000
_METADATA = '"metadata":'
_SHOWN = 128
_QUERY_SHOWN = 65_536
_UNSIGNED = ("sso", "sso-oidc", "signin", "codecatalyst", "account-access-runtime", "bedrock-runtime")
"""Services whose requests may bear a token instead of a signature, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a request asks for, as far as it can be told: botocore's name of the service and an operation."""

    service: str = ""
    title: str = ""
    operation: str = ""


def named(address: Address, request: Incoming, operation: str = "") -> Named:
    """Service and operation of a request. `operation` is the Action of a query request."""
    candidates = _candidates(address)
    if address.wire in (Wire.REST_JSON, Wire.REST_XML):
        service, operation = _rest_operation(candidates, request)
    else:
        operation = (address.target.rpartition(".")[2] or operation)[:_SHOWN]
        service = _holder(candidates, operation)
    if not service and address.signing_name and candidates:
        service = candidates[0]
    title = _catalogue()[service]["serviceFullName"] if service else address.signing_name
    return Named(service, title, operation)


def _candidates(address: Address) -> tuple[str, ...]:
    prefix = address.target.rpartition(".")[0]
    if prefix:
        return tuple(name for name, told in _catalogue().items() if prefix in _prefixes(told))
    if not address.signing_name:
        return _UNSIGNED
    return tuple(
        name
        for name, told in _catalogue().items()
        if told.get("signingName", told["endpointPrefix"]).lower() == address.signing_name and name != "s3"
    )


def _holder(candidates: tuple[str, ...], operation: str) -> str:
    """Of several services that sign alike, the one that has the operation."""
    if len(candidates) == 1 or not operation:
        return candidates[0] if candidates else ""
    return next((name for name in candidates if operation in service_model(name).operation_names), "")


def _prefixes(told: Mapping[str, Any]) -> tuple[Any, ...]:
    return told.get("targetPrefix"), told["serviceId"].replace(" ", ""), told["serviceId"]


@dataclass(frozen=True, slots=True)
class _Route:
    """The method, the path and the fixed part of the query that make up an operation's requests."""

    service: str
    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    literal: int

    def rank(self, path: str) -> tuple[int, bool, int, str]:
        """Of several routes that cover a request, the one that says most about it comes first."""
        return -len(self.query), not self.path.fullmatch(path), -self.literal, self.operation


def _rest_operation(candidates: tuple[str, ...], request: Incoming) -> tuple[str, str]:
    """The service and the operation; a slash at the end of a path counts only where it decides."""
    given = frozenset(parse_qsl(request.query[:_QUERY_SHOWN], keep_blank_values=True))
    path = unquote(request.path)
    found = [
        route
        for service in candidates
        for route in _routes(service)
        if route.method == request.method
        and route.query <= given
        and any(route.path.fullmatch(form) for form in (path, path.rstrip("/"), f"{path}/"))
    ]
    best = min(found, key=lambda route: route.rank(path), default=None)
    return (best.service, best.operation) if best else ("", "")


@cache
def _routes(service: str) -> list[_Route]:
    model = service_model(service)
    return [_route(service, name, model.operation_model(name).http) for name in model.operation_names]


def _route(service: str, operation: str, http: Mapping[str, Any]) -> _Route:
    path, _, query = http.get("requestUri", "/").partition("?")
    parts = re.split(r"\{([^}]+)\}", path)
    pattern = "".join(
        re.escape(part) if position % 2 == 0 else (".+" if part.endswith("+") else "[^/]+")
        for position, part in enumerate(parts)
    )
    fixed = frozenset(parse_qsl(query, keep_blank_values=True))
    literal = sum(map(len, parts[::2]))
    return _Route(service, operation, http.get("method", "POST"), re.compile(pattern), fixed, literal)


@cache
def _catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every service's metadata by botocore's name for it."""
    loader = botocore.session.get_session().get_component("data_loader")
    found: dict[str, Mapping[str, Any]] = {}
    for name in loader.list_available_services("service-2"):
        version = loader.determine_latest_version(name, "service-2")
        folders = [Path(path, name, version) for path in loader.search_paths]
        head = next(_heads(folders), None)
        found[name] = service_model(name).metadata if head is None else head
    return found


def _heads(folders: list[Path]) -> Iterator[Mapping[str, Any]]:
    """The metadata of models that are packed, as botocore ships them."""
    for folder in folders:
        file = folder / "service-2.json.gz"
        if not file.exists():
            continue
        with gzip.open(file, "rt", encoding="utf-8") as packed:
            text = packed.read(_HEAD_CHARACTERS)
        at = text.find(_METADATA)
        try:
            metadata, _ = json.JSONDecoder().raw_decode(text[at + len(_METADATA) :].lstrip())
        except ValueError:
            continue
        yield metadata
