"""What a job's request may leave out when no service asks for it: a name, the model, the instances. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def fill_defaults(job: dict[str, Any], model: dict[str, Any], now: datetime) -> None:
    """The request has what CreateTransformJob requires and a local run does not care about.

    TransformJobName is made of the time, ModelName is the model's, one ml.m4.xlarge, S3DataType S3Prefix.
    """
    job.setdefault("TransformJobName", f"local-{now:%Y-%m-%d-%H-%M-%S}")
    job.setdefault("ModelName", model.get("ModelName"))
    source = job.setdefault("TransformInput", {}).setdefault("DataSource", {})
    source.setdefault("S3DataSource", {}).setdefault("S3DataType", "S3Prefix")
    job.setdefault("TransformOutput", {})
    resources = job.setdefault("TransformResources", {})
    resources.setdefault("InstanceType", "ml.m4.xlarge")
    resources.setdefault("InstanceCount", 1)
