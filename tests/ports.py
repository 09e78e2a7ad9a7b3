"""Free loopback ports for servers that are told where to listen.

They lie below the range from which the kernel takes the ports of outgoing connections and of `port 0`, and
each worker of a test run has a part of its own. So nobody takes one between the look and the use, or while
a server that owns it is down.
"""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from collections.abc import Iterator

FIRST, EACH, PARTS = 10_000, 2_000, 11


def _part() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker % PARTS * EACH
    start = secrets.randbelow(EACH)  # another run on this machine starts elsewhere
    return itertools.cycle(first + (start + number) % EACH for number in range(EACH))


_ports = _part()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different, and not given out for a long time."""
    return list(itertools.islice(filter(_is_free, _ports), count))


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
