"""boto3's clients of the running server, and a reader of one job's log streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.sagemaker.resources import LOG_GROUP, Place
from sagemaker_transform_emulator.server.state_directory import About
from sagemaker_transform_emulator.trace.job_store import DIAGNOSIS_STREAM


class LogReader:
    """Reads the streams of one job, each from where it stopped before."""

    def __init__(self, cloudwatch: Any, job: str) -> None:
        self._logs = cloudwatch
        self._job = job
        self._tokens: dict[str, str] = {}

    def new_events(self) -> list[dict[str, Any]]:
        """The events of all streams since the last call, by time; each names its stream."""
        streams = self._logs.describe_log_streams(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job}/"
        )["logStreams"]
        ours = f"{DIAGNOSIS_STREAM}/{self._job}"
        streams += self._logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=ours)[
            "logStreams"
        ]
        names = [stream["logStreamName"] for stream in streams]
        found = [
            event
            for name in names
            if name == ours or name.startswith(f"{self._job}/")
            for event in self._of(name)
        ]
        return sorted(found, key=lambda event: int(event["timestamp"]))

    def _of(self, stream: str) -> Iterator[dict[str, Any]]:
        while True:
            token = self._tokens.get(stream)
            answer = self._logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True,
                **({"nextToken": token} if token else {}),
            )  # fmt: skip
            self._tokens[stream] = answer["nextForwardToken"]
            if not answer["events"]:
                return
            for event in answer["events"]:
                yield {"stream": stream, "timestamp": event["timestamp"], "message": event["message"]}


@contextmanager
def client(service: str, server: About, place: Place) -> Iterator[Any]:
    """A client of the running server, in that account and region; its errors are ours."""
    connect: Callable[..., Any] = boto3.client
    made = connect(
        service, endpoint_url=server.endpoint_url, region_name=place.region,
        aws_access_key_id=place.account, aws_secret_access_key=server.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
    )  # fmt: skip
    try:
        yield made
    except botocore.exceptions.ClientError as error:
        said = error.response.get("Error", {})
        raise UsageError(f"{said.get('Code')}: {said.get('Message')}") from None
    except botocore.exceptions.ParamValidationError as error:
        raise UsageError(str(error)) from None
    except (botocore.exceptions.BotoCoreError, OSError) as error:
        raise MachineError(
            f"The emulator at {server.endpoint_url} does not answer: {error}",
            remedy="start it with `emulator up`",
        ) from None
    finally:
        made.close()
