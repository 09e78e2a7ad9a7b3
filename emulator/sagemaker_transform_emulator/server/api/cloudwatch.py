"""CloudWatch ListMetrics and GetMetricData: the CPU and memory of transform jobs (R8.1 to R8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import epoch_seconds
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page
from sagemaker_transform_emulator.server.utilization import MINUTE, NAMESPACE, Minute, Series

DIMENSION = "Host"
MOST_METRICS = 500

_STATISTICS: Mapping[str, Callable[[Minute], float]] = {
    "Average": lambda seen: seen.total / seen.count,
    "Sum": lambda seen: seen.total,
    "Minimum": lambda seen: seen.least,
    "Maximum": lambda seen: seen.most,
    "SampleCount": lambda seen: float(seen.count),
}
_DIVISORS_OF_A_MINUTE = (1, 5, 10, 20, 30)


async def list_metrics(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the metrics that there are data of, each with its Host."""
    request = call.request
    found = [
        (host, metric) for host, metric, _ in _metrics(backend, call) if _is_asked(host, metric, request)
    ]
    paged = {"NextToken": request.get("NextToken"), "SortOrder": "Ascending"}
    shown, token = page(found, paged, lambda pair: (pair[0], pair[1]), MOST_METRICS)
    return {
        "Metrics": [
            {
                "Namespace": NAMESPACE,
                "MetricName": metric,
                "Dimensions": [{"Name": DIMENSION, "Value": host}],
            }
            for host, metric in shown
        ],
        "NextToken": token,
    }


async def get_metric_data(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The values of each query by period, the latest first unless asked otherwise, all in one answer."""
    request = call.request
    if request.get("NextToken"):
        raise ServiceError("InvalidNextToken", "The next token specified is invalid.")
    start, end = epoch_seconds(request["StartTime"]), epoch_seconds(request["EndTime"])
    if start >= end:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    known = {(host, metric): series for host, metric, series in _metrics(backend, call)}
    backwards = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = []
    for query in request["MetricDataQueries"]:
        points = sorted(_points(query, known, start, end).items(), reverse=backwards)
        if query.get("ReturnData", True):
            results.append({
                "Id": query["Id"],
                "Label": query.get("Label") or query["MetricStat"]["Metric"].get("MetricName", ""),
                "Timestamps": [at for at, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": "Complete",
            })  # fmt: skip
    return {"MetricDataResults": results, "Messages": []}


def _points(
    query: Mapping[str, Any], known: Mapping[tuple[str, str], Series], start: float, end: float
) -> dict[int, float]:
    """The query's values by the epoch second each period begins with."""
    wanted = query.get("MetricStat")
    if wanted is None:
        raise _invalid(
            f"The query {query['Id'][:100]!r} has no MetricStat; expressions are not part of this emulator"
        )
    statistic = _STATISTICS.get(wanted["Stat"])
    if statistic is None:
        raise _invalid(
            f"The Stat {wanted['Stat'][:100]!r} is not part of this emulator, which has "
            + ", ".join(_STATISTICS)
        )
    period = wanted["Period"]
    if period % MINUTE and period not in _DIVISORS_OF_A_MINUTE:
        raise _invalid(f"The Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60")
    metric = wanted["Metric"]
    hosts = [item["Value"] for item in metric.get("Dimensions") or () if item["Name"] == DIMENSION]
    asked = metric.get("Namespace") == NAMESPACE and len(hosts) == len(metric.get("Dimensions") or ()) == 1
    series = known.get((hosts[0], metric.get("MetricName", "")), {}) if asked else {}
    merged: Series = {}
    for minute, seen in series.items():
        if start <= minute < end or (minute <= start < minute + MINUTE):
            _merge(merged.setdefault(minute // period * period, Minute()), seen)
    return {at: statistic(seen) for at, seen in merged.items()}


def _merge(into: Minute, seen: Minute) -> None:
    into.least = min(into.least, seen.least) if into.count else seen.least
    into.most = max(into.most, seen.most)
    into.count += seen.count
    into.total += seen.total


def _metrics(backend: Backend, call: Call) -> Iterator[tuple[str, str, Series]]:
    if backend.utilization is not None:
        for host, by_metric in backend.utilization.hosts(call.place).items():
            for metric, series in by_metric.items():
                yield host, metric, series


def _is_asked(host: str, metric: str, request: Mapping[str, Any]) -> bool:
    return (
        request.get("Namespace", NAMESPACE) == NAMESPACE
        and request.get("MetricName", metric) == metric
        and all(
            item["Name"] == DIMENSION and item.get("Value", host) == host
            for item in request.get("Dimensions") or ()
        )
    )


def _invalid(text: str) -> ServiceError:
    return ServiceError("ValidationError", text)
