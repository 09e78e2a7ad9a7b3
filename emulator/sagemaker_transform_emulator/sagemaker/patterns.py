r"""The regular expressions of AWS's models, which are Java's, matched with Python's. Pure.

Python has no `\p{L}` and its like. Where a pattern has them, each character of the value that is not ASCII
is replaced by one that stands for its Unicode category, and so is the category in the pattern.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_CATEGORY = re.compile(r"\\p\{([LMNPSZ])\}")
_REPEATED_END = re.compile(r"\$\{\d+,\d+\}")  # Java lets `$` be repeated
_ASCII = {
    "L": "A-Za-z", "M": "", "N": "0-9", "Z": " ", "S": r"$+<=>\^`|~",
    "P": r"!\"#%&'()*,\-./:;?@\[\\\]_{}",
}  # fmt: skip
_STAND_INS = {category: chr(0xE001 + number) for number, category in enumerate(_ASCII)}
_OTHER = "\ue000"


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the value whole."""
    if not value.isascii() and _CATEGORY.search(pattern):
        value = value.translate(_BY_CATEGORY)
    return _compiled(pattern).fullmatch(value) is not None


class _ByCategory(dict[int, str]):
    """What stands for a character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        stand_in = _STAND_INS.get(unicodedata.category(character)[0], _OTHER)
        self[code] = character if character.isascii() else stand_in
        return self[code]


_BY_CATEGORY = _ByCategory()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    known = _CATEGORY.sub(lambda found: _ASCII[found[1]] + _STAND_INS[found[1]], pattern)
    return re.compile(_REPEATED_END.sub("$", known))
