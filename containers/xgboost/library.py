"""The XGBoost on the path, and what differs between its versions from 0.72 to 3.2.

AWS's images carry all these; runtime/xgboost_versions.py has the table. What is here asks the library for
what it can do, and compares version numbers only where nothing else tells.
Import XGBoost from here: old versions need names that later versions of Python and NumPy removed.
"""

from __future__ import annotations

import collections
import collections.abc
import importlib.util
import inspect
import json
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.serving import StartError

__all__ = ["xgboost"]

OBJECTIVE = re.compile(rb"(?:reg|binary|multi|count|rank|survival):[a-z]+")


def _restore_removed_names() -> None:
    """What XGBoost 0.72 (collections.Mapping), 1.2, 1.3 (numpy.cfloat) and 1.5 (pkg_resources) look for."""
    if not hasattr(collections, "Mapping"):
        vars(collections)["Mapping"] = collections.abc.Mapping
    if "cfloat" not in vars(np):
        vars(np)["cfloat"] = np.complex128
    if importlib.util.find_spec("pkg_resources") is None:
        stand_in = types.ModuleType("pkg_resources")
        vars(stand_in).update(DistributionNotFound=LookupError, get_distribution=_no_distribution)
        sys.modules["pkg_resources"] = stand_in


def _no_distribution(name: str) -> None:
    """What pkg_resources says of optional packages (cuDF) that a serving container never has."""
    raise LookupError(name)


def version_on_path() -> tuple[int, ...]:
    """Major and minor version of the XGBoost that an import would load, without loading it."""
    found = importlib.util.find_spec("xgboost")
    if found is None or found.origin is None:
        return ()
    return numbers(Path(found.origin).with_name("VERSION").read_text("utf-8"))


def numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def native_part_missing(reason: str) -> str:
    """One line about a library that cannot be loaded, with the remedy."""
    first = next((line.strip() for line in reason.splitlines() if ".so" in line or ".dylib" in line), reason)
    remedy = (
        "; it needs the OpenMP runtime: install libgomp1 (Debian, Ubuntu) or libgomp (Fedora)"
        if "gomp" in reason
        else ""
    )
    return f"XGBoost's native library cannot be loaded: {first}{remedy}"


JSON_IN_MEMORY = (1, 6)
"""The first version that gives a model's JSON without a file."""
_CONFIGURATION = (1, 0)
_BASE_SCORE_LISTS = (3, 1)

if version_on_path() < JSON_IN_MEMORY:
    _restore_removed_names()
try:
    import xgboost
except ImportError:
    raise
except Exception as error:  # noqa: BLE001 - an OSError or an XGBoostError, by version
    raise StartError(native_part_missing(str(error))) from None
warnings.filterwarnings("ignore", message="ntree_limit is deprecated")

VERSION = numbers(xgboost.__version__)
_PREDICT = frozenset(inspect.signature(xgboost.Booster.predict).parameters)
_IN_PLACE = (
    frozenset(inspect.signature(xgboost.Booster.inplace_predict).parameters)
    if hasattr(xgboost.Booster, "inplace_predict")
    else frozenset()
)
READS_BASE_SCORE_LISTS = VERSION >= _BASE_SCORE_LISTS
"""Whether a base score that is written as a list, as from 3.1 on, is understood."""
_STRICT_COPIES = VERSION < (2,) and int(np.__version__.split(".")[0]) > 1


class UnsupportedError(Exception):
    """This version of XGBoost cannot do it."""


def tree_limit(booster: Any) -> int:
    """How many rounds, or before 2.0 trees of one output, AWS's container predicts with; 0 means all.

    It is the best_ntree_limit of the Python object: 0.x and 1.x set it after training, and pickles keep it.
    """
    limit = getattr(booster, "best_ntree_limit", 0)
    return limit if isinstance(limit, int) and limit > 0 else 0


def predict(booster: Any, data: Any) -> Any:
    """Booster.predict as AWS's container calls it: names unchecked, early stopping honoured."""
    limit = tree_limit(booster)
    if "ntree_limit" in _PREDICT:
        return booster.predict(data, ntree_limit=limit, validate_features=False)
    if limit:
        return booster.predict(data, iteration_range=(0, limit), validate_features=False)
    return booster.predict(data, validate_features=False)


def predict_in_place(booster: Any, table: Any, margins: Any) -> Any:
    """The same of a table without a DMatrix. Raises UnsupportedError before XGBoost 1.4."""
    if "validate_features" not in _IN_PLACE:
        raise UnsupportedError("this XGBoost has no in-place prediction that takes base margins")
    return booster.inplace_predict(
        table, iteration_range=(0, tree_limit(booster)), validate_features=False, base_margin=margins
    )


def as_json(booster: Any) -> bytes:
    """The model's JSON text, with only the rounds that count. Raises UnsupportedError before XGBoost 1.6."""
    if VERSION < JSON_IN_MEMORY:
        raise UnsupportedError("this XGBoost gives no JSON of a model in memory")
    limit = tree_limit(booster)
    counting = booster[:limit] if 0 < limit < booster.num_boosted_rounds() else booster
    return bytes(counting.save_raw(raw_format="json"))


def matrix(features: Any, **details: Any) -> xgboost.DMatrix:
    """A DMatrix. Before 2.0, under NumPy 2, arrays that XGBoost would have to copy are copied here."""
    if _STRICT_COPIES and isinstance(features, np.ndarray):
        features = np.ascontiguousarray(features, np.float32)
    return xgboost.DMatrix(features, **details)


def feature_count(booster: Any) -> int | None:
    """The number of features; None when this version does not tell, as 0.x of native files."""
    if hasattr(booster, "num_features"):
        return int(booster.num_features())
    return len(booster.feature_names) if booster.feature_names else _configured_features(booster)


def _configured_features(booster: Any) -> int | None:
    if VERSION < _CONFIGURATION:
        return None
    return int(_learner(booster)["learner_model_param"]["num_feature"])


def tree_count(booster: Any) -> int:
    """About the number of trees of all outputs: exact but for forests of parallel trees."""
    if not hasattr(booster, "num_boosted_rounds"):
        return len(booster.get_dump())
    _, classes = objective(booster)
    return int(booster.num_boosted_rounds()) * max(1, int(classes or 0))


def objective(booster: Any) -> tuple[str, str]:
    """The objective's name, and the number of classes as text ("0" or "" for models without any)."""
    if VERSION >= _CONFIGURATION:
        learner = _learner(booster)
        return learner["objective"]["name"], learner["learner_model_param"].get("num_class", "")
    named = OBJECTIVE.findall(bytes(booster.save_raw()))
    return (named[-1].decode() if named else ""), ""


def _learner(booster: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(booster.save_config())["learner"]
    return found
