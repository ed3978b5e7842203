"""Checks of files before an import, as other systems ask for them: what would happen, kept for a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.inspect import DryRun
from cxconsole.errors import NotFound
from models.contact import ImportCheck

KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """What an import would have done; `bytes_done` is less than `bytes_total` when only the beginning was checked."""

    id: int
    campaign_id: int
    file_name: str
    bytes_done: int
    bytes_total: int
    rows_read: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    started_at: datetime
    finished_at: datetime


def keep_check(
    session: Session,
    campaign_id: int,
    found: DryRun,
    *,
    file_name: str,
    size: int,
    started_at: datetime,
    actor: Actor,
    now: datetime,
) -> int:
    """Keep what a check found; its id. Those of yesterday go."""
    actor.require("contacts.edit")
    session.execute(delete(ImportCheck).where(col(ImportCheck.finished_at) < now - KEPT_FOR))
    row = ImportCheck(
        campaign_id=campaign_id, file_name=file_name, bytes_done=size if found.is_complete else 0, bytes_total=size,
        rows_read=found.rows, created=found.created, merged=found.merged, duplicates=found.duplicates,
        rejected=found.rejected, started_at=started_at, finished_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id or 0


def get_check(session: Session, check_id: int, *, actor: Actor) -> CheckView:
    """One check. Raises NotFound."""
    actor.require("contacts.read")
    row = session.get(ImportCheck, check_id)
    if row is None:
        raise NotFound("This check is not kept any more. Send the file again.")
    return CheckView(**{name: getattr(row, name) for name in CheckView.__dataclass_fields__})
