"""What the addresses a container listens on say about it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sagemaker_transform_emulator.processes.listening import Hearing, addresses
from sagemaker_transform_emulator.processes.usage import tree_usage


@pytest.mark.parametrize(
    ("found", "outside", "said"),
    [
        (set(), True, (False, False, False)),
        ({("0.0.0.0", 8080)}, True, (True, False, False)),
        ({("127.0.0.1", 8080)}, True, (True, False, True)),
        ({("127.0.0.1", 8080)}, False, (True, False, False)),
        ({("127.0.0.1", 8080), ("::", 8080)}, True, (True, False, False)),
        ({("0.0.0.0", 8081)}, True, (False, True, False)),
    ],
)
def test_hearing(found: set[tuple[str, int]], *, outside: bool, said: tuple[bool, bool, bool]) -> None:
    hearing = Hearing(frozenset(found), 8080, outside=outside, told=False)
    assert (hearing.on_port, hearing.elsewhere, hearing.to_itself) == said
    assert hearing.words


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc")
def test_this_process_is_seen_listening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname() in addresses(os.getpid())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_the_usage_of_a_process_and_its_children() -> None:
    own = tree_usage(os.getpid())
    assert own is not None
    assert own.memory_bytes > 10 * 2**20
    assert own.cpu_seconds > 0
    assert tree_usage(2**22 + 1) is None
