"""Rows that reach into the corners of every stage, the same on each run, for Spark and for the container."""

# pyspark is imported where it is used, so that tests are collected without it
# ruff: noqa: PLC0415

from __future__ import annotations

import math
import random
from typing import Any

LABELS = ("red", "green", "blue", "grün", "two words", 'quo"te,comma')
UNSEEN = ("never seen", "", "Red", " red")
WORDS = ("one", "two", "three", "Four", "fünf", "the", "a", "x-y", "THE", "6", "\u4e2d\u6587")
ODD = (0.0, -0.0, 1.0, -1.0, 1e12, -1e12, 1e-12, 123456789.125, -7.25, 1e-300)

SCALARS = ("a", "b", "gap", "unit")
TEXTS = ("label", "other", "text")
VECTORS = {"v": 4, "counts": 5, "bits": 5, "codes": 3}
TARGETS = ("two", "three", "number", "positive", "censor")

Row = dict[str, Any]


def rows(count: int, seed: int, *, odd: bool) -> list[Row]:
    """`count` rows; `odd` ones have extreme numbers and labels that training never showed."""
    chance = random.Random(seed)
    return [one(chance, odd=odd) for _ in range(count)]


def one(chance: random.Random, *, odd: bool) -> Row:
    def number(spread: float = 1.0) -> float:
        if odd and chance.random() < 0.1:
            return chance.choice(ODD)
        return chance.gauss(0, spread)

    v = [number(spread) for spread in (1.0, 2.0, 0.5, 3.0)]
    counts = [float(chance.randrange(6)) for _ in range(5)]
    label = chance.choice(UNSEEN if odd and chance.random() < 0.1 else LABELS)
    signal = max(-20.0, min(20.0, v[0] - 0.5 * v[1] + chance.gauss(0, 0.7)))
    return {
        "a": number(3.0),
        "b": number(),
        "gap": math.nan if chance.random() < 0.2 else chance.choice((-1.0, number())),
        "unit": chance.random(),
        "label": label,
        "other": chance.choice(("p", "q", "r")),
        "text": sentence(chance),
        "v": v,
        "counts": counts,
        "bits": [float(count > 2) for count in counts],
        "codes": [float(chance.choice((0, 1, 7))), number(), float(chance.choice((-2, 5)))],
        "two": float(signal > 0),
        "three": float((signal > -0.7) + (signal > 0.7)),
        "number": 2 * signal + 0.1,
        "positive": math.exp(signal / 4),
        "censor": float(chance.random() < 0.7),
    }


def sentence(chance: random.Random) -> str:
    if chance.random() < 0.05:
        return ""
    blank = chance.choice((" ", "  ", " \t", ", "))
    return blank.join(chance.choice(WORDS) for _ in range(chance.randrange(1, 9)))


def spark_frame(spark: Any, data: list[Row]) -> Any:
    """The rows as a Spark frame of one partition."""
    from pyspark.ml.linalg import Vectors, VectorUDT
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    kinds = {name: StringType() for name in TEXTS} | {name: VectorUDT() for name in VECTORS}
    names = (*SCALARS, *TEXTS, *VECTORS, *TARGETS)
    schema = StructType([StructField(name, kinds.get(name, DoubleType())) for name in names])
    cells = [[Vectors.dense(row[name]) if name in VECTORS else row[name] for name in names] for row in data]
    return spark.createDataFrame(cells, schema).coalesce(1).cache()
