"""How the SparkML container starts, refuses to start, and stops."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ports import free_port
from sparkml_engine import BUNDLES, model
from sparkml_server import ROOT, Server, environment, start, write_bundle


def failure(directory: Path, **settings: str) -> str:
    process = start(directory, free_port(), settings)
    printed = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert "Traceback" not in printed
    (line,) = [line for line in printed.splitlines() if "cannot start" in line]
    return line


def test_no_model_directory(tmp_path: Path) -> None:
    assert f"there is no model directory {tmp_path / 'none'}" in failure(tmp_path / "none")


def test_an_empty_directory(tmp_path: Path) -> None:
    line = failure(tmp_path)
    assert f"{tmp_path} is not an MLeap bundle: it is empty" in line
    assert "bundle.json and the folder root/ at its top" in line


def test_a_zipped_bundle_inside(tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "model"), "zip", model("identity"))
    assert "it holds model.zip instead of that file's contents" in failure(tmp_path)


def test_a_bundle_one_level_too_deep(tmp_path: Path) -> None:
    write_bundle(tmp_path / "inner", BUNDLES["identity"])
    assert "its sub-folder inner/, one level too deep" in failure(tmp_path)


def test_an_unknown_stage_is_named(tmp_path: Path) -> None:
    files = dict(BUNDLES["indexer-keep"])
    files["root/indexer.node/model.json"] = {"op": "sql_transformer", "attributes": {}}
    assert "a stage of the kind 'sql_transformer'" in failure(write_bundle(tmp_path, files))


def test_a_damaged_stage_is_named(tmp_path: Path) -> None:
    files = {**BUNDLES["indexer-keep"], "root/indexer.node/model.json": '{"op":'}
    line = failure(write_bundle(tmp_path, files))
    assert f"MLeap 0.20 cannot load the bundle in {tmp_path}" in line
    assert "Unexpected end-of-input" in line


def test_a_bad_port(tmp_path: Path) -> None:
    line = failure(model("identity"), SAGEMAKER_BIND_TO_PORT="http")
    assert "SAGEMAKER_BIND_TO_PORT is 'http'" in line


def test_extra_files_do_no_harm(tmp_path: Path) -> None:
    write_bundle(tmp_path, {**BUNDLES["identity"], "code/inference.py": "x", "notes.txt": "y"})
    server = Server(tmp_path, {})
    assert server.request("GET", "/ping").status == 200
    server.stop()


@pytest.mark.rule("R4.7", "R4.38")
@pytest.mark.parametrize(("stop_signal", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_with_a_connection_open(stop_signal: signal.Signals, code: int) -> None:
    server = Server(model("identity"), {})
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        server.process.send_signal(stop_signal)
        assert server.process.wait(timeout=20) == code
        assert idle.recv(100) == b""
    assert "Traceback" not in server.stop()


@pytest.mark.rule("R4.7")
def test_sigterm_ends_it_while_it_starts() -> None:
    process = start(model("identity"), free_port(), {})
    assert process.stdout is not None
    assert "loaded the MLeap bundle" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 143
    process.communicate()


def test_paths_with_blanks_and_accents(tmp_path: Path) -> None:
    server = Server(write_bundle(tmp_path / "my models" / "ż#1%20", BUNDLES["identity"]), {})
    assert server.request("GET", "/ping").status == 200
    server.stop()


def test_it_says_little_and_leaves_no_files_behind(tmp_path: Path) -> None:
    server = Server(model("rehearsal"), {"TMPDIR": str(tmp_path)})
    assert not list(Path("/tmp").glob(f"hsperfdata_*/{server.process.pid}"))
    printed = server.stop().splitlines()
    assert len(printed) == 2
    assert printed[0].endswith(f"INFO loaded the MLeap bundle in {model('rehearsal')}")
    assert printed[1].endswith("made-up records to warm up")
    assert not printed[1].endswith(" 0 made-up records to warm up")
    assert not list(tmp_path.iterdir())


def test_a_bad_schema_does_not_keep_it_from_starting() -> None:
    server = Server(model("identity"), {"SAGEMAKER_SPARKML_SCHEMA": "not json"})
    assert server.invoke("1").status == 400
    printed = server.stop()
    assert "WARNING POST /invocations -> 400: Unrecognized token 'not'" in printed


def test_wrong_arguments() -> None:
    process = start(model("identity"), free_port(), {}, "train")
    assert "unknown argument 'train'" in process.communicate(timeout=60)[0]
    assert process.returncode == 2


def test_containers_know_nothing_of_the_emulator() -> None:
    code = (
        "import sys, sagemaker_transform_emulator.containers.sparkml.app as app; "
        "ours = {m for m in sys.modules if m.startswith('sagemaker_transform_emulator.')}; "
        "print(sorted(m for m in ours if not m.startswith('sagemaker_transform_emulator.containers')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_needs_no_java_on_the_machine(tmp_path: Path) -> None:
    settings = environment(model("identity"), 0, {"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)})
    command = [sys.executable, "-m", "sagemaker_transform_emulator.containers.sparkml", "fetch"]
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert (done.returncode, os.linesep in done.stderr) == (0, True)
    assert "46 jars are ready" in done.stderr


def test_collections_of_javas_heap_do_not_walk_through_all_of_python() -> None:
    code = """
import gc, uvicorn, sagemaker_transform_emulator.containers.sparkml.__main__ as container
def look(server):
    looked_at = []
    gc.callbacks.append(lambda phase, info: looked_at.append((phase, len(gc.get_objects()))))
    import jpype
    for _ in range(50):
        jpype.java.lang.System.gc()
        if looked_at: break
        import time; time.sleep(0.1)
    print(max(count for _, count in looked_at), gc.get_freeze_count())
uvicorn.Server.run = look
container.main()
"""
    settings = environment(model("identity"), free_port(), {})
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True)
    looked_at, left_out = map(int, done.stdout.split()[-2:])
    assert left_out > 20 * looked_at
