"""The operations there are, by service, each with the function that carries it out."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.api import logs, models, tags, transform_jobs
from emulator.api.backend import Operation

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "sagemaker": {
        "CreateModel": models.create_model,
        "DescribeModel": models.describe_model,
        "ListModels": models.list_models,
        "DeleteModel": models.delete_model,
        "CreateTransformJob": transform_jobs.create_transform_job,
        "DescribeTransformJob": transform_jobs.describe_transform_job,
        "ListTransformJobs": transform_jobs.list_transform_jobs,
        "StopTransformJob": transform_jobs.stop_transform_job,
        "AddTags": tags.add_tags,
        "ListTags": tags.list_tags,
        "DeleteTags": tags.delete_tags,
    },
    "logs": {
        "DescribeLogGroups": logs.describe_log_groups,
        "DescribeLogStreams": logs.describe_log_streams,
        "GetLogEvents": logs.get_log_events,
        "FilterLogEvents": logs.filter_log_events,
    },
}
