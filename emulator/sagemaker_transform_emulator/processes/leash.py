"""Runs one command so that it cannot outlive its owner.

Started as `python leash.py COMMAND …` with a pipe as standard input. The command gets its own process
group; when the pipe closes, because the owner ended however that happened, the whole group is killed.
SIGTERM is handed to the command alone, as an engine does with a container's first process; when the
command ends, whatever it left in its group ends too. The exit status is the command's.

Imports nothing of ours: it runs isolated, before anything else, and must start in milliseconds.
"""

import os
import select
import signal
import sys
from contextlib import suppress


def main(command: list[str]) -> None:
    """Run the command to its end, or to the owner's."""
    child = os.fork()
    if child == 0:
        _become(command)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: _signal(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what Ctrl-C means
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        if 0 in ready and os.read(0, 64) == b"":
            _kill_group(child)
            os.kill(os.getpid(), signal.SIGKILL)
        if wake_read in ready:
            os.read(wake_read, 64)
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                _kill_group(child)
                _end_like(status)


def _become(command: list[str]) -> None:
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a shell would swallow the signals
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _kill_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1:])
