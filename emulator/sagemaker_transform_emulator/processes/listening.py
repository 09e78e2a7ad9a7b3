"""On which addresses a process and its descendants listen, and what that means for a container."""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from sagemaker_transform_emulator.processes.usage import process_tree

_LISTEN = "0A"
_RESOLVER = "127.0.0.11"


@dataclass(frozen=True, slots=True)
class Hearing:
    """Where a container listens, and the port it was to listen on, both as seen by itself.

    `outside` tells that its loopback is out of our reach; `told` that SAGEMAKER_BIND_TO_PORT named the port.
    """

    addresses: frozenset[tuple[str, int]]
    wanted: int
    outside: bool
    told: bool

    @property
    def on_port(self) -> bool:
        """Whether it listens on the port it was to listen on."""
        return bool(self._hosts)

    @property
    def elsewhere(self) -> bool:
        """Whether it listens, but on other ports only."""
        return bool(self.addresses) and not self._hosts

    @property
    def to_itself(self) -> bool:
        """Whether it listens on the right port, but only its own processes can connect."""
        return (
            self.outside
            and bool(self._hosts)
            and all(ipaddress.ip_address(host).is_loopback for host in self._hosts)
        )

    @property
    def words(self) -> str:
        """The same as a sentence."""
        variable = " (SAGEMAKER_BIND_TO_PORT)" if self.told else ""
        return sentence(set(self.addresses), self.wanted, variable, outside=self.outside)

    @property
    def _hosts(self) -> set[str]:
        return {host for host, port in self.addresses if port == self.wanted}


def describe(pid: int, wanted: int) -> str:
    """A sentence about the listening sockets of the process tree, for someone who awaited port `wanted`."""
    return sentence(addresses(pid), wanted, " (SAGEMAKER_BIND_TO_PORT)")


def sentence(found: set[tuple[str, int]], wanted: int, variable: str = "", *, outside: bool = False) -> str:
    """What the addresses say to someone who awaited port `wanted`, which `variable` names.

    `outside` tells that the caller is not where the process is, so that its loopback is out of reach.
    """
    if not found:
        return f"nothing in it listens on port {wanted}{variable}"
    where = ", ".join(f"{host}:{port}" for host, port in sorted(found))
    hosts = {host for host, port in found if port == wanted}
    if not hosts:
        return f"it listens on {where} instead of port {wanted}{variable}"
    if outside and all(ipaddress.ip_address(host).is_loopback for host in hosts):
        return f"it listens on {where}, which only itself can reach: it must bind to 0.0.0.0"
    return f"it listens on {where}"


def addresses(pid: int) -> set[tuple[str, int]]:
    """(host, port) of every TCP socket that the process or a descendant listens on."""
    found = set()
    for process in process_tree(pid):
        with suppress(psutil.Error):
            for socket_of in process.net_connections("tcp"):
                if socket_of.status == psutil.CONN_LISTEN:
                    found.add((socket_of.laddr.ip, socket_of.laddr.port))
    return found


def in_namespace(pid: int) -> set[tuple[str, int]] | None:
    """(host, port) of every TCP socket somebody listens on in the process's network namespace (Linux).

    The Docker engine's own resolver is left out. None when the namespace cannot be seen from here.
    """
    tables = [Path(f"/proc/{pid}/net/{table}") for table in ("tcp", "tcp6")]
    if not tables[0].exists():
        return None
    rows = [row for table in tables for row in _sockets(table)]
    found = {_parse(address) for address, state in rows if state == _LISTEN}
    return {(host, port) for host, port in found if host != _RESOLVER}


def _sockets(table: Path) -> list[tuple[str, str]]:
    try:
        rows = table.read_text().splitlines()[1:]
    except OSError:
        return []
    return [(columns[1], columns[3]) for columns in map(str.split, rows)]


def _parse(address: str) -> tuple[str, int]:
    host, port = address.split(":")
    words = struct.unpack(f">{len(host) // 8}I", bytes.fromhex(host))
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6  # noqa: PLR2004 - bytes of IPv4
    return socket.inet_ntop(family, packed), int(port, 16)
