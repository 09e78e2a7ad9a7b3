"""The SparkML container over HTTP against its own engine called in process, in one interleaved run.

The engine without HTTP is the limit; what the container keeps of it tells the cost of serving. Each round
asks the engine, the container, and the engine again for the same number of seconds, so that a busy machine
slows both alike; the result is the median over the rounds of the ratio. Records are the penguins of
sample_data, one CSV line per request, over one keep-alive connection in a closed loop. Before the rounds,
the container's first seconds after its port opened are counted, because a short batch job sees only those.

    python benchmarks/sparkml_serving.py [--rounds 7] [--seconds 2] [--first 5]

Answers over HTTP must be byte-equal to those of the engine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels  # noqa: E402 - found through the line above
from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input  # noqa: E402
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare  # noqa: E402

SAMPLE = ROOT / "sample_data"
START_SECONDS = 120
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
Ask = Callable[[bytes], bytes]


def main() -> None:
    """Measure and print."""
    options = parse_arguments()
    settings = json.loads((SAMPLE / "model.json").read_text())["Containers"][0]["Environment"]
    schema = settings["SAGEMAKER_SPARKML_SCHEMA"]
    records = (SAMPLE / "input" / "penguins.csv").read_bytes().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder)
        with tarfile.open(SAMPLE / "models" / "sparkml" / "model.tar.gz") as archive:
            archive.extractall(model, filter="data")
        engine = Engine(prepare(), model, schema)
        engine.warm_up(known_labels(model), 50_000, 20_000)
        with container(model, schema) as (port, process), Client(port) as client:
            first = rate(client.ask, records, options.first)
            require_equal(engine, client, records)
            measure(engine, client, process, records, options)
            print(f"\nfirst {options.first} s after the port opened: {first:,.0f} requests/s")


def measure(
    engine: Engine, client: Client, process: int, records: list[bytes], options: argparse.Namespace
) -> None:
    """Print a line per round and the medians."""

    def in_process(record: bytes) -> bytes:
        return engine.invoke(record, Input.CSV, Format.CSV)

    print(f"{'round':>5} {'engine/s':>10} {'HTTP/s':>10} {'HTTP/engine':>12} {'CPU us/request':>15}")
    ratios, rates, costs = [], [], []
    for number in range(1, options.rounds + 1):
        before = rate(in_process, records, options.seconds)
        cpu = cpu_seconds(process)
        served = rate(client.ask, records, options.seconds)
        costs.append((cpu_seconds(process) - cpu) / (served * options.seconds) * 1e6)
        alone = (before + rate(in_process, records, options.seconds)) / 2
        ratios.append(served / alone)
        rates.append(served)
        print(f"{number:5} {alone:10,.0f} {served:10,.0f} {ratios[-1]:12.3f} {costs[-1]:15.0f}")
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"median HTTP/engine {statistics.median(ratios):.3f} ({spread}), best {max(rates):,.0f} requests/s")
    print(f"median {statistics.median(rates):,.0f} requests/s, {statistics.median(costs):.0f} us of CPU each")


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
    return parser.parse_args()


if __name__ == "__main__":
    main()
