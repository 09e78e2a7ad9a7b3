"""Our XGBoost container against Flask under gunicorn, in one interleaved run.

Both serve the same model to the same records from this machine; each round asks one after the other, and
the result is the median over the rounds of their ratio, so that a busy machine slows both alike. Without
nginx, which AWS's container has in front and which only costs time. Answers must be byte-equal.

    python benchmarks/xgboost_serving.py [--rounds 7] [--seconds 2] [--connections 1] [--trees 10]
                                         [--peer-venv DIR]

The peer's packages go into a virtual environment of their own, made on first use under
~/.cache/sagemaker-transform-emulator/xgboost-peer unless --peer-venv names one.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xgboost

ROOT = Path(__file__).resolve().parent.parent
PEER_DIR = Path(__file__).resolve().parent / "peers"
DEFAULT_VENV = Path.home() / ".cache" / "sagemaker-transform-emulator" / "xgboost-peer"
PEER_PACKAGES = (
    "flask==3.1.3",
    "gunicorn>=23",
    "gevent>=24",
    "packaging",
    "numpy>=2",
    f"xgboost-cpu=={xgboost.__version__}",
)
FEATURES = 9
LARGE_BYTES = 6_000_000
PROC = Path("/proc/self/stat")
START_SECONDS = 60


@dataclass(frozen=True)
class Target:
    """One running server."""

    name: str
    port: int
    pid: int = 0


def main() -> None:
    """Measure and print."""
    options = parse_arguments()
    python = peer_python(options.peer_venv)
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder), options.trees)
        with serve_ours(model) as ours, serve_peer(model, python) as peer:
            records, large = bodies()
            check_equal(ours, peer, [*records[:200], large])
            print(f"{options.trees} trees, {FEATURES} features, {options.connections} connection(s), "
                  f"{options.rounds} rounds of {options.seconds} s each")  # fmt: skip
            single = [
                tuple(rate(target, records, options.seconds, options.connections) for target in (ours, peer))
                for _ in range(options.rounds)
            ]
            report("single records, requests/s", single)
            if PROC.exists():
                report_cpu([cpu_per_request(target, records, options.seconds) for target in (ours, peer)])
            batch = [
                tuple(len(large) / 1e6 / seconds(target, large) for target in (ours, peer))
                for _ in range(options.rounds)
            ]
            report(f"one body of {len(large) / 1e6:.1f} MB, MB/s", batch)


def parse_arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--trees", type=int, default=10)
    parser.add_argument("--peer-venv", type=Path, default=DEFAULT_VENV)
    return parser.parse_args()


def peer_python(venv: Path) -> Path:
    """The interpreter of the peer's environment, which is made if it is not there."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER_PACKAGES], check=True)
    return python


def train(folder: Path, trees: int) -> Path:
    """A regression model in a model directory of its own."""
    random = np.random.default_rng(0)
    table = random.random((4000, FEATURES)).round(3)
    target = 3 * table[:, 0] - table[:, 1] + random.random(4000)
    model = xgboost.train({"max_depth": 5, "eta": 0.2, "nthread": 1}, xgboost.DMatrix(table, target), trees)
    directory = folder / "model"
    directory.mkdir()
    model.save_model(directory / "xgboost-model.json")
    return directory / "xgboost-model.json"


def bodies() -> tuple[list[bytes], bytes]:
    """Single records, and one body of LARGE_BYTES."""
    table = np.random.default_rng(1).random((LARGE_BYTES // 50, FEATURES)).round(3)
    lines = [",".join(map(repr, row)).encode() for row in table.tolist()]
    return lines[:1000], b"\n".join(lines)[:LARGE_BYTES].rpartition(b"\n")[0]


@contextmanager
def serve_ours(model: Path) -> Iterator[Target]:
    """Our container as a user starts it."""
    command = [sys.executable, "-m", "sagemaker_transform_emulator.containers.xgboost", "serve"]
    port = free_port()
    environ = {
        "SM_MODEL_DIR": str(model.parent),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_BATCH": "true",
    }
    with running(command, ROOT, environ, Target("ours", port)) as target:
        yield target


@contextmanager
def serve_peer(model: Path, python: Path) -> Iterator[Target]:
    """The peer with AWS's settings: gevent workers, one for each CPU."""
    port = free_port()
    workers = str(os.cpu_count() or 1)
    command = [str(python), "-m", "gunicorn", "-k", "gevent", "-w", workers, "-b", f"127.0.0.1:{port}"]
    command += ["--keep-alive", "60", "--log-level", "error", "flask_xgboost:app"]
    environ = {"MODEL_FILE": str(model), "OMP_NUM_THREADS": "1"}
    with running(command, PEER_DIR, environ, Target("peer", port)) as target:
        yield target


@contextmanager
def running(command: list[str], folder: Path, environ: dict[str, str], target: Target) -> Iterator[Target]:
    """A server from its first answered ping until the end of the block."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)
    try:
        while not answers_ping(target.port):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise SystemExit(f"{target.name} did not start")
            time.sleep(0.02)
        print(f"{target.name}: ready after {time.monotonic() - began:.2f} s")
        yield replace(target, pid=process.pid)
    finally:
        process.terminate()
        process.wait()


def answers_ping(port: int) -> bool:
    """Whether the server says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def request_bytes(body: bytes) -> bytes:
    """One whole request."""
    lines = (
        "POST /invocations HTTP/1.1",
        "Host: x",
        "Content-Type: text/csv",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of its 200 answer, at the least cost a client can have."""
    connection.sendall(request)
    data = connection.recv(65536)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(65536)
    head = data[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(f"unexpected answer: {data[:300]!r}")
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    parts, size = [data[end + 4 :]], len(data) - end - 4
    while size < length:
        part = connection.recv(1 << 20)
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def check_equal(ours: Target, peer: Target, samples: list[bytes]) -> None:
    """Stop unless both give the same bytes."""
    with connect(ours) as one, connect(peer) as other:
        for body in samples:
            if exchange(one, request_bytes(body)) != exchange(other, request_bytes(body)):
                raise SystemExit(f"the servers answer differently to {body[:100]!r}")


def connect(target: Target) -> socket.socket:
    """A connection without Nagle's delay."""
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=120)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def rate(target: Target, records: list[bytes], duration: float, connections: int) -> float:
    """Requests answered in a second over closed-loop connections."""
    requests = [request_bytes(record) for record in records]
    counts = [0] * connections
    until = time.perf_counter() + duration

    def loop(index: int) -> None:
        with connect(target) as connection:
            while time.perf_counter() < until:
                exchange(connection, requests[counts[index] % len(requests)])
                counts[index] += 1

    in_threads(loop, connections)
    return sum(counts) / duration


def cpu_per_request(target: Target, records: list[bytes], duration: float) -> float:
    """Microseconds of processor time the server and its workers spend on a record, whatever the load."""
    before = cpu_seconds(target.pid)
    answered = rate(target, records, duration, 1) * duration
    return (cpu_seconds(target.pid) - before) / answered * 1e6


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, from /proc."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, fields = entry.read_text().partition(" ")
        except OSError:
            continue
        values = fields.rpartition(")")[2].split()
        if int(number) == pid or int(values[1]) == pid:
            ticks += int(values[11]) + int(values[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run `work` once for each index at the same time."""
    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def seconds(target: Target, body: bytes) -> float:
    """How long one invocation takes."""
    with connect(target) as connection:
        began = time.perf_counter()
        exchange(connection, request_bytes(body))
        return time.perf_counter() - began


def report(title: str, rounds: list[tuple[float, ...]]) -> None:
    """Medians of both and of their ratio."""
    ours, peer = (statistics.median(values) for values in zip(*rounds, strict=True))
    ratios = sorted(ours_ / peer_ for ours_, peer_ in rounds)
    print(f"{title}: ours {ours:,.0f}, peer {peer:,.0f}; "
          f"ratio {statistics.median(ratios):.1f} (from {ratios[0]:.1f} to {ratios[-1]:.1f})")  # fmt: skip


def report_cpu(microseconds_each: list[float]) -> None:
    """Processor time of both and its ratio."""
    ours, peer = microseconds_each
    print(f"single records, processor time: ours {ours:.0f} µs, peer {peer:.0f} µs; ratio {peer / ours:.1f}")


if __name__ == "__main__":
    main()
