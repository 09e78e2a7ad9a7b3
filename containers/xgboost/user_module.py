"""Script mode: the user's functions, with AWS's defaults for those that are missing."""

from __future__ import annotations

import csv
import importlib
import io
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from types import ModuleType
from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost.answers import HTML, Answer, text
from sagemaker_transform_emulator.containers.xgboost.csv_body import exact_table, guess_delimiter
from sagemaker_transform_emulator.containers.xgboost.library import matrix, xgboost
from sagemaker_transform_emulator.containers.xgboost.libsvm_body import read_libsvm_dense
from sagemaker_transform_emulator.containers.xgboost.media_types import header_value, parse_header
from sagemaker_transform_emulator.containers.xgboost.recordio import read_recordio
from sagemaker_transform_emulator.containers.xgboost.source_dir import SourceDir

LOG = logging.getLogger(__name__)

TEXT_TYPES = frozenset({"application/json", "text/csv"})
"""Content types, as exact strings, whose body the functions get as text and not as bytes."""


class UnsupportedFormatError(Exception):
    """A default function does not know the type; the message names the function to write."""


@dataclass(frozen=True)
class UserModule:
    """The model that model_fn returned and the function that answers with it."""

    model: Any
    transform: Callable[[Any, Any, str, str], Any]

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        """The answer to one invocation. An exception of the user's code is logged and becomes a 500."""
        content = body.decode("utf-8", "replace") if content_type in TEXT_TYPES else body
        try:
            return to_answer(self.transform(self.model, content, content_type, accept))
        except Exception as error:  # noqa: BLE001 - scripts raise anything
            LOG.error("the script failed on an invocation\n%s", own_traceback(error))  # noqa: TRY400 - not ours
            return text(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")


def load_user_module(source: SourceDir, model_dir: str) -> UserModule:
    """Import the module and load the model. Raises StartError with the script's own traceback."""
    sys.path[:0] = [str(source.path), *([str(source.installed)] if source.installed else [])]
    try:
        module = importlib.import_module(source.module)
    except BaseException as error:  # noqa: BLE001 - a script may even exit
        raise StartError(f"{source.module}.py cannot be imported\n{own_traceback(error)}") from None
    transform = _transform_function(module)
    if not hasattr(module, "model_fn"):
        raise StartError(
            f"{source.module}.py has no model_fn(model_dir); without one there is no model to serve"
        )
    try:
        return UserModule(module.model_fn(model_dir), transform)
    except BaseException as error:  # noqa: BLE001 - as above
        raise StartError(f"model_fn of {source.module}.py failed\n{own_traceback(error)}") from None


def _transform_function(module: ModuleType) -> Callable[[Any, Any, str, str], Any]:
    functions = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
    transform = getattr(module, "transform_fn", None)
    if transform is not None:
        others = [name for name, function in functions.items() if function is not None]
        if others:
            raise StartError(
                f"{module.__name__}.py has transform_fn and also {', '.join(others)}; keep one or the other"
            )
        return transform  # type: ignore[no-any-return]
    read = functions["input_fn"] or default_input_fn
    predict = functions["predict_fn"] or default_predict_fn
    write = functions["output_fn"] or default_output_fn

    def chain(model: Any, content: Any, content_type: str, accept: str) -> Any:
        return write(predict(read(content, content_type), model), accept)

    return chain


def default_input_fn(content: Any, content_type: str) -> xgboost.DMatrix:
    """A DMatrix from CSV, libsvm (absent means zero here) or recordio-protobuf.

    The type's name is compared as it is, and CSV must not end with a newline.
    """
    name, _ = parse_header(content_type)
    raw = content.encode() if isinstance(content, str) else bytes(content)
    if name == "text/csv":
        decoded = raw.decode()
        return matrix(exact_table(decoded, guess_delimiter(decoded.split("\n")[0])))
    if name in ("text/libsvm", "text/x-libsvm"):
        return matrix(read_libsvm_dense(raw.decode()))
    if name == "application/x-recordio-protobuf":
        features, labels = read_recordio(raw)
        return matrix(features, label=labels)
    raise UnsupportedFormatError(
        f"Content type {name} is not supported by the default input_fn; write an input_fn that reads it"
    )


def default_predict_fn(data: xgboost.DMatrix, model: Any) -> Any:
    """What the model predicts, feature names unchecked."""
    return model.predict(data, validate_features=False)


def default_output_fn(prediction: Any, accept: str) -> tuple[Any, str]:
    """The prediction as JSON, CSV or NPY; the accept must be exactly one of these types."""
    if accept == "application/json":
        return json.dumps(prediction, default=_listed), accept
    if accept == "text/csv":
        table = np.array(prediction)
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(table.reshape(-1, 1) if table.ndim == 1 else table)
        return stream.getvalue(), accept
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        np.save(buffer, prediction)
        return buffer.getvalue(), accept
    raise UnsupportedFormatError(
        f"Content type {accept} is not supported by the default output_fn; write an output_fn that writes it"
    )


def _listed(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def to_answer(result: Any) -> Answer:
    """What the web framework of AWS's container makes of a function's result. Raises TypeError.

    A pair is body and type; a Flask response goes out as it is; text and bytes alone are typed as HTML, a
    dict or list becomes JSON.
    """
    if isinstance(result, tuple) and len(result) >= 2:  # noqa: PLR2004 - a pair
        return Answer(HTTPStatus.OK, header_value(str(result[1])), _body(result[0]))
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        content_type = str(result.headers.get("Content-Type", ""))
        return Answer(int(result.status_code), content_type.encode("latin-1"), result.get_data())
    if isinstance(result, dict | list):
        encoded = json.dumps(result, sort_keys=True, separators=(",", ":")) + "\n"
        return Answer(HTTPStatus.OK, b"application/json", encoded.encode())
    if isinstance(result, str | bytes | bytearray):
        return Answer(HTTPStatus.OK, HTML, _body(result))
    raise TypeError(
        f"the script returned {type(result).__name__}; return (body, content_type), text or bytes"
    )


def _body(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    parts = list(value) if isinstance(value, Iterable) else None
    if parts is None or not all(isinstance(part, str | bytes) for part in parts):
        raise TypeError(f"the body is a {type(value).__name__}; it must be text or bytes")
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def own_traceback(error: BaseException) -> str:
    """The traceback from the first frame of the script on."""
    frames = error.__traceback__
    while (
        frames is not None
        and frames.tb_next is not None
        and _is_ours(frames.tb_frame.f_globals.get("__name__", ""))
    ):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _is_ours(module: str) -> bool:
    return module.startswith(("sagemaker_transform_emulator.", "importlib"))
