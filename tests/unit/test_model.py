"""Requests as values: which member goes where, and what holds when one was not sent."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sagemaker_transform_emulator.sagemaker.requests import (
    MIB,
    TRANSITIONS,
    AssembleWith,
    BatchStrategy,
    CompressionType,
    ContainerDefinition,
    DataCaptureConfig,
    DataProcessing,
    ExecutionParameters,
    JobStatus,
    JoinSource,
    Model,
    ModelClientConfig,
    S3DataType,
    SplitType,
    TransformInput,
    TransformJob,
    TransformOutput,
    TransformResources,
)

SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/in"}}
REQUIRED: dict[str, Any] = {
    "TransformJobName": "job",
    "ModelName": "model",
    "TransformInput": {"DataSource": SOURCE},
    "TransformOutput": {"S3OutputPath": "s3://bkt/out"},
    "TransformResources": {"InstanceType": "ml.c5.large", "InstanceCount": 2},
}


@pytest.mark.rule("R1.26", "R4.16", "R4.25", "R4.26")
def test_a_job_of_required_members_has_the_defaults_of_the_service() -> None:
    assert TransformJob.from_request(REQUIRED) == TransformJob(
        transform_job_name="job",
        model_name="model",
        transform_input=TransformInput(
            s3_uri="s3://bkt/in",
            s3_data_type=S3DataType.S3_PREFIX,
            content_type=None,
            compression_type=CompressionType.NONE,
            split_type=SplitType.NONE,
        ),
        transform_output=TransformOutput(
            s3_output_path="s3://bkt/out", accept=None, assemble_with=AssembleWith.NONE, kms_key_id=None
        ),
        transform_resources=TransformResources("ml.c5.large", 2),
        batch_strategy=None,
        max_concurrent_transforms=None,
        max_payload_in_mb=None,
        model_client_config=ModelClientConfig(600, 3),
        environment={},
        data_processing=DataProcessing("$", "$", JoinSource.NONE),
        data_capture_config=None,
    )


def test_a_job_with_every_member_has_all_of_them() -> None:
    job = TransformJob.from_request(
        REQUIRED
        | {
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://bkt/m"}},
                "ContentType": "text/csv",
                "CompressionType": "Gzip",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": "s3://bkt/out",
                "Accept": "application/json",
                "AssembleWith": "Line",
                "KmsKeyId": "key",
            },
            "BatchStrategy": "SingleRecord",
            "MaxConcurrentTransforms": 4,
            "MaxPayloadInMB": 0,
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": 5, "InvocationsMaxRetries": 0},
            "Environment": {"A": "1"},
            "DataProcessing": {"InputFilter": "$[1:]", "OutputFilter": "$[0]", "JoinSource": "Input"},
            "DataCaptureConfig": {
                "DestinationS3Uri": "s3://bkt/cap",
                "KmsKeyId": "other",
                "GenerateInferenceId": True,
            },
        }
    )
    assert job == TransformJob(
        "job",
        "model",
        TransformInput(
            "s3://bkt/m", S3DataType.MANIFEST_FILE, "text/csv", CompressionType.GZIP, SplitType.LINE
        ),
        TransformOutput("s3://bkt/out", "application/json", AssembleWith.LINE, "key"),
        TransformResources("ml.c5.large", 2),
        BatchStrategy.SINGLE_RECORD,
        4,
        0,
        ModelClientConfig(5, 0),
        {"A": "1"},
        DataProcessing("$[1:]", "$[0]", JoinSource.INPUT),
        DataCaptureConfig("s3://bkt/cap", "other", generate_inference_id=True),
    )


@pytest.mark.rule("R1.26")
def test_members_that_were_sent_empty_are_as_if_they_had_not_been() -> None:
    empty = {
        "BatchStrategy": None,
        "ModelClientConfig": None,
        "Environment": None,
        "DataProcessing": None,
        "DataCaptureConfig": None,
    }
    assert TransformJob.from_request(REQUIRED | empty) == TransformJob.from_request(REQUIRED)
    job = TransformJob.from_request(
        REQUIRED
        | {
            "DataProcessing": {"InputFilter": "", "OutputFilter": ""},
            "TransformOutput": {"S3OutputPath": "s3://bkt/out", "KmsKeyId": ""},
            "DataCaptureConfig": {"DestinationS3Uri": "s3://bkt/cap", "KmsKeyId": ""},
        }
    )
    assert job.data_processing == DataProcessing()
    assert job.transform_output.kms_key_id is None
    assert job.data_capture_config == DataCaptureConfig("s3://bkt/cap", None, generate_inference_id=False)


@pytest.mark.rule("R4.25", "R4.26")
def test_each_half_of_the_client_config_has_its_own_default() -> None:
    def config(sent: dict[str, int]) -> ModelClientConfig:
        return TransformJob.from_request(REQUIRED | {"ModelClientConfig": sent}).model_client_config

    assert config({"InvocationsTimeoutInSeconds": 7}) == ModelClientConfig(7, 3)
    assert config({"InvocationsMaxRetries": 1}) == ModelClientConfig(600, 1)
    assert config({}) == ModelClientConfig(600, 3)


def test_what_a_caller_leaves_out_has_the_same_defaults() -> None:
    assert ModelClientConfig() == ModelClientConfig(600, 3)
    assert TransformResources() == TransformResources("ml.m4.xlarge", 1)
    assert DataProcessing() == DataProcessing("$", "$", JoinSource.NONE)
    assert TransformInput("u") == TransformInput(
        "u", S3DataType.S3_PREFIX, None, CompressionType.NONE, SplitType.NONE
    )
    assert TransformOutput("u") == TransformOutput("u", None, AssembleWith.NONE, None)
    assert DataCaptureConfig("u") == DataCaptureConfig("u", None, generate_inference_id=False)
    job = TransformJob("j", "m", TransformInput("u"), TransformOutput("o"))
    assert dataclasses.astuple(job)[4:] == (
        ("ml.m4.xlarge", 1), None, None, None, (600, 3), {}, ("$", "$", JoinSource.NONE), None,
    )  # fmt: skip
    assert ContainerDefinition("n", "i") == ContainerDefinition("n", "i", None, {}, "SingleModel", False)
    assert Model("m", ()) == Model("m", (), "", enable_network_isolation=False)


@pytest.mark.rule("R3.17")
def test_any_filter_or_join_is_more_than_the_default() -> None:
    assert DataProcessing().is_default
    assert not DataProcessing(input_filter="$[0]").is_default
    assert not DataProcessing(output_filter="$[0]").is_default
    assert not DataProcessing(join_source=JoinSource.INPUT).is_default


@pytest.mark.rule("R4.35", "R4.38")
def test_a_model_of_one_container_is_no_pipeline() -> None:
    model = Model.from_request({"ModelName": "m", "PrimaryContainer": {"Image": "i"}})
    assert model == Model("m", (ContainerDefinition("container-1", "i"),), "", enable_network_isolation=False)
    assert not model.is_pipeline
    assert Model.from_request({"ModelName": "m"}).containers == (ContainerDefinition("container-1", ""),)
    assert Model.from_request(
        {"ModelName": "m", "Containers": None, "PrimaryContainer": None}
    ).containers == (ContainerDefinition("container-1", ""),)


@pytest.mark.rule("R4.35", "R4.38")
def test_the_containers_of_a_pipeline_keep_their_order_and_get_names_by_position() -> None:
    full = {
        "ContainerHostname": "second",
        "Image": "b",
        "ModelDataUrl": "s3://bkt/b.tar.gz",
        "Environment": {"B": "2"},
        "Mode": "MultiModel",
        "ModelDataSource": {"S3DataSource": {}},
    }
    model = Model.from_request(
        {
            "ModelName": "m",
            "ExecutionRoleArn": "role",
            "EnableNetworkIsolation": True,
            "Containers": [{"Image": "a", "Environment": None}, full, {"Image": "c"}],
        }
    )
    assert model == Model(
        "m",
        (
            ContainerDefinition("container-1", "a"),
            ContainerDefinition("second", "b", "s3://bkt/b.tar.gz", {"B": "2"}, "MultiModel", True),
            ContainerDefinition("container-3", "c"),
        ),
        "role",
        enable_network_isolation=True,
    )
    assert model.is_pipeline
    assert Model("m", model.containers[:2]).is_pipeline


@pytest.mark.rule("R2.7", "R2.29", "R4.16", "R4.29")
def test_execution_parameters() -> None:
    parameters = ExecutionParameters()
    assert parameters == ExecutionParameters(1, BatchStrategy.MULTI_RECORD, 6)
    assert parameters.max_payload_bytes == 6 * 1_048_576
    assert str(parameters) == "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    unlimited = ExecutionParameters(4, BatchStrategy.SINGLE_RECORD, 0)
    assert unlimited.max_payload_bytes is None
    assert str(unlimited) == "MaxConcurrentTransforms=4, MaxPayloadInMB=0, BatchStrategy=SINGLE_RECORD"
    assert ExecutionParameters(max_payload_in_mb=1).max_payload_bytes == MIB == 1_048_576


@pytest.mark.rule("R4.5")
def test_a_strategy_has_two_spellings() -> None:
    assert [item.constant for item in BatchStrategy] == ["MULTI_RECORD", "SINGLE_RECORD"]


def test_words_are_those_of_the_api() -> None:
    kinds = SplitType, BatchStrategy, AssembleWith, CompressionType, S3DataType, JoinSource, JobStatus
    words = {kind.__name__: [item.value for item in kind] for kind in kinds}
    assert words == {
        "SplitType": ["None", "Line", "RecordIO", "TFRecord"],
        "BatchStrategy": ["MultiRecord", "SingleRecord"],
        "AssembleWith": ["None", "Line"],
        "CompressionType": ["None", "Gzip"],
        "S3DataType": ["S3Prefix", "ManifestFile"],
        "JoinSource": ["None", "Input"],
        "JobStatus": ["InProgress", "Completed", "Failed", "Stopping", "Stopped"],
    }


@pytest.mark.rule("R1.29", "R1.30")
def test_a_job_ends_once_and_a_stopping_one_may_still_end_otherwise() -> None:
    assert {str(status): sorted(following) for status, following in TRANSITIONS.items()} == {
        "InProgress": ["Completed", "Failed", "Stopping"],
        "Stopping": ["Completed", "Failed", "Stopped"],
        "Completed": [],
        "Failed": [],
        "Stopped": [],
    }


@pytest.mark.parametrize(
    "value",
    [
        ContainerDefinition("n", "i"),
        Model("m", ()),
        TransformInput("u"),
        TransformOutput("u"),
        DataProcessing(),
        ModelClientConfig(),
        TransformResources(),
        DataCaptureConfig("u"),
        TransformJob("j", "m", TransformInput("u"), TransformOutput("o")),
        ExecutionParameters(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_request_cannot_be_changed(value: Any) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "other")
    assert not hasattr(value, "__dict__")
