"""What a client is told of an error, before it is put into the words of a protocol."""

from __future__ import annotations

from dataclasses import dataclass

from sagemaker_transform_emulator.errors import EmulatorError, ServiceError


@dataclass(frozen=True, slots=True)
class Failure:
    """HTTP status, AWS's code and text, and what the user can do about it, "" where that is not known."""

    status: int
    code: str
    message: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """The text, and the remedy where the protocol has no other place for it."""
        return self.message + (f" ({self.remedy})" if self.remedy else "")


def failure_of(error: Exception) -> Failure:
    """What to tell of the error: a service's own refusals in full, our own mistakes not at all."""
    if isinstance(error, ServiceError):
        return Failure(400, error.code, error.message, error.remedy)
    if isinstance(error, EmulatorError):
        # 400 although it is no fault of the request: clients would repeat a 5xx for minutes
        return Failure(400, "InternalFailure", error.message + (f" ({error.remedy})" if error.remedy else ""))
    return Failure(500, "InternalFailure", "The emulator failed; its log has the details")
