"""Checks of Content-Type and Accept: present, missing, with a charset, unreadable."""

from __future__ import annotations

from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.samples import essence
from sagemaker_transform_emulator.tools.check.values import NotRun, Reply
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_NONSENSE = "application/x-emulator-check"
_SERVER_FAULT = 500

REFUSED = Kind(
    "sample-refused", Severity.ERROR, "a record of the sample is not answered with 2xx",
    "the object that holds such a record has no output and the job fails",
    "send a record the container is made for (--record, --content-type, --accept), or see its log", "R4.28",
)  # fmt: skip
CONTENT_TYPE_NEEDED = Kind(
    "content-type-needed", Severity.NOTE, "a record without Content-Type is refused",
    "jobs must set TransformInput.ContentType: without it the header is not sent",
    "take a default for a missing Content-Type", "R4.22",
)  # fmt: skip
ACCEPT_NEEDED = Kind(
    "accept-needed", Severity.WARNING, "a request without Accept is refused",
    "jobs must set TransformOutput.Accept: without it the header is not sent",
    "answer in your usual format when Accept is missing", "R4.22",
)  # fmt: skip
ANY_REFUSED = Kind(
    "accept-any-refused", Severity.WARNING, "Accept: */* is refused",
    "in an inference pipeline all containers but the last get `*/*`",
    "answer in your usual format for `*/*`", "R4.42",
)  # fmt: skip
ACCEPT_IGNORED = Kind(
    "accept-ignored", Severity.NOTE, "the answer is of another type than Accept asks for",
    "nobody compares them in a job; a join reads the answer as what Accept says",
    "answer what Accept asks for, or 406", "R4.40",
)  # fmt: skip
UNTYPED = Kind(
    "answer-untyped", Severity.WARNING, "the answer has no Content-Type",
    "the next container of an inference pipeline gets none either",
    "set Content-Type in every answer", "R4.41",
)  # fmt: skip
CHARSET = Kind(
    "answer-charset", Severity.NOTE, "the answer's Content-Type has a charset",
    "it is passed on verbatim, and containers that compare the whole header refuse it: `Content type "
    "text/csv; charset=utf-8 is not supported.`",
    "leave the charset out, or give SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT where the framework reads it",
    "R4.41",
)  # fmt: skip
CHARSET_REFUSED = Kind(
    "charset-refused", Severity.NOTE, "a Content-Type with a charset is refused",
    "behind a container whose answers carry one, the pipeline fails",
    "compare the media type only, without parameters", "R4.41",
)  # fmt: skip
UNKNOWN_TYPE = Kind(
    "unknown-type-blamed-on-itself", Severity.WARNING, "an unknown type gives 5xx, or no answer",
    "5xx is tried four times and blamed on the algorithm (AlgorithmError); 4xx fails at once and says why",
    "answer 415 or 406 with a sentence", "R4.27",
)  # fmt: skip


async def sample(probe: Probe) -> list[Finding]:
    """Whether the sample's records are answered at all."""
    contact = await probe.contact()
    assert probe.sample is not None
    if probe.sample.inherited:
        raise NotRun("its records are the answers of the container before: see pipeline-fit")
    found = []
    for record, reply in contact.rejected:
        if not _is_transport_fault(reply):  # the check of answers has a better word for it
            seen = f"{record[:80]!r} of {probe.sample.origin}: {reply.words}"
            found.append(REFUSED.found(probe.name, seen))
    return found


async def content_type(probe: Probe) -> list[Finding]:
    """The record without Content-Type, and with a charset in it."""
    body = await _body(probe)
    assert probe.sample is not None
    found = []
    kind = probe.sample.content_type
    if kind is None:
        raise NotRun("the sample has no Content-Type: name it with --content-type")
    bare = await probe.post(body, content_type=None)
    if not bare.ok:
        found.append(CONTENT_TYPE_NEEDED.found(probe.name, bare.words))
    if kind.startswith("text/") and ";" not in kind:
        with_charset = await probe.post(body, content_type=f"{kind}; charset=utf-8")
        if not with_charset.ok:
            found.append(CHARSET_REFUSED.found(probe.name, with_charset.words))
    return found


async def accept(probe: Probe) -> list[Finding]:
    """The record without Accept, and with `*/*`."""
    body = await _body(probe)
    found = []
    bare = await probe.post(body, accept=None)
    if not bare.ok:
        found.append(ACCEPT_NEEDED.found(probe.name, bare.words))
    wild = await probe.post(body, accept="*/*")
    if not wild.ok:
        found.append(ANY_REFUSED.found(probe.name, wild.words))
    return found


async def answer_type(probe: Probe) -> list[Finding]:
    """The Content-Type of an ordinary answer."""
    _, answer = (await probe.answered())[0]
    kind, wanted = answer.header("content-type"), probe.accept
    if not answer.body:
        raise NotRun("the answer has no body")
    if not kind:
        return [UNTYPED.found(probe.name, f"headers: {', '.join(name for name, _ in answer.headers)}")]
    found = []
    if "charset" in kind.lower():
        found.append(CHARSET.found(probe.name, kind))
    if wanted and "*" not in wanted and "," not in wanted and essence(kind) != essence(wanted):
        found.append(ACCEPT_IGNORED.found(probe.name, f"Accept {wanted!r}, answer {kind!r}"))
    return found


async def unknown(probe: Probe) -> list[Finding]:
    """Types nobody knows: a refusal is fine, a breakdown is not."""
    body = await _body(probe)
    found = []
    for name, reply in (
        ("Content-Type", await probe.post(body, content_type=_NONSENSE)),
        ("Accept", await probe.post(body, accept=_NONSENSE)),
    ):
        if reply.answer is None or reply.answer.status >= _SERVER_FAULT:
            found.append(UNKNOWN_TYPE.found(probe.name, f"{name}: {_NONSENSE}: {reply.words}"))
    return found


async def _body(probe: Probe) -> bytes:
    record, _ = (await probe.answered())[0]
    assert probe.sample is not None
    return probe.sample.body(record)


def _is_transport_fault(reply: Reply) -> bool:
    return reply.answer is None


CHECKS = (
    Check("sample", "invocations", "The sample's records are answered with 2xx", (REFUSED,), sample),
    Check("content-type", "invocations", "Content-Type may be missing, or have a charset",
          (CONTENT_TYPE_NEEDED, CHARSET_REFUSED), content_type),
    Check("accept", "invocations", "Accept may be missing, or `*/*`", (ACCEPT_NEEDED, ANY_REFUSED), accept),
    Check("answer-type", "invocations", "The answer has the type that was asked for",
          (UNTYPED, CHARSET, ACCEPT_IGNORED), answer_type),
    Check("unknown-types", "invocations", "Unknown types are refused, not stumbled over", (UNKNOWN_TYPE,),
          unknown),
)  # fmt: skip
