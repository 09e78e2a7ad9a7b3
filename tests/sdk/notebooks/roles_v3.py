"""Roles with SDK v3: ModelBuilder checks the one it is given, and finds the caller's own."""

import json
import os
from pathlib import Path

from sagemaker.core.helper import session_helper
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.serve import ModelBuilder

session = Session()
bucket = session.default_bucket()
model_data = session.upload_data(
    f"{os.environ['SAMPLES']}/models/xgboost/model.tar.gz", bucket, "models/xgboost"
)
image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
found = {}
for name, role in (("by-name", "SageMakerRole"), ("own", None)):
    builder = ModelBuilder(
        image_uri=image, s3_model_data_url=model_data, role_arn=role, sagemaker_session=session
    )
    model = builder.build(model_name=name)
    described = session.sagemaker_client.describe_model(ModelName=model.model_name)
    found[name] = described["ExecutionRoleArn"]
# the SDK asks https://sts.REGION.amazonaws.com whatever AWS_ENDPOINT_URL says
session_helper.sts_regional_endpoint = lambda _region: os.environ["AWS_ENDPOINT_URL"]
found["execution_role"] = get_execution_role(session)
with Path(os.environ["RESULT"]).open("w") as file:
    json.dump(found, file)
