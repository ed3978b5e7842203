"""Identity conflicts: two persons of whom somebody said that they are one."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from cxconsole.api.call import Body, Caller, Listing, Pages, parse_key, refer
from cxconsole.api.persons import PersonReading
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.audience.conflict_decisions import decide_conflict
from cxconsole.audience.identity_conflicts import get_conflict, list_conflicts
from cxconsole.signals import topics

router = APIRouter(prefix="/identity-conflicts", tags=["identity conflicts"], route_class=ApiRoute)


class ConflictReading(View):
    """A conflict. The persons are who the two are now; `identity` is the name that both have a claim to."""

    id: Id
    person_id: Id
    other_person_id: Id
    identity: str | None
    kind: str | None
    source: str
    seen_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None


class SideReading(View):
    """One of the two. `events` ends at 1,001; of the campaigns the first five are named."""

    person: PersonReading
    last_seen_at: datetime | None
    events: int
    campaigns: int
    campaign_names: list[str]
    has_identity: bool = Field(description="Whether the name that both claim is this one's now.")


class ConflictDetailReading(View):
    """A conflict with both sides; none when one of the two was removed, one when they are one by now."""

    conflict: ConflictReading
    sides: list[SideReading]


class Deciding(Body):
    """What is decided."""

    decision: Literal["merged", "kept", "moved"] = Field(
        description="`merged`: they are one. `kept`: they are two, and are not asked about again. "
        "`moved`: the name goes to the one who does not have it."
    )
    primary_id: str | None = Field(None, description="Who stays of two who are merged; the oldest without one.")


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    state: Annotated[Literal["open", "decided"], Query(description="Which ones.")] = "open",
) -> Listing[ConflictReading]:
    """List identity conflicts: those that wait, the newest first, or those that were decided."""
    with call.read() as session:
        page = list_conflicts(
            session, decided=state == "decided", limit=pages.limit, offset=pages.offset, actor=call.actor
        )
    return pages.listing(page, ConflictReading.of)


@router.get("/{conflict_id}")
def get_one(call: Caller, conflict_id: str) -> ConflictDetailReading:
    """Read one conflict with both sides: names, identities, last seen, events, campaigns."""
    with call.read() as session:
        found = get_conflict(session, parse_key(conflict_id, "identity conflict"), actor=call.actor)
    return ConflictDetailReading.of(found)


@router.post("/{conflict_id}/decide")
def decide(call: Caller, conflict_id: str, body: Deciding) -> ConflictDetailReading:
    """Settle a conflict: merge the two, keep them apart for good, or move the name to the other one."""
    primary = None if body.primary_id is None else refer("primary_id", body.primary_id, noun="person")
    with call.write() as session:
        found = decide_conflict(
            session, parse_key(conflict_id, "identity conflict"), body.decision, primary_id=primary, actor=call.actor,
            now=call.now,
        )  # fmt: skip
    call.publish(topics.TAPE, topics.WORK, topics.CAMPAIGNS)
    return ConflictDetailReading.of(found)
