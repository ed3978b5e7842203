"""Events of other systems onto the Tape, with the conventions of this API."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel

from cxconsole.api.call import Caller
from cxconsole.api.journey.ingest import MOST_EVENTS, WORDS, read_events
from cxconsole.api.route import ApiRoute
from cxconsole.errors import FieldProblem, Invalid, TooLarge
from cxconsole.journey.sources import REFUSALS

router = APIRouter(prefix="/events", tags=["events"], route_class=ApiRoute)

_FIELDS = frozenset({"id", "source", "type", "person", "previously", "time", "data"})
_EXAMPLE = {
    "id": "7f1c9a52-5d0c-4c3b-8a8e-0d0f2b1f9f10", "source": "shop", "type": "order.placed",
    "person": "ada@mail.example", "time": "2026-05-19T09:00:00Z", "data": {"order": "A-17", "total": 129.5},
}  # fmt: skip


class EventVerdict(BaseModel):
    """What became of one event: accepted, duplicate, sampled_out, quarantined, or rejected with the reason."""

    index: int
    id: str | None
    status: str
    reason: str | None = None


@router.post("", status_code=207)
async def add(
    call: Caller,
    events: Annotated[
        list[Any],
        Body(
            description=f"Up to {MOST_EVENTS:,} events: id, source, type, person; if known previously, time, data.",
            examples=[[_EXAMPLE]],
        ),
    ],
) -> list[EventVerdict]:
    """Put events on the Tape; answered when they are there. One source and id count once, however often they come."""
    call.actor.require("events.write")
    if len(events) > MOST_EVENTS:
        raise TooLarge(f"At most {MOST_EVENTS:,} events at a time. Send them in several parts.")
    if not events:
        raise Invalid.field("", "The list is empty: send at least one event.")
    unknown = _find_unknown(events)
    given, places, problems = read_events([None if at in unknown else one for at, one in enumerate(events)])
    verdicts = await call.application.intake.submit(given, actor=call.actor.name)
    answers = {at: EventVerdict(index=at, id=_id_of(events[at]), status="rejected") for at in range(len(events))}
    for place, verdict in zip(places, verdicts, strict=True):
        answers[place].status = "rejected" if verdict in REFUSALS else verdict.value
        answers[place].reason = WORDS.get(verdict)
    for place, problem in problems:
        problem = unknown.get(place, problem)
        answers[place].reason = f"{problem.loc}: {problem.msg}" if problem.loc else problem.msg
    return list(answers.values())


def _find_unknown(events: list[Any]) -> dict[int, FieldProblem]:
    """A field that is not known, for each event that has one: a typo is never silently kept."""
    return {
        at: FieldProblem(loc=min(one.keys() - _FIELDS), msg="This field is not known.")
        for at, one in enumerate(events)
        if isinstance(one, dict) and one.keys() - _FIELDS
    }


def _id_of(document: Any) -> str | None:
    given = document.get("id") if isinstance(document, dict) else None
    return given if isinstance(given, str) else None
