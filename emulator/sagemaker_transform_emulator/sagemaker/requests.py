"""The requests of SageMaker as frozen values, in SageMaker's words.

Each class mirrors one structure of the service's API; attributes are its members in snake_case. A
member that was not sent is None or empty, unless the service fills in a default of its own (R1.26).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MIB = 1024 * 1024


class SplitType(StrEnum):
    """How an object is cut into records."""

    NONE = "None"
    LINE = "Line"
    RECORD_IO = "RecordIO"
    TF_RECORD = "TFRecord"


class BatchStrategy(StrEnum):
    """How many records go into one payload."""

    MULTI_RECORD = "MultiRecord"
    SINGLE_RECORD = "SingleRecord"

    @property
    def constant(self) -> str:
        """The spelling of environment variables and execution parameters, such as MULTI_RECORD (R4.5)."""
        return "MULTI_RECORD" if self is BatchStrategy.MULTI_RECORD else "SINGLE_RECORD"


class AssembleWith(StrEnum):
    """What follows each answer in the output."""

    NONE = "None"
    LINE = "Line"


class CompressionType(StrEnum):
    """How the input objects are compressed."""

    NONE = "None"
    GZIP = "Gzip"


class S3DataType(StrEnum):
    """What S3Uri names."""

    S3_PREFIX = "S3Prefix"
    MANIFEST_FILE = "ManifestFile"


class JoinSource(StrEnum):
    """Whether the output is joined to its input record."""

    NONE = "None"
    INPUT = "Input"


class JobStatus(StrEnum):
    """TransformJobStatus."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.IN_PROGRESS: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPING}),
    JobStatus.STOPPING: frozenset({JobStatus.STOPPED, JobStatus.COMPLETED, JobStatus.FAILED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.STOPPED: frozenset(),
}
"""Which status may follow which (R1.29, R1.30)."""


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """One container of a model. `name` is its ContainerHostname, else container-1, container-2, … (R4.35)."""

    name: str
    image: str
    model_data_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mode: str = "SingleModel"
    uses_model_data_source: bool = False

    @classmethod
    def from_request(cls, body: Mapping[str, Any], position: int) -> ContainerDefinition:
        """The ContainerDefinition at 1-based `position` of CreateModel's request."""
        return cls(
            name=body.get("ContainerHostname") or f"container-{position}",
            image=body.get("Image", ""),
            model_data_url=body.get("ModelDataUrl"),
            environment=dict(body.get("Environment") or {}),
            mode=body.get("Mode", "SingleModel"),
            uses_model_data_source=bool(body.get("ModelDataSource")),
        )


@dataclass(frozen=True, slots=True)
class Model:
    """CreateModel. One container, or the two to fifteen of an inference pipeline in order."""

    model_name: str
    containers: tuple[ContainerDefinition, ...]
    execution_role_arn: str = ""
    enable_network_isolation: bool = False

    @classmethod
    def from_request(cls, body: Mapping[str, Any]) -> Model:
        """The model of a validated CreateModel request."""
        definitions = body.get("Containers") or [body.get("PrimaryContainer") or {}]
        return cls(
            model_name=body["ModelName"],
            containers=tuple(
                ContainerDefinition.from_request(definition, position)
                for position, definition in enumerate(definitions, start=1)
            ),
            execution_role_arn=body.get("ExecutionRoleArn", ""),
            enable_network_isolation=bool(body.get("EnableNetworkIsolation", False)),
        )

    @property
    def is_pipeline(self) -> bool:
        """Whether there is more than one container (R4.38)."""
        return len(self.containers) > 1


@dataclass(frozen=True, slots=True)
class TransformInput:
    """What is read and how it is cut."""

    s3_uri: str
    s3_data_type: S3DataType = S3DataType.S3_PREFIX
    content_type: str | None = None
    compression_type: CompressionType = CompressionType.NONE
    split_type: SplitType = SplitType.NONE


@dataclass(frozen=True, slots=True)
class TransformOutput:
    """Where the answers go and how they are put together."""

    s3_output_path: str
    accept: str | None = None
    assemble_with: AssembleWith = AssembleWith.NONE
    kms_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class DataProcessing:
    """Filters and join. With the defaults no byte is looked at (R3.17)."""

    input_filter: str = "$"
    output_filter: str = "$"
    join_source: JoinSource = JoinSource.NONE

    @property
    def is_default(self) -> bool:
        """Whether nothing is filtered or joined."""
        return self.input_filter == "$" and self.output_filter == "$" and self.join_source is JoinSource.NONE


@dataclass(frozen=True, slots=True)
class ModelClientConfig:
    """Deadline in seconds and number of retries of one invocation (R4.25, R4.26)."""

    invocations_timeout_in_seconds: int = 600
    invocations_max_retries: int = 3


@dataclass(frozen=True, slots=True)
class TransformResources:
    """The machines asked for."""

    instance_type: str = "ml.m4.xlarge"
    instance_count: int = 1


@dataclass(frozen=True, slots=True)
class DataCaptureConfig:
    """Where inputs and outputs are listed, and whether rows get an inference id (R2.30, R2.31)."""

    destination_s3_uri: str
    kms_key_id: str | None = None
    generate_inference_id: bool = False


@dataclass(frozen=True, slots=True)
class TransformJob:
    """CreateTransformJob. What was not sent is None: the container may then choose (R4.16)."""

    transform_job_name: str
    model_name: str
    transform_input: TransformInput
    transform_output: TransformOutput
    transform_resources: TransformResources = TransformResources()
    batch_strategy: BatchStrategy | None = None
    max_concurrent_transforms: int | None = None
    max_payload_in_mb: int | None = None
    model_client_config: ModelClientConfig = ModelClientConfig()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    data_processing: DataProcessing = DataProcessing()
    data_capture_config: DataCaptureConfig | None = None

    @classmethod
    def from_request(cls, body: Mapping[str, Any]) -> TransformJob:
        """The job of a validated CreateTransformJob request."""
        strategy = body.get("BatchStrategy")
        client = body.get("ModelClientConfig") or {}
        resources = body["TransformResources"]
        defaults = ModelClientConfig()
        return cls(
            transform_job_name=body["TransformJobName"],
            model_name=body["ModelName"],
            transform_input=_transform_input(body["TransformInput"]),
            transform_output=_transform_output(body["TransformOutput"]),
            transform_resources=TransformResources(resources["InstanceType"], resources["InstanceCount"]),
            batch_strategy=BatchStrategy(strategy) if strategy else None,
            max_concurrent_transforms=body.get("MaxConcurrentTransforms"),
            max_payload_in_mb=body.get("MaxPayloadInMB"),
            model_client_config=ModelClientConfig(
                client.get("InvocationsTimeoutInSeconds", defaults.invocations_timeout_in_seconds),
                client.get("InvocationsMaxRetries", defaults.invocations_max_retries),
            ),
            environment=dict(body.get("Environment") or {}),
            data_processing=_data_processing(body.get("DataProcessing") or {}),
            data_capture_config=_data_capture(body.get("DataCaptureConfig")),
        )


@dataclass(frozen=True, slots=True)
class ExecutionParameters:
    """The settings in force for an instance (R4.16). `max_payload_bytes` is None without a limit (R2.29)."""

    max_concurrent_transforms: int = 1
    batch_strategy: BatchStrategy = BatchStrategy.MULTI_RECORD
    max_payload_in_mb: int = 6

    @classmethod
    def in_force(cls, job: TransformJob, offered: ExecutionParameters | None = None) -> ExecutionParameters:
        """Value by value: the job's, else what its first container offers, else the default (R4.16)."""
        other = offered or cls()
        return cls(
            job.max_concurrent_transforms or other.max_concurrent_transforms,
            job.batch_strategy or other.batch_strategy,
            other.max_payload_in_mb if job.max_payload_in_mb is None else job.max_payload_in_mb,
        )

    @property
    def max_payload_bytes(self) -> int | None:
        """The limit of one payload in bytes: MaxPayloadInMB x 1,048,576 (R2.7)."""
        return self.max_payload_in_mb * MIB or None

    def __str__(self) -> str:
        """The first line of the data log (R4.29)."""
        return (
            f"MaxConcurrentTransforms={self.max_concurrent_transforms}, "
            f"MaxPayloadInMB={self.max_payload_in_mb}, BatchStrategy={self.batch_strategy.constant}"
        )


def _transform_input(body: Mapping[str, Any]) -> TransformInput:
    source = body["DataSource"]["S3DataSource"]
    return TransformInput(
        s3_uri=source["S3Uri"],
        s3_data_type=S3DataType(source["S3DataType"]),
        content_type=body.get("ContentType"),
        compression_type=CompressionType(body.get("CompressionType", "None")),
        split_type=SplitType(body.get("SplitType", "None")),
    )


def _transform_output(body: Mapping[str, Any]) -> TransformOutput:
    return TransformOutput(
        s3_output_path=body["S3OutputPath"],
        accept=body.get("Accept"),
        assemble_with=AssembleWith(body.get("AssembleWith", "None")),
        kms_key_id=body.get("KmsKeyId") or None,
    )


def _data_processing(body: Mapping[str, Any]) -> DataProcessing:
    return DataProcessing(
        input_filter=body.get("InputFilter") or "$",
        output_filter=body.get("OutputFilter") or "$",
        join_source=JoinSource(body.get("JoinSource", "None")),
    )


def _data_capture(body: Mapping[str, Any] | None) -> DataCaptureConfig | None:
    if not body:
        return None
    return DataCaptureConfig(
        destination_s3_uri=body["DestinationS3Uri"],
        kms_key_id=body.get("KmsKeyId") or None,
        generate_inference_id=bool(body.get("GenerateInferenceId", False)),
    )
