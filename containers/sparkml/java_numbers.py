"""Numbers as Java's Double.parseDouble reads them, for what is read outside the JVM."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?")
_HEXADECIMAL = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?")
_NAMED = re.compile(r"[+-]?(?:NaN|Infinity)")


def double(text: str) -> float:
    """The number a text stands for, blanks around it aside. Raises ValueError where Java does."""
    text = text.strip("".join(map(chr, range(0x21))))
    if match := _DECIMAL.fullmatch(text):
        return float(match[1])
    if match := _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(match[1])
        except OverflowError:
            return float("-inf" if text.startswith("-") else "inf")
    if _NAMED.fullmatch(text):
        return float(text.lower().replace("infinity", "inf"))
    raise ValueError(text)
