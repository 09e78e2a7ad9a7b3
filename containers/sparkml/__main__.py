"""The program: `serve` starts the container, `fetch` only fills the cache, as an image's build does."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from sagemaker_transform_emulator.containers import serving
from sagemaker_transform_emulator.containers.sparkml.app import build_app
from sagemaker_transform_emulator.containers.sparkml.cache import tell
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare

NAME = "sparkml"


def main() -> int:
    """Return the exit code: 0, 1 when it cannot be done, 2 for wrong arguments."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    if sys.argv[1:] != ["fetch"]:
        return serving.main(build_app, NAME)
    try:
        runtime = prepare()
    except serving.StartError as error:
        tell(f"cannot fetch: {error}")
        return 1
    tell(f"{len(runtime.classpath)} jars are ready")
    return 0


def _leave(number: int, _frame: FrameType | None) -> None:
    """End the process now (R4.7).

    As process 1 of a container SIGTERM would do nothing while the model is being loaded; and once uvicorn
    has answered the last request it raises the signal again, when there is nothing left to tidy up.
    """
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
