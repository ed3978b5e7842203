"""One change to many contacts, with a verdict for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.search import is_one_of, is_sqlite
from cxconsole.campaigns.contact_changes import remove_contacts, retry_contacts, update_contacts
from cxconsole.campaigns.contact_filter import Selection
from cxconsole.campaigns.contacts import check_campaign
from models.contact import CampaignContact


class BulkAction(StrEnum):
    """What can be done with many contacts at once."""

    UPDATE = "update"
    REMOVE = "remove"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True)
class ContactVerdict:
    """Whether it was done; `reason` says why not."""

    done: bool
    reason: str | None = None


def change_contacts(
    session: Session,
    campaign_id: int,
    ids: Sequence[int],
    action: BulkAction,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> dict[int, ContactVerdict]:
    """Update, remove or retry these contacts, in one transaction: some 2,000 at a time. `changes` is for updates."""
    actor.require("contacts.edit")
    check_campaign(session, campaign_id)
    before = _read_statuses(session, campaign_id, ids, lock=True)
    apply_change(session, campaign_id, Selection(ids=tuple(before)), action, changes, actor=actor, now=now)
    after = _read_statuses(session, campaign_id, ids)
    return {key: _judge(action, before.get(key), after.get(key)) for key in ids}


def apply_change(
    session: Session,
    campaign_id: int,
    selection: Selection,
    action: BulkAction,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> int:
    """Update, remove or retry the selected contacts; the count of those that it was done to."""
    if action is BulkAction.UPDATE:
        return update_contacts(session, campaign_id, selection, changes, actor=actor, now=now)
    if action is BulkAction.REMOVE:
        return remove_contacts(session, campaign_id, selection, actor=actor, now=now)
    return retry_contacts(session, campaign_id, selection, actor=actor, now=now)


def _judge(action: BulkAction, before: str | None, after: str | None) -> ContactVerdict:
    if before is None:
        return ContactVerdict(done=False, reason="The campaign has no such contact.")
    if action is BulkAction.REMOVE and after is not None:
        return ContactVerdict(done=False, reason="It is being contacted right now. Try again when that has ended.")
    if action is BulkAction.RETRY and before == after:
        return ContactVerdict(done=False, reason=f"It is {before}; only failed and suppressed contacts are retried.")
    return ContactVerdict(done=True)


def _read_statuses(session: Session, campaign_id: int, ids: Sequence[int], *, lock: bool = False) -> dict[int, str]:
    key = col(CampaignContact.id)
    statement = (
        select(key, col(CampaignContact.status))
        .where(col(CampaignContact.campaign_id) == campaign_id, is_one_of(key, ids, sqlite=is_sqlite(session)))
        .order_by(key)
    )
    if lock:
        statement = statement.with_for_update()
    return {row[0]: row[1] for row in session.execute(statement)}
