"""Jobs and payloads for tests of the pure parts."""

from __future__ import annotations

from sagemaker_transform_emulator.sagemaker.requests import (
    AssembleWith,
    DataProcessing,
    JoinSource,
    SplitType,
    TransformInput,
    TransformJob,
    TransformOutput,
)
from sagemaker_transform_emulator.transform.batching import Payload


def job(
    content_type: str | None = "text/csv",
    accept: str | None = "",
    *,
    split: str = "Line",
    assemble: str = "Line",
    input_filter: str = "$",
    output_filter: str = "$",
    join: str = "None",
) -> TransformJob:
    """A job with these settings; `accept` "" means the same as the content type."""
    return TransformJob(
        "j",
        "m",
        TransformInput("s3://bkt/in/", content_type=content_type, split_type=SplitType(split)),
        TransformOutput("s3://bkt/out", content_type if accept == "" else accept, AssembleWith(assemble)),
        data_processing=DataProcessing(input_filter, output_filter, JoinSource(join)),
    )


def payload(*records: bytes, first: int = 1, offset: int = 0) -> Payload:
    """A payload of these records."""
    return Payload(first, offset, records, b"".join(records))
