"""Predictions as text: each float32 number widened to a double and written as Python's `repr` does.

Long columns are written by Arrow with the GIL free. Arrow's digits are the same shortest ones; its
notation differs for whole numbers and for very small and very large ones, which are written by Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.xgboost.csv_body import Matrix, arrow_knows_numpy

LONG_COLUMN = 512
SMALLEST_COMMON, LARGEST_COMMON = 1e-4, 1e9


def joined_numbers(numbers: Matrix, separator: str) -> str:
    """The numbers of a one-dimensional array, `separator` between them."""
    if len(numbers) < LONG_COLUMN or not arrow_knows_numpy():
        return separator.join(map(repr, numbers.tolist()))
    return str(_joined(_texts(numbers.astype(np.float64)), len(numbers), separator)[0].as_py())


def joined_rows(table: Matrix, inner: str, opening: str, closing: str, separator: str) -> str:
    """The rows of a matrix: numbers joined by `inner`, each row between `opening` and `closing`."""
    rows, columns = table.shape
    if rows * columns < LONG_COLUMN or not arrow_knows_numpy():
        return separator.join(opening + inner.join(map(repr, row)) + closing for row in table.tolist())
    lines = _joined(_texts(table.reshape(-1).astype(np.float64)), columns, inner)
    return f"{opening}{_joined(lines, rows, closing + separator + opening)[0].as_py()}{closing}"


def _joined(texts: Any, size: int, separator: str) -> Any:
    """The texts joined in groups of `size`."""
    import pyarrow as pa  # noqa: PLC0415 - loaded for long columns only
    from pyarrow import compute  # noqa: PLC0415 - as above

    offsets = pa.array(np.arange(0, len(texts) + 1, size, dtype=np.int32))
    return compute.binary_join(pa.ListArray.from_arrays(offsets, texts), separator)


def _texts(numbers: Matrix) -> Any:
    """Each double's `repr`, as an Arrow column."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import compute  # noqa: PLC0415 - as above

    sizes = np.abs(numbers)
    common = (sizes >= SMALLEST_COMMON) & (sizes < LARGEST_COMMON) & (numbers != np.trunc(numbers))
    texts = compute.cast(pa.array(numbers), pa.string())
    if common.all():
        return texts
    others, positions = np.unique(numbers[~common].view(np.int64), return_inverse=True)
    spelled = np.array([repr(number) for number in others.view(np.float64).tolist()], object)
    return compute.replace_with_mask(texts, pa.array(~common), pa.array(spelled[positions], pa.string()))
