"""STS GetCallerIdentity. SDKs ask it for the account of the default bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend


async def get_caller_identity(_backend: Backend, call: Call) -> Mapping[str, Any]:
    """The account of the access key."""
    account = call.place.account
    return {"Account": account, "UserId": account, "Arn": f"arn:aws:iam::{account}:root"}
