"""The AWS SDK for JavaScript runs the sample job; its waiter, which does not say that it waits, asks once."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from sdk.javascript import PROGRAM, ROOT, make

from sagemaker_transform_emulator.testing.server import child_emulator

pytestmark = [pytest.mark.needs("javascript"), pytest.mark.slow]


@pytest.mark.rule("R1.27", "R1.33")
def test_the_waiter_is_held_until_the_sample_job_has_ended(tmp_path: Path) -> None:
    arguments = ("--runtime", "process", "--s3", "moto", "--describe-wait", "55")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with child_emulator(tmp_path, arguments=arguments, environment=clean) as emulator:
        done = subprocess.run(
            ["node", PROGRAM, str(ROOT / "sample_data")],
            cwd=make(), env=clean | emulator.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert {name: seen[name] for name in ("state", "status", "lines", "asked")} == {
        "state": "SUCCESS", "status": "Completed", "lines": 344, "asked": 1,
    }  # fmt: skip
