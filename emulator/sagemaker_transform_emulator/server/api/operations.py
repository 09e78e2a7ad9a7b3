"""The operations there are, by service, each with the function that carries it out."""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker_transform_emulator.server.api import (
    cloudwatch,
    identity,
    log_groups,
    model_package_groups,
    model_packages,
    search,
)
from sagemaker_transform_emulator.server.api import log_operations as logs
from sagemaker_transform_emulator.server.api import model_operations as models
from sagemaker_transform_emulator.server.api import tag_operations as tags
from sagemaker_transform_emulator.server.api import transform_job_operations as transform_jobs
from sagemaker_transform_emulator.server.api.backend import Operation
from sagemaker_transform_emulator.server.api.empty_lists import EMPTY_LISTS

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
        "CreateModelPackageGroup": model_package_groups.create_model_package_group,
        "DescribeModelPackageGroup": model_package_groups.describe_model_package_group,
        "ListModelPackageGroups": model_package_groups.list_model_package_groups,
        "DeleteModelPackageGroup": model_package_groups.delete_model_package_group,
        "CreateModelPackage": model_packages.create_model_package,
        "DescribeModelPackage": model_packages.describe_model_package,
        "ListModelPackages": model_packages.list_model_packages,
        "UpdateModelPackage": model_packages.update_model_package,
        "DeleteModelPackage": model_packages.delete_model_package,
        "Search": search.search,
        "AddTags": tags.add_tags,
        "ListTags": tags.list_tags,
        "DeleteTags": tags.delete_tags,
        **EMPTY_LISTS,
    },
    "logs": {
        "CreateLogGroup": log_groups.create_log_group,
        "DeleteLogGroup": log_groups.delete_log_group,
        "DescribeLogGroups": log_groups.describe_log_groups,
        "PutRetentionPolicy": log_groups.put_retention_policy,
        "DeleteRetentionPolicy": log_groups.delete_retention_policy,
        "DescribeLogStreams": logs.describe_log_streams,
        "GetLogEvents": logs.get_log_events,
        "FilterLogEvents": logs.filter_log_events,
    },
    "cloudwatch": {
        "ListMetrics": cloudwatch.list_metrics,
        "GetMetricData": cloudwatch.get_metric_data,
    },
    "sts": {"GetCallerIdentity": identity.get_caller_identity},
    "iam": {
        "GetRole": identity.get_role,
        "SimulatePrincipalPolicy": identity.simulate_principal_policy,
    },
}

TARGETS: Mapping[str, str] = {
    "SageMaker": "sagemaker",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
}
"""Which service the part of X-Amz-Target before the dot means, or the path of a CBOR request."""

VERSIONS: Mapping[str, str] = {"2011-06-15": "sts", "2010-05-08": "iam", "2010-08-01": "cloudwatch"}
"""Which service the Version of a query request means."""
