"""No byte of an object is lost, added or moved, however it arrives and whatever the wanted."""

from __future__ import annotations

import gzip
import re
import zlib
from itertools import pairwise

import pytest
import reference
from hypothesis import event, given
from hypothesis import strategies as st
from objects import KINDS, Settings, bodies, emulated, output_of, settings_and_bodies

from sagemaker_transform_emulator.errors import DataError
from sagemaker_transform_emulator.transform.inflating import Inflater
from sagemaker_transform_emulator.transform.keys import S3Location, output_location, relative_key

REFUSALS = {
    reference.TOO_LARGE: r"larger than MaxPayloadInMB allows",
    reference.DAMAGED: r"is cut short|No RecordIO record|No TFRecord",
}

sizes_of_chunks = st.lists(st.integers(1, 50), min_size=1, max_size=5)


any_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)


@pytest.mark.rule("R2.3", "R2.4", "R2.5", "R2.6", "R2.7", "R2.8", "R2.9", "R2.10", "R2.11", "R2.26", "R2.27")
@any_kind
@given(st.data(), sizes_of_chunks)
def test_payloads_are_those_of_the_reference(
    kind: tuple[str, str], data: st.DataObject, sizes: list[int]
) -> None:
    wanted = data.draw(settings_and_bodies(*kind))
    expected, failure = reference.payloads(wanted.body, wanted.split_type, wanted.strategy, wanted.limit)
    found, error = emulated(wanted, sizes)
    event(failure or "taken")
    assert [payload.body for payload in found] == expected
    assert (error is None) == (failure is None), f"the reference says {failure}, the emulator {error}"
    if failure is not None:
        assert re.search(REFUSALS[failure], str(error))


@any_kind
@given(st.data(), sizes_of_chunks)
def test_chunks_make_no_difference(kind: tuple[str, str], data: st.DataObject, sizes: list[int]) -> None:
    wanted = data.draw(settings_and_bodies(*kind))
    whole, whole_error = emulated(wanted, [len(wanted.body) or 1])
    single, single_error = emulated(wanted, [1])
    some, some_error = emulated(wanted, sizes)
    assert whole == single == some
    assert (whole_error is None) == (single_error is None) == (some_error is None)


@pytest.mark.rule("R2.4", "R2.5")
@given(
    bodies["Line"],
    st.sampled_from(["None", "Line"]),
    st.sampled_from(["SingleRecord", "MultiRecord"]),
    sizes_of_chunks,
)
def test_payloads_concatenate_to_the_object(body: bytes, split: str, strategy: str, sizes: list[int]) -> None:
    found, error = emulated(Settings(body, split, strategy, None, "None"), sizes)
    assert error is None
    assert b"".join(payload.body for payload in found) == body
    offset, number = 0, 1
    for payload in found:
        assert (payload.offset, payload.first_record) == (offset, number)
        assert payload.body == b"".join(payload.records)
        offset, number = offset + payload.size, number + len(payload.records)


@pytest.mark.rule("R2.7", "R2.11")
@given(bodies["Line"], st.integers(1, 20), sizes_of_chunks)
def test_payloads_are_full_and_within_the_limit(body: bytes, limit: int, sizes: list[int]) -> None:
    found, error = emulated(Settings(body, "Line", "MultiRecord", limit, "None"), sizes)
    assert all(len(payload.body) <= limit for payload in found)
    for payload, following in pairwise(found):
        assert len(payload.body) + len(following.records[0]) > limit
    longest = max(map(len, reference.records(body, "Line", keep_framing=True)), default=0)
    assert (error is not None) == (longest > limit)


@pytest.mark.rule("R2.19", "R2.20", "R2.25")
@given(st.lists(st.binary(max_size=5)), st.sampled_from(["None", "Line"]))
def test_answers_are_put_together_as_the_reference_does(answers: list[bytes], assemble_with: str) -> None:
    wanted = Settings(b"", "Line", "SingleRecord", None, assemble_with)
    assert output_of(wanted, answers) == reference.assembled(answers, assemble_with)


@pytest.mark.rule("R2.17")
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4), st.integers(1, 64), st.integers(1, 300))
def test_every_member_of_a_gzip_file_is_read(members: list[bytes], chunk: int, piece: int) -> None:
    packed = b"".join(map(gzip.compress, members))
    inflater = Inflater(piece)
    pieces = [part for at in range(0, len(packed), chunk) for part in inflater.feed(packed[at : at + chunk])]
    inflater.finish()
    assert b"".join(pieces) == b"".join(members)
    assert all(0 < len(part) <= piece for part in pieces)


@pytest.mark.rule("R2.17")
@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_cut_gzip_file_is_an_error(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(content)
    inflater = Inflater()
    found = b"".join(inflater.feed(packed[: data.draw(st.integers(1, len(packed) - 1))]))
    assert content.startswith(found)
    with pytest.raises(DataError, match="gzip data"):
        inflater.finish()


@pytest.mark.rule("R2.17")
def test_a_gzip_bomb_comes_in_bounded_pieces() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    inflater = Inflater(1 << 16)
    total = 0
    for piece in inflater.feed(packed):
        assert len(piece) <= 1 << 16
        total += len(piece)
    assert total == 64 << 20


names = st.text(alphabet="ab/.", max_size=6)


@pytest.mark.rule("R2.12", "R2.18")
@given(names, names, st.sampled_from(["", "out", "out/", "a/b//"]))
def test_output_keys_are_those_of_the_reference(prefix: str, rest: str, folder: str) -> None:
    key = prefix + rest
    found = output_location(f"s3://bkt/{folder}", relative_key(prefix, key))
    assert found == S3Location("bkt", reference.output_key(prefix, key, folder))
