"""The environment of a container. Pure."""

from __future__ import annotations

from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition, TransformJob


def container_environment(definition: ContainerDefinition, job: TransformJob, region: str) -> dict[str, str]:
    """What a container of the job sees (R4.3 to R4.6).

    The runtime adds the ports and, below all this, the way to S3. The job's variables win over the
    model's and go to every container. Settings appear only if the request made them.
    """
    given = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": job.max_payload_in_mb,
        "SAGEMAKER_BATCH_STRATEGY": job.batch_strategy.constant if job.batch_strategy else None,
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": job.max_concurrent_transforms,
    }
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "SAGEMAKER_REGION": region,
        **({"SAGEMAKER_MULTI_MODEL": "true"} if definition.mode == "MultiModel" else {}),
        **definition.environment,
        **job.environment,
        **{name: str(value) for name, value in given.items() if value is not None},
        "SAGEMAKER_BATCH": "true",
    }
