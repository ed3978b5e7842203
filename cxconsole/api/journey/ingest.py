"""`POST /v1/journey/events`: one CloudEvent or many; answered when they are on the Tape."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from cxconsole import clock
from cxconsole.api.body import read_body
from cxconsole.api.journey.wire import MAX_BODY, WireCall, bad_fields, respond, wire_route
from cxconsole.errors import FieldProblem, Forbidden, Malformed, TooLarge, TooMany
from cxconsole.journey.cloud_event import BadEvent, GivenEvent, read_event
from cxconsole.journey.sources import REFUSALS, Verdict

MOST_EVENTS = 1_000
WORDS = {
    Verdict.BLOCKED: "Events of this source are not taken.",
    Verdict.TYPE_NOT_ALLOWED: "This source may not send events of this type.",
    Verdict.TOO_FAST: "This source sends faster than it may.",
}


@wire_route("/v1/journey/events", "POST", "ds", "w")
async def take_events(call: WireCall) -> Response:
    """Store events. The good ones of a batch are stored although others are refused, which the answer names."""
    document = parse_events(await read_body(call.request, MAX_BODY))
    is_batch = isinstance(document, list)
    events, places, problems = read_events(document if is_batch else [document])
    verdicts = await call.application.intake.submit(events, actor=call.holder.actor.name)
    refused = [(places[at], verdict) for at, verdict in enumerate(verdicts) if verdict in REFUSALS]
    if not problems and not refused:
        return _accepted(call.holder.organization)
    if not is_batch and refused:
        raise _refusal(refused[0][1])
    problems += [(at, FieldProblem(loc="", msg=WORDS[verdict])) for at, verdict in refused]
    stored = len(events) - len(refused)
    total = len(document) if is_batch else 1
    raise bad_fields(
        [_at(place if is_batch else None, problem) for place, problem in sorted(problems, key=lambda one: one[0])],
        f"{stored} of {total} events were stored.",
    )


@lru_cache(maxsize=100)
def _accepted(organization: str) -> Response:
    """The answer to nearly everybody, made once: it holds nothing of the one who is answered but this name."""
    meta = {"orgId": organization}
    return respond({"meta": meta, "data": {"message": "Successfully accepted for processing"}}, 202)


def parse_events(body: bytes) -> Any:
    """The document: an event or a list of at most 1,000. Raises Malformed, TooLarge."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    if isinstance(document, list):
        if not document:
            raise Malformed("The list is empty: send at least one event.")
        if len(document) > MOST_EVENTS:
            raise TooLarge(f"At most {MOST_EVENTS:,} events at a time. Send them in several parts.")
    elif not isinstance(document, dict):
        raise Malformed("Send an event as a JSON object, or a list of them.")
    return document


def read_events(documents: Sequence[Any]) -> tuple[list[GivenEvent], list[int], list[tuple[int, FieldProblem]]]:
    """The events that can be stored, the position of each, and (position, problem) of the others."""
    now = clock.now()
    events: list[GivenEvent] = []
    places: list[int] = []
    problems: list[tuple[int, FieldProblem]] = []
    for place, document in enumerate(documents):
        try:
            events.append(read_event(document, now=now))
            places.append(place)
        except BadEvent as bad:
            problems.append((place, bad.problem))
    return events, places, problems


def _at(place: int | None, problem: FieldProblem) -> FieldProblem:
    if place is None:
        return FieldProblem(loc=problem.loc or "event", msg=problem.msg)
    return FieldProblem(loc=f"[{place}].{problem.loc}" if problem.loc else f"[{place}]", msg=problem.msg)


def _refusal(verdict: Verdict) -> Exception:
    if verdict is Verdict.TOO_FAST:
        return TooMany(WORDS[verdict], retry_after_seconds=1)
    return Forbidden(WORDS[verdict])


ROUTES = [take_events]
__all__ = ["MOST_EVENTS", "ROUTES", "WORDS", "parse_events", "read_events"]
