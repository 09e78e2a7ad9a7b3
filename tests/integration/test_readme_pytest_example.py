"""The example of the README, and what the plugin promises besides."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from parts import ROOT


def run_pytest(folder: Path, *arguments: str | Path) -> str:
    """What a run of its own printed; it must have succeeded."""
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith(("AWS_", "PYTEST_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider",
         f"--rootdir={folder}", "--emulator-runtime", "process", "--emulator-s3", "moto", *arguments],
        cwd=folder, env=inherited, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_example_passes_as_it_stands(tmp_path: Path) -> None:
    assert "1 passed" in run_pytest(tmp_path, "-c", os.devnull, ROOT / "examples/test_pipeline.py")


@pytest.mark.slow
def test_each_worker_has_an_emulator_and_each_test_a_clean_one(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"test_{number}.py").write_text(_TESTS)
    assert "4 passed" in run_pytest(tmp_path, "-c", os.devnull, "-n", "2", "--dist", "loadfile", tmp_path)
    seen = {path.read_text() for path in tmp_path.glob("*.endpoint")}
    assert len(seen) == 2


_TESTS = """
from pathlib import Path

import boto3
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_clean(sagemaker_emulator, number):
    s3 = boto3.client("s3")  # finds the emulator through the environment
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="left-behind")
    assert boto3.client("sts").get_caller_identity()["Account"] == "000000000000"
    Path(__file__).with_suffix(".endpoint").write_text(sagemaker_emulator.endpoint_url)
"""


@pytest.mark.slow
def test_an_sdk_that_was_imported_asks_the_emulator_who_calls(tmp_path: Path) -> None:
    (tmp_path / "test_sdk.py").write_text(_SDK)
    assert "2 passed" in run_pytest(tmp_path, "-c", os.devnull, tmp_path)


_SDK = """
import sys
import types

sdk = types.ModuleType("sagemaker.session")  # stands for SDK v2, which makes up this address by itself
sdk.sts_regional_endpoint = lambda region: "https://sts.amazonaws.com"
sys.modules["sagemaker.session"] = sdk

def test_inside(sagemaker_emulator):
    assert sdk.sts_regional_endpoint("us-east-1") == sagemaker_emulator.endpoint_url

def test_outside():
    assert sdk.sts_regional_endpoint("us-east-1") == "https://sts.amazonaws.com"
"""
