"""Roles with SDK v2: one given by its bare name, and the caller's own."""

import json
import os
from pathlib import Path

import sagemaker
from sagemaker.model import Model

session = sagemaker.Session()
model = Model(image_uri="any", role="SageMakerRole", sagemaker_session=session, name="by-name")
model.create(instance_type="ml.m4.xlarge")
created = session.sagemaker_client.describe_model(ModelName="by-name")["ExecutionRoleArn"]
# the SDK asks https://sts.REGION.amazonaws.com whatever AWS_ENDPOINT_URL says
sagemaker.session.sts_regional_endpoint = lambda _region: os.environ["AWS_ENDPOINT_URL"]
result = {
    "created": created,
    "own": sagemaker.get_execution_role(),
    "account": session.account_id(),
    "bucket": sagemaker.Session().default_bucket(),
}
with Path(os.environ["RESULT"]).open("w") as file:
    json.dump(result, file)
