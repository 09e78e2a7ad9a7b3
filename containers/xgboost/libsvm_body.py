"""libsvm bodies: `index:value` tokens between single blanks, anything without a colon ignored."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix


def read_libsvm(text: str) -> Any:
    """The features as a sparse matrix; what is absent is missing, not zero.

    All indices move down by one when the smallest of the whole text is at least 1. The matrix ends with
    the last line that has a feature. Raises ValueError for non-numbers and for a text without features.
    """
    rows: list[int] = []
    columns: list[int] = []
    values: list[str] = []
    for number, line in enumerate(text.split("\n")):
        for token in line.split(" "):
            if ":" in token:
                index, value = token.split(":")[:2]
                rows.append(number)
                columns.append(int(index))
                values.append(value)
    shift = 1 if columns and min(columns) >= 1 else 0
    indices = np.array([column - shift for column in columns]).astype(int)
    return csr_matrix((np.array(values).astype(float), (np.array(rows).astype(int), indices)))


def read_libsvm_dense(text: str) -> Any:
    """The features as script mode's default input_fn reads them: what is absent is **zero**.

    Tokens end at any white space and a later value of one index wins.
    """
    lines = [
        {
            int(index): float(value)
            for index, _, value in (token.partition(":") for token in line.split() if ":" in token)
        }
        for line in text.strip().split("\n")
    ]
    indices = [index for line in lines for index in line]
    if not indices:
        return np.empty((0, 0))
    shift = 1 if min(indices) >= 1 else 0
    table = np.zeros((len(lines), max(indices) - shift + 1))
    for number, line in enumerate(lines):
        for index, value in line.items():
            table[number, index - shift] = value
    return table
