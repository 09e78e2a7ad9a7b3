"""Base scores of models that XGBoost 3.1 or later saved.

From 3.1 on a model file has its base score as a list, one value for each output. XGBoost 3.0 reads that as
0 without a word, and so does AWS's image 3.0-5: every prediction is off. Here it is honoured, as by AWS's
image 3.2-0, and the log says so.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from sagemaker_transform_emulator.containers.xgboost.library import READS_BASE_SCORE_LISTS, xgboost

LOG = logging.getLogger(__name__)

_LIST = re.compile(rb'base_score"?:?[S"].{0,10}?\[([-+0-9.eE, ]+)\]', re.DOTALL)
"""The list in JSON (`"base_score":"[1,2]"`) and in UBJSON (a key, a length and the text)."""


def base_scores(path: Path) -> tuple[float, ...]:
    """The listed base scores of a model file, pickled ones included; empty for the form before 3.1."""
    found = _LIST.search(path.read_bytes())
    return tuple(map(float, found.group(1).split(b","))) if found else ()


def honour(booster: xgboost.Booster, scores: tuple[float, ...], path: Path) -> tuple[float, ...]:
    """Make the Booster start from its base scores; what it cannot hold itself is returned.

    One score goes into the Booster, and nothing is left to do. Several are margins that must be given
    with each prediction.
    """
    if not scores or READS_BASE_SCORE_LISTS:
        return ()
    LOG.warning(
        "%s was saved by XGBoost 3.1 or later; its base score %s is used here, as AWS's image 3.2-0 does. "
        "AWS's image 3.0-5 would take it for 0 and predict otherwise: save the model with XGBoost 3.0 for it",
        path,
        list(scores),
    )
    if len(scores) == 1:
        booster.set_param({"base_score": scores[0]})
        return ()
    return scores
