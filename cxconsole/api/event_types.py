"""The kinds of events that have really come, and which of their fields are personal."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cxconsole.api.call import Body, Caller, Listing, Pages
from cxconsole.api.route import ApiRoute
from cxconsole.journey.personal_fields import mark_field
from cxconsole.journey.registry import TypeView
from cxconsole.journey.source_overview import SourceOverview, read_sources

router = APIRouter(prefix="/event-types", tags=["events"], route_class=ApiRoute)


class EventTypeReading(BaseModel):
    """A type of one source, with the fields of its data and the kinds of value seen in each."""

    type: str
    source: str
    fields: dict[str, list[str]]
    personal: list[str] = Field(description="Fields that are kept encrypted under the key of the person.")
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class Mark(Body):
    """A field of a kind of event."""

    type: str = Field(max_length=120, examples=["order.placed"])
    source: str = Field(max_length=300, examples=["shop"])
    path: str = Field(max_length=120, examples=["customer.email"], description="As in `fields`.")
    is_personal: bool


class Marked(BaseModel):
    """What is personal in this kind of event from now on."""

    type: str
    source: str
    personal: list[str]


@router.get("")
def list_all(call: Caller, pages: Pages) -> Listing[EventTypeReading]:
    """List the types of events that have come, by source, with their fields."""
    with call.read() as session:
        found = read_sources(session, actor=call.actor, now=call.now)
    rows = [_reading(one, kind) for one in sorted(found, key=lambda one: one.source.name) for kind in one.types]
    return pages.listing_all(rows, lambda row: row)


@router.post("/personal")
def mark(call: Caller, body: Mark) -> Marked:
    """Say whether a field is personal. It holds for events from now on; what is on the Tape stays as it came."""
    with call.write() as session:
        kind = (body.type, body.source)
        marked = mark_field(session, kind, body.path, is_personal=body.is_personal, actor=call.actor, now=call.now)
    return Marked(type=body.type, source=body.source, personal=list(marked))


def _reading(one: SourceOverview, kind: TypeView) -> EventTypeReading:
    return EventTypeReading(
        type=kind.type, source=kind.source, fields={path: list(kinds) for path, kinds in kind.fields.items()},
        personal=list(one.personal.get(kind.type, ())), count=kind.count, first_seen_at=kind.first_seen_at,
        last_seen_at=kind.last_seen_at,
    )  # fmt: skip
