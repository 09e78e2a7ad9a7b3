"""What CreateModel and CreateTransformJob look at before they accept a request, in the service's words.

The API, the command line and the library all pass through here.
"""

from __future__ import annotations

from sagemaker_transform_emulator.errors import DataError, ServiceError, StorageError, UsageError
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.constraints import validate
from sagemaker_transform_emulator.sagemaker.requests import Model, S3DataType, TransformJob
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.validation import require_processing

MAX_PAYLOAD_MB = 100
MAX_PRODUCT_MB = 100
DEFAULT_PAYLOAD_MB = 6


async def admit_model(request: dict[str, object], storage: Storage) -> Model:
    """The model of a CreateModel request that would be accepted.

    Raises ServiceError for constraint violations (R1.4), a model without container, and model data that
    are not there (R1.8).
    """
    validate("CreateModel", request)
    if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
        raise ServiceError(
            "ValidationException",
            "Exactly one of PrimaryContainer and Containers must be given",
            remedy="a pipeline goes into Containers, a single container into PrimaryContainer",
        )
    model = Model.from_request(request)
    for definition in model.containers:
        if not definition.image:
            raise ServiceError(
                "ValidationException",
                f'Container "{definition.name}" has no Image',
                remedy="a ModelPackageName means something only to a server: `emulator up` keeps a registry",
            )
        if definition.model_data_url:
            await _require_model_data(definition.model_data_url, storage)
    return model


async def admit_job(request: dict[str, object], model: Model, storage: Storage, region: str) -> TransformJob:
    """The job of a CreateTransformJob request that would be accepted.

    Raises ServiceError for constraint violations (R1.4), limits (R1.18), models that use ModelDataSource
    (R1.24), filters and joins that cannot work (R1.16, R1.17) and an input without objects (R1.22, R1.23).
    """
    validate("CreateTransformJob", request)
    job = TransformJob.from_request(request)
    _require_limits(job)
    require_processing(job)
    _require_places(job)
    if any(definition.uses_model_data_source for definition in model.containers):
        raise ServiceError(
            "ValidationException",
            "SageMaker Batch currently doesn't support Model entity with container definitions which use "
            "ModelDataSource attribute",
            remedy="use ModelDataUrl with a model.tar.gz",
        )
    await _require_objects(job, model, storage, region)
    return job


def _require_limits(job: TransformJob) -> None:
    payload = DEFAULT_PAYLOAD_MB if job.max_payload_in_mb is None else job.max_payload_in_mb
    if payload > MAX_PAYLOAD_MB:
        raise ServiceError(
            "ValidationException", f"MaxPayloadInMB is {payload}; it must be at most {MAX_PAYLOAD_MB}"
        )
    if (job.max_concurrent_transforms or 0) * payload > MAX_PRODUCT_MB:
        raise ServiceError(
            "ValidationException",
            f"MaxConcurrentTransforms ({job.max_concurrent_transforms}) times MaxPayloadInMB ({payload}) is "
            f"{(job.max_concurrent_transforms or 0) * payload}; it must be at most {MAX_PRODUCT_MB}",
            remedy="lower one of the two",
        )


def _require_places(job: TransformJob) -> None:
    """What is read and written has a bucket: the API's pattern also lets URLs of other hosts through."""
    capture = job.data_capture_config
    for uri in (
        job.transform_input.s3_uri, job.transform_output.s3_output_path,
        *((capture.destination_s3_uri,) if capture else ()),
    ):  # fmt: skip
        try:
            S3Location.parse(uri)
        except UsageError as error:
            raise ServiceError("ValidationException", error.message, remedy=error.remedy) from None


async def _require_model_data(url: str, storage: Storage) -> None:
    try:
        await storage.head(S3Location.parse(url))
    except (StorageError, UsageError) as error:
        if isinstance(error, StorageError) and error.blame == "InternalServerError":
            raise
        raise ServiceError(
            "ValidationException", f"Could not find model data at {url}.", remedy=error.remedy
        ) from None


async def _require_objects(job: TransformJob, model: Model, storage: Storage, region: str) -> None:
    uri = job.transform_input.s3_uri
    location = S3Location.parse(uri)
    try:
        if job.transform_input.s3_data_type is S3DataType.MANIFEST_FILE:
            await storage.head(location)
            found = True
        else:
            found = await storage.any_object(location)
    except (StorageError, DataError) as error:
        if isinstance(error, StorageError) and error.blame == "InternalServerError":
            raise
        found = False
    if not found:
        raise ServiceError(
            "ValidationException",
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
            f"bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and "
            f'that the role "{model.execution_role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{location.bucket}".',
            remedy="check the URI against the store the emulator uses",
        )
