"""What is believed of a health page that anybody may have written."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.config import region
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.server.health import elsewhere, read

PAGE = {
    "pid": 7, "endpoint_url": "http://127.0.0.1:4566", "region": "eu-west-1", "s3": "x", "runtime": "auto",
    "access_key_id": "emulator", "secret_access_key": "emulator-secret",
}  # fmt: skip


def page(**changed: Any) -> bytes:
    return json.dumps({**PAGE, **changed}).encode()


def test_a_page_is_read() -> None:
    told = read(page())
    assert (told.pid, told.region, told.key, told.secret) == (7, "eu-west-1", "emulator", "emulator-secret")
    assert read(page(secret_access_key=None)).secret is None


@pytest.mark.parametrize(
    "changed",
    [
        {"region": "../x"}, {"region": "a\n"}, {"region": 3}, {"region": ""}, {"access_key_id": "a b"},
        {"access_key_id": None}, {"secret_access_key": "\x1b[31m"}, {"secret_access_key": 5}, {"pid": "7"},
    ],
)  # fmt: skip
def test_what_could_drive_a_shell_or_a_file_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"it tells no|no emulator"):
        read(page(**changed))


@given(st.binary(max_size=60))
def test_other_pages_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's and ours
        read(body)


def test_what_is_no_emulator_is_one_error(tmp_path: Path) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200, "OK")
            self.end_headers()
            self.wfile.write(b"\x1b[31mhello")

        def log_message(self, *_: Any) -> None:
            """Not in the test's output."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(MachineError, match="No emulator answers at http://127"):
                elsewhere(f"http://127.0.0.1:{server.server_port}", tmp_path, {})
        finally:
            server.shutdown()
    with pytest.raises(UsageError, match="is no URL"):
        elsewhere("file:///etc/passwd", tmp_path, {})


def test_a_region_is_a_name() -> None:
    assert region({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}) == "eu-west-1"
    assert region({}) == "us-east-1"
    with pytest.raises(UsageError, match=r"AWS_REGION is '../x', which is no region"):
        region({"AWS_REGION": "../x"})
