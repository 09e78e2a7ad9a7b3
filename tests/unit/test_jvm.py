"""What a JVM's performance data says of its heap."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from harness import run_loop_until
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.processes.jvm import (
    CollectedHeap,
    collected_heap,
    has_jvm,
    read_counters,
    read_heap,
)

SOURCE = """
public class Holder {
    public static void main(String[] arguments) throws Exception {
        byte[][] kept = new byte[64][];
        for (int i = 0; i < kept.length; i++) kept[i] = new byte[256 * 1024];
        System.gc();
        System.in.read();
        System.out.println(kept.length);
    }
}
"""


def entry(name: str, value: int, order: str) -> bytes:
    text = name.encode() + b"\0"
    text += b"\0" * (-len(text) % 8)
    head = struct.pack(f"{order}iiiBBBBi", 20 + 4 + len(text) + 8, 24, 0, ord("J"), 0, 2, 3, 24 + len(text))
    return head + b"\0" * 4 + text + struct.pack(f"{order}q", value)


def file(counters: dict[str, int], order: str = "<") -> bytes:
    body = b"".join(entry(name, value, order) for name, value in counters.items())
    little = order == "<"
    return (
        struct.pack(">IBBBB", 0xCAFEC0C0, little, 2, 0, 1)
        + struct.pack(f"{order}iiqii", 32 + len(body), 0, 0, 32, len(counters))
        + body
    )


COUNTERS = {
    "sun.gc.collector.0.invocations": 7, "sun.gc.collector.1.invocations": 1, "java.ci.totalTime": 99,
    "sun.gc.generation.0.space.0.used": 1_000, "sun.gc.generation.0.space.1.used": 20,
    "sun.gc.generation.0.space.2.used": 3, "sun.gc.generation.1.space.0.used": 400,
}  # fmt: skip


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_heap_is_what_is_old_or_has_survived(order: str) -> None:
    assert read_counters(file(COUNTERS, order)) == COUNTERS
    assert read_heap(file(COUNTERS, order)) == CollectedHeap(423, 8)


def test_a_collector_without_generations_tells_nothing() -> None:
    with pytest.raises(ValueError, match="no old generation"):
        read_heap(file({"sun.gc.collector.0.invocations": 7}))


@given(st.binary(max_size=200), st.integers(0, 300))
def test_damaged_files_are_refused_or_read_short(junk: bytes, cut: int) -> None:
    for data in (junk, file(COUNTERS)[:cut], file(COUNTERS)[:cut] + junk):
        try:
            read_counters(data)
        except ValueError:
            continue


@pytest.mark.needs("javac")
@pytest.mark.skipif(not Path("/proc/self/root").exists(), reason="needs /proc")
def test_a_running_jvm_is_seen(tmp_path: Path) -> None:
    (tmp_path / "Holder.java").write_text(SOURCE)
    java, javac = shutil.which("java"), shutil.which("javac")
    assert java is not None
    assert javac is not None
    subprocess.run([javac, "Holder.java"], cwd=tmp_path, check=True)
    process = subprocess.Popen([java, "-Xmx64m", "Holder"], cwd=tmp_path, stdin=subprocess.PIPE)
    try:
        run_loop_until(lambda: (heap := collected_heap([process.pid])) and heap.kept_bytes > 16 << 20)
        assert has_jvm([process.pid])
    finally:
        process.communicate(b"\n")
    other = os.getppid()  # this process may have a JVM of its own, for tests of the SparkML engine
    assert not has_jvm([other])
    assert collected_heap([other]) is None
