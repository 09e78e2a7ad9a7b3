"""Carries out the checks on every container of a model, in the order of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter

from sagemaker_transform_emulator.jobs import health as pipeline
from sagemaker_transform_emulator.jobs.instances import JobRun, Services, container_spec, prepare
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, Model, TransformJob
from sagemaker_transform_emulator.tools.check.catalogue import CHECKS, WITHOUT_CONTAINER
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.ending import deaths
from sagemaker_transform_emulator.tools.check.launch import launched
from sagemaker_transform_emulator.tools.check.probe import CheckContext, Probe
from sagemaker_transform_emulator.tools.check.report import ContainerReport, Report, Result
from sagemaker_transform_emulator.tools.check.samples import Sample, inherited, suggested
from sagemaker_transform_emulator.tools.check.values import NotRun, Options, Patience, Subject

_INSTANCE = "check"
_DEATH_S = 0.3


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be checked, with what, and which checks. `sample` is for the first container."""

    target: str
    model: Model
    job: TransformJob
    sample: Sample | None
    only: frozenset[str]
    options: Options = field(default_factory=Options)
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class _Legacy:
    """What a container leaves to the next one."""

    sample: Sample | None
    parameters: ExecutionParameters
    large: bytes | None = None


async def check_model(request: Request, services: Services, tell: Callable[[str], None]) -> Report:
    """Every container was started and checked; `tell` was called with each step.

    Raises ModelError for an image or archive that cannot be had, EngineError when the engine goes away.
    """
    asked = request.options.isolated or request.model.enable_network_isolation
    model = replace(request.model, enable_network_isolation=False)  # isolation has a check of its own
    run = JobRun(model, request.job)
    needs = await prepare(run, services)
    around = CheckContext(run, services, needs, request.patience, replace(request.options, isolated=asked))
    legacy = _Legacy(request.sample, ExecutionParameters())
    reports = []
    for position in range(len(model.containers)):
        subject = _subject(around, position)
        tell(f"{subject.name}: starting {subject.spec.image}")
        if subject.spec.image in needs.prepared.notes:
            tell(f"{subject.name}: {needs.prepared.notes[subject.spec.image]}")
        sample = legacy.sample or await suggested(
            subject.definition, subject.spec.model_archive, services.workspace.folder("sample")
        )
        legacy = _Legacy(sample, legacy.parameters, legacy.large)
        report, legacy = await _check_container(request, around, subject, legacy, tell)
        reports.append(report)
    return Report(request.target, needs.prepared.runtime.name, tuple(reports))


async def _check_container(
    request: Request, around: CheckContext, subject: Subject, legacy: _Legacy, tell: Callable[[str], None]
) -> tuple[ContainerReport, _Legacy]:
    results: list[Result] = []
    async with launched(subject, around, legacy.sample) as probe:
        probe.inherited_large, probe.parameters = legacy.large, legacy.parameters
        if probe.start.ready_s is not None and subject.position == 0:
            probe.parameters = await pipeline.execution_parameters(
                probe.container, request.job, around.transport, lambda _: None
            )
        next_legacy = None
        for check in CHECKS:
            if check.id in WITHOUT_CONTAINER and next_legacy is None:
                next_legacy = await _leave(probe)
            if check.id in request.only:
                tell(f"{subject.name}: {check.id}")
                results.append(await _carry_out(check, probe))
                probe.last_check = check.id
        report = ContainerReport(
            subject.name,
            subject.spec.image,
            probe.start.ready_s,
            probe.sample.origin if probe.sample else "",
            tuple(results),
        )
        return report, next_legacy or await _leave(probe)


async def _carry_out(check: Check, probe: Probe) -> Result:
    started = perf_counter()
    try:
        await _require(check, probe)
        findings = tuple(await check.run(probe))
    except NotRun as why:
        return Result(check, (), str(why), perf_counter() - started)
    if findings and check.needs_health and check.id not in WITHOUT_CONTAINER:
        findings += tuple(await deaths(probe, check.id, _DEATH_S))
    return Result(check, findings, "", perf_counter() - started)


async def _require(check: Check, probe: Probe) -> None:
    """Raises NotRun when the container is in no state for the check."""
    if not check.needs_health:
        return
    if probe.start.ready_s is None:
        raise NotRun("the container never became healthy")
    if check.id not in WITHOUT_CONTAINER and check.id != "alive" and await probe.container.exited():
        raise NotRun("the container has ended")


async def _leave(probe: Probe) -> _Legacy:
    """The answers to the sample, for the next container."""
    sample = None
    if not probe.subject.is_last:
        try:
            answers = [answer for _, answer in await probe.answered()]
            sample = inherited(
                [answer.body for answer in answers],
                answers[0].header("content-type"),
                probe.name,
            )
        except NotRun:
            sample = None
    return _Legacy(sample, probe.parameters, probe.largest_answer)


def _subject(around: CheckContext, position: int) -> Subject:
    run, needs = around.run, around.needs
    definition = run.model.containers[position]
    return Subject(
        definition,
        container_spec(run, around.services, needs.archives, _INSTANCE, position),
        position,
        len(run.model.containers),
        definition.image not in needs.prepared.unlabelled,
    )
