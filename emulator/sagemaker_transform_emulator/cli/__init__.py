"""The command line. Every command is a thin skin over the library, imported when it is called.

Progress goes to stderr, data to stdout. Exit codes: 0 ok, 1 the job failed, 2 the request or a flag is
wrong, 3 the machine lacks something, 4 a container breaks its contract, 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sagemaker_transform_emulator.errors import INTERRUPTED, EmulatorError
from sagemaker_transform_emulator.processes.large_buffers import return_large_buffers

COMMANDS = {
    "up": ("up:up", "Serve SageMaker's batch transform, its logs and S3 until Ctrl-C."),
    "env": ("env:env", 'Print the variables that send AWS clients to the emulator: eval "$(emulator env)".'),
    "run": ("run:run", "Run one TransformJob and wait for its end."),
    "jobs": ("clients:jobs", "List transform jobs, newest first."),
    "describe": ("clients:describe", "Show everything about one job."),
    "logs": ("clients:logs", "Print a job's logs, the container's name before each line."),
    "stop": ("clients:stop", "Stop a job and wait until it has stopped."),
    "trace": ("trace:trace", "Show what went to the containers of a job and what they answered."),
    "replay": (
        "replay:replay",
        "Send one record of a job through fresh containers again. Exit code 0 when it is answered, else 1.",
    ),
    "tune": (
        "tune:tune",
        "Measure the combinations of BatchStrategy, MaxPayloadInMB and MaxConcurrentTransforms.",
    ),
    "check": (
        "check:check",
        "Check a container against SageMaker's contract. Exit code 4 when it breaks it.",
    ),
    "doctor": (
        "doctor:doctor",
        "Look at this machine: Python, Docker, Java, S3, variables. Exit code 3 on an error.",
    ),
    "diff": ("diff:diff", "Compare two outputs. Exit code 0 when they agree, 1 when they do not."),
    "clean": (
        "clean:clean",
        "Remove what killed runs left: containers, networks, volumes, processes, uploads, folders.",
    ),
    "explain": (
        "explain:explain_job",
        "Show the objects, records, payloads and output keys of a job, the settings in force, and doubts.",
    ),
    "export-sparkml": ("export:export", "Write an MLeap bundle and print the schema to serve it with."),
}
"""Each command's module and function, and the first line of its help, which --help shows without them."""

_STYLE: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}


class Commands(TyperGroup):
    """The commands by name; the module of one is imported when it is called or asked for help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the first argument names, as its module has it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None else load(str(found.name)), rest


def load(name: str) -> Any:
    """The command of that name with its flags."""
    module, _, function = COMMANDS[name][0].partition(":")
    alone = typer.Typer(add_completion=False, **_STYLE)
    alone.command(name)(getattr(import_module(f"{__name__}.{module}"), function))
    return typer.main.get_command(alone)


app = typer.Typer(
    name="emulator",
    help="Runs SageMaker batch transform jobs on this machine.",
    cls=Commands,
    no_args_is_help=True,
    **_STYLE,
)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from sagemaker_transform_emulator import __version__  # noqa: PLC0415 - read when it is asked for

        print(f"emulator {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, help="Print the version.", callback=_print_version),
    ] = False,
) -> None:
    """Runs SageMaker batch transform jobs, inference pipelines included, on this machine."""


def _not_loaded() -> None:
    """Stands for a command where only its name and its help are wanted."""


for _name, (_, _summary) in COMMANDS.items():
    app.command(_name, help=_summary)(_not_loaded)


def main() -> None:
    """Run a command; our own errors become one message and an exit code, never a traceback."""
    return_large_buffers()
    try:
        app(standalone_mode=True)
    except EmulatorError as error:
        from sagemaker_transform_emulator.cli.error_message import print_error  # noqa: PLC0415 - brings rich

        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
