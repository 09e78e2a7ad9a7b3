"""Resources that are only remembered: log groups, model packages, measured series, each a JSON object.

One table holds them all, by account, region, kind and name; the Store lends its connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import NameTakenError
from sagemaker_transform_emulator.sagemaker.resources import Place

SCHEMA = """
create table if not exists documents (
    account text, region text, kind text, name text, body text, created real,
    primary key (account, region, kind, name));
"""
_WHERE = "where account = ? and region = ? and kind = ?"


@dataclass(frozen=True, slots=True)
class Document:
    """A resource; `created` in epoch seconds."""

    place: Place
    kind: str
    name: str
    body: Mapping[str, Any]
    created: float


class Documents:
    """The table. Every change is on disk when its method returns."""

    def __init__(
        self,
        rows: Callable[[str, Iterable[Any]], list[Any]],
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
    ) -> None:
        self._rows = rows
        self._transaction = transaction

    def add(self, document: Document) -> None:
        """Remember the resource. Raises NameTakenError when there is one of that kind and name."""
        with self._transaction() as db:
            try:
                db.execute("insert into documents values (?, ?, ?, ?, ?, ?)", _row(document))
            except sqlite3.IntegrityError:
                raise NameTakenError(document.name) from None

    def put(self, document: Document) -> None:
        """Remember the resource in the place of the one that may be there."""
        with self._transaction() as db:
            db.execute("insert or replace into documents values (?, ?, ?, ?, ?, ?)", _row(document))

    def get(self, place: Place, kind: str, name: str) -> Document | None:
        """The resource of that kind and name."""
        rows = self._rows(
            f"select name, body, created from documents {_WHERE} and name = ?",  # noqa: S608 - a constant
            (place.account, place.region, kind, name),
        )
        return next((_document(place, kind, row) for row in rows), None)

    def all(self, place: Place, kind: str) -> list[Document]:
        """Every resource of that kind in the account and region."""
        rows = self._rows(
            f"select name, body, created from documents {_WHERE} order by name",  # noqa: S608 - a constant
            (place.account, place.region, kind),
        )
        return [_document(place, kind, row) for row in rows]

    def delete(self, place: Place, kind: str, name: str) -> None:
        """There is no such resource."""
        with self._transaction() as db:
            db.execute(
                f"delete from documents {_WHERE} and name = ?",  # noqa: S608 - a constant
                (place.account, place.region, kind, name),
            )


def _row(document: Document) -> tuple[Any, ...]:
    place = document.place
    body = json.dumps(document.body)
    return place.account, place.region, document.kind, document.name, body, document.created


def _document(place: Place, kind: str, row: tuple[str, str, float]) -> Document:
    name, body, created = row
    return Document(place, kind, name, json.loads(body), created)
