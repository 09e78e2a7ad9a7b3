"""STS GetCallerIdentity, IAM GetRole and SimulatePrincipalPolicy: who calls, and that every role may do all.

There is no IAM here. SDKs look up the role a job is to run with, and refuse one that SageMaker may not
assume, so every name is a role that may be assumed and is allowed what it asks for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend

CALLER_ROLE = "SageMakerRole"
SESSION_NAME = "emulator"

_CREATED = 1_511_913_600  # SageMaker's first day, 2017-11-29
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


async def get_caller_identity(_backend: Backend, call: Call) -> Mapping[str, Any]:
    """A session of the role SageMakerRole in the account of the access key."""
    account = call.place.account
    return {
        "Account": account,
        "UserId": f"{_role_id(account, CALLER_ROLE)}:{SESSION_NAME}",
        "Arn": f"arn:aws:sts::{account}:assumed-role/{CALLER_ROLE}/{SESSION_NAME}",
    }


async def get_role(_backend: Backend, call: Call) -> Mapping[str, Any]:
    """The role of any name, which SageMaker may assume; its path is `/`."""
    account, name = call.place.account, call.request["RoleName"]
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": _role_id(account, name),
            "Arn": f"arn:aws:iam::{account}:role/{name}",
            "CreateDate": _CREATED,
            "AssumeRolePolicyDocument": quote(json.dumps(_TRUST)),
            "Description": "There is no IAM in this emulator: every role exists and is allowed everything",
            "MaxSessionDuration": 3600,
        }
    }


async def simulate_principal_policy(_backend: Backend, call: Call) -> Mapping[str, Any]:
    """Every action is allowed on every resource."""
    resources = call.request.get("ResourceArns") or ["*"]
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
            for action in call.request["ActionNames"]
            for resource in resources
        ],
        "IsTruncated": False,
    }


def _role_id(account: str, name: str) -> str:
    """Twenty-one characters in the form of IAM's, always the same for a role."""
    return f"AROA{hashlib.sha256(f'{account}/{name}'.encode()).hexdigest()[:17].upper()}"
