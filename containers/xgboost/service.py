"""One invocation in algorithm mode, from the bytes of the body to the answer. No HTTP in here.

The order of checks is AWS's: empty body (204), content type and parsing (415), prediction (400), Accept
(406), encoding (500). So a bad body sent with a bad Accept is a 415.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from sagemaker_transform_emulator.containers.xgboost.answers import EMPTY, Answer, RefusedError, text
from sagemaker_transform_emulator.containers.xgboost.csv_body import (
    LARGE_BODY,
    exact_table,
    guess_delimiter,
    is_plain,
    large_table,
    small_rows,
    unix_lines,
)
from sagemaker_transform_emulator.containers.xgboost.encoding import (
    EncodeError,
    encode_predictions,
    encode_selected,
)
from sagemaker_transform_emulator.containers.xgboost.library import matrix, xgboost
from sagemaker_transform_emulator.containers.xgboost.libsvm_body import read_libsvm
from sagemaker_transform_emulator.containers.xgboost.media_types import (
    Format,
    answer_type,
    header_value,
    is_form,
    request_format,
)
from sagemaker_transform_emulator.containers.xgboost.model_files import first_paragraph, load_models
from sagemaker_transform_emulator.containers.xgboost.predictor import Ensemble, PredictError, build_ensemble
from sagemaker_transform_emulator.containers.xgboost.recordio import read_recordio
from sagemaker_transform_emulator.containers.xgboost.selectable import select, unfitting_keys
from sagemaker_transform_emulator.containers.xgboost.settings import Settings

LOG = logging.getLogger(__name__)

QUICK_BODY = 16 * 1024
QUICK_WORK = 2_000_000
"""Bytes times trees."""


class ParseError(RefusedError):
    """The body is not in the format its Content-Type names."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Service:
    """The models of one directory behind one set of settings. `invoke` may run in several threads."""

    def __init__(self, settings: Settings) -> None:
        """Load the models. Raises StartError."""
        self.settings = settings
        self.models: Ensemble = build_ensemble(load_models(settings))
        LOG.info("objective %s, %d model(s)", self.models.objective, len(self.models.members))
        if self.models.votes:
            LOG.warning(
                "several %s models vote, which AWS's container answers with 500; "
                "set SAGEMAKER_INFERENCE_ENSEMBLE=false or leave one model in the archive",
                self.models.objective,
            )
        nothing = unfitting_keys(settings.selected_keys or (), self.models.objective)
        if nothing:
            LOG.warning("SAGEMAKER_INFERENCE_OUTPUT: %s will be NaN for %s", nothing, self.models.objective)

    def is_quick(self, size: int) -> bool:
        """Whether a body of this size takes about a millisecond at most."""
        return size <= QUICK_BODY and size * self.models.trees <= QUICK_WORK

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The answer to one POST /invocations. Never raises for anything in the request."""
        if not body or is_form(content_type):
            return EMPTY
        try:
            predictions = self._predict(body, request_format(content_type), content_type)
            media_type = answer_type(accept, self.settings.default_accept)
            return self._encode(predictions, media_type)
        except RefusedError as error:
            LOG.warning("%d: %s", error.status, error)
            return text(error.status, str(error))
        except Exception as error:
            LOG.exception("an invocation failed in a way the container does not know")
            return text(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")

    def _predict(self, body: bytes, kind: Format, content_type: str | None) -> Any:
        if kind is Format.CSV:
            return self._predict_csv(body.strip())
        if kind is Format.PARQUET:
            raise ParseError(f"Content-type {content_type} is not supported.")
        return self.models.dmatrix(_sparse_matrix(body, kind), kind)

    def _predict_csv(self, body: bytes) -> Any:
        try:
            first_line = body.split(b"\n", 1)[0].decode()
            delimiter = guess_delimiter(first_line)
            unix = unix_lines(body)
            if is_plain(unix):
                if len(unix) < LARGE_BODY:
                    rows = small_rows(unix.decode(), delimiter)
                    if rows is not None:
                        return self.models.rows(rows, Format.CSV)
                else:
                    table = large_table(unix, delimiter)
                    if table is not None:
                        return self.models.table(table, Format.CSV)
            data = matrix(exact_table(body.decode(), delimiter))
        except PredictError:
            raise
        except Exception as error:
            raise ParseError(_unreadable("csv", error)) from error
        return self.models.dmatrix(data, Format.CSV)

    def _encode(self, predictions: Any, media_type: str) -> Answer:
        settings = self.settings
        if self.models.votes:
            raise EncodeError(
                f"Ensembles of {self.models.objective} models vote, which AWS's container cannot answer. Set "
                "SAGEMAKER_INFERENCE_ENSEMBLE=false to serve one model, or leave one model in the archive."
            )
        if settings.selected_keys is None:
            body = encode_predictions(predictions, media_type, batch=settings.batch)
        else:
            rows = predictions if isinstance(predictions, list) else predictions.tolist()
            selected = select(rows, settings.selected_keys, self.models.objective, self.models.num_class)
            body = encode_selected(selected, settings.selected_keys, media_type, batch=settings.batch)
        return Answer(HTTPStatus.OK, header_value(media_type), body)


def _sparse_matrix(body: bytes, kind: Format) -> xgboost.DMatrix:
    try:
        if kind is Format.LIBSVM:
            return matrix(read_libsvm(body.strip().decode()))
        features, labels = read_recordio(body)
        return matrix(features, label=labels)
    except Exception as error:
        raise ParseError(_unreadable(kind.value, error)) from error


def _unreadable(name: str, error: Exception) -> str:
    gap = " " if name == Format.RECORDIO.value else "\n "
    return (
        f"Loading {name} data failed with Exception, please ensure data is in {name} format:"
        f"{gap}{type(error)}{gap}{first_paragraph(str(error))}"
    )
