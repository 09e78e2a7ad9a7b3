"""The columns of a pipeline while it is converted: what each holds, and which ones the input must bring.

Spark stores no column types with a saved pipeline and few vector sizes, and MLeap wants both. They
follow from the stages: a column that a stage reads and no earlier stage wrote is an input column, and
its type is what the stage asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.schema import SchemaColumn, SparkMLSchema


@dataclass(frozen=True)
class Column:
    """What one column holds. `size` is the length of a vector, None where nothing tells it yet.

    `arities` has, for each slot of the column, the number of values of a nominal feature, or 0 for a
    number: what Spark keeps in a column's ML attributes.
    """

    name: str
    base: str = "double"
    struct: str = "basic"
    size: int | None = None
    arities: tuple[int, ...] | None = None

    @property
    def is_vector(self) -> bool:
        """Whether the column holds vectors."""
        return self.struct == "vector"

    @property
    def known_size(self) -> int:
        """The length of the vectors. A UsageError where no stage and no caller tells it."""
        if self.size is None:
            raise UsageError(
                f"the input column {self.name!r} holds vectors, and no stage tells their length",
                remedy=f"give it: input_sizes={{{self.name!r}: n}}, or --input-size {self.name}=n",
            )
        return self.size

    @property
    def width(self) -> int:
        """How many numbers the column adds to an assembled vector."""
        return self.known_size if self.is_vector else 1

    def as_schema(self) -> SchemaColumn:
        """The column as SAGEMAKER_SPARKML_SCHEMA lists it."""
        return SchemaColumn(self.name, self.base, self.struct)


@dataclass
class Frame:
    """The columns known so far, in the order they came up, and what to tell the user at the end."""

    declared: Mapping[str, SchemaColumn] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    inputs: dict[str, None] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def number(self, name: str) -> Column:
        """The column `name`, an input column of doubles when no stage wrote it."""
        return self._read(Column(name))

    def text(self, name: str) -> Column:
        """The column `name`, an input column of strings when no stage wrote it."""
        return self._read(Column(name, "string"))

    def words(self, name: str) -> Column:
        """The column `name`, an input column of string arrays when no stage wrote it."""
        return self._read(Column(name, "string", "array"))

    def vector(self, name: str, size: int | None = None) -> Column:
        """The column `name`, an input column of vectors when no stage wrote it; `size` is expected."""
        return self._read(Column(name, "double", "vector", size))

    def either(self, name: str) -> Column:
        """The column `name`; as an input column it is a number, or a vector where a size was given."""
        return self.vector(name) if name in self.sizes else self.number(name)

    def add(self, column: Column) -> None:
        """Record what a stage writes. A column that exists already is a UsageError, as in Spark."""
        if column.name in self.columns:
            raise UsageError(f"two stages of the pipeline write the column {column.name!r}")
        self.columns[column.name] = column
        self.outputs.append(column.name)

    def write(self, name: str, base: str = "double") -> None:
        """Record a column of bare values that a stage writes."""
        self.add(Column(name, base))

    def write_vector(self, name: str, size: int | None, arities: tuple[int, ...] | None = None) -> None:
        """Record a column of vectors that a stage writes."""
        self.add(Column(name, "double", "vector", size, arities))

    def write_words(self, name: str) -> None:
        """Record a column of string arrays that a stage writes."""
        self.add(Column(name, "string", "array"))

    def note(self, text: str) -> None:
        """Keep `text` for the user: something the container does otherwise than Spark."""
        if text not in self.notes:
            self.notes.append(text)

    def _read(self, wanted: Column) -> Column:
        known = self.columns.get(wanted.name)
        if known is None:
            self.inputs[wanted.name] = None
            known = self._input(wanted)
        elif wanted.name in self.inputs and wanted.name not in self.declared:
            known = merged(known, wanted)
        self.columns[wanted.name] = sized(known, wanted)
        return self.columns[wanted.name]

    def _input(self, wanted: Column) -> Column:
        size = self.sizes.get(wanted.name, wanted.size)
        listed = self.declared.get(wanted.name)
        if listed is None:
            return replace(wanted, size=size)
        return Column(wanted.name, listed.type, listed.struct, size if listed.struct == "vector" else None)


def merged(known: Column, wanted: Column) -> Column:
    """An input column that two stages read differently: numbers serve those that take any text too."""
    if known.base == "string" and wanted.base != "string" and known.struct == "basic":
        return wanted
    return known


def sized(known: Column, wanted: Column) -> Column:
    """`known` with the length a stage expects, where the length was not known."""
    if not wanted.is_vector or wanted.size is None or not known.is_vector:
        return known
    if known.size is not None and known.size != wanted.size:
        raise UsageError(
            f"the column {known.name!r} holds vectors of {known.size} numbers, but a stage of the pipeline "
            f"was fitted on vectors of {wanted.size}",
            remedy="correct the input size that was given, if one was",
        )
    return replace(known, size=wanted.size)


def make_schema(frame: Frame, order: tuple[str, ...] | None) -> SparkMLSchema:
    """The schema of the pipeline: its input columns and, as output, what the last stage wrote.

    `order` lists the columns of a CSV record. One that no stage reads is passed as a string, which
    accepts any text; without `order` the columns come in the order the stages ask for them.
    """
    needed = [frame.columns[name] for name in frame.inputs]
    if order is not None:
        missing = [column.name for column in needed if column.name not in order]
        if missing:
            raise UsageError(
                f"the pipeline reads the column {missing[0]!r}, which is not among the columns given: "
                f"{', '.join(order)}",
                remedy="list all columns of a record, in their order",
            )
        needed = [frame.columns[name] if name in frame.inputs else Column(name, "string") for name in order]
    last = frame.columns[frame.outputs[-1]] if frame.outputs else needed[-1]
    return SparkMLSchema(tuple(column.as_schema() for column in needed), last.as_schema())
