"""Runs one command so that it cannot outlive its owner.

Started as `python leash.py COMMAND …` with a pipe as standard input. The command gets its own process
group; when the pipe closes, because the owner ended however that happened, the whole group is killed, and
so is every descendant that left it (setsid, double fork): on Linux the leash is the subreaper of all of
them, so that they stay its own however they detach. Elsewhere a descendant that left the group is only
ended by the sweep at the next start, and only while its environment carries the run's mark.

SIGTERM is handed to the command alone, as an engine does with a container's first process; when the
command ends, whatever it left behind ends too. The exit status is the command's.

Imports nothing of ours: it runs isolated, before anything else, and must start in milliseconds.
"""

import os
import select
import signal
import sys
from contextlib import suppress

HANDLED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of <linux/prctl.h>."""


def main(command: list[str]) -> None:
    """Run the command to its end, or to the owner's."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)  # a signal before the handlers waits for them
    _become_subreaper()
    child = os.fork()
    if child == 0:
        _become(command)
    with suppress(OSError):
        os.setpgid(child, child)  # as the child does: whoever is first, the group is there from here on
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: _signal(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what Ctrl-C means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        if 0 in ready and os.read(0, 64) == b"":
            _kill_all(child)
            os.kill(os.getpid(), signal.SIGKILL)
        if wake_read in ready:
            with suppress(BlockingIOError):
                os.read(wake_read, 64)
            status = _reap(child)
            if status is not None:
                _kill_all(child)
                _end_like(status)


def _become_subreaper() -> None:
    """Descendants whose parent ends become our children, where the system has that."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here, and it takes a few milliseconds

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _become(command: list[str]) -> None:
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a shell would swallow the signals
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _reap(child: int) -> int | None:
    """Every child that ended is reaped; the command's status, if it is one of them."""
    found = None
    with suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if not ended:
                break
            if ended == child:
                found = status
    return found


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _kill_all(child: int) -> None:
    """The command's group is killed, and then, until none is left, everything that became our child.

    Killing a daemon makes its own children ours, hence the rounds; a child that cannot be killed, being
    somebody else's by then, ends them.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    if sys.platform != "linux":
        return
    with suppress(ChildProcessError, PermissionError):
        while True:
            for found in _children():
                with suppress(ProcessLookupError):
                    os.kill(found, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> list[int]:
    """The processes whose parent we are."""
    own = os.getpid()
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes milliseconds to import
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                    # the name in parentheses may hold anything
                    parent = int(file.read().rpartition(b")")[2].split()[1])
                if parent == own:
                    found.append(int(name))
    return found


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1:])
