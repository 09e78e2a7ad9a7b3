"""Faults on demand for the jobs of a running server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.fault_injection import parse_faults
from sagemaker_transform_emulator.server.job_controller import JobController


def faults_router(controller: JobController) -> APIRouter:
    """POST /faults below the emulator's own path: the faults of jobs that start from now on."""
    router = APIRouter()

    @router.post("/faults")
    async def replace(faults: Annotated[list[str], Body(embed=True, max_length=1000)]) -> JSONResponse:
        """These faults are in force, and no others; 400 names the one that is not understood."""
        try:
            parse_faults(faults)
        except UsageError as error:
            return JSONResponse({"error": error.message, "remedy": error.remedy}, status_code=400)
        controller.set_faults(tuple(faults))
        return JSONResponse({"faults": faults})

    return router
