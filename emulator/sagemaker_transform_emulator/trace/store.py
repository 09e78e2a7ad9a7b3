"""The file that holds a job's traced invocations: one SQLite database for each job.

SQLite's write-ahead log makes it crash-safe: after a kill the file holds every batch that was written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.errors import UsageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS invocations (
    id INTEGER PRIMARY KEY, instance TEXT NOT NULL, object TEXT NOT NULL, first_record INTEGER NOT NULL,
    records INTEGER NOT NULL, first_byte INTEGER NOT NULL, size INTEGER NOT NULL, failed INTEGER NOT NULL,
    error TEXT NOT NULL, seconds REAL NOT NULL, unfiltered INTEGER NOT NULL, original BLOB
);
CREATE INDEX IF NOT EXISTS by_record ON invocations (object, first_record);
CREATE TABLE IF NOT EXISTS hops (
    invocation INTEGER NOT NULL, position INTEGER NOT NULL, container TEXT NOT NULL, attempt INTEGER NOT NULL,
    at REAL NOT NULL, request_headers TEXT NOT NULL, request_body BLOB, request_size INTEGER NOT NULL,
    status INTEGER, answer_headers TEXT NOT NULL, answer_body BLOB, answer_size INTEGER NOT NULL,
    connect REAL, first_byte REAL, total REAL, error TEXT NOT NULL,
    PRIMARY KEY (invocation, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (container TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_time ON lines (container, at);
"""

_VERSION = 2
"""Of the schema; a file of another one is not read."""

Headers = tuple[tuple[str, str], ...]


def trace_path(job_name: str, root: Path | None = None) -> Path:
    """Where the trace of the newest job of that name is, in the state directory `root` or the usual one.

    Job names hold no path separators.
    """
    return (root or state_directory()) / "traces" / f"{job_name}.sqlite"


@dataclass(frozen=True, slots=True)
class TracedHop:
    """One request to one container. Bodies are None, or shorter than their sizes, when not all was kept.

    Times in seconds, `at` since the epoch. `status` is None when no answer came; `error` says why then.
    """

    container: str
    attempt: int
    at: float
    request_headers: Headers
    request_body: bytes | None
    request_size: int
    status: int | None
    answer_headers: Headers
    answer_body: bytes | None
    answer_size: int
    connect: float | None
    first_byte: float | None
    total: float | None
    error: str

    @property
    def went_wrong(self) -> bool:
        """Whether the chain ended here."""
        return self.status is None or not 200 <= self.status < 300  # noqa: PLR2004 - R4.28


@dataclass(frozen=True, slots=True)
class TracedInvocation:
    """One payload's way through the containers. Records count from 1, bytes from 0 within the object.

    `original` holds the `size` bytes of the records before the InputFilter; None when not all were kept.
    """

    instance: str
    object: str
    first_record: int
    records: int
    first_byte: int
    size: int
    failed: bool
    error: str
    seconds: float
    hops: tuple[TracedHop, ...]
    original: bytes | None = None

    @property
    def where(self) -> str:
        """Record numbers and byte range in words."""
        last = self.first_record + self.records - 1
        numbers = f"record {last}" if self.records == 1 else f"records {self.first_record} to {last}"
        return f"{numbers} (bytes {self.first_byte} to {self.first_byte + max(self.size, 1) - 1})"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which invocations to read. None and False mean any."""

    record: int | None = None
    object: str | None = None
    container: str | None = None
    status: int | None = None
    failed: bool = False
    contains: bytes | None = None
    slowest: bool = False
    limit: int = 20


class TraceWriter:
    """Appends to a trace file; made afresh, so an older trace of that name is gone."""

    def __init__(self, path: Path, meta: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for stale in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            stale.unlink(missing_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA + f"PRAGMA user_version={_VERSION};")
        rows = [(name, json.dumps(value)) for name, value in meta.items()]
        with self._db:
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        path.chmod(0o600)
        self._next = 1

    def write(
        self, invocations: Iterable[TracedInvocation], lines: Iterable[tuple[str, float, str]] = ()
    ) -> None:
        """All of these are in the file, or none of them."""
        with self._db:
            for invocation in invocations:
                self._insert(invocation)
            self._db.executemany("INSERT INTO lines VALUES (?, ?, ?)", lines)

    def note(self, name: str, value: Any) -> None:
        """The value is among what the job was run with."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def mark_failed(self, source: str, first_record: int, error: str) -> bool:
        """The invocation that was written as answered has failed after all; False when there is none."""
        with self._db:
            marked = self._db.execute(
                "UPDATE invocations SET failed = 1, error = ? WHERE object = ? AND first_record = ?",
                (error, source, first_record),
            )
        return marked.rowcount > 0

    def close(self) -> None:
        """The file is complete."""
        self._db.close()

    def _insert(self, item: TracedInvocation) -> None:
        number, self._next = self._next, self._next + 1
        sent = item.hops[0].request_body if item.hops else None
        unfiltered = sent is not None and sent == item.original  # such bytes are written once
        self._db.execute(
            "INSERT INTO invocations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number, item.instance, item.object, item.first_record, item.records, item.first_byte,
                item.size, item.failed, item.error, item.seconds,
                unfiltered, None if unfiltered else item.original,
            ),
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO hops VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number, position, hop.container, hop.attempt, hop.at, json.dumps(hop.request_headers),
                    hop.request_body, hop.request_size, hop.status, json.dumps(hop.answer_headers),
                    hop.answer_body, hop.answer_size, hop.connect, hop.first_byte, hop.total, hop.error,
                )
                for position, hop in enumerate(item.hops)
            ],
        )  # fmt: skip


class TraceReader:
    """Reads a trace file, also while it is written."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise UsageError(
                f"There is no trace at {path}",
                remedy="a job leaves one unless it ran with --trace off",
            )
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise UsageError(f"{path} is no trace: {error}", remedy="run the job again") from None
        if version != _VERSION:
            self._db.close()
            raise UsageError(
                f"The trace {path} was written by another version of the emulator",
                remedy="run the job again",
            )

    def meta(self, name: str) -> Any:
        """What the job was run with, by name; None when it was not noted."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def job_as_run(self) -> dict[str, Any]:
        """CreateTransformJob's request with the BatchStrategy and MaxPayloadInMB that were in force.

        They make the payloads; a container may have chosen them, and may choose others now (R4.16).
        """
        request: dict[str, Any] = self.meta("job") or {}
        return {**(self.meta("parameters") or {}), **request}

    def count(self) -> tuple[int, int]:
        """How many invocations are in the file, and how many of them failed."""
        total, failed = self._db.execute(
            "SELECT count(*), coalesce(sum(failed), 0) FROM invocations"
        ).fetchone()
        return total, failed

    def find(self, wanted: Filter = Filter()) -> Iterator[TracedInvocation]:
        """The invocations that match, in the order of objects and records, or slowest first."""
        where, values = _conditions(wanted)
        order = "seconds DESC" if wanted.slowest else "object, first_record, id"
        query = f"SELECT * FROM invocations {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - fixed texts
        for row in self._db.execute(query, (*values, wanted.limit)).fetchall():
            yield _invocation(row, self._hops(row[0]))

    def lines(self, container: str, begin: float, end: float) -> list[str]:
        """What the container wrote between two moments (epoch seconds)."""
        rows = self._db.execute(
            "SELECT text FROM lines WHERE container = ? AND at BETWEEN ? AND ? ORDER BY at, rowid",
            (container, begin, end),
        )
        return [text for (text,) in rows]

    def close(self) -> None:
        """The file is free."""
        self._db.close()

    def _hops(self, number: int) -> tuple[TracedHop, ...]:
        rows = self._db.execute("SELECT * FROM hops WHERE invocation = ? ORDER BY position", (number,))
        return tuple(_hop(row) for row in rows)


def _invocation(row: tuple[Any, ...], hops: tuple[TracedHop, ...]) -> TracedInvocation:
    _, instance, source, first_record, records, first_byte, size, failed, error, seconds, *kept = row
    unfiltered, original = kept
    return TracedInvocation(
        instance, source, first_record, records, first_byte, size, bool(failed), error, seconds, hops,
        hops[0].request_body if unfiltered else original,
    )  # fmt: skip


def _hop(row: tuple[Any, ...]) -> TracedHop:
    _, _, container, attempt, at, sent, body, size, status, got, *rest = row
    return TracedHop(
        container, attempt, at, tuple(map(tuple, json.loads(sent))), body, size, status,
        tuple(map(tuple, json.loads(got))), *rest,
    )  # fmt: skip


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []

    def add(clause: str, *given: Any) -> None:
        clauses.append(clause)
        values.extend(given)

    if wanted.record is not None:
        add("first_record <= ? AND first_record + max(records, 1) > ?", wanted.record, wanted.record)
    if wanted.object is not None:
        add("object LIKE ?", f"%{wanted.object}")
    if wanted.failed:
        add("failed")
    on_hop = "id IN (SELECT invocation FROM hops WHERE {})"
    if wanted.container is not None:
        add(on_hop.format("container = ?"), wanted.container)
    if wanted.status is not None:
        add(on_hop.format("status = ?"), wanted.status)
    if wanted.contains is not None:
        add(
            on_hop.format("instr(request_body, ?) OR instr(answer_body, ?)"), wanted.contains, wanted.contains
        )
    return (f"WHERE {' AND '.join(clauses)}" if clauses else ""), values
