"""What can be seen of a job: its Describe, the bucket, the log streams, the containers' ledgers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

_DATA_LOG = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}:\[sagemaker logs\]: ")


@dataclass(frozen=True)
class Request:
    """One request a container saw."""

    process: int
    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def source(self) -> str:
        """The key of the object the request is about, without the bucket."""
        return self.header("X-Amzn-Sagemaker-Input-Object").partition("/")[2]

    def header(self, name: str) -> str:
        found = [value for key, value in self.headers.items() if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else ""

    def has(self, name: str) -> bool:
        return name.lower() in map(str.lower, self.headers)


@dataclass(frozen=True)
class Ledger:
    """What one container of the model wrote down, over all instances."""

    starts: list[Mapping[str, Any]]
    requests: list[Request]

    @property
    def invocations(self) -> list[Request]:
        return [request for request in self.requests if request.path == "/invocations"]

    @classmethod
    def read(cls, path: Path) -> Ledger:
        starts, requests = [], []
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            if "started" in entry:
                starts.append(entry["started"])
            else:
                requests.append(
                    Request(
                        entry["process"],
                        entry["method"],
                        entry["path"],
                        entry["status"],
                        entry["headers"],
                        base64.b64decode(entry["body"]),
                    )
                )
        return cls(starts, requests)


@dataclass(frozen=True)
class ApiError:
    """An error answer of the API."""

    operation: str
    code: str
    message: str


@dataclass
class Seen:
    """Everything seen of one case."""

    error: ApiError | None = None
    create_status: int | None = None
    description: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, bytes] = field(default_factory=dict)
    after: Mapping[str, bytes] = field(default_factory=dict)
    ledgers: list[Ledger] = field(default_factory=list)
    streams: Mapping[str, list[str]] = field(default_factory=dict)
    log_group: str = ""

    @property
    def invocations(self) -> list[Request]:
        return self.ledgers[0].invocations if self.ledgers else []

    @cached_property
    def data_logs(self) -> list[list[str]]:
        """The texts of each data log, each without the head that every line must have."""
        found = []
        for name, lines in sorted(self.streams.items()):
            if name.endswith("/data-log"):
                for line in lines:
                    assert _DATA_LOG.match(line), f"no time and tag in front of {line!r}"
                found.append([_DATA_LOG.sub("", line) for line in lines])
        return found
