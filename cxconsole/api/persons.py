"""Persons: who they are, and by which addresses they are known."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from cxconsole.api.call import Body, Caller, Listing, Pages, Search, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.audience.identity_changes import add_identity, remove_identity, unite_persons
from cxconsole.audience.people import get_person
from cxconsole.audience.person_changes import list_persons, update_person
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


class NewIdentity(Body):
    """An address or id by which the person is known from now on."""

    kind: str = Field(examples=["email"], description="`email`, `phone` or `customer_id`.")
    value: str = Field(max_length=1000, examples=["ada@customer.example"])
    is_primary: bool = Field(False, description="Use it for sending; the first of a kind is in any case.")
    default_region: str = Field("US", max_length=2, description="The country of a number without a country code.")


class Union(Body):
    """The persons who are one."""

    person_ids: list[str] = Field(min_length=2, max_length=100)


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
    """Make several persons one: the oldest takes over what the others have; it cannot be undone."""
    with call.write() as session:
        keys = [refer("person_ids", one, noun="person") for one in body.person_ids]
        united = PersonReading.of(unite_persons(session, keys, actor=call.actor, now=call.now))
    call.publish(topics.WORK, topics.CAMPAIGNS)
    return united


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
