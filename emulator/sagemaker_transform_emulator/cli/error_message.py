"""An error on a terminal: its message and its remedy."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from sagemaker_transform_emulator.errors import EmulatorError


def print_error(error: EmulatorError) -> None:
    """The message and its remedy, on stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("error: ", style="bold red") + Text(error.message))
    if error.remedy:
        console.print(Text("remedy: ", style="bold") + Text(error.remedy))
