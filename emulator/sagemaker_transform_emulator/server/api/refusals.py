"""The refusal of what is not part of the emulator: names the service, the operation, and what there is."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.server.api.addressing import Address, Incoming
from sagemaker_transform_emulator.server.api.awsjson import place_of
from sagemaker_transform_emulator.server.api.codecs import CODECS
from sagemaker_transform_emulator.server.api.operations import OPERATIONS
from sagemaker_transform_emulator.server.api.services import named

_INVOKED = re.compile(r"/endpoints/([^/]{1,256})/(?:async-|)invocations.*")
_SHOWN = 128


def refusal(address: Address, request: Incoming, operation: str = "") -> ServiceError:
    """The error for a request that no operation here answers. Reads botocore's models: not for the loop.

    `operation` is the Action of a query request. An invocation is refused as AWS refuses one of an endpoint
    that does not exist.
    """
    asked = named(address, request, operation)
    endpoint = _INVOKED.fullmatch(unquote(request.path))
    if asked.service == "sagemaker-runtime" and endpoint:
        account = place_of(request.authorization()).account
        return ServiceError(
            "ValidationError",
            f"Endpoint {endpoint[1]} of account {account} not found.",
            remedy="this emulator has no endpoints; it runs batch transform: CreateTransformJob",
        )
    what = f"The operation {asked.operation}" if asked.operation else f"{request.method} {_path(request)}"
    of = f" of {asked.title}" if asked.title else ""
    return ServiceError(
        CODECS[address.wire].unknown,
        f"{what}{of} is not part of this emulator of SageMaker batch transform, which has "
        + _what_there_is(asked.service),
    )


def _what_there_is(service: str) -> str:
    if service in OPERATIONS:
        return f"of this service: {', '.join(OPERATIONS[service])}"
    counts = ", ".join(f"{name} ({len(operations)} operations)" for name, operations in OPERATIONS.items())
    return f"S3, {counts}"


def _path(request: Incoming) -> str:
    text = unquote(request.path)[:_SHOWN]
    return "".join(character if character.isprintable() else "?" for character in text)
