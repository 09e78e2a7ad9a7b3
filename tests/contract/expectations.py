"""What a case may expect, one function for each word. A word that is not here fails the case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cases import BUCKET, Case, body_of, require_known
from observation import ApiError, Request, Seen

Check = Callable[[Case, Seen, Any], None]
_LOG_GROUP = "/aws/sagemaker/TransformJobs"


def check(case: Case, seen: Seen) -> None:
    """All that the case expects was seen."""
    check_all(case, seen, case.expect)


def check_all(case: Case, seen: Seen, expect: Mapping[str, Any]) -> None:
    require_known(expect, {*CHECKS, *_SILENT}, "expect")
    if "api_error" not in expect and "any_of" not in expect:
        assert seen.error is None, f"refused: {seen.error}"
    for word, wanted in expect.items():
        if word in CHECKS:
            CHECKS[word](case, seen, wanted)
    if "outputs" in expect or "outputs_absent" in expect:
        _nothing_else(case, seen, expect)


def expected_bytes(item: Mapping[str, Any]) -> bytes:
    return body_of({name: value for name, value in item.items() if name != "object"})


def _status(_: Case, seen: Seen, wanted: str) -> None:
    said = [seen.description.get("FailureReason"), *seen.data_logs]
    assert seen.description.get("TransformJobStatus") == wanted, said


def _requests(case: Case, seen: Seen, wanted: Sequence[Mapping[str, Any]]) -> None:
    expected = _by_object([(item["object"], expected_bytes(item)) for item in wanted])
    found = _by_object([(request.source, request.body) for request in first_attempts(seen.invocations)])
    if case.job.get("MaxConcurrentTransforms", 1) > 1:  # they are sent at the same time
        expected = {key: sorted(bodies) for key, bodies in expected.items()}
        found = {key: sorted(bodies) for key, bodies in found.items()}
    assert found == expected


def _request_set(_: Case, seen: Seen, wanted: Sequence[Mapping[str, Any]]) -> None:
    expected = Counter((item["object"], expected_bytes(item)) for item in wanted)
    assert Counter((request.source, request.body) for request in first_attempts(seen.invocations)) == expected


def _container_requests(_: Case, seen: Seen, wanted: Sequence[Sequence[Any]]) -> None:
    found = [[request.body for request in ledger.invocations] for ledger in seen.ledgers]
    assert found == [
        [item.encode() if isinstance(item, str) else expected_bytes(item) for item in bodies]
        for bodies in wanted
    ]


def _container_headers(_: Case, seen: Seen, wanted: Sequence[Mapping[str, str]]) -> None:
    assert len(seen.ledgers) == len(wanted)
    for ledger, headers in zip(seen.ledgers, wanted, strict=True):
        assert ledger.invocations, "no request came"
        for request in ledger.invocations:
            _has_headers(request, headers)


def _request_headers(_: Case, seen: Seen, wanted: Mapping[str, str]) -> None:
    assert seen.invocations, "no request came"
    for request in seen.invocations:
        _has_headers(request, wanted)


def _has_headers(request: Request, wanted: Mapping[str, str]) -> None:
    for name, value in wanted.items():
        assert request.header(name) == value, f"{name}: {request.header(name)!r} instead of {value!r}"


def _headers_absent(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert seen.invocations, "no request came"
    for request in seen.invocations:
        assert not [name for name in wanted if request.has(name)], dict(request.headers)


def _outputs(_: Case, seen: Seen, wanted: Sequence[Mapping[str, Any]]) -> None:
    for item in wanted:
        assert item["key"] in seen.after, f"no {item['key']}; there are {sorted(seen.after)}"
        assert seen.after[item["key"]] == expected_bytes(item), item["key"]


def _outputs_absent(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert not set(wanted) & set(seen.after)


def _output_regex(_: Case, seen: Seen, wanted: Mapping[str, str]) -> None:
    for key, pattern in wanted.items():
        assert re.search(pattern, seen.after[key].decode()), seen.after[key]


def _nothing_else(case: Case, seen: Seen, expect: Mapping[str, Any]) -> None:
    folder = str(case.job.get("S3OutputPath", f"s3://{BUCKET}/out")).removeprefix(f"s3://{BUCKET}/")
    below = {key for key in seen.after if key.startswith(folder.rstrip("/") + "/")}
    named = {item["key"] for item in expect.get("outputs", ())}
    if "outputs" in expect:
        assert below - set(seen.before) <= named, "there are outputs nobody expects"


def _processed(case: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert {request.source for request in seen.invocations} == set(wanted)


def _failure_reason(_: Case, seen: Seen, wanted: str) -> None:
    assert seen.description.get("FailureReason") == wanted


def _failure_reason_contains(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    for text in wanted:
        assert text in seen.description.get("FailureReason", "")


def _record_counts(_: Case, seen: Seen, wanted: Sequence[int]) -> None:
    assert [request.body.count(b"\n") for request in seen.invocations] == wanted


def _request_sizes(_: Case, seen: Seen, wanted: Sequence[int]) -> None:
    assert [len(request.body) for request in seen.invocations] == wanted


def _request_count(_: Case, seen: Seen, wanted: int) -> None:
    assert len(seen.invocations) == wanted


def _attempts(_: Case, seen: Seen, wanted: int) -> None:
    """How often the payload that was tried most was sent."""
    tries = Counter((request.source, request.body) for request in seen.invocations)
    assert max(tries.values(), default=0) == wanted


def _data_log(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert [line for log in seen.data_logs for line in log[1:]] == wanted


def _data_log_contains(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    lines = [line for log in seen.data_logs for line in log]
    for text in wanted:
        assert any(text in line for line in lines), f"{text!r} is in none of {lines}"


def _data_log_first(_: Case, seen: Seen, wanted: str) -> None:
    assert seen.data_logs, "there is no data log"
    assert [log[0] for log in seen.data_logs] == [wanted] * len(seen.data_logs)


def _data_log_streams(_: Case, seen: Seen, wanted: int) -> None:
    assert len(seen.data_logs) == wanted


def _data_log_absent(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    lines = [line for log in seen.data_logs for line in log]
    for text in wanted:
        assert not any(text in line for line in lines), f"{text!r} is in {lines}"


def _log_group(_: Case, seen: Seen, wanted: str) -> None:
    assert wanted == _LOG_GROUP
    assert seen.streams, "there are no streams in that group"


def _log_streams(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert len(seen.streams) == len(wanted), sorted(seen.streams)
    for pattern in wanted:
        assert any(re.search(pattern, name) for name in seen.streams), f"{pattern}: {sorted(seen.streams)}"


def _env_present(_: Case, seen: Seen, wanted: Mapping[str, str]) -> None:
    for ledger in seen.ledgers:
        assert ledger.starts, "no container started"
        for start in ledger.starts:
            _same_environment(start["environment"], wanted)


def _env_absent(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    for ledger in seen.ledgers:
        assert ledger.starts, "no container started"
        for start in ledger.starts:
            assert not set(wanted) & set(start["environment"])


def _env_per_container(_: Case, seen: Seen, wanted: Sequence[Mapping[str, str]]) -> None:
    assert len(seen.ledgers) == len(wanted)
    for ledger, environment in zip(seen.ledgers, wanted, strict=True):
        _same_environment(ledger.starts[0]["environment"], environment)


def _same_environment(found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    for name, value in wanted.items():
        pattern = re.sub(r"<[^>]*>", r"\\d+", re.sub(r"([.^$*+?{}()|\\[\]])", r"\\\1", value))
        assert re.fullmatch(pattern, found.get(name, "")), f"{name}={found.get(name)!r} instead of {value!r}"


def _distinct(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    for name in wanted:
        values = [ledger.starts[0]["environment"].get(name) for ledger in seen.ledgers]
        assert len(set(values)) == len(values), f"{name}: {values}"


def _container_args(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    assert [start["arguments"] for ledger in seen.ledgers for start in ledger.starts] == [wanted]


def _paths(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    for ledger in seen.ledgers:
        for start in ledger.starts:
            found = start["environment"].get("SM_MODEL_DIR", "/opt/ml/model")
            assert [found] == list(wanted)
            assert start["model"] is not None


def _http_sequence(_: Case, seen: Seen, wanted: Sequence[str]) -> None:
    found = [f"{request.method} {request.path} {request.status}" for request in seen.ledgers[0].requests]
    assert len(found) == len(wanted), found
    for text, pattern in zip(found, wanted, strict=True):
        assert text == pattern or text.rpartition(" ")[0] == pattern, found


def _objects_per_instance(_: Case, seen: Seen, wanted: Sequence[int]) -> None:
    shares: dict[int, set[str]] = {}
    for request in seen.invocations:
        shares.setdefault(request.process, set()).add(request.source)
    assert sorted(map(len, shares.values())) == sorted(wanted)


def _one_instance_each(_: Case, seen: Seen, wanted: bool) -> None:  # noqa: FBT001 - a case says true
    owners: dict[str, set[int]] = {}
    for request in seen.invocations:
        owners.setdefault(request.source, set()).add(request.process)
    assert all(len(processes) == 1 for processes in owners.values()) is wanted


def _api_error(_: Case, seen: Seen, wanted: Mapping[str, Any]) -> None:
    assert seen.error is not None, f"accepted; the job is {seen.description.get('TransformJobStatus')}"
    check_error(seen.error, wanted)


def check_error(error: ApiError | None, wanted: Mapping[str, Any]) -> None:
    """The API refused in these words."""
    require_known(wanted, {"operation", "code", "message", "message_contains"}, "api_error")
    assert error is not None, "accepted"
    assert error.code == wanted["code"], error
    assert error.operation == wanted.get("operation", error.operation)
    if "message" in wanted:
        assert error.message == wanted["message"]
    texts = wanted.get("message_contains", [])
    for text in [texts] if isinstance(texts, str) else texts:
        assert text in error.message


def _any_of(case: Case, seen: Seen, wanted: Sequence[Mapping[str, Any]]) -> None:
    failures = []
    for choice in wanted:
        try:
            check_all(case, seen, choice)
        except AssertionError as error:
            failures.append(str(error))
        else:
            return
    raise AssertionError(f"none of {len(wanted)}: {failures}")


def _create_status(_: Case, seen: Seen, wanted: int) -> None:
    assert seen.create_status == wanted


def _by_object(pairs: Sequence[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for key, body in pairs:
        found.setdefault(key, []).append(body)
    return found


def first_attempts(requests: Sequence[Request]) -> list[Request]:
    """The requests without those that repeat one that failed."""
    kept: list[Request] = []
    failed: set[tuple[str, bytes]] = set()
    for request in requests:
        if (request.source, request.body) not in failed:
            kept.append(request)
        if request.status >= 500:
            failed.add((request.source, request.body))
    return kept


_SILENT = {"note"}
CHECKS: Mapping[str, Check] = {
    "status": _status,
    "requests": _requests,
    "request_set": _request_set,
    "container_requests": _container_requests,
    "container_request_headers": _container_headers,
    "request_headers": _request_headers,
    "request_headers_absent": _headers_absent,
    "request_record_counts": _record_counts,
    "request_sizes": _request_sizes,
    "request_count": _request_count,
    "attempts": _attempts,
    "outputs": _outputs,
    "outputs_absent": _outputs_absent,
    "output_regex": _output_regex,
    "processed": _processed,
    "failure_reason": _failure_reason,
    "failure_reason_contains": _failure_reason_contains,
    "data_log": _data_log,
    "data_log_contains": _data_log_contains,
    "data_log_absent": _data_log_absent,
    "data_log_first": _data_log_first,
    "data_log_first_each": _data_log_first,
    "data_log_streams": _data_log_streams,
    "log_group": _log_group,
    "log_streams_regex": _log_streams,
    "env_present": _env_present,
    "env_absent": _env_absent,
    "env_per_container": _env_per_container,
    "distinct": _distinct,
    "container_args": _container_args,
    "paths": _paths,
    "http_sequence": _http_sequence,
    "objects_per_instance": _objects_per_instance,
    "each_object_on_one_instance": _one_instance_each,
    "api_error": _api_error,
    "any_of": _any_of,
    "create_http_status": _create_status,
}
