"""The Palmer penguins: the data set's columns, and how one penguin is sent to the model."""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent

TARGET = "body_mass_g"
LABELS = ("species", "island", "sex")
MEASURED = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
FEATURES = ("species", "island", *MEASURED, "sex", "year")

MISSING = "NA"
# An empty value is never "missing" to the SparkML container: a number has to be NaN, a label needs a word.
MISSING_NUMBER = "NaN"
MISSING_LABEL = "unknown"

Penguin = dict[str, str]


def read_penguins() -> list[Penguin]:
    """All 344 rows of penguins.csv as texts, with its own mark for missing values."""
    with (HERE / "penguins.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sent(penguin: Penguin, column: str) -> str:
    """The text of one feature as the model gets it."""
    text = penguin[column]
    if text != MISSING:
        return text
    return MISSING_LABEL if column in LABELS else MISSING_NUMBER


def record(penguin: Penguin) -> str:
    """One record of the batch input: the features in order, without the target, ending in a newline."""
    return ",".join(sent(penguin, column) for column in FEATURES) + "\n"
