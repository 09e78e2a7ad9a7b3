"""STS and IAM as far as SDKs ask them: through botocore's own clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api.aws_clients import ENDPOINT, Clients, clients
from botocore.exceptions import ClientError

from sagemaker_transform_emulator.config import StoreAddress


@pytest.fixture(scope="module")
def client_of(s3: StoreAddress) -> Iterator[Clients]:
    with clients(s3) as made:
        yield made


def test_the_caller_is_a_session_of_a_role_that_exists(client_of: Clients) -> None:
    who = client_of("sts").get_caller_identity()
    assert who["Arn"] == "arn:aws:sts::000000000000:assumed-role/SageMakerRole/emulator"
    assert who["Account"] == "000000000000"
    role = client_of("iam").get_role(RoleName="SageMakerRole")["Role"]
    assert who["UserId"] == f"{role['RoleId']}:emulator"


def test_any_role_exists_and_sagemaker_may_assume_it(client_of: Clients) -> None:
    role = client_of("iam").get_role(RoleName="my+role,.@-=x")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/my+role,.@-=x"
    assert (role["Path"], role["CreateDate"].year) == ("/", 2017)
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}


def test_every_action_is_allowed(client_of: Clients) -> None:
    arn = "arn:aws:iam::000000000000:role/x"
    actions = [f"sagemaker:Action{number}" for number in range(12)]  # ten and more: in order of the numbers
    pages = client_of("iam").get_paginator("simulate_principal_policy")
    found = [
        (result["EvalActionName"], result["EvalResourceName"], result["EvalDecision"])
        for page in pages.paginate(PolicySourceArn=arn, ActionNames=actions)
        for result in page["EvaluationResults"]
    ]
    assert found == [(action, "*", "allowed") for action in actions]


def test_constraints_are_refused_in_the_words_of_the_query_services(client_of: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        client_of("iam").get_role(RoleName="a b")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "Value 'a b' at 'roleName' failed to satisfy constraint" in str(caught.value)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("Action=GetRole&Version=2010-05-08", "ValidationError"),
        ("Action=GetRole&Version=2010-05-08&RoleName.x=1", "MalformedInput"),
        ("Action=SimulatePrincipalPolicy&Version=2010-05-08&MaxItems=x", "MalformedInput"),
        ("Action=SimulatePrincipalPolicy&Version=2010-05-08&ActionNames=x", "MalformedInput"),
        ("Action=CreateRole&Version=2010-05-08", "InvalidAction"),
        ("Action=GetRole&Version=1999-01-01", "InvalidAction"),
        ("&".join(f"a{n}=1" for n in range(10_001)), "MalformedInput"),
        ("Action=GetRole&Version=2010-05-08&RoleName" + ".x" * 5000 + "=1", "MalformedInput"),
    ],
)
def test_forms_that_say_nothing_sensible_are_refused(client_of: Clients, form: str, code: str) -> None:
    signed = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/iam/aws4_request, Signature=0"
    headers = {"content-type": "application/x-www-form-urlencoded", "authorization": signed}
    answer = client_of.request("POST", ENDPOINT, content=form.encode(), headers=headers)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text


def test_a_presigned_caller_identity_is_answered(client_of: Clients) -> None:
    url = client_of("sts").generate_presigned_url("get_caller_identity")
    assert "assumed-role" in client_of.request("GET", url).text
