"""The JSONPath dialect of DataProcessing: SageMaker's own, not RFC 9535. Pure.

Six forms: `$`, `.name`, `*`, `['a']` or `['a','b']`, `[n]` or `[n,m]`, and one slice `[a:b]` whose end
belongs to it (R3.4, R3.7). What is not there is an error, never nothing (R3.9). A dot may stand before a
bracket (R3.6). Names mean nothing in CSV, whose rows are arrays (R3.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sagemaker_transform_emulator.errors import JsonPathError, JsonPathValueError

JSON_OPERATORS = ("$", "[", "]", "*", ".", " ", ",", ":", "-", "'")
CSV_OPERATORS = tuple(operator for operator in JSON_OPERATORS if operator != "'")

_BRACKET = re.compile(r"\s*\[([^\]]*)\]")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_NAMES = re.compile(r"\s*'([^']*)'\s*(?:,\s*'([^']*)'\s*)*")
_NUMBERS = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)*")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Names:
    """One name gives its value, several give an object with these keys (R3.10)."""

    names: tuple[str, ...]

    def apply(self, value: Any, path: str) -> Any:
        """The children of an object."""
        if not isinstance(value, Mapping):
            _refuse(path, f"{self.names[0]!r} is asked of {_kind(value)}, which has no names")
        for name in self.names:
            if name not in value:
                _refuse(path, f"the record has no key {name!r}")
        return value[self.names[0]] if len(self.names) == 1 else {name: value[name] for name in self.names}


@dataclass(frozen=True, slots=True)
class Indexes:
    """One index gives its value, several an array in the order asked; negative ones count from the end."""

    indexes: tuple[int, ...]

    def apply(self, value: Any, path: str) -> Any:
        """The elements of an array. Raises JsonPathValueError for one outside it (R3.9)."""
        items = _array(value, path)
        found = [items[_position(index, items, path)] for index in self.indexes]
        return found[0] if len(found) == 1 else found


@dataclass(frozen=True, slots=True)
class Slice:
    """A range with its end (R3.7). None is the first or the last element."""

    start: int | None
    end: int | None

    def apply(self, value: Any, path: str) -> Any:
        """The elements from start to end, both within the array (R3.9)."""
        items = _array(value, path)
        start = 0 if self.start is None else _position(self.start, items, path)
        end = len(items) - 1 if self.end is None else _position(self.end, items, path)
        if start > end and items:
            _refuse(path, f"the range ends before it starts in {len(items)} elements")
        return list(items[start : end + 1])


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Every element of an array, or every value of an object in bytewise order of its keys."""

    def apply(self, value: Any, path: str) -> Any:
        """All children."""
        if isinstance(value, Mapping):
            return [value[key] for key in sorted(value)]  # code points are in the order of their UTF-8 bytes
        return list(_array(value, path))


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A bracket that is accepted when the job is created and refused when a record comes (R3.8)."""

    content: str

    def apply(self, _value: Any, path: str) -> NoReturn:
        """Raise, in the service's words."""
        raise JsonPathValueError(
            f"Invalid JsonPath: {path}: only single range filters of format (eg: [1:5]) are supported. "
            f"Format [{self.content}] is not supported",
            remedy="use one range, or list the indexes",
        )


Step = Names | Indexes | Slice | Wildcard | Unsupported


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path that was read. `is_root` means the whole record."""

    text: str
    steps: tuple[Step, ...]

    @property
    def is_root(self) -> bool:
        """Whether the path changes nothing."""
        return not self.steps

    def of(self, record: Any) -> Any:
        """What the path selects from a record. Raises JsonPathValueError where it does not fit."""
        return _walk(record, self.steps, self.text)


def parse(text: str, *, csv: bool = False) -> JsonPath:
    """The path, read once. Raises JsonPathError for anything outside the grammar."""
    path = text.strip(" ")
    if not path.startswith("$"):
        raise JsonPathError(f'"{text}" does not begin with $', remedy="the whole record is $")
    position, steps = 1, []
    while position < len(path):
        step, position = _step(path, position)
        if csv and isinstance(step, Names):
            raise JsonPathError(
                f'"{text}" names a key', remedy="rows of CSV have indexes only, such as $[1:]"
            )
        steps.append(step)
    return JsonPath(text, tuple(steps))


def unexpected_character(text: str, operators: Sequence[str], *, letters: bool) -> str:
    """The first character no path of that dialect may hold, or "" (R1.16)."""
    for character in text:
        plain = character.isascii() and (character.isalnum() if letters else character.isdigit())
        if not plain and character not in operators:
            return character
    return ""


def _step(path: str, position: int) -> tuple[Step, int]:
    dotted = path[position] == "."
    if dotted:
        position += 1
        if path[position : position + 1] == "*":
            return Wildcard(), position + 1
        if name := _NAME.match(path, position):
            return Names((name[0],)), name.end()
    bracket = _BRACKET.match(path, position)
    if bracket is None:
        raise JsonPathError(f'"{path}" cannot be read from {path[position:]!r} on', remedy=_FORMS)
    return _bracket(bracket[1], path), bracket.end()


def _bracket(content: str, path: str) -> Step:
    if content.strip() == "*":
        return Wildcard()
    if _NAMES.fullmatch(content):
        return Names(tuple(re.findall(r"'([^']*)'", content)))
    if _NUMBERS.fullmatch(content):
        return Indexes(tuple(map(int, content.split(","))))
    if found := _SLICE.fullmatch(content):
        return Slice(*(None if end is None else int(end) for end in found.groups()))
    if ":" in content and "'" not in content:
        return Unsupported(content)
    raise JsonPathError(f'"{path}" has a bracket that cannot be read: [{content}]', remedy=_FORMS)


def _walk(value: Any, steps: tuple[Step, ...], path: str) -> Any:
    for position, step in enumerate(steps):
        value = step.apply(value, path)
        if _gives_many(step):
            rest = steps[position + 1 :]
            return [_walk(item, rest, path) for item in value] if rest else value
    return value


def _gives_many(step: Step) -> bool:
    return isinstance(step, Slice | Wildcard) or (isinstance(step, Indexes) and len(step.indexes) > 1)


def _array(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(path, f"an index is asked of {_kind(value)}, which has none")
    return value


def _position(index: int, items: list[Any], path: str) -> int:
    position = index + len(items) if index < 0 else index
    if not 0 <= position < len(items):
        _refuse(path, f"index {index} is out of range, the record has {len(items)} elements")
    return position


def _refuse(path: str, what: str) -> NoReturn:
    raise JsonPathValueError(
        f"Invalid JsonPath: {path}: {what}",
        remedy="a filter must fit every record; see InputFilter, OutputFilter",
    )


def _kind(value: Any) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (Mapping, "an object"), (list, "an array"), (bool, "a boolean"), (type(None), "null"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "a single value")


_FORMS = "forms are $, $.name, $.*, $['a'], $['a','b'], $[0], $[0,-1], $[1:4]; one range in a bracket"
