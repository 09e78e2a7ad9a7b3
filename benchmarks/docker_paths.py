"""Which way to a container is faster: its own address, or a port published on 127.0.0.1.

    python benchmarks/docker_paths.py IMAGE

IMAGE answers POST /invocations with the body it got (BEHAVIOUR=echo, as containers/scripted does). One
keep-alive connection, 1 KB bodies, both ways in turns against the same container.
"""

from __future__ import annotations

import asyncio
import sys
import time

import docker
from docker.models.containers import Container

from sagemaker_transform_emulator.transport import LeanTransport, RequestHead

ROUNDS, REQUESTS = 5, 2000
HEAD = RequestHead("POST", "/invocations", (("Content-Type", "text/csv"),))
PING = RequestHead("GET", "/ping", ())


async def rate(host: str, port: int) -> float:
    """Requests a second over one connection."""
    connection = LeanTransport().connection(host, port)
    body = b"1," * 512
    await connection.exchange(HEAD, body, 10)
    begin = time.perf_counter()
    for _ in range(REQUESTS):
        await connection.exchange(HEAD, body, 10)
    spent = time.perf_counter() - begin
    await connection.close()
    return REQUESTS / spent


async def listening(host: str, port: int) -> None:
    """Return when the container answers its ping."""
    for _ in range(100):
        connection = LeanTransport().connection(host, port)
        try:
            await connection.exchange(PING, b"", 2)
        except Exception:  # noqa: BLE001 - not yet there, whatever it is
            await asyncio.sleep(0.1)
        else:
            return
        finally:
            await connection.close()


def measure(container: Container) -> None:
    """Print both rates."""
    container.reload()
    settings = container.attrs["NetworkSettings"]
    ways = {
        "its own address": (settings["IPAddress"], 8080),
        "published port": ("127.0.0.1", int(settings["Ports"]["8080/tcp"][0]["HostPort"])),
    }
    asyncio.run(listening(*ways["published port"]))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (host, port) in ways.items():
            rates[name].append(asyncio.run(rate(host, port)))
    for name, found in rates.items():
        print(f"{name:16} {max(found):7.0f} requests/s  (best of {ROUNDS}; {1e6 / max(found):.0f} µs each)")


def main() -> None:
    """Start one container of the image, measure, remove it."""
    client = docker.from_env()
    container = client.containers.run(
        sys.argv[1],
        "serve",
        detach=True,
        environment={"BEHAVIOUR": "echo"},
        ports={"8080/tcp": ("127.0.0.1", None)},
    )
    try:
        measure(container)
    finally:
        container.remove(force=True, v=True)


if __name__ == "__main__":
    main()
