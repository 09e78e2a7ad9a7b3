"""Nothing but S3 reaches the store: every other service of AWS is answered by name, in its own protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from api.aws_clients import REACHED_S3, Clients, clients, least
from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.server.api.operations import OPERATIONS

SERVICES = sorted(set(botocore.session.get_session().get_available_services()) - {"s3"})
LEFT_TO_THE_CLIENT = {
    "cloudfront-keyvaluestore": "needs the package awscrt to sign",
    "account-access-runtime": "needs a bearer token",
    "codecatalyst": "needs a bearer token",
}

TWIN = ("lex-models", "StartImport")
"""Lex V1 and V2 sign alike, and each has an operation with this method and path."""


@pytest.fixture(scope="module")
def client_of(s3: StoreAddress) -> Iterator[Clients]:
    with clients(s3) as made:
        yield made


def calls(client: Any, service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Operations that are not carried out here, with the least they ask for."""
    model = client.meta.service_model
    for name in model.operation_names:
        if name not in OPERATIONS.get(service, {}):
            shape = model.operation_model(name).input_shape
            yield name, least(shape) if shape else {}


def refused(client_of: Clients, client: Any, operation: str, given: dict[str, Any]) -> ClientError | None:
    """The error that the call gets of the application; None when botocore itself does not send it."""
    before = len(client_of.statuses)
    try:
        client._make_api_call(operation, given)
    except ClientError as error:
        return error
    except (BotoCoreError, ValueError, TypeError, KeyError, AttributeError):
        if len(client_of.statuses) > before:
            raise
        return None
    assert client_of.statuses[-1] != REACHED_S3, f"{operation} reached the store"
    raise AssertionError(f"{operation} was answered")


@pytest.mark.parametrize("service", SERVICES)
def test_every_other_service_is_refused_by_name(
    client_of: Clients, service: str, request: pytest.FixtureRequest
) -> None:
    if service in LEFT_TO_THE_CLIENT:
        pytest.skip(f"botocore cannot make this client here: {LEFT_TO_THE_CLIENT[service]}")
    client = client_of(service)
    every = request.config.getoption("--every-operation")
    sent = 0
    for operation, given in calls(client, service):
        error = refused(client_of, client, operation, given)
        if error is None:
            continue
        sent += 1
        said = error.response["Error"]
        assert client_of.statuses[-1] == 400
        assert said["Code"] in ("UnknownOperationException", "InvalidAction", "ValidationError"), error
        has_body = client.meta.service_model.operation_model(operation).http["method"] != "HEAD"
        if has_body and not operation.startswith("InvokeEndpoint") and (service, operation) != TWIN:
            assert "is not part of this emulator of SageMaker batch transform" in said["Message"], error
            assert operation in said["Message"], error
        if not every:
            return
    assert sent, f"botocore sends no operation of {service}"
