"""Java's regular expressions of the API, character by character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.sagemaker.patterns import matches


@pytest.mark.parametrize("category", "LMNPSZ")
@given(character=st.characters())
def test_a_category_has_the_characters_that_unicode_gives_it(category: str, character: str) -> None:
    belongs = unicodedata.category(character).startswith(category)
    assert matches(rf"[\p{{{category}}}]", character) is belongs
    assert matches(rf"x[_\p{{{category}}}]*", "x_" + character) is (belongs or character == "_")


@pytest.mark.parametrize("code", range(128))
def test_every_ascii_character_is_in_its_own_category(code: int) -> None:
    character = chr(code)
    for category in "LMNPSZ":
        belongs = unicodedata.category(character).startswith(category)
        assert matches(rf"[\p{{{category}}}]", character) is belongs, category


@pytest.mark.parametrize(
    ("pattern", "value", "verdict"),
    [
        (r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,128}", "clé 1/ü", True),
        (r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,128}", "a\n", False),
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*", "été © 漢字 😀 €", True),
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*", "tab\t", False),
        (r"[a-z]+", "ß", False),
    ],
)
def test_values_are_matched_whole(pattern: str, value: str, verdict: bool) -> None:  # noqa: FBT001
    assert matches(pattern, value) is verdict
