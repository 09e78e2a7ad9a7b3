"""The command line. Every command is a thin skin over the library.

Progress goes to stderr, data to stdout. Exit codes: 0 ok, 1 the job failed, 2 the request or a flag is
wrong, 3 the machine lacks something, 4 a container breaks its contract, 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from sagemaker_transform_emulator.cli import clients
from sagemaker_transform_emulator.cli.check import check
from sagemaker_transform_emulator.cli.clean import clean
from sagemaker_transform_emulator.cli.diff import diff
from sagemaker_transform_emulator.cli.display import print_error
from sagemaker_transform_emulator.cli.doctor import doctor
from sagemaker_transform_emulator.cli.explain import explain_job
from sagemaker_transform_emulator.cli.export import export
from sagemaker_transform_emulator.cli.replay import replay
from sagemaker_transform_emulator.cli.run import run
from sagemaker_transform_emulator.cli.trace import trace
from sagemaker_transform_emulator.cli.tune import tune
from sagemaker_transform_emulator.cli.up import env, up
from sagemaker_transform_emulator.errors import EmulatorError
from sagemaker_transform_emulator.processes.event_loop import return_large_buffers

INTERRUPTED = 130

app = typer.Typer(
    name="emulator",
    help="Runs SageMaker batch transform jobs on this machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root() -> None:
    """Runs SageMaker batch transform jobs, inference pipelines included, on this machine."""


for _command in (
    up,
    env,
    run,
    clients.jobs,
    clients.describe,
    clients.logs,
    clients.stop,
    trace,
    replay,
    tune,
    check,
    doctor,
    diff,
    clean,
):
    app.command(_command.__name__)(_command)
app.command("explain")(explain_job)
app.command("export-sparkml")(export)


def main() -> None:
    """Run a command; our own errors become one message and an exit code, never a traceback."""
    return_large_buffers()
    try:
        app(standalone_mode=True)
    except EmulatorError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
