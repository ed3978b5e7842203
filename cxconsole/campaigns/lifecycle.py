"""The life of a campaign: create, change, publish, unpublish, end, clone, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.due import reconsider_contacts
from cxconsole.campaigns.fields import CampaignFields, apply_fields, change_fields, fields_of
from cxconsole.campaigns.flow import Step, find_references, load_graph, steps_of, store_steps
from cxconsole.campaigns.holds import CHUNK, settle_campaign
from cxconsole.campaigns.preflight import find_blockers
from cxconsole.campaigns.records import load_campaign, note_change, open_campaign
from cxconsole.errors import Conflict, FieldProblem
from cxconsole.journey.tape import append_event
from models.campaign import (
    CAMPAIGN_MOVES,
    Campaign,
    CampaignProgress,
    CampaignState,
    campaign_code,
)
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactImport, ImportState
from models.event import EventType
from models.system import SystemFlag
from models.transitions import IllegalMove, check_move

CampaignChanges = Mapping[str, Any]
"""A document in the shape of the REST API: only what is named changes."""

_REMOVED = "campaign_removed:"


@dataclass(frozen=True, kw_only=True)
class CampaignDraft:
    """A copy that is not saved yet: what the edit view starts from. `changes` is in the shape of the REST API."""

    cloned_from: int
    changes: dict[str, Any] = field(default_factory=dict)


_DECIDES_WHEN = {"time_zone", "execution_window", "limits"}


def create_campaign(
    session: Session, name: str, *, changes: CampaignChanges | None = None, actor: Actor, now: datetime
) -> Campaign:
    """A new, unpublished campaign; `changes` sets more than its name. Raises Invalid."""
    actor.require("campaigns.edit")
    document = {**(changes or {}), "name": name}
    fields = change_fields(fields_of(Campaign(name="", created_at=now, updated_at=now)), document)
    campaign = Campaign(**asdict(fields), created_at=now, updated_at=now)
    session.add(campaign)
    session.flush()
    assert campaign.id is not None
    session.add(CampaignProgress(campaign_id=campaign.id))
    if document.get("steps") is not None:
        store_steps(session, campaign, document["steps"], now=now)
    _note(session, EventType.CAMPAIGN_CREATED, campaign, actor=actor, now=now)
    session.flush()
    return campaign


def update_campaign(
    session: Session, campaign_id: int, changes: CampaignChanges, *, version: int | None, actor: Actor, now: datetime
) -> Campaign:
    """Change what is named. Raises Invalid, or Conflict when someone else was quicker.

    `version` is the one the campaign was read at; None means "whatever it is now" and is refused for
    a published campaign.
    """
    actor.require("campaigns.edit")
    campaign = open_campaign(session, campaign_id, version=version)
    changed = apply_fields(campaign, change_fields(fields_of(campaign), changes))
    if changes.get("steps") is not None and store_steps(session, campaign, changes["steps"], now=now):
        changed.append("steps")
    if changed:
        note_change(session, campaign, changed, actor=actor, now=now)
        if "validity" in changed:
            settle_campaign(session, campaign, now=now)
        if _DECIDES_WHEN & set(changed):
            reconsider_contacts(session, campaign_id, now=now)
    session.flush()
    return campaign


def publish_campaign(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> Campaign:
    """Let it run. Raises Conflict for an illegal move, or with the pre-flight's blockers as `errors`."""
    actor.require("campaigns.publish")
    campaign = _move(session, campaign_id, CampaignState.PUBLISHED)
    blockers = find_blockers(session, campaign, now=now)
    if blockers:
        errors = [FieldProblem(loc=item.key, msg=f"{item.detail} {item.remedy}".strip()) for item in blockers]
        raise Conflict(f"{campaign_code(campaign_id)} cannot be published yet: {blockers[0].detail}", errors=errors)
    campaign.state = CampaignState.PUBLISHED
    campaign.first_published_at = campaign.first_published_at or now
    campaign.published_at = now
    return _settle(session, campaign, EventType.CAMPAIGN_PUBLISHED, actor=actor, now=now)


def unpublish_campaign(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> Campaign:
    """Pause it: nothing more leaves, contacts that wait are held until it is published again."""
    actor.require("campaigns.publish")
    campaign = _move(session, campaign_id, CampaignState.UNPUBLISHED)
    campaign.state = CampaignState.UNPUBLISHED
    return _settle(session, campaign, EventType.CAMPAIGN_UNPUBLISHED, actor=actor, now=now)


def end_campaign(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> Campaign:
    """End it for good: contacts that wait stay held, those who were contacted are complete."""
    actor.require("campaigns.publish")
    campaign = _move(session, campaign_id, CampaignState.ENDED)
    campaign.state = CampaignState.ENDED
    campaign.ended_at = now
    return _settle(session, campaign, EventType.CAMPAIGN_ENDED, actor=actor, now=now)


def clone_campaign(session: Session, campaign_id: int, *, actor: Actor) -> CampaignDraft:
    """A copy of everything a person set, without contacts; nothing is saved.

    Templates and gateways that are gone since are left to be chosen.
    """
    actor.require("campaigns.edit")
    campaign = load_campaign(session, campaign_id)
    steps = steps_of(load_graph(session, campaign))
    there = find_references(session, steps)
    steps = [
        replace(
            one,
            template_id=one.template_id if one.template_id in there["template_id"] else None,
            gateway_id=one.gateway_id if one.gateway_id in there["gateway_id"] else None,
        )
        for one in steps
    ]
    changes = describe_fields(fields_of(campaign), steps)
    changes["name"] = f"Copy of {campaign.name}"[:200]
    return CampaignDraft(cloned_from=campaign_id, changes=changes)


def save_clone(session: Session, draft: CampaignDraft, *, actor: Actor, now: datetime) -> Campaign:
    """Make a campaign of the draft, as it was edited."""
    return create_campaign(session, draft.changes.get("name", ""), changes=draft.changes, actor=actor, now=now)


def describe_fields(fields: CampaignFields, steps: Sequence[Step]) -> dict[str, Any]:
    """The fields in the shape of the REST API: what `changes` takes."""
    person = None
    if fields.per_person_count is not None:
        person = {"count": fields.per_person_count, "window": fields.per_person_window}
    return {
        "name": fields.name,
        "description": fields.description,
        "time_zone": fields.time_zone,
        "execution_window": {
            "start": fields.window_start,
            "end": fields.window_end,
            "days": list(fields.window_days),
            "in_zone_of": fields.window_in_zone_of,
        },
        "validity": {"starts_at": fields.starts_at, "ends_at": fields.ends_at},
        "dialing_modes": list(fields.dialing_modes),
        "queue_id": fields.queue_id,
        "steps": [{key: value for key, value in asdict(step).items() if key != "id"} for step in steps],
        "limits": {"per_minute": fields.per_minute, "per_person": person},
    }


def describe_campaign(session: Session, campaign_id: int, *, actor: Actor) -> dict[str, Any]:
    """What a person set on the campaign, in the shape of the REST API; for edit views."""
    actor.require("campaigns.read")
    campaign = load_campaign(session, campaign_id)
    return describe_fields(fields_of(campaign), steps_of(load_graph(session, campaign)))


def delete_campaign(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> int:
    """Delete a campaign that never sent anything, with its contacts; how many contacts go.

    The persons stay. Beyond the first 10,000 the contacts are removed by the job `remove_leftovers`.
    """
    actor.require("campaigns.edit")
    campaign = load_campaign(session, campaign_id, lock=True)
    _check_deletable(session, campaign)
    progress = session.get(CampaignProgress, campaign_id)
    contacts = progress.planned if progress else 0
    _note(session, EventType.CAMPAIGN_DELETED, campaign, actor=actor, now=now, data={"contacts": contacts})
    session.delete(campaign)
    session.flush()
    if _remove_contacts(session, campaign_id, limit=CHUNK) == CHUNK:
        session.add(SystemFlag(name=f"{_REMOVED}{campaign_id}", updated_at=now))
    return contacts


def has_leftovers(session: Session, _now: datetime) -> bool:
    """Whether a deleted campaign still has contacts."""
    return _find_leftover(session) is not None


def remove_leftovers(session: Session, *, now: datetime, limit: int = CHUNK) -> int:
    """The job: contacts of deleted campaigns, at most `limit` a turn; the count removed."""
    flag = _find_leftover(session)
    if flag is None:
        return 0
    removed = _remove_contacts(session, int(flag.name.removeprefix(_REMOVED)), limit=limit)
    if removed < limit:
        session.delete(flag)
    return removed


def _find_leftover(session: Session) -> SystemFlag | None:
    return session.exec(select(SystemFlag).where(col(SystemFlag.name).startswith(_REMOVED)).limit(1)).first()


def _move(session: Session, campaign_id: int, after: CampaignState) -> Campaign:
    campaign = load_campaign(session, campaign_id, lock=True)
    try:
        check_move(CAMPAIGN_MOVES, CampaignState(campaign.state), after)
    except IllegalMove:
        raise Conflict(_refusal(campaign, after)) from None
    return campaign


def _refusal(campaign: Campaign, after: CampaignState) -> str:
    code = campaign_code(campaign.id or 0)
    if campaign.state != CampaignState.ENDED:
        return f"{code} is {campaign.state} already."
    if after == CampaignState.ENDED:
        return f"{code} has ended already."
    if after == CampaignState.PUBLISHED:
        return f"{code} has ended and cannot be published again. Clone it to run it once more."
    return f"{code} has ended; there is nothing left to unpublish."


def _settle(session: Session, campaign: Campaign, event: EventType, *, actor: Actor, now: datetime) -> Campaign:
    campaign.updated_at = now
    session.add(campaign)
    _note(session, event, campaign, actor=actor, now=now)
    settle_campaign(session, campaign, now=now)
    return campaign


def _note(
    session: Session, event: EventType, campaign: Campaign, *, actor: Actor, now: datetime, data: dict | None = None
) -> None:
    append_event(session, event, now=now, actor=actor.name, campaign_id=campaign.id, data=data)


def _check_deletable(session: Session, campaign: Campaign) -> None:
    code = campaign_code(campaign.id or 0)
    if campaign.state == CampaignState.PUBLISHED:
        raise Conflict(f"{code} is published. Unpublish it before deleting it.")
    deliveries = select(CommDelivery.state).where(CommDelivery.campaign_id == campaign.id)
    states = session.exec(deliveries.where(CommDelivery.state != DeliveryState.CANCELLED).limit(1)).all()
    if states and states[0] in (DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.AWAITING_MERGE):
        raise Conflict(f"{code} was stopped a moment ago and its messages are being taken back. Try again shortly.")
    if states:
        raise Conflict(f"{code} has contacted people, so its history is kept. End it instead.")
    running = (ImportState.QUEUED, ImportState.RUNNING, ImportState.CANCELLING, ImportState.UNDOING)
    imports = select(ContactImport.id).where(ContactImport.campaign_id == campaign.id)
    if session.exec(imports.where(col(ContactImport.state).in_(running)).limit(1)).first() is not None:
        raise Conflict(f"A file is being imported into {code}. Cancel the import before deleting the campaign.")


def _remove_contacts(session: Session, campaign_id: int, *, limit: int) -> int:
    ids = (
        select(CampaignContact.id)
        .where(CampaignContact.campaign_id == campaign_id)
        .limit(limit)
        .cte("chosen", nesting=True)
    )
    statement = delete(CampaignContact).where(col(CampaignContact.id).in_(select(ids.c.id)))
    return session.execute(statement.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
