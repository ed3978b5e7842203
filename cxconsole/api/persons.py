"""Persons: who they are, and by which addresses they are known."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from cxconsole.api.call import Body, Call, Caller, Listing, Pages, Search, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.audience.identity_changes import add_identity, remove_identity, unite_persons
from cxconsole.audience.people import get_person
from cxconsole.audience.person_changes import list_persons, update_person
from cxconsole.audience.unmerging import list_merges
from cxconsole.campaigns.person_erasure import erase_person
from cxconsole.campaigns.person_export import export_person
from cxconsole.campaigns.person_unmerging import unmerge_person
from cxconsole.signals import topics

router = APIRouter(prefix="/persons", tags=["persons"], route_class=ApiRoute)


class PersonPatch(Body):
    """What is to change; what is not named stays, null empties. Of `attributes` only those named change."""

    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    preferred_channel: str | None = None
    external_ref: str | None = None
    attributes: dict[str, Any] | None = None


class IdentityReading(View):
    """One address or name; the primary one of its kind is used for sending."""

    id: Id
    kind: str
    value: str
    is_primary: bool


class PersonReading(View):
    """A person with all identities. `merged_into` names who took them over, if someone did."""

    id: Id
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    preferred_channel: str | None
    external_ref: str | None
    attributes: dict[str, Any]
    labels: list[str]
    consents: dict[str, Any]
    identities: list[IdentityReading]
    merged_into: Id | None
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None


class NewIdentity(Body):
    """An address or id by which the person is known from now on."""

    kind: str = Field(examples=["email"], description="`email`, `phone` or `customer_id`.")
    value: str = Field(max_length=1000, examples=["ada@customer.example"])
    is_primary: bool = Field(False, description="Use it for sending; the first of a kind is in any case.")
    default_region: str = Field("US", max_length=2, description="The country of a number without a country code.")


class Erased(View):
    """What erasing took away, and stopped; nought when the person was erased before."""

    id: Id
    erased_at: datetime
    identities: int
    notes: int
    follow_ups: int
    deliveries: int = Field(description="Messages whose address and content are gone; that they were sent stays.")
    stopped_contacts: int


class Union(Body):
    """The persons who are one."""

    person_ids: list[str] = Field(min_length=2, max_length=100)
    primary_id: str | None = Field(None, description="Who stays; the oldest without one.")


class MergeReading(View):
    """One person was merged into another. `refusal` says why it cannot be undone any more; empty when it can."""

    id: Id
    person_id: Id
    merged_person_id: Id
    identities: list[str] = Field(description="The names that came along and are still there.")
    actor: str
    merged_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    refusal: str


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    sort: Annotated[str, Query(description="id, first_name or last_name; - in front turns it round.")] = "id",
) -> Listing[PersonReading]:
    """List persons; every word of `q` is found in a name, address, id or attribute."""
    with call.read() as session:
        page = list_persons(session, actor=call.actor, q=q, sort=sort, limit=pages.limit, offset=pages.offset)
    return pages.listing(page, PersonReading.of)


@router.get("/{person_id}")
def get_one(call: Caller, person_id: str) -> PersonReading:
    """Read one person."""
    with call.read() as session:
        return PersonReading.of(get_person(session, parse_key(person_id, "person"), actor=call.actor))


@router.patch("/{person_id}")
def change(call: Caller, person_id: str, body: PersonPatch) -> PersonReading:
    """Change what is known of a person."""
    with call.write() as session:
        key = parse_key(person_id, "person")
        return PersonReading.of(update_person(session, key, body.given(), actor=call.actor, now=call.now))


@router.post("/merge")
def merge(call: Caller, body: Union) -> PersonReading:
    """Make several persons one: the primary, or else the oldest, takes over what the others have. It can be undone."""
    with call.write() as session:
        keys = [refer("person_ids", one, noun="person") for one in body.person_ids]
        primary = None if body.primary_id is None else refer("primary_id", body.primary_id, noun="person")
        united = PersonReading.of(unite_persons(session, keys, primary_id=primary, actor=call.actor, now=call.now))
    call.publish(topics.WORK, topics.CAMPAIGNS, topics.TAPE)
    return united


@router.get(
    "/{person_id}/export", response_class=StreamingResponse, responses={200: {"content": {"application/json": {}}}}
)
def export(call: Caller, person_id: str) -> StreamingResponse:
    """Export all about a person as one JSON document: identities, events, contacts, deliveries, notes."""
    pieces = _export(call, parse_key(person_id, "person"))
    first = next(pieces)  # what is refused is said before the answer begins
    headers = {"Content-Disposition": f'attachment; filename="person-{person_id}.json"'}
    return StreamingResponse(chain([first], pieces), media_type="application/json", headers=headers)


@router.post("/{person_id}/erase")
def erase(call: Caller, person_id: str) -> Erased:
    """Erase a person for good: key, identities, attributes, notes and content go; ids, counts and the Tape stay."""
    with call.write() as session:
        erased = erase_person(session, parse_key(person_id, "person"), actor=call.actor, now=call.now)
    call.application.forget_person(erased.family)
    return Erased.of(erased)


@router.post("/merges/{merge_id}/undo")
def undo(call: Caller, merge_id: str) -> PersonReading:
    """Undo a merge: what came along goes back. Answers the person who lives again; 409 when it cannot be undone."""
    with call.write() as session:
        back = PersonReading.of(unmerge_person(session, parse_key(merge_id, "merge"), actor=call.actor, now=call.now))
    call.publish(topics.WORK, topics.CAMPAIGNS, topics.TAPE)
    return back


@router.get("/{person_id}/merges")
def list_all_merges(call: Caller, person_id: str) -> list[MergeReading]:
    """List the latest 50 merges in which this person stayed or went, the newest first."""
    with call.read() as session:
        found = list_merges(session, parse_key(person_id, "person"), actor=call.actor)
    return [MergeReading.of(one) for one in found]


@router.post("/{person_id}/identities", status_code=201)
def add(call: Caller, person_id: str, body: NewIdentity) -> IdentityReading:
    """Add an address or id; one that the person has already is returned, another person's is a conflict."""
    with call.write() as session:
        added = add_identity(
            session, parse_key(person_id, "person"), body.kind, body.value, use_for_sending=body.is_primary,
            default_region=body.default_region.upper(), actor=call.actor, now=call.now,
        )  # fmt: skip
    return IdentityReading.of(added)


@router.delete("/{person_id}/identities/{identity_id}", status_code=204)
def remove(call: Caller, person_id: str, identity_id: str) -> None:
    """Take an address or id away; the last one stays."""
    with call.write() as session:
        keys = parse_key(person_id, "person"), parse_key(identity_id, "identity")
        remove_identity(session, *keys, actor=call.actor, now=call.now)


def _export(call: Call, person_id: int) -> Iterator[str]:
    with call.read() as session:
        yield from export_person(session, person_id, actor=call.actor)
