"""A test of a two-container pipeline in a CI job: `pytest examples/test_pipeline.py`."""

import json
from pathlib import Path

SAMPLES = Path(__file__).parent.parent / "sample_data"


def test_pipeline_predicts_every_record(sagemaker_emulator):
    sagemaker, s3 = sagemaker_emulator.client("sagemaker"), sagemaker_emulator.client("s3")
    s3.create_bucket(Bucket="emulator-demo")
    for key in ("models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"):
        s3.upload_file(str(SAMPLES / key), "emulator-demo", key)
    sagemaker.create_model(**json.loads((SAMPLES / "model.json").read_text()))
    sagemaker.create_transform_job(**json.loads((SAMPLES / "job.json").read_text()))
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="penguins")
    output = s3.get_object(Bucket="emulator-demo", Key="output/penguins.csv.out")["Body"].read().decode()
    assert len([row for row in output.splitlines() if row]) == 344
