"""Faults and traces of a running server, as a user's own tests see them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from harness import ROOT, job_request, scripted_model

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.testing.server import child_emulator
from sagemaker_transform_emulator.trace.store import Filter, TraceReader

CONFIG = f"""
[[images]]
match = "scripted*"
command = ["{{python}}", "-m", "sagemaker_transform_emulator.containers.scripted"]
directory = "{ROOT}"
"""


def test_a_fault_fails_the_job_that_starts_next_and_its_trace_shows_it(tmp_path: Path) -> None:
    (tmp_path / "emulator.toml").write_text(CONFIG)
    arguments = ["--runtime", "process", "--s3", "moto", "--config", str(tmp_path / "emulator.toml")]
    with child_emulator(tmp_path / "state", arguments=arguments) as child:
        sagemaker, s3 = child.client("sagemaker"), child.client("s3")
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="in/a.csv", Body=b"1\n2\n3\n")
        role = {"ExecutionRoleArn": "arn:aws:iam::000000000000:role/any-role"}
        sagemaker.create_model(**scripted_model({}, {}), **role)
        child.faults("container=2 record=2 status=400 body='no such thing'")
        sagemaker.create_transform_job(**job_request(TransformJobName="broken"))
        with pytest.raises(Exception, match="terminal failure state"):
            sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="broken")
        child.reset()
        reader = TraceReader(tmp_path / "state" / "traces" / "broken.sqlite")
        [found] = reader.find(Filter(failed=True))
        assert (found.first_record, [hop.status for hop in found.hops]) == (2, [200, 400])
        assert found.hops[1].answer_body == b"no such thing"
        assert reader.meta("job")["TransformJobName"] == "broken"
        reader.close()
        with pytest.raises(UsageError, match="'nonsense' is not understood"):
            child.faults("nonsense")
        refused = httpx.post(f"{child.endpoint_url}/_emulator/faults", json={"faults": ["nonsense"]})
        assert refused.status_code == 400
        assert "'nonsense' is not understood" in refused.json()["error"]
