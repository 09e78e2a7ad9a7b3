"""Look for wrong bytes: random objects and settings through the emulator's pure parts and a slow reference.

`python tools/wrong_bytes.py --examples 1000000` prints how many were run and how long it took; the first
disagreement ends it with the seed that makes it again. The same models, by Hypothesis and a few thousand at a
time, are in tests/property.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "property")]

import reference  # noqa: E402 - found by the path above
from objects import Settings, emulated, output_of, record_io, tf_record  # noqa: E402

from sagemaker_transform_emulator.transform.inflating import Inflater  # noqa: E402
from sagemaker_transform_emulator.transform.keys import S3Location, output_location, relative_key  # noqa: E402

AWKWARD = (
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b",",
    b'"',
    b"\0",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\xff",
    b"a",
    b"bc",
)
FRAMES = {"RecordIO": record_io, "TFRecord": tf_record}


def settings_of(rng: random.Random) -> Settings:
    """Any object with any settings."""
    split_type = rng.choice(("None", "Line", "Line", "RecordIO", "TFRecord"))
    if split_type in FRAMES:
        body = b"".join(FRAMES[split_type](rng.randbytes(rng.randrange(20))) for _ in range(rng.randrange(6)))
        if rng.randrange(10) == 0:
            body = body[: rng.randint(0, len(body))]
    else:
        pieces = (rng.choice((*AWKWARD, rng.randbytes(rng.randrange(6)))) for _ in range(rng.randrange(30)))
        body = b"".join(pieces)
    limit = rng.choice((None, rng.randint(1, 60)))
    strategy = rng.choice(("SingleRecord", "MultiRecord"))
    return Settings(body, split_type, strategy, limit, rng.choice(("None", "Line")))


def check(rng: random.Random) -> str:
    """Run one example; the kind of its outcome. Raises AssertionError at a disagreement."""
    settings = settings_of(rng)
    expected, failure = reference.payloads(
        settings.body, settings.split_type, settings.strategy, settings.limit
    )
    found, error = emulated(settings, [rng.randint(1, 20) for _ in range(3)])
    bodies = [payload.body for payload in found]
    assert (failure is None) == (error is None), (settings, failure, error)
    assert bodies == expected, (settings, bodies, expected)
    if failure is None and settings.split_type in ("None", "Line"):
        assert b"".join(bodies) == settings.body, settings
    assert output_of(settings, bodies) == reference.assembled(bodies, settings.assemble_with), settings
    _check_gzip(rng, settings.body)
    _check_key(rng)
    return failure or "whole"


def _check_gzip(rng: random.Random, body: bytes) -> None:
    if rng.randrange(8):
        return
    cut = rng.randint(0, len(body))
    packed = gzip.compress(body[:cut], 1) + gzip.compress(body[cut:], 1)
    inflater, size = Inflater(rng.randint(1, 40)), rng.randint(1, 40)
    pieces = [part for at in range(0, len(packed), size) for part in inflater.feed(packed[at : at + size])]
    inflater.finish()
    assert b"".join(pieces) == body, (body, cut, size)


def _check_key(rng: random.Random) -> None:
    prefix, rest = ("".join(rng.choices("ab/.", k=rng.randrange(6))) for _ in range(2))
    folder = rng.choice(("", "out", "out/", "a/b//"))
    found = output_location(f"s3://bkt/{folder}", relative_key(prefix, prefix + rest))
    assert found == S3Location("bkt", reference.output_key(prefix, prefix + rest, folder)), (
        prefix,
        rest,
        folder,
    )


def run(seed: int, examples: int) -> Counter[str]:
    """That many examples of one seed; how often each outcome came."""
    outcomes: Counter[str] = Counter()
    for number in range(examples):
        rng = random.Random(f"{seed}/{number}")
        try:
            outcomes[check(rng)] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}/{number}: {error}") from None
    return outcomes


def main() -> None:
    """Run the examples on all processors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    share = -(-options.examples // (workers * 10))
    began = time.monotonic()
    outcomes: Counter[str] = Counter()
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(run, range(options.seed, options.seed + workers * 10), [share] * workers * 10):
            outcomes.update(found)
    kinds = ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common())
    print(f"{outcomes.total()} examples without a wrong byte in {time.monotonic() - began:.0f} s: {kinds}")


if __name__ == "__main__":
    main()
