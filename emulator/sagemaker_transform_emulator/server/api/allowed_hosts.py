"""The check of Host and Origin: requests of web pages and for foreign host names are refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

_LOCAL = {"localhost", "host.docker.internal", "gateway.docker.internal", "host.containers.internal"}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:\d{1,5})?")


class Guard:
    """Judges requests by their Host and Origin headers.

    A page in a browser can be given any name that resolves to this machine (DNS rebinding), but not an
    address for a name. So addresses are welcome, and names known to be local; with `open_to_network` also
    names without a dot, such as a Compose service's.
    """

    def __init__(self, allowed_hosts: Iterable[str] = (), *, open_to_network: bool = False) -> None:
        self._allowed = _LOCAL | {host.lower() for host in allowed_hosts}
        self._open_to_network = open_to_network

    def refusal(self, host: str, origin: str | None) -> str:
        """Why the request is refused, or "" when it is welcome."""
        if not self._is_known(host):
            return (
                f"The host name {host[:100]!r} is not one of this emulator's; use 127.0.0.1 or localhost, "
                "or list it under allowed_hosts in emulator.toml"
            )
        if origin is not None and urlsplit(origin).netloc != host:
            return f"Requests from web pages of {origin[:100]!r} are refused"
        return ""

    def _is_known(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower().rstrip(".")
        if name in self._allowed or name.endswith(".localhost"):
            return True
        if self._open_to_network and "." not in name:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True
