"""Everything the emulator remembers, in one SQLite file: models, transform jobs, tags, logs and documents.

The only SQL of the package, with that of the documents. Every change is on disk when its method returns,
except log lines: those are written by a thread of their own, many at a time, and every reader waits for what
was logged before.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.errors import MachineError, NameTakenError
from sagemaker_transform_emulator.sagemaker.resources import (
    JobRecord,
    LogEvent,
    LogStream,
    LogWindow,
    ModelRecord,
    Place,
)
from sagemaker_transform_emulator.server.documents import SCHEMA as DOCUMENTS_SCHEMA
from sagemaker_transform_emulator.server.documents import Documents

FLUSH_SECONDS = 0.2
FLUSH_LINES = 5_000

_SCHEMA = """
create table if not exists models (
    account text, region text, name text, request text, created real, primary key (account, region, name));
create table if not exists jobs (
    account text, region text, key text, request text, model text, status text, created real, modified real,
    started real, ended real, failure_reason text, primary key (account, region, key));
create table if not exists tags (arn text, key text, value text, primary key (arn, key));
create table if not exists streams (
    id integer primary key autoincrement, account text, region text, name text, created integer,
    unique (account, region, name));
create table if not exists events (
    stream integer, position integer, time integer, message text,
    primary key (stream, position)) without rowid;
"""
_Line = tuple[int, int, int, str]
_JOB_COLUMNS = "account, region, request, model, status, created, modified, started, ended, failure_reason"


class Store:
    """The file at `path`; ":memory:" keeps everything in memory. Safe to use from several threads."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._lock = threading.RLock()
        self._broken = ""
        with _database_errors(self._path):
            self._db = sqlite3.connect(
                self._path, check_same_thread=False, isolation_level=None, cached_statements=256
            )
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            self._db.executescript(_SCHEMA + DOCUMENTS_SCHEMA)
        self.documents = Documents(self._rows, self._transaction)
        self._log = _LogBuffer(self)

    @property
    def broken(self) -> str:
        """Why the file cannot be written, or "" while it can."""
        return self._broken

    def close(self) -> None:
        """Everything logged is on disk and the file is closed."""
        self._log.close()
        with self._lock:
            self._db.close()

    def clear(self) -> None:
        """Nothing is remembered any more."""
        self._log.flush()
        with self._transaction() as db:
            for table in ("models", "jobs", "tags", "streams", "events", "documents"):
                db.execute(f"delete from {table}")  # noqa: S608 - names from this line
        self._log.forget()

    # models

    def add_model(self, record: ModelRecord) -> None:
        """Remember the model. Raises NameTakenError when its name is in use."""
        place = record.place
        row = (place.account, place.region, record.name, json.dumps(record.request), record.created)
        with self._transaction() as db:
            try:
                db.execute("insert into models values (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise NameTakenError(record.name) from None

    def model(self, place: Place, name: str) -> ModelRecord | None:
        """The model of that name."""
        return next(iter(self._models(place, " and name = ?", name)), None)

    def models(self, place: Place) -> list[ModelRecord]:
        """Every model of the account and region."""
        return self._models(place)

    def delete_model(self, record: ModelRecord) -> None:
        """Forget the model."""
        place = record.place
        with self._transaction() as db:
            db.execute(
                "delete from models where account = ? and region = ? and name = ?",
                (place.account, place.region, record.name),
            )

    def _models(self, place: Place, condition: str = "", *values: str) -> list[ModelRecord]:
        rows = self._rows(
            f"select name, request, created from models where account = ? and region = ?{condition}",  # noqa: S608
            (place.account, place.region, *values),
        )
        return [ModelRecord(place, name, json.loads(request), created) for name, request, created in rows]

    # transform jobs

    def add_job(self, record: JobRecord) -> None:
        """Remember the job. Raises NameTakenError when a job of that name exists, in any case (R1.25)."""
        with self._transaction() as db:
            try:
                db.execute("insert into jobs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _job_row(record))
            except sqlite3.IntegrityError:
                raise NameTakenError(record.name) from None

    def update_job(self, record: JobRecord) -> None:
        """Replace what is remembered of the job; one that was forgotten meanwhile stays so."""
        account, region, key, *rest = _job_row(record)
        with self._transaction() as db:
            db.execute(
                "update jobs set request = ?, model = ?, status = ?, created = ?, modified = ?, started = ?, "
                "ended = ?, failure_reason = ? where account = ? and region = ? and key = ?",
                (*rest, account, region, key),
            )

    def job(self, place: Place, name: str) -> JobRecord | None:
        """The job of that name, in any case (R1.25)."""
        condition = "where account = ? and region = ? and key = ?"
        return next(iter(self._jobs(condition, place.account, place.region, name.lower())), None)

    def jobs(self, place: Place) -> list[JobRecord]:
        """Every job of the account and region."""
        return self._jobs("where account = ? and region = ?", place.account, place.region)

    def job_places(self, name: str | None = None) -> list[tuple[Place, int]]:
        """Accounts and regions with the number of their jobs, that with the newest first.

        `name` counts only jobs of that name.
        """
        rows = self._rows(
            "select account, region, count(*) from jobs where ? is null or key = ? "
            "group by account, region order by max(created) desc",
            (name, (name or "").lower()),
        )
        return [(Place(account, region), count) for account, region, count in rows]

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs of any account and region that have not ended."""
        return self._jobs("where ended is null")

    def _jobs(self, condition: str, *values: str) -> list[JobRecord]:
        rows = self._rows(f"select {_JOB_COLUMNS} from jobs {condition}", values)  # noqa: S608
        return [_job_of(row) for row in rows]

    # tags

    def tags(self, arn: str) -> dict[str, str]:
        """The resource's tags, by key."""
        return dict(self._rows("select key, value from tags where arn = ? order by key", (arn,)))

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add these tags; a key that was there gets the new value."""
        with self._transaction() as db:
            db.executemany(
                "insert or replace into tags values (?, ?, ?)", [(arn, *item) for item in tags.items()]
            )

    def delete_tags(self, arn: str, keys: Iterable[str] | None = None) -> None:
        """Remove these tags, or all of them."""
        with self._transaction() as db:
            if keys is None:
                db.execute("delete from tags where arn = ?", (arn,))
            else:
                db.executemany("delete from tags where arn = ? and key = ?", [(arn, key) for key in keys])

    # logs

    def create_streams(self, place: Place, names: Iterable[str], created: int) -> None:
        """Log streams of these names exist, `created` in epoch milliseconds."""
        with self._transaction() as db:
            db.executemany(
                "insert or ignore into streams (account, region, name, created) values (?, ?, ?, ?)",
                [(place.account, place.region, name, created) for name in names],
            )

    def streams(self, place: Place, prefix: str = "") -> list[LogStream]:
        """The streams whose names start with `prefix`, in the order of their names."""
        self._log.flush()
        rows = self._rows(
            "select id, name, created, "
            "(select time from events where stream = id order by position limit 1), "
            "(select time from events where stream = id order by position desc limit 1) "
            "from streams where account = ? and region = ? and name >= ? and name < ? order by name",
            (place.account, place.region, prefix, prefix + "\U0010ffff"),
        )
        return [LogStream(*row) for row in rows]

    def delete_streams(self, place: Place) -> None:
        """The account and region have no streams and no events; what is still logged to one is lost."""
        self._log.flush()
        mine = "select id from streams where account = ? and region = ?"
        values = (place.account, place.region)
        with self._transaction() as db:
            db.execute(f"delete from events where stream in ({mine})", values)  # noqa: S608 - a constant
            db.execute("delete from streams where account = ? and region = ?", values)

    def oldest_stream(self, place: Place) -> int | None:
        """When the first stream was created, in epoch milliseconds; None without any."""
        values = (place.account, place.region)
        rows = self._rows("select min(created) from streams where account = ? and region = ?", values)
        found: int | None = rows[0][0]
        return found

    def log(self, stream: int, time: int, message: str) -> None:
        """Append a line to the stream, `time` in epoch milliseconds. Returns before it is on disk."""
        self._log.append(stream, time, message)

    def events(self, stream: int, window: LogWindow) -> list[LogEvent]:
        """The lines inside the window, as they were written; their times never decrease."""
        self._log.flush()
        rows = self._rows(  # the order is one of two words
            "select time, message, position from events where stream = ? and position > ? and position < ? "  # noqa: S608
            "and time >= ? and time < ? order by position "
            + ("desc limit ?" if window.from_end else "limit ?"),
            (stream, window.after, window.before, window.start, window.end, window.limit),
        )
        found = [LogEvent(*row) for row in rows]
        return found[::-1] if window.from_end else found

    def write_events(self, rows: list[_Line]) -> None:
        """Lines are on disk, in one transaction."""
        with self._transaction() as db:
            db.executemany("insert into events values (?, ?, ?, ?)", rows)

    def last_lines(self) -> dict[int, tuple[int, int]]:
        """Position and time of each stream's last line."""
        rows = self._rows("select stream, max(position), time from events group by stream", ())
        return {stream: (position, time) for stream, position, time in rows}

    # plumbing

    def _rows(self, sql: str, values: Iterable[Any]) -> list[Any]:
        with self._lock, _database_errors(self._path):
            return self._db.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with _database_errors(self._path):
                    self._db.execute("begin immediate")
                    try:
                        yield self._db
                        self._db.execute("commit")
                    except BaseException:
                        with suppress(sqlite3.Error):
                            self._db.execute("rollback")
                        raise
            except MachineError as error:
                self._broken = error.message
                raise
            self._broken = ""


class _LogBuffer:
    """Lines on their way to the file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Line] = []
        self._last = store.last_lines()
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="log writer", daemon=True)
        self._thread.start()

    def append(self, stream: int, time: int, message: str) -> None:
        with self._adding:
            position, latest = self._last.get(stream, (0, 0))
            time = max(time, latest)  # readers go on from a time or a position: both must grow
            self._last[stream] = (position + 1, time)
            self._waiting.append((stream, position + 1, time, message))
            full = len(self._waiting) >= FLUSH_LINES
        if full:
            self._wake.set()

    def flush(self) -> None:
        """What was appended before is on disk."""
        with self._writing:
            with self._adding:
                rows, self._waiting = self._waiting, []
            if rows:
                self._store.write_events(rows)

    def forget(self) -> None:
        with self._adding:
            self._last.clear()
            self._waiting.clear()

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        self._thread.join()
        with suppress(MachineError):
            self.flush()

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            if self._waiting:
                with suppress(MachineError):  # `broken` tells; the lines are lost with the disk
                    self.flush()


@contextmanager
def _database_errors(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise MachineError(
            f"The emulator's database {path} cannot be used: {error}",
            remedy="check the disk's free space and the folder's permissions",
        ) from None


def _job_row(record: JobRecord) -> tuple[Any, ...]:
    return (
        record.place.account, record.place.region, record.name.lower(), json.dumps(record.request),
        json.dumps(record.model), str(record.status), record.created, record.modified, record.started,
        record.ended, record.failure_reason,
    )  # fmt: skip


def _job_of(row: tuple[Any, ...]) -> JobRecord:
    account, region, request, model, status, created, modified, started, ended, reason = row
    return JobRecord(
        Place(account, region), json.loads(request), json.loads(model), status, created, modified, started,
        ended, reason,
    )  # fmt: skip
