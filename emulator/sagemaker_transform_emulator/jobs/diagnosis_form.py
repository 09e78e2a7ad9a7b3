"""The diagnosis of a failure as a value, and its JSON form. Imports nothing that runs jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

VERSION = 1
"""Of the JSON form of a diagnosis."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a user is told about one failed object, or about a job that failed as a whole.

    Empty texts where nothing is known. `record` is the first record of the payload, from 1, and `records`
    how many it held; `first_byte` and `size` are its place in the object, in bytes; None without a payload.
    `container_name` answered `status` in that `attempt`, from 1; None where there was no answer, or nothing
    was sent. `next_commands` can be pasted into a shell.
    """

    object: str
    where: str
    bytes_sent: str
    container: str
    outcome: str
    logged: tuple[str, ...]
    cause: str
    remedy: str
    record: int | None = None
    records: int | None = None
    first_byte: int | None = None
    size: int | None = None
    container_name: str = ""
    attempt: int | None = None
    status: int | None = None
    next_commands: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The diagnosis line by line."""
        pairs = [
            ("object", self.object), ("record", self.where), ("bytes", self.bytes_sent),
            ("container", self.container), ("outcome", self.outcome),
        ]  # fmt: skip
        lines = [f"{name:<10} {value}" for name, value in pairs if value]
        lines += [f"{'logged' if not number else '':<10} {line}" for number, line in enumerate(self.logged)]
        lines += [
            f"{name:<10} {value}" for name, value in (("cause", self.cause), ("remedy", self.remedy)) if value
        ]
        return lines

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as JSON data; `version` grows when a member changes its meaning."""
        return {"version": VERSION, **asdict(self)}


def diagnosis_of_json(data: Mapping[str, Any]) -> Diagnosis:
    """The diagnosis that `as_json` wrote; members of a newer version are left out."""
    known = {field.name for field in fields(Diagnosis)}
    kept = {name: value for name, value in data.items() if name in known}
    tuples = {name: tuple(kept.get(name, ())) for name in ("logged", "next_commands")}
    return Diagnosis(**{**kept, **tuples})
