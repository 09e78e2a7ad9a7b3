"""Every worked case of the contract, through boto3, against a live emulator and real containers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import api_cases
import expectations
from cases import KNOWN, Case, require_known
from live import Live
from observation import Seen

DEVIATIONS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("deviations.toml").read_text(encoding="utf-8")
)


def test_case(case: Case, live: Live) -> None:
    require_known(case.data, KNOWN, "case")
    if "request" in case.data:
        ask(case, live)
        return
    deviation = DEVIATIONS.get(case.id, {"words": []})
    seen = live.run(case)
    expectations.check_all(case, seen, without(case.expect, deviation["words"]))
    for word in set(deviation["words"]) & set(case.expect):
        assert not holds(case, seen, word), f"{word} holds now: take it out of deviations.toml"


def ask(case: Case, live: Live) -> None:
    asked = api_cases.Asked(live, case)
    try:
        api_cases.prepare(asked)
        asked.ask()
        api_cases.judge(asked)
    finally:
        asked.finish()


def without(expect: Mapping[str, Any], words: list[str]) -> dict[str, Any]:
    return {word: wanted for word, wanted in expect.items() if word not in words}


def holds(case: Case, seen: Seen, word: str) -> bool:
    try:
        expectations.CHECKS[word](case, seen, case.expect[word])
    except AssertionError:
        return False
    return True
