"""Unknown members of requests that people write, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.fault_injection import parse_fault
from sagemaker_transform_emulator.jobs.services import read_request
from sagemaker_transform_emulator.sagemaker.request_file import member_offsets, require_known_members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("operation", "body", "wrong", "meant"),
    [
        ("CreateTransformJob", {"BatchStrateg": "x"}, "CreateTransformJob has no", "BatchStrategy"),
        ("CreateTransformJob", {"TransformInput": {"Contenttype": "x"}}, "TransformInput has", "ContentType"),
        ("CreateModel", {"PrimaryContaner": {}}, "CreateModel has no member", "PrimaryContainer"),
        ("CreateModel", {"PrimaryContainer": {"ModelDataURL": "s"}}, "PrimaryContainer has", "ModelDataUrl"),
        ("CreateModel", {"Containers": [{}, {"Imag": "x"}]}, "Containers.1 has no member 'Imag'", "Image"),
    ],
)  # fmt: skip
def test_an_unknown_member_is_named_with_what_was_meant_and_its_place(
    tmp_path: Path, operation: str, body: dict[str, Any], wrong: str, meant: str
) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(body, indent=2))
    with pytest.raises(UsageError) as caught:
        read_request(file, operation)
    assert wrong in caught.value.message
    assert caught.value.remedy == f"did you mean {meant}?"
    place, line, column = caught.value.message.split(": ", 1)[0].rsplit(":", 2)
    assert place == str(file)
    name = caught.value.message.split("'")[1]
    written = file.read_text().split("\n")[int(line) - 1]
    assert written[int(column) - 1 :].startswith(json.dumps(name))
    with pytest.raises(UsageError, match=f"^{wrong}"):
        read_request(body, operation)


def test_the_keys_of_maps_are_free() -> None:
    require_known_members({"PrimaryContainer": {"Environment": {"anything": "1"}}}, "CreateModel")


def test_a_name_like_none_of_them_gets_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        require_known_members({"qqqq": 1}, "CreateTransformJob")
    assert "known here: TransformJobName, " in caught.value.remedy


@given(JSON, st.sampled_from([None, 1, 4]))
def test_every_member_of_any_json_is_found_at_its_name(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    offsets = member_offsets(text)
    expected = dict(_paths(value, ()))
    assert offsets.keys() == expected.keys()
    for path, offset in offsets.items():
        assert text.startswith(json.dumps(expected[path]), offset)


def _paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name), name
            yield from _paths(item, (*path, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _paths(item, (*path, position))


def test_a_misspelt_word_of_a_fault_gets_what_was_meant() -> None:
    with pytest.raises(UsageError, match="'recrod=17' is not understood") as caught:
        parse_fault("recrod=17 status=500")
    assert caught.value.remedy.startswith("did you mean record?")
