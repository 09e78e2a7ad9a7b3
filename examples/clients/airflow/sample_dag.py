"""A DAG that runs the sample job by Airflow's SageMakerTransformOperator.

eval "$(emulator env)"; export SAMPLE_DATA=… AIRFLOW__CORE__DAGS_FOLDER=…
airflow db migrate && airflow dags reserialize && airflow dags test sample_job
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTransformOperator
from airflow.sdk import DAG, task

FOLDER = Path(os.environ["SAMPLE_DATA"])
NAME = "airflow-{{ ts_nodash | lower }}"
MODEL = json.loads((FOLDER / "model.json").read_text()) | {"ModelName": NAME}
JOB = json.loads((FOLDER / "job.json").read_text()) | {"ModelName": NAME, "TransformJobName": NAME}

with DAG("sample_job", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None):

    @task
    def upload() -> None:
        s3 = S3Hook(aws_conn_id=None)
        if not s3.check_for_bucket("emulator-demo"):
            s3.create_bucket("emulator-demo")
        for key in ("models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"):
            s3.load_file(FOLDER / key, key, "emulator-demo", replace=True)

    @task
    def count() -> int:
        output = S3Hook(aws_conn_id=None).read_key("output/penguins.csv.out", "emulator-demo")
        return len(output.split())

    transform = SageMakerTransformOperator(
        task_id="transform",
        config={"Model": MODEL, "Transform": JOB},
        aws_conn_id=None,  # what `emulator env` set, rather than a connection of Airflow's own
        check_interval=30,
    )
    upload() >> transform >> count()
