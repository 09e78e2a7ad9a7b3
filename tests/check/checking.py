"""Runs checks in tests: containers/faulty as a process, no store, little patience."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import ImageMapping, Settings
from sagemaker_transform_emulator.jobs.instances import Services
from sagemaker_transform_emulator.jobs.services import open_services
from sagemaker_transform_emulator.jobs.single_payloads import rehearsal_job
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.process import ProcessRuntime
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import Model
from sagemaker_transform_emulator.tools.check.catalogue import chosen
from sagemaker_transform_emulator.tools.check.report import Report
from sagemaker_transform_emulator.tools.check.samples import Sample
from sagemaker_transform_emulator.tools.check.session import Request, check_model
from sagemaker_transform_emulator.tools.check.target import nobody
from sagemaker_transform_emulator.tools.check.values import Options, Patience

ROOT = Path(__file__).resolve().parents[2]
FAULTY = ImageMapping(
    match="faulty*",
    command=("{python}", "-m", "sagemaker_transform_emulator.containers.faulty"),
    directory=str(ROOT),
)
SETTINGS = Settings(images=(FAULTY,), runtime="process")
LETTERS = Sample((b"a,b", b"c,d", b"e,f"), "text/csv", "the test")
IMPATIENT = Patience(
    start_s=20.0, elsewhere_s=0.2, ping_s=1.0, answer_s=10.0, early_s=10.0, first_s=0.3, stop_s=10.0
)
OPTIONS = Options(records_for_growth=400)


def model(*faults: str, image: str = "faulty", **environment: str) -> Model:
    """A model of faulty containers, one for each text of faults."""
    definitions = [
        {"Image": image, "Environment": {"FAULT": text, **environment}} for text in faults or ("",)
    ]
    body: dict[str, Any] = {"ModelName": "m", "Containers": definitions}
    return Model.from_request(body)


def check(
    checked: Model,
    *only: str,
    sample: Sample | None = LETTERS,
    patience: Patience = IMPATIENT,
    options: Options = OPTIONS,
    settings: Settings = SETTINGS,
    **job: Any,
) -> Report:
    """The report on the model."""
    made = rehearsal_job(
        "m", **{"ContentType": "text/csv", "Accept": "text/csv", "BatchStrategy": None, **job}
    )
    request = Request("faulty", checked, made, sample, chosen(list(only)), options, patience)

    async def go() -> Report:
        if settings.runtime == "docker":
            async with open_services(settings, nobody()) as services:
                return await check_model(request, services, lambda _: None)
        with open_workspace() as workspace:
            storage = Storage(nobody())
            runtime = ProcessRuntime(workspace, settings)
            try:
                services = Services(storage, runtime, workspace, settings, "us-east-1")
                return await check_model(request, services, lambda _: None)
            finally:
                storage.close()

    return run_loop(go())


def hasty(**seconds: float) -> Patience:
    """Less patience still."""
    return replace(IMPATIENT, **seconds)


def ids(report: Report) -> list[str]:
    """What was found."""
    return [finding.id for finding in report.findings]
