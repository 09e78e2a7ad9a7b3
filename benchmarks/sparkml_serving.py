"""The SparkML container over HTTP against its own engine called in process, in one interleaved run.

The engine without HTTP is the limit; what the container keeps of it tells the cost of serving. Each round
asks the engine, and the container on one connection and on several, for the same number of
seconds, so that a busy machine slows all alike; results are medians over the rounds. Records are the
penguins of sample_data, one CSV line per request, in a closed loop on each keep-alive connection, which is a
process of its own. Before the rounds, the container's first seconds after its port opened are counted,
because a short batch job sees only those.

    python benchmarks/sparkml_serving.py [--rounds 7] [--seconds 2] [--first 5] [--beside PORT]

`--beside` names the port of another container with the same model, such as AWS's own, which is asked in turn
in each round. Answers over HTTP must be byte-equal to those of the engine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels  # noqa: E402 - found through the line above
from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input  # noqa: E402
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare  # noqa: E402

SAMPLE = ROOT / "sample_data"
START_SECONDS = 120
CONNECTIONS = (1, 4)
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
Ask = Callable[[bytes], bytes]


def main() -> None:
    """Measure and print."""
    options = parse_arguments()
    records = (SAMPLE / "input" / "penguins.csv").read_bytes().splitlines()
    if options.client:
        sys.stdout.buffer.write(latencies(options.client, records, options.seconds).tobytes())
        return
    settings = json.loads((SAMPLE / "model.json").read_text())["Containers"][0]["Environment"]
    schema = settings["SAGEMAKER_SPARKML_SCHEMA"]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder)
        with tarfile.open(SAMPLE / "models" / "sparkml" / "model.tar.gz") as archive:
            archive.extractall(model, filter="data")
        engine = Engine(prepare(), model, schema)
        engine.warm_up(known_labels(model), 50_000, 20_000)
        with container(model, schema) as (port, process):
            with Client(port) as client:
                print(f"first {options.first} s: {rate(client.ask, records, options.first):,.0f} requests/s")
                require_equal(engine, client, records)
            subjects = {"ours": port} | ({"beside": options.beside} if options.beside else {})
            measure(engine, subjects, process, records, options)


def measure(
    engine: Engine, subjects: dict[str, int], process: int, records: list[bytes], options: argparse.Namespace
) -> None:
    """Print a line per measurement and the medians."""

    def in_process(record: bytes) -> bytes:
        return engine.invoke(record, Input.CSV, Format.CSV)

    print(f"{'who':>6} {'connections':>11} {'requests/s':>11} {'p50 us':>7} {'p99 us':>7} {'CPU us':>7}")
    found: dict[tuple[str, int], list[Figures]] = {}
    engines = []
    for _ in range(options.rounds):
        engines.append(rate(in_process, records, options.seconds))
        for connections, (who, port) in itertools.product(CONNECTIONS, subjects.items()):
            figures = ask_at_once(port, connections, options.seconds, process if who == "ours" else None)
            found.setdefault((who, connections), []).append(figures)
            print(f"{who:>6} {connections:11} {figures}")
    print(f"medians of {options.rounds} rounds; the engine in process: {statistics.median(engines):,.0f}/s")
    for (who, connections), several in found.items():
        print(f"{who:>6} {connections:11} {Figures.median(several)}")
    for connections in CONNECTIONS if options.beside else ():
        pairs = zip(found["ours", connections], found["beside", connections], strict=True)
        ratios = [ours.rate / other.rate for ours, other in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"ours/beside, {connections} connections: {statistics.median(ratios):.2f} ({spread})")


@dataclass(frozen=True)
class Figures:
    """One measurement: requests a second, latencies and the container's processor time in microseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.rate:11,.0f} {self.p50:7.0f} {self.p99:7.0f} {self.cpu:7.0f}"

    @classmethod
    def median(cls, several: list[Figures]) -> Self:
        """Each figure's median on its own."""
        return cls(*(statistics.median(values) for values in zip(*map(astuple, several), strict=True)))


def ask_at_once(port: int, connections: int, seconds: float, process: int | None) -> Figures:
    """Closed loops on so many connections, each in a process of its own."""
    command = [sys.executable, __file__, "--client", str(port), "--seconds", str(seconds)]
    before = cpu_seconds(process) if process else 0.0
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(connections)]
    taken = array("d")
    for client in clients:
        taken.frombytes(client.communicate()[0])
    cpu = (cpu_seconds(process) - before) / len(taken) * 1e6 if process else math.nan
    ordered = sorted(taken)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1e6 for share in (0.5, 0.99))
    return Figures(len(taken) / seconds, p50, p99, cpu)


def latencies(port: int, records: list[bytes], seconds: float) -> array[float]:
    """The seconds that each request of a closed loop took, in order."""
    taken = array("d")
    with Client(port) as client:
        end = time.perf_counter() + seconds
        for record in itertools.cycle(records):
            start = time.perf_counter()
            if start >= end:
                return taken
            client.ask(record)
            taken.append(time.perf_counter() - start)
    return taken


def rate(ask: Ask, records: list[bytes], seconds: float) -> float:
    """Answers per second in a closed loop of that many seconds."""
    start = time.perf_counter()
    end = start + seconds
    count = 0
    following = itertools.cycle(records)
    while time.perf_counter() < end:
        ask(next(following))
        count += 1
    return count / (time.perf_counter() - start)


def require_equal(engine: Engine, client: Client, records: list[bytes]) -> None:
    """Every record's answer is the same on both ways."""
    for record in records:
        assert client.ask(record) == engine.invoke(record, Input.CSV, Format.CSV)[1:], record


class Client:
    """One keep-alive connection on a blocking socket: the least a client can cost."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = b"127.0.0.1:%d" % port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, record: bytes) -> bytes:
        """The body of the answer, whatever its status."""
        head = (
            b"POST /invocations HTTP/1.1\r\nHost: %s\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n"
        )
        self._socket.sendall(head % (self._host, len(record)) + record)
        answer = self._socket.recv(65536)
        while (split := answer.find(b"\r\n\r\n")) < 0:
            answer += self._socket.recv(65536)
        length = answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
        body = answer[split + 4 :]
        while len(body) < int(length):
            body += self._socket.recv(65536)
        return body


@contextmanager
def container(model: Path, schema: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a container that has just begun to listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "SM_MODEL_DIR": str(model),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_SPARKML_SCHEMA": schema,
    }
    command = [sys.executable, "-m", "sagemaker_transform_emulator.containers.sparkml", "serve"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        start = time.monotonic()
        while process.poll() is None and time.monotonic() - start < START_SECONDS:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.02)
        print(f"started in {time.monotonic() - start:.1f} s")
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far; 0 where there is no /proc."""
    path = Path(f"/proc/{process}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="SparkML container over HTTP against its engine in process")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--first", type=float, default=5.0)
    parser.add_argument("--beside", type=int, metavar="PORT", help="another container to ask in turn")
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
