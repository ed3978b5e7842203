"""Many rows with few statements."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlmodel import Session

Item = TypeVar("Item")


def slices(items: Sequence[Item], size: int = 10_000) -> Iterator[Sequence[Item]]:
    """Pieces that fit into one statement's parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def execute_many(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement for many rows, past the session's own bookkeeping."""
    if rows:
        session.connection().execute(statement, rows)
