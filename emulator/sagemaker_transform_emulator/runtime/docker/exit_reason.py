"""Why a container ended, in words, from the engine's record of its state. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.runtime.base import Exit
from sagemaker_transform_emulator.runtime.docker.instance_types import Capacity

_SIGNAL_BASE = 128
_HIGHEST_SIGNAL = 64


def exit_of(state: Mapping[str, Any], limit: Capacity | None) -> Exit:
    """The Exit for the engine's `State`. `limit` is what memory was limited to, if it was.

    A main process that a signal ended has exit code 128 + signal; so has a shell that reports the end of
    its child, which is the same news.
    """
    code = int(state.get("ExitCode") or 0)
    if state.get("OOMKilled"):
        at = (
            f"its memory limit of {limit.memory_words}, was reached" if limit else "the machine had none left"
        )
        return Exit(code, f"was killed by the engine because it ran out of memory ({at})", out_of_memory=True)
    words = exit_words(code)
    error = str(state.get("Error") or "").strip()
    return Exit(code, f"{words} ({error})" if error else words)


def exit_words(code: int) -> str:
    """Such as "exited with code 3" or "was killed by SIGKILL (exit code 137)"."""
    number = code - _SIGNAL_BASE
    if not 0 < number <= _HIGHEST_SIGNAL:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(number).name} (exit code {code})"
    except ValueError:
        return f"exited with code {code}"


def start_failure(explanation: str) -> tuple[str, str]:
    """The engine's refusal to start a container as (what it means, remedy)."""
    text = " ".join(explanation.split())
    if '"serve"' in text and ("executable file not found" in text or "no such file" in text):
        return (
            "the image has no ENTRYPOINT and no command named `serve`: `docker run IMAGE serve` fails (R4.1)",
            'add ENTRYPOINT ["your-program"] (exec form) or put an executable `serve` on its PATH',
        )
    if "executable file not found" in text or "no such file or directory" in text:
        return text, "the image's ENTRYPOINT names a program that is not in the image"
    if "exec format error" in text:
        return (
            text,
            "the image is for another CPU architecture; pull it with --platform, or build it for this one",
        )
    return text, ""
