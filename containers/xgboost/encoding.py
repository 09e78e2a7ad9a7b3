"""Predictions as the body of an answer, for each setting and answer type."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.xgboost.answers import RefusedError
from sagemaker_transform_emulator.containers.xgboost.number_text import joined_numbers, joined_rows
from sagemaker_transform_emulator.containers.xgboost.recordio import write_frame, write_labels
from sagemaker_transform_emulator.containers.xgboost.selectable import Selected, csv_line

LARGEST_RECORDIO_ANSWER = 256 * 1024 * 1024


class EncodeError(RefusedError):
    """AWS's container has no encoder for this case and answers 500; the message says what and why."""


def encode_predictions(predictions: Any, media_type: str, *, batch: bool) -> bytes:
    """Plain predictions (a list or an array). Raises EncodeError for a type there is no encoder for.

    Under SAGEMAKER_BATCH the body is the same lines whatever the type.
    """
    if batch:
        return (_lines(predictions, ", ", "[", "]") + "\n").encode()
    if media_type == "application/json":
        return _scores(predictions).encode()
    if media_type == "text/csv":
        return (_lines(predictions, ",", "", "") + "\n").encode()
    if media_type == "application/x-npy":
        buffer = io.BytesIO()
        np.save(buffer, np.array(predictions, np.float64))
        return buffer.getvalue()
    raise EncodeError(
        f"Predictions cannot be encoded as {media_type}: AWS's container answers 500 here. "
        "Ask for text/csv or application/json, or set SAGEMAKER_INFERENCE_OUTPUT or SAGEMAKER_BATCH."
    )


def _lines(predictions: Any, inner: str, opening: str, closing: str) -> str:
    if isinstance(predictions, list):
        if len(predictions) == 1 and isinstance(predictions[0], float):
            return repr(predictions[0])
        if not isinstance(predictions[0], list):
            return "\n".join(map(repr, predictions))
        return "\n".join(opening + inner.join(map(repr, row)) + closing for row in predictions)
    if predictions.ndim == 1:
        return joined_numbers(predictions, "\n")
    return joined_rows(predictions, inner, opening, closing, "\n")


def _scores(predictions: Any) -> str:
    """The JSON object with one score (a number or a list) for each prediction."""
    if isinstance(predictions, list) or not np.isfinite(predictions).all():
        rows = predictions if isinstance(predictions, list) else predictions.tolist()
        return json.dumps({"predictions": [{"score": row} for row in rows]})
    if predictions.ndim == 1:
        scores = joined_numbers(predictions, '}, {"score": ')
        return f'{{"predictions": [{{"score": {scores}}}]}}' if len(predictions) else '{"predictions": []}'
    rows = joined_rows(predictions, ", ", '{"score": [', "]}", ", ")
    return f'{{"predictions": [{rows}]}}'


def encode_selected(rows: list[Selected], keys: Sequence[str], media_type: str, *, batch: bool) -> bytes:
    """Selected values. Raises EncodeError for a type there is no encoder for."""
    if media_type == "application/json":
        return json.dumps({"predictions": rows}).encode()
    if media_type == "application/jsonlines":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if media_type == "text/csv":
        return ("\n".join(csv_line(row, keys) for row in rows) + ("\n" if batch else "")).encode()
    if media_type == "application/x-recordio-protobuf":
        return _records(rows)
    raise EncodeError(f"Cannot encode selected predictions into accept type '{media_type}'.")


def _records(rows: list[Selected]) -> bytes:
    """One record for each row, with AWS's own bytes: record n holds the messages of rows 1 to n.

    A reader sees the last row's values, because the later entry of a key wins. The size grows with the
    square of the rows, so that AWS's container runs out of memory where this raises EncodeError.
    """
    messages = b""
    frames = io.BytesIO()
    for message in write_labels(rows):
        messages += message
        if frames.tell() + len(messages) > LARGEST_RECORDIO_ANSWER:
            raise EncodeError(
                f"The recordio answer for {len(rows)} rows would exceed {LARGEST_RECORDIO_ANSWER} bytes, "
                "because each record repeats the ones before it as in AWS's container. "
                "Send fewer rows at a time, or ask for application/jsonlines."
            )
        frames.write(write_frame(messages))
    return frames.getvalue()
