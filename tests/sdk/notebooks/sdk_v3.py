"""The notebook's job with SDK v3: models from resources, the job through Transformer and TransformJob."""

import json
import logging
import os
import time
from pathlib import Path

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Model, TransformJob
from sagemaker.core.shapes import (
    ContainerDefinition,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)
from sagemaker.core.transformer import Transformer

logging.basicConfig(level=logging.INFO)  # SDK v3 logs what SDK v2 prints
SAMPLES = os.environ["SAMPLES"]
role = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker"
session = Session()
bucket = session.default_bucket()
prefix = "penguins"
uri = {
    name: session.upload_data(f"{SAMPLES}/models/{name}/model.tar.gz", bucket, f"{prefix}/{name}")
    for name in ("sparkml", "xgboost")
}
input_data = session.upload_data(f"{SAMPLES}/input/penguins.csv", bucket, f"{prefix}/input")
output_data = f"s3://{bucket}/{prefix}/output"
with Path(f"{SAMPLES}/model.json").open() as file:
    request = json.load(file)
model_name = f"inference-pipeline-{time.time_ns()}"
model = Model.create(
    model_name=model_name,
    execution_role_arn=role,
    containers=[
        ContainerDefinition(
            image=container["Image"],
            model_data_url=uri[name],
            environment=container.get("Environment", {}),
        )
        for name, container in zip(("sparkml", "xgboost"), request["Containers"], strict=True)
    ],
)

transformer = Transformer(
    model_name=model_name,
    instance_count=1,
    instance_type="ml.m4.xlarge",
    strategy="SingleRecord",
    assemble_with="Line",
    output_path=output_data,
    base_transform_job_name="inference-pipelines-batch",
    sagemaker_session=session,
    accept="text/csv",
)
started = time.monotonic()
transformer.transform(data=input_data, content_type="text/csv", split_type="Line", wait=True, logs=True)
transformed = time.monotonic()

second = TransformJob.create(
    transform_job_name=f"resource-{time.time_ns()}",
    model_name=model_name,
    transform_input=TransformInput(
        data_source=TransformDataSource(
            s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=input_data)
        ),
        content_type="text/csv",
        split_type="Line",
    ),
    transform_output=TransformOutput(s3_output_path=output_data, accept="text/csv", assemble_with="Line"),
    transform_resources=TransformResources(instance_type="ml.m4.xlarge", instance_count=1),
    batch_strategy="SingleRecord",
)
at_once = second.transform_job_status
second.wait(logs=True)
stopped = TransformJob.create(
    transform_job_name=f"stopped-{time.time_ns()}",
    model_name=model_name,
    transform_input=second.transform_input,
    transform_output=TransformOutput(s3_output_path=f"{output_data}/stopped"),
    transform_resources=second.transform_resources,
)
stopped.stop()
while stopped.refresh().transform_job_status in ("InProgress", "Stopping"):
    time.sleep(0.2)
found = TransformJob.get(second.transform_job_name)
listed = [job.transform_job_name for job in TransformJob.get_all()]
fetched = Model.get(model_name)
fetched.delete()
body = boto3.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/output/penguins.csv.out")["Body"]
result = {
    "rows": body.read().decode().split(),
    "at_once": at_once,
    "status": found.transform_job_status,
    "stopped": stopped.transform_job_status,
    "listed": len(listed),
    "models_left": [item.model_name for item in Model.get_all()],
    "transform_seconds": transformed - started,
    "snippet_seconds": time.monotonic() - started,
}
with Path(os.environ["RESULT"]).open("w") as file:
    json.dump(result, file)
