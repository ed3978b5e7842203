"""Follow-ups: what somebody means to do with a person, when, and on which channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.notes import check_text
from cxconsole.journey.tape import append_event
from cxconsole.journey.timeline import find_writable
from models.activity import ACTIVITY_MOVES, ActivityState, ScheduledActivity
from models.event import EventType
from models.person import Channel
from models.transitions import IllegalMove, check_move

LONGEST_SUBJECT = 200
MOST_LISTED = 20
_ENDS = {ActivityState.DONE: EventType.ACTIVITY_DONE, ActivityState.CANCELLED: EventType.ACTIVITY_CANCELLED}


@dataclass(frozen=True, kw_only=True)
class ActivityView:
    """A follow-up of a person."""

    id: int
    channel: str
    due_at: datetime
    subject: str
    state: str
    actor: str


def schedule_activity(
    session: Session, person_id: int, *, channel: str, due_at: datetime, subject: str, actor: Actor, now: datetime
) -> int:
    """Plan a follow-up with a person; its id. Raises NotFound, Invalid."""
    actor.require("persons.edit")
    if channel not in set(Channel):
        raise Invalid.field("channel", f"A follow-up is on one of {', '.join(Channel)}.")
    if due_at <= now:
        raise Invalid.field("due_at", "Choose a time that is still to come.")
    person_id = find_writable(session, person_id)
    activity = ScheduledActivity(
        person_id=person_id, channel=channel, due_at=due_at, actor=actor.name, created_at=now,
        subject=check_text("subject", subject, LONGEST_SUBJECT),
    )  # fmt: skip
    session.add(activity)
    session.flush()
    _note(session, EventType.ACTIVITY_SCHEDULED, activity, actor=actor, now=now)
    return activity.id or 0


def end_activity(session: Session, activity_id: int, state: str, *, actor: Actor, now: datetime) -> None:
    """Say that a follow-up is `done` or `cancelled`. Raises NotFound, Invalid, Conflict when it has ended already."""
    actor.require("persons.edit")
    if state not in set(_ENDS):
        raise Invalid.field("state", "A follow-up ends as done or cancelled.")
    activity = session.get(ScheduledActivity, activity_id, with_for_update=True)
    if activity is None:
        raise NotFound("This follow-up is not there any more.")
    before, after = ActivityState(activity.state), ActivityState(state)
    try:
        activity.state = check_move(ACTIVITY_MOVES, before, after)
    except IllegalMove:
        raise Conflict(f"This follow-up is {before} already.") from None
    activity.ended_at = now
    session.add(activity)
    _note(session, _ENDS[after], activity, actor=actor, now=now)


def list_activities(session: Session, person_id: int, *, actor: Actor) -> tuple[ActivityView, ...]:
    """The follow-ups of a person that are still to be done, the next one first."""
    actor.require("persons.read")
    rows: Sequence[ScheduledActivity] = (
        session.execute(
            select(ScheduledActivity)
            .where(
                col(ScheduledActivity.person_id) == person_id,
                col(ScheduledActivity.state) == ActivityState.SCHEDULED.value,
            )
            .order_by(col(ScheduledActivity.due_at), col(ScheduledActivity.id))
            .limit(MOST_LISTED)
        )
        .scalars()
        .all()
    )
    return tuple(
        ActivityView(
            id=one.id or 0, channel=one.channel, due_at=one.due_at, subject=one.subject, state=one.state,
            actor=one.actor,
        )
        for one in rows
    )  # fmt: skip


def _note(session: Session, kind: EventType, activity: ScheduledActivity, *, actor: Actor, now: datetime) -> None:
    append_event(
        session, kind, now=now, actor=actor.name, person_id=activity.person_id,
        data={"activity_id": activity.id, "channel": activity.channel},
    )  # fmt: skip
