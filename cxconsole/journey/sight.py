"""Rows of the Tape as an actor may see them: personal fields opened, and without what a compartment keeps from them."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.journey.personal import ShownRow, open_rows
from cxconsole.journey.profile_views import read_guard


def show_rows(session: Session, rows: Sequence[Any], *, actor: Actor) -> Sequence[Any]:
    """Rows that have `type` and `data`, in the same order."""
    rows = open_rows(session, rows)
    guard = read_guard(session, actor=actor)
    if not guard.fields:
        return rows
    return [ShownRow(row, guard.strip(row.type, row.data or {})) for row in rows]


__all__ = ["show_rows"]
