"""Lists of what this emulator does not run: endpoints, training, processing, pipelines. They are empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend, Operation
from sagemaker_transform_emulator.server.api.paging import page

MEMBERS = {
    "ListEndpoints": "Endpoints",
    "ListEndpointConfigs": "EndpointConfigs",
    "ListPipelines": "PipelineSummaries",
    "ListProcessingJobs": "ProcessingJobSummaries",
    "ListTrainingJobs": "TrainingJobSummaries",
}
"""The operations, and what each calls its list."""


def _empty(member: str) -> Operation:
    async def answer(_backend: Backend, call: Call) -> Mapping[str, Any]:
        nothing: list[str] = []
        shown, _ = page(nothing, call.request, lambda name: ("", name))
        return {member: shown}

    return answer


EMPTY_LISTS: Mapping[str, Operation] = {name: _empty(member) for name, member in MEMBERS.items()}
