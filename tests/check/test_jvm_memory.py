"""The memory check on containers that are Java virtual machines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from check.checking import check, ids, model

from sagemaker_transform_emulator.config import ImageMapping, Settings
from sagemaker_transform_emulator.tools.check.report import Report

pytestmark = pytest.mark.needs("javac")
SERVER = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

public class Server {
    static final List<byte[]> kept = new ArrayList<>();
    static volatile byte[] garbage;

    public static void main(String[] arguments) throws Exception {
        int leak = Integer.getInteger("leak"), waste = Integer.getInteger("waste");
        int port = Integer.parseInt(System.getenv("SAGEMAKER_BIND_TO_PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (leak > 0) kept.add(new byte[leak]);
            for (int done = 0; done < waste; done += 10_000) garbage = new byte[10_000];
            exchange.getResponseHeaders().set("Content-Type", "text/csv");
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""
NO_DELAY = "-Dsun.net.httpserver.nodelay=true"


def checked(folder: Path, *flags: str) -> Report:
    (folder / "Server.java").write_text(SERVER)
    java, javac = shutil.which("java"), shutil.which("javac")
    assert java is not None
    assert javac is not None
    subprocess.run([javac, "Server.java"], cwd=folder, check=True)
    mapping = ImageMapping(match="java*", command=(java, *flags, NO_DELAY, "-cp", str(folder), "Server"))
    settings = Settings(images=(mapping,), runtime="process")
    return check(model(image="java"), "memory", settings=settings)


def test_a_jvm_that_fills_its_heap_with_garbage_is_no_leak(tmp_path: Path) -> None:
    report = checked(tmp_path, "-Xms400m", "-Xmx400m", "-XX:+UseSerialGC", "-Dleak=0", "-Dwaste=400000")
    assert ids(report) == []


def test_a_jvm_that_has_hardly_collected_is_not_judged(tmp_path: Path) -> None:
    report = checked(tmp_path, "-Xms2g", "-Xmn1500m", "-XX:+UseSerialGC", "-Dleak=0", "-Dwaste=300000")
    assert ids(report) == []
    ((_, result),) = report.results
    assert result.not_run is not None
    assert "has collected too seldom to tell" in result.not_run


@pytest.mark.parametrize("collector", ["-XX:+UseSerialGC", "-XX:+UseG1GC"])
def test_a_jvm_that_keeps_every_request_is_a_leak(tmp_path: Path, collector: str) -> None:
    report = checked(tmp_path, "-Xmx1g", collector, "-Dleak=50000", "-Dwaste=3000000")
    assert ids(report) == ["memory-grows"]
    assert report.findings[0].seen.startswith("the JVM's heap after its collections: ")
