"""AWS's notebook "Run Batch Transforms with Inference Pipelines", as written for SDK v2."""

import json
import os
import time
from pathlib import Path

import boto3
import sagemaker
from sagemaker import image_uris
from sagemaker.model import Model
from sagemaker.pipeline import PipelineModel
from sagemaker.sparkml.model import SparkMLModel
from sagemaker.transformer import Transformer

SAMPLES = os.environ["SAMPLES"]
role = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker"
session = sagemaker.Session()
bucket = session.default_bucket()
prefix = "penguins"
uri = {
    name: session.upload_data(f"{SAMPLES}/models/{name}/model.tar.gz", bucket, f"{prefix}/{name}")
    for name in ("sparkml", "xgboost")
}
input_data = session.upload_data(f"{SAMPLES}/input/penguins.csv", bucket, f"{prefix}/input")
with Path(f"{SAMPLES}/model.json").open() as file:
    schema = json.load(file)["Containers"][0]["Environment"]["SAGEMAKER_SPARKML_SCHEMA"]

sparkml_model = SparkMLModel(model_data=uri["sparkml"], env={"SAGEMAKER_SPARKML_SCHEMA": schema})
image = image_uris.retrieve("xgboost", session.boto_region_name, "1.7-1")
xgb_model = Model(model_data=uri["xgboost"], image_uri=image)
model_name = f"inference-pipeline-{time.time_ns()}"
pipeline = PipelineModel(
    name=model_name, role=role, models=[sparkml_model, xgb_model], sagemaker_session=session
)
pipeline.create("ml.m4.xlarge")
output_data = f"s3://{bucket}/{prefix}/output"
pipeline.transformer(1, "ml.m4.xlarge", output_path=output_data)  # creates the model a second time

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
transformer.wait(logs=True)
job = transformer.latest_transform_job.name

attached = Transformer.attach(job, sagemaker_session=session)
transformer.stop_transform_job(wait=False)  # of a job that has ended: the SDK shrugs
slow = Transformer(
    model_name=model_name,
    instance_count=1,
    instance_type="ml.m4.xlarge",
    output_path=f"s3://{bucket}/{prefix}/stopped",
    sagemaker_session=session,
)
slow.transform(input_data, content_type="text/csv", split_type="Line", wait=False, logs=False)
slow.stop_transform_job(wait=True)
stopped = session.sagemaker_client.describe_transform_job(TransformJobName=slow.latest_transform_job.name)
transformer.delete_model()
body = boto3.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/output/penguins.csv.out")["Body"]
result = {
    "rows": body.read().decode().split(),
    "job": job,
    "attached": [attached.model_name, attached.output_path],
    "model": model_name,
    "stopped": stopped["TransformJobStatus"],
    "models_left": [item["ModelName"] for item in session.sagemaker_client.list_models()["Models"]],
    "transform_seconds": transformed - started,
    "snippet_seconds": time.monotonic() - started,
}
with Path(os.environ["RESULT"]).open("w") as file:
    json.dump(result, file)
