"""The notebook's job with boto3 alone: create, wait, list in pages, stop."""

import json
import os
import time
from pathlib import Path

import boto3

SAMPLES = Path(os.environ["SAMPLES"])
sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
s3.create_bucket(Bucket="emulator-demo")
for key in ("models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"):
    s3.upload_file(str(SAMPLES / key), "emulator-demo", key)
sagemaker.create_model(**json.loads((SAMPLES / "model.json").read_text()))
request = json.loads((SAMPLES / "job.json").read_text())

started = time.monotonic()
sagemaker.create_transform_job(**{**request, "TransformJobName": "job-1"})
waiter = sagemaker.get_waiter("transform_job_completed_or_stopped")
waiter.wait(TransformJobName="job-1")
transformed = time.monotonic()
for number in (2, 3, 4):
    name = f"job-{number}"
    sagemaker.create_transform_job(
        **{
            **request,
            "TransformJobName": name,
            "TransformOutput": {"S3OutputPath": f"s3://emulator-demo/{name}"},
        }
    )
    sagemaker.stop_transform_job(TransformJobName=name)
    waiter.wait(TransformJobName=name)

pages = list(
    sagemaker.get_paginator("list_transform_jobs").paginate(
        NameContains="job-", PaginationConfig={"PageSize": 3}
    )
)
summaries = [summary for page in pages for summary in page["TransformJobSummaries"]]
body = s3.get_object(Bucket="emulator-demo", Key="output/penguins.csv.out")["Body"]
result = {
    "rows": body.read().decode().split(),
    "listed": [summary["TransformJobName"] for summary in summaries],
    "pages": [len(page["TransformJobSummaries"]) for page in pages],
    "statuses": {summary["TransformJobName"]: summary["TransformJobStatus"] for summary in summaries},
    "transform_seconds": transformed - started,
    "snippet_seconds": time.monotonic() - started,
}
Path(os.environ["RESULT"]).write_text(json.dumps(result))
