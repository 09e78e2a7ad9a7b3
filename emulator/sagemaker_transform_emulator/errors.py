"""Every error this package raises on purpose.

::

    EmulatorError                   message, remedy, exit_code
    ├── UsageError                  the request, a file or a flag is wrong                      exit 2
    │   ├── ServiceError            the same, in the words and with the code AWS would use      exit 2
    │   └── JsonPathError           a filter that cannot be read                                exit 2
    ├── NameTakenError              a resource of that name exists          (never leaves the server)
    ├── FailedJobError              raise_for_status() of a job that is not Completed           exit 1
    ├── MachineError                this machine lacks something the work needs                 exit 3
    ├── JobError                    a TransformJob, or one object of it, failed                 exit 1
    │   ├── DataError               the input cannot be processed               (ClientError)
    │   │   └── RecordError         the same, for one record or its answer
    │   │       ├── JsonPathValueError    a filter does not fit the record
    │   │       └── RecordTooLargeError   a record above MaxPayloadInMB
    │   ├── ModelError              a model archive or image is unusable        (ClientError)
    │   ├── ContainerError          a container did not start, or died          (AlgorithmError)
    │   │   ├── PingError           it was not healthy before the first invocation
    │   │   └── OutOfMemoryError    the engine killed it at its memory limit
    │   ├── InvocationError         a container answered badly, or not at all   (either)
    │   ├── StorageError            S3 refused, lost or never answered          (either)
    │   └── EngineError             the Docker engine refused or went away      (InternalServerError)
    └── TransportError              one HTTP exchange with a container failed   (never leaves invocation)
        ├── ConnectError            nothing accepted the connection
        ├── DisconnectedError       closed or reset before the answer began
        ├── MalformedAnswerError    what came back is not a complete HTTP answer
        └── DeadlineError           InvocationsTimeoutInSeconds passed

Messages name the thing, the place and what was seen; `remedy` says what to do about it.
"""

from __future__ import annotations

from typing import Literal

INTERRUPTED = 130
"""The exit code after Ctrl-C or SIGTERM: 128 and SIGINT's number."""

Blame = Literal["ClientError", "AlgorithmError", "InternalServerError"]


class EmulatorError(Exception):
    """Root of the tree. `str(error)` is the message; `remedy` is empty where none is known."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if remedy:
            self.add_note(f"remedy: {remedy}")  # below the message in a traceback, and in pytest's report


class UsageError(EmulatorError):
    """What the user wrote cannot be carried out as it stands."""

    exit_code = 2


class ServiceError(UsageError):
    """An answer the service itself would give. `code` is AWS's, such as ValidationException (R1.3)."""

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class FailedJobError(EmulatorError):
    """A transform job that ended Failed or Stopped; the message has FailureReason and the diagnosis."""


class JsonPathError(UsageError):
    """A path that cannot be read: found when the job is created."""


class NameTakenError(EmulatorError):
    """The name is in use; the operation that wanted it turns this into the service's own error."""


class MachineError(EmulatorError):
    """Something outside the request is missing or broken: Docker, a port, a jar, the S3 endpoint."""

    exit_code = 3


class JobError(EmulatorError):
    """A job, or one object of it, failed. `blame` opens the job's FailureReason (R1.38).

    `context` is the invocation that was under way, where there was one.
    """

    blame: Blame = "ClientError"

    def __init__(self, message: str, *, remedy: str = "", blame: Blame | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.context: object = None
        if blame is not None:
            self.blame = blame

    @property
    def failure_reason(self) -> str:
        """The sentence the service gives for the job; details stay in the data log (R1.38, R6.3)."""
        return f"{self.blame}: See job logs for more information"

    @property
    def data_log(self) -> tuple[str, ...]:
        """The lines the data log gets for the object, without the time and the object's name."""
        return tuple(self.message.split("\n"))


class DataError(JobError):
    """The input cannot be split, filtered, joined or sent within the limits (R2.11, R3.16)."""


class RecordError(DataError):
    """One record, or the answer to it, cannot be used.

    `text` is the service's sentence, which goes to the data log; the message adds the record's place for
    the user. With `like_refusal` the data log has it in the form of a container's 4xx (R3.16).
    """

    def __init__(self, text: str, *, remedy: str = "", where: str = "", like_refusal: bool = False) -> None:
        place = f"{where[:1].upper()}{where[1:]}: " if where else ""
        super().__init__(place + text, remedy=remedy)
        self.text = text
        self.where = where
        self.like_refusal = like_refusal

    def at(self, where: str) -> RecordError:
        """The same error with the place of the record, in words."""
        return RecordError(self.text, remedy=self.remedy, where=where, like_refusal=self.like_refusal)

    @property
    def data_log(self) -> tuple[str, ...]:
        """The service's sentence, line by line, as R4.30 has it for a container's refusal."""
        head = ("ClientError: 400", "", "Message:") if self.like_refusal else ()
        return (*head, *self.text.split("\n"))


class JsonPathValueError(RecordError):
    """A path that does not fit the record it is applied to."""


class RecordTooLargeError(RecordError):
    """A record grew past the payload limit before it ended (R2.11). `size` is what was seen of it."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"Record is larger than MaxPayloadInMB allows: at least {size} bytes, the limit is {limit} bytes",
            remedy="raise MaxPayloadInMB (at most 100, or 0 for no limit), or make the record smaller",
        )
        self.size = size
        self.limit = limit


class ModelError(JobError):
    """A model archive cannot be had or unpacked, or no runtime knows the image (R6.7, R6.8)."""

    @property
    def failure_reason(self) -> str:
        """The message itself: the service names the archive here (R6.7)."""
        return f"{self.blame}: {self.message}"[:1024]


class ContainerError(JobError):
    """A container exited, never became healthy, or was killed (R4.11, R4.13, R6.5)."""

    blame: Blame = "AlgorithmError"


class PingError(ContainerError):
    """A container was not healthy before the first invocation (R6.6)."""

    @property
    def failure_reason(self) -> str:
        """The sentence observed for containers that never answer their ping."""
        return (
            "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is "
            "implemented and responds with an HTTP 200 status code"
        )


class OutOfMemoryError(ContainerError):
    """The engine killed a container at its memory limit."""

    @property
    def failure_reason(self) -> str:
        """The sentence observed for jobs that ran out of memory."""
        return (
            "ClientError: Please use an instance type with more memory, or reduce the size of job data "
            "processed on an instance."
        )


class InvocationError(JobError):
    """A container's answer to POST /invocations ended the object. `status` is None without an answer."""

    def __init__(
        self,
        message: str,
        *,
        blame: Blame,
        container: str = "",
        status: int | None = None,
        log_lines: tuple[str, ...] = (),
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy, blame=blame)
        self.container = container
        self.status = status
        self.log_lines = log_lines

    @property
    def data_log(self) -> tuple[str, ...]:
        """The service's own block of lines for this failure (R4.30 to R4.32)."""
        return self.log_lines


class StorageError(JobError):
    """S3 said no (ClientError) or nothing at all (InternalServerError)."""

    @property
    def failure_reason(self) -> str:
        """The service's own sentence for outages, the general one otherwise."""
        if self.blame == "InternalServerError":
            return "InternalServerError: We encountered an internal error. Please try again."
        return super().failure_reason


class EngineError(JobError):
    """The Docker engine went away, or would not do what every job needs of it."""

    blame: Blame = "InternalServerError"

    @property
    def failure_reason(self) -> str:
        """The service's own sentence for its outages."""
        return "InternalServerError: We encountered an internal error. Please try again."


class TransportError(EmulatorError):
    """One HTTP exchange did not give a usable answer."""


class ConnectError(TransportError):
    """Nothing accepted the connection."""


class DisconnectedError(TransportError):
    """The peer closed or reset the connection before the first byte of an answer."""


class MalformedAnswerError(TransportError):
    """Bytes came, but no complete HTTP answer: not HTTP, cut short, or over the limits."""


class DeadlineError(TransportError):
    """The answer was not complete when InvocationsTimeoutInSeconds had passed (R4.25)."""
