"""The log streams of a transform job: their names, their lines, and the sink that fills them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from sagemaker_transform_emulator.jobs.events import ContainerLine, DataLogLine, Event, JobNote
from sagemaker_transform_emulator.sagemaker.requests import Model
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.database import Store

_CONTROL = re.compile("[\x00-\x1f\x7f]")


def escaped(text: str) -> str:
    """The text with each control character as `#` and three octal digits (R4.36)."""
    return _CONTROL.sub(lambda match: f"#{ord(match[0]):03o}", text)


def log_lines(text: str) -> Iterator[str]:
    """The log events of one message: newlines split it, other control characters are written out (R4.36)."""
    for line in text.split("\n"):
        yield escaped(line)


def data_log_head(at: datetime) -> str:
    """What opens a line of the data log (R4.29)."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}:[sagemaker logs]: "


class JobLogs:
    """The streams of one job; they all exist when this is made, as clients list them only once."""

    def __init__(self, store: Store, record: JobRecord, model: Model, instances: tuple[str, ...]) -> None:
        self._store = store
        self._first = instances[0]
        names: dict[tuple[str, str | None], str] = {
            (instance, part): stream_name(record, instance, part)
            for instance in instances
            for part in ("", *(definition.name for definition in model.containers if model.is_pipeline))
            if part or not model.is_pipeline
        }
        names |= {(instance, None): stream_name(record, instance, "data-log") for instance in instances}
        store.create_streams(record.place, names.values(), int(record.created * 1000))
        ids = {stream.name: stream.id for stream in store.streams(record.place, f"{record.name}/")}
        self._streams = {of: ids[name] for of, name in names.items()}
        self._is_pipeline = model.is_pipeline

    def sink(self, event: Event) -> None:
        """Write down what the event says, if it is a line of a log."""
        if isinstance(event, ContainerLine):
            self._container_line(event)
        elif isinstance(event, DataLogLine):
            self.data_line(event.text, event.instance)
        elif isinstance(event, JobNote) and event.container:
            text = f"emulator: {event.text}"
            self._container_line(ContainerLine(event.instance, event.container, datetime.now(UTC), text))

    def data_line(self, text: str, instance: str = "") -> None:
        """One message for the data log of that instance, else of the first one."""
        now = datetime.now(UTC)
        at = int(now.timestamp() * 1000)
        stream = self._streams[instance or self._first, None]
        for line in log_lines(data_log_head(now) + text):
            self._store.log(stream, at, line)

    def _container_line(self, event: ContainerLine) -> None:
        stream = self._streams[event.instance, event.container if self._is_pipeline else ""]
        for line in log_lines(event.text):
            self._store.log(stream, int(event.time.timestamp() * 1000), line)


def stream_name(record: JobRecord, instance: str, part: str) -> str:
    """<job>/<instance>-<epoch>, and below it the container's name or `data-log` (R4.35)."""
    base = f"{record.name}/{instance}-{int(record.created)}"
    return f"{base}/{part}" if part else base


def note_interruption(store: Store, record: JobRecord) -> None:
    """The data log of a job that was running when the emulator died says so."""
    now = datetime.now(UTC)
    for stream in store.streams(record.place, f"{record.name}/"):
        if stream.name.endswith("/data-log"):
            text = data_log_head(now) + "emulator stopped while the job was running"
            store.log(stream.id, int(now.timestamp() * 1000), text)
            return
