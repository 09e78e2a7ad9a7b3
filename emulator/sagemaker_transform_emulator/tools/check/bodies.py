"""Checks of request bodies: several records, blank lines, CRLF, no final newline, empty, unreadable."""

from __future__ import annotations

from sagemaker_transform_emulator.sagemaker.requests import AssembleWith, BatchStrategy
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, Reply, normalised, shown
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_MANY = 10
_RUBBISH = b'\x00\xff{"]\xfe,,,\n'
_SERVER_FAULT = 500

EMPTY = Kind(
    "empty-body-fails", Severity.WARNING, "an empty body gives 5xx, or no answer",
    "an empty object with SplitType None is one empty request: it is tried four times, then fails",
    "answer an empty body with 204, or refuse it with 4xx", "R2.16",
)  # fmt: skip
BLANK = Kind(
    "blank-line-fails", Severity.WARNING, "a body of one blank line gives 5xx, or no answer",
    "with SplitType Line a blank line is a record, often the last one: it is tried four times, then "
    "the object fails",
    "answer a blank line with nothing, or refuse it with 4xx", "R2.10",
)  # fmt: skip
FINAL_NEWLINE = Kind(
    "final-newline-matters", Severity.WARNING, "a record without its newline is answered differently",
    "records keep their newline, only the last one of a file may lack it: the last output differs or fails",
    "strip the line end before the record is parsed", "R2.6",
)  # fmt: skip
CRLF = Kind(
    "crlf-matters", Severity.NOTE, "a record that ends in CRLF is refused or answered differently",
    "the CR belongs to the record: files written on Windows fail or give other outputs",
    "strip \\r\\n, not only \\n", "R2.10",
)  # fmt: skip
SEVERAL = Kind(
    "several-records-refused", Severity.WARNING, "several records in one body are refused",
    "jobs with BatchStrategy MultiRecord, the default, fail",
    "split the body into lines, or offer BatchStrategy SINGLE_RECORD in /execution-parameters", "R2.5",
)  # fmt: skip
COUNT = Kind(
    "records-lost", Severity.ERROR, "several records in one body give another number of answers",
    "with BatchStrategy MultiRecord outputs are missing or too many, and a join fails",
    "answer one line for each record, or offer BatchStrategy SINGLE_RECORD in /execution-parameters", "R2.5",
)  # fmt: skip
DIFFER = Kind(
    "records-differ", Severity.ERROR, "records in one body are answered differently than one by one",
    "the output depends on how records happen to be batched",
    "score each record on its own", "R2.5",
)  # fmt: skip
LINES = Kind(
    "answer-has-several-lines", Severity.WARNING, "one record gives several lines",
    "outputs cannot be matched with records line by line, and a join fails",
    "answer one line for each record", "R2.20",
)  # fmt: skip
TRAILING = Kind(
    "answer-ends-in-newline", Severity.NOTE, "the answer ends in a newline",
    "with AssembleWith Line another one is added: the output has a blank line after each answer",
    "leave the last newline out, or take AssembleWith None", "R2.20",
)  # fmt: skip
RUBBISH = Kind(
    "bad-record-blamed-on-itself", Severity.WARNING, "a record that is none gives 5xx, or no answer",
    "5xx is tried four times and blamed on the algorithm (AlgorithmError); 4xx fails at once and says why",
    "answer 400 and say what is wrong with the record, or answer a placeholder", "R4.27",
)  # fmt: skip


async def nothing(probe: Probe) -> list[Finding]:
    """The empty body."""
    await probe.answered()
    reply = await probe.post(b"")
    return [EMPTY.found(probe.name, reply.words)] if _breakdown(reply) else []


async def blank_line(probe: Probe) -> list[Finding]:
    """The record that is only a newline."""
    await probe.lines()
    reply = await probe.post(b"\n")
    return [BLANK.found(probe.name, reply.words)] if _breakdown(reply) else []


async def final_newline(probe: Probe) -> list[Finding]:
    """The record without its newline."""
    record, answer = (await probe.lines())[0]
    reply = await probe.post(record)
    if reply.ok and normalised(reply.body) == normalised(answer.body):
        return []
    if reply.ok:
        await probe.require_steady()
    return [FINAL_NEWLINE.found(probe.name, f"with: {shown(answer.body)}; without: {reply.words}")]


async def crlf(probe: Probe) -> list[Finding]:
    """The record with a line end of Windows."""
    record, answer = (await probe.lines())[0]
    reply = await probe.post(record + b"\r\n")
    if reply.ok and normalised(reply.body) == normalised(answer.body):
        return []
    if reply.ok:
        await probe.require_steady()
    return [CRLF.found(probe.name, f"with LF: {shown(answer.body)}; with CRLF: {reply.words}")]


async def several(probe: Probe) -> list[Finding]:
    """Ten records in one body: ten answers, the same as one by one."""
    answers = await probe.lines()
    assert probe.sample is not None
    pairs = [answers[number % len(answers)] for number in range(_MANY)]
    alone = [normalised(answer.body) for _, answer in pairs]
    multi = probe.parameters.batch_strategy is BatchStrategy.MULTI_RECORD
    note = None if multi else Severity.NOTE
    if any(b"\n" in body for body in alone):
        return [LINES.found(probe.name, shown(next(body for body in alone if b"\n" in body)), severity=note)]
    reply = await probe.post(probe.sample.body(*(record for record, _ in pairs)))
    if not reply.ok:
        severity = note or (
            Severity.ERROR if probe.around.job.batch_strategy is BatchStrategy.MULTI_RECORD else None
        )
        return [SEVERAL.found(probe.name, f"{_MANY} records: {reply.words}", severity=severity)]
    together = normalised(reply.body).split(b"\n")
    if len(together) != _MANY:
        seen = f"{_MANY} records gave {len(together)} lines: {shown(reply.body)}"
        return [COUNT.found(probe.name, seen, severity=note)]
    wrong = [number for number, pair in enumerate(zip(alone, together, strict=True)) if pair[0] != pair[1]]
    if not wrong:
        return []
    await probe.require_steady()
    first = wrong[0]
    seen = f"record {first + 1} of {_MANY}: alone {shown(alone[first])}, together {shown(together[first])}"
    return [DIFFER.found(probe.name, seen, severity=note)]


async def trailing_newline(probe: Probe) -> list[Finding]:
    """The end of an ordinary answer."""
    _, answer = (await probe.lines())[0]
    if not probe.subject.is_last:
        raise NotRun("only the last container's answers go into the output")
    if not answer.body.endswith(b"\n"):
        return []
    assembled = probe.around.job.transform_output.assemble_with is AssembleWith.LINE
    words = "; this job has AssembleWith Line" if assembled else ""
    return [TRAILING.found(probe.name, f"{shown(answer.body)}{words}")]


async def rubbish(probe: Probe) -> list[Finding]:
    """Bytes that are no record of any type."""
    await probe.answered()
    reply = await probe.post(_RUBBISH)
    return [RUBBISH.found(probe.name, f"{_RUBBISH!r}: {reply.words}")] if _breakdown(reply) else []


def _breakdown(reply: Reply) -> bool:
    return reply.answer is None or reply.answer.status >= _SERVER_FAULT


CHECKS = (
    Check("empty-body", "invocations", "An empty body is answered or refused", (EMPTY,), nothing),
    Check("blank-line", "invocations", "A blank line is answered or refused", (BLANK,), blank_line),
    Check("bad-record", "invocations", "A record that is none is refused", (RUBBISH,), rubbish),
    Check("final-newline", "invocations", "The final newline makes no difference", (FINAL_NEWLINE,),
          final_newline),
    Check("crlf", "invocations", "CRLF makes no difference", (CRLF,), crlf),
    Check("several-records", "invocations", "Several records in one body give as many answers, the same ones",
          (SEVERAL, COUNT, DIFFER, LINES), several),
    Check("trailing-newline", "invocations", "Answers do not end in a newline", (TRAILING,),
          trailing_newline),
)  # fmt: skip
