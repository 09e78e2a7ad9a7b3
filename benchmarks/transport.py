"""What a transport costs above the bare round trip.

A closed loop of POSTs of one CSV line on one kept-alive connection to an echo server in its own process.
Each round runs the bare loop before and after every subject, so that a noisy machine disturbs both; the
figure to look at is the median over the rounds of subject / bare. The bare loop is an asyncio.Protocol on
uvloop that feeds llhttp and writes the next request from the callback: no futures, no tasks, no answers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httptools
import uvloop

from sagemaker_transform_emulator.transport import LeanTransport, RequestHead

LINE = b"M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15,15,0.5,0.5,0.25\n"
HEAD = RequestHead(
    "POST",
    "/invocations",
    (
        ("User-Agent", "Go-http-client/1.1"),
        ("Content-Type", "text/csv"),
        ("Accept", "text/csv"),
        ("Accept-Encoding", "gzip"),
        ("X-Amzn-Sagemaker-Input-Object", "bucket/prefix/abalone.csv"),
    ),
)
WIRE = HEAD.encoded + b"Host: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(LINE) + LINE


@dataclass(frozen=True)
class Run:
    """One stretch of a loop, per request, in microseconds."""

    wall_us: float
    cpu_us: float


class Bare(asyncio.Protocol):
    """The closed loop with nothing around it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.requests = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self.until = time.perf_counter() + self.seconds
        transport.write(WIRE)

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """The echo."""

    def on_message_complete(self) -> None:
        """Ask again."""
        self.requests += 1
        if time.perf_counter() < self.until:
            self.transport.write(WIRE)
        else:
            self.finished.set_result(None)


async def bare(port: int, seconds: float) -> int:
    """The requests a bare protocol made in that time."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(lambda: Bare(seconds), "127.0.0.1", port)
    await protocol.finished
    transport.close()
    return protocol.requests


class Counter:
    """Counts answers for the blocking loop."""

    answers = 0

    def on_message_complete(self) -> None:
        """One more."""
        self.answers += 1


async def blocking(port: int, seconds: float) -> int:
    """The requests a blocking socket made in that time; the event loop waits."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        counter = Counter()
        parser = httptools.HttpResponseParser(counter)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            done = counter.answers
            line.sendall(WIRE)
            while counter.answers == done:
                parser.feed_data(line.recv(65536))
        return counter.answers


async def exchanges(port: int, seconds: float) -> int:
    """The same loop through the transport of jobs."""
    connection = LeanTransport().connection("127.0.0.1", port)
    requests, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        answer = await connection.exchange(HEAD, LINE, 600.0)
        requests += 1
    assert answer.body == LINE
    await connection.close()
    return requests


SUBJECTS = {"blocking socket": blocking, "lean": exchanges}


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """An echo server while the block runs; gives its port."""
    program = [sys.executable, str(Path(__file__).with_name("echo_server.py"))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        assert server.stdin is not None
        server.stdin.close()


def measured(loop: Callable[[int, float], Awaitable[int]], port: int, seconds: float) -> Run:
    """One stretch on uvloop."""

    async def stretch() -> Run:
        wall, cpu = time.perf_counter(), time.process_time()
        requests = await loop(port, seconds)
        return Run(
            (time.perf_counter() - wall) / requests * 1e6, (time.process_time() - cpu) / requests * 1e6
        )

    return uvloop.run(stretch())


def compared(names: list[str], rounds: int, seconds: float) -> dict[str, dict]:
    """All rounds of all subjects, and the ratios to the bare runs on both sides of each."""
    runs: dict[str, list[Run]] = {name: [] for name in ("bare loop", *names)}
    ratios: dict[str, list[float]] = {name: [] for name in names}
    with echo_server() as port:
        measured(bare, port, seconds)
        before = measured(bare, port, seconds)
        for _ in range(rounds):
            for name in names:
                run = measured(SUBJECTS[name], port, seconds)
                after = measured(bare, port, seconds)
                ratios[name].append(2 * run.wall_us / (before.wall_us + after.wall_us))
                runs[name].append(run)
                runs["bare loop"].append(after)
                before = after
    return {
        name: {
            "wall_us": statistics.median(run.wall_us for run in some),
            "cpu_us": statistics.median(run.cpu_us for run in some),
            "requests_per_s": 1e6 / statistics.median(run.wall_us for run in some),
            "ratio": statistics.median(ratios[name]) if name in ratios else 1.0,
            "ratio_spread": [min(ratios[name]), max(ratios[name])] if name in ratios else None,
            "runs": [asdict(run) for run in some],
        }
        for name, some in runs.items()
    }


def table(results: dict[str, dict]) -> str:
    """The results for people."""
    lines = [f"{'loop':16} {'requests/s':>10} {'us/request':>10} {'CPU us':>8} {'x bare':>7}  spread"]
    for name, row in results.items():
        spread = "{:.2f} to {:.2f}".format(*row["ratio_spread"]) if row["ratio_spread"] else ""
        lines.append(
            f"{name:16} {row['requests_per_s']:10,.0f} {row['wall_us']:10.1f} {row['cpu_us']:8.1f} "
            f"{row['ratio']:7.2f}  {spread}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of each stretch (default 0.5)")
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS, help="measure just this one (repeatable)"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = compared(arguments.only or list(SUBJECTS), arguments.rounds, arguments.seconds)
    print(json.dumps(results, indent=2) if arguments.json else table(results))


if __name__ == "__main__":
    main()
