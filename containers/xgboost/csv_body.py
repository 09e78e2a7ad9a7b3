"""CSV bodies: the guess of the delimiter, and the numbers.

AWS's container guesses with `csv.Sniffer`, splits at line feeds and lets NumPy convert the text cells.
`exact_table` does just that. Numbers in plain notation take one of two shorter ways to the same
values: Python's own conversion for small bodies, Arrow's reader for large ones. Whatever either of them
does not understand goes to `exact_table`, so that refusals have the same words too.
"""

from __future__ import annotations

import csv
import io
from array import array
from typing import Any, TypeAlias

import numpy as np

Row: TypeAlias = list[float]
Matrix: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

SNIFFED_LENGTH = 512
PREFERRED_DELIMITERS = (",", "\t", ";", " ", ":")
LAST_COUNTED_CODE = 126
PLAIN_BYTES = b"0123456789.,;:-+eEnaN \t\n"
"""Over these bytes Python's float and NumPy's conversion of text agree."""
ARROW_MISSING = ["", "nan", "NaN", "NAN", "Nan"]
LARGE_BODY = 10 * 1024
NAN = float("nan")
INFINITY = float("inf")


def sniff_delimiter(first_line: str) -> str:
    """What `csv.Sniffer().sniff(first_line).delimiter` gives, for text without a line feed.

    Without quotes the sniffer's rules come down to these: the first preferred delimiter in the line,
    else the most frequent ASCII character, the larger one on a tie. Raises csv.Error where it does.
    """
    if '"' in first_line or "'" in first_line:
        return csv.Sniffer().sniff(first_line).delimiter
    for delimiter in PREFERRED_DELIMITERS:
        if delimiter in first_line:
            return delimiter
    counted = [(first_line.count(char), char) for char in set(first_line) if ord(char) <= LAST_COUNTED_CODE]
    if not counted:
        raise csv.Error("Could not determine delimiter")
    return max(counted)[1]


def guess_delimiter(first_line: str) -> str:
    """The delimiter AWS's container would use: a guess that is a letter or digit means a comma."""
    delimiter = sniff_delimiter(first_line[:SNIFFED_LENGTH])
    return "," if delimiter.isalnum() else delimiter


def exact_table(text: str, delimiter: str) -> Matrix:
    """All cells as float64, an empty one as NaN. Raises ValueError for ragged lines and for non-numbers."""
    lines = [[cell or "nan" for cell in line.split(delimiter)] for line in text.split("\n")]
    return np.array(lines).astype(float)


def small_rows(text: str, delimiter: str) -> list[Row] | None:
    """The rows rounded to float32, or None when `exact_table` has to judge the text.

    For text of PLAIN_BYTES. Rows that hold an infinity are left to `exact_table` as well.
    """
    try:
        rows = [_row(line, delimiter) for line in text.split("\n")]
    except ValueError:
        return None
    width = len(rows[0])
    for row in rows:
        if len(row) != width or INFINITY in row or -INFINITY in row:
            return None
    return rows


def _row(line: str, delimiter: str) -> Row:
    return array("f", [float(cell) if cell else NAN for cell in line.split(delimiter)]).tolist()


def arrow_knows_numpy() -> bool:
    """Whether Arrow can exchange arrays with the NumPy here: it wants 2, old versions of XGBoost want 1."""
    return int(np.__version__.partition(".")[0]) >= 2  # noqa: PLR2004 - a version


def large_table(body: bytes, delimiter: str) -> Matrix | None:
    """The cells of a stripped body as a float32 matrix, or None when `exact_table` has to judge it.

    For bodies of PLAIN_BYTES. The GIL is free while Arrow reads.
    """
    if not arrow_knows_numpy():
        return None
    import pyarrow as pa  # noqa: PLC0415 - a sixth of a second of start-up that small bodies never need
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - as above

    # Arrow takes an empty line for a row of missing values, which is so for one column only
    if delimiter.encode() in body and b"\n\n" in body:
        return None
    names = [str(index) for index in range(body.split(b"\n", 1)[0].count(delimiter.encode()) + 1)]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(body) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char=False, ignore_empty_lines=False, newlines_in_values=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(names, pa.float64()), null_values=ARROW_MISSING
            ),
        )
    except pa.ArrowInvalid:
        return None
    return _float32_columns(table)


def _float32_columns(table: Any) -> Matrix | None:
    matrix = np.empty((table.num_rows, table.num_columns), np.float32)
    with np.errstate(over="ignore"):
        for index, column in enumerate(table.columns):
            matrix[:, index] = column.to_numpy()
    return None if np.isinf(matrix).any() else matrix


def is_plain(body: bytes) -> bool:
    """Whether all bytes are PLAIN_BYTES."""
    return not body.translate(None, PLAIN_BYTES)


def unix_lines(body: bytes) -> bytes:
    """The body with CRLF made LF, when that changes no cell's meaning; else the body as it is.

    A carriage return is blank space at the end of a number, but a cell that holds nothing else is an
    error and not a missing value, and a lone one ends no line.
    """
    if b"\r" not in body or b"\n\r" in body or body.count(b"\r") != body.count(b"\r\n"):
        return body
    for delimiter in b",;:\t ":
        if bytes((delimiter, 13)) in body:
            return body
    return body.replace(b"\r\n", b"\n")
