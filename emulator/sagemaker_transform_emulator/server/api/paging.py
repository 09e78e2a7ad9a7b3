"""Lists: filters first, then the order, then one page and the token of the next (R1.32). Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import epoch_seconds

DEFAULT_PAGE = 10

_T = TypeVar("_T")
_Rank = tuple[Any, str]


def page(
    items: Iterable[_T], request: Mapping[str, Any], rank: Callable[[_T], _Rank], default: int = DEFAULT_PAGE
) -> tuple[list[_T], str | None]:
    """The page that NextToken, MaxResults and SortOrder ask for, and the token of the next one.

    `rank` gives an item's place in the order, the name last. A token says after which rank the page
    begins, so what is created or removed meanwhile shifts nothing. Raises ServiceError for a bad token.
    """
    descending = request.get("SortOrder", "Descending") == "Descending"
    ordered = sorted(items, key=rank, reverse=descending)
    token = request.get("NextToken")
    if token:
        after = _rank_of(token)
        try:
            ordered = [item for item in ordered if (rank(item) < after if descending else rank(item) > after)]
        except TypeError:
            raise _bad_token() from None
    size = request.get("MaxResults") or default
    shown = ordered[:size]
    return shown, _token_of(rank(shown[-1])) if len(ordered) > size else None


def within(value: float, request: Mapping[str, Any], name: str) -> bool:
    """Whether the time lies between NAMEAfter and NAMEBefore, both exclusive."""
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    return (after is None or value > epoch_seconds(after)) and (
        before is None or value < epoch_seconds(before)
    )


def _token_of(rank: _Rank) -> str:
    return base64.urlsafe_b64encode(json.dumps(rank).encode()).decode()


def _rank_of(token: str) -> _Rank:
    try:
        value, name = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, RecursionError):
        raise _bad_token() from None
    return value, name


def _bad_token() -> ServiceError:
    return ServiceError("ValidationException", "The NextToken is not one that a list of this kind has given")
