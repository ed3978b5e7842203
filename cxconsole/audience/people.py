"""One person, and finding people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, literal, or_, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.search import find_person_ids, search_fold, split_words
from cxconsole.errors import Conflict, NotFound
from models.campaign import Campaign, campaign_code
from models.person import Identity, IdentityKind, Person

_LOOKED_AT = 1_000
_HINT_RANK = {IdentityKind.EMAIL: 3, IdentityKind.PHONE: 2, IdentityKind.CUSTOMER_ID: 1}


@dataclass(frozen=True, kw_only=True)
class IdentityView:
    """One address or name of a person."""

    id: int
    kind: str
    value: str
    is_primary: bool


@dataclass(frozen=True, kw_only=True)
class PersonView:
    """A person with all identities."""

    id: int
    name: str
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    preferred_channel: str | None
    external_ref: str | None
    attributes: dict[str, Any]
    consents: dict[str, Any]
    labels: tuple[str, ...]
    identities: tuple[IdentityView, ...]
    merged_into: int | None
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None

    @property
    def called(self) -> str:
        """What to call this one: the name, else the first address or id."""
        known = self.name or next((one.value for one in self.identities), "")
        return known or f"{'Erased person' if self.erased_at else 'Person'} {self.id}"

    def primary(self, kind: str) -> str | None:
        """The identity of this kind that is used for sending."""
        return next((one.value for one in self.identities if one.kind == kind and one.is_primary), None)


@dataclass(frozen=True, kw_only=True)
class PersonHit:
    """A person in a list of search results. `hint` is the address or number that tells namesakes apart."""

    id: int
    name: str
    hint: str


def get_person(session: Session, person_id: int, *, actor: Actor) -> PersonView:
    """One person in full; a merged one is shown with `merged_into` set. Raises NotFound."""
    actor.require("persons.read")
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    return view_persons(session, [person])[0]


def view_persons(session: Session, persons: Sequence[Person]) -> list[PersonView]:
    """Rows as they are shown, with their identities."""
    identities: dict[int, list[IdentityView]] = {}
    rows = session.execute(
        select(Identity)
        .where(col(Identity.person_id).in_([one.id for one in persons]))
        .order_by(col(Identity.kind), col(Identity.is_primary).desc(), col(Identity.id))
    ).scalars()
    for one in rows:
        view = IdentityView(id=one.id or 0, kind=one.kind, value=one.value, is_primary=one.is_primary)
        identities.setdefault(one.person_id, []).append(view)
    return [
        PersonView(
            id=one.id or 0, name=person_name(one.first_name, one.last_name), first_name=one.first_name,
            last_name=one.last_name, language=one.language, time_zone=one.time_zone,
            preferred_channel=one.preferred_channel, external_ref=one.external_ref, attributes=dict(one.attributes),
            consents=dict(one.consents), labels=tuple(one.labels), identities=tuple(identities.get(one.id or 0, ())),
            merged_into=one.merged_into, created_at=one.created_at, updated_at=one.updated_at, erased_at=one.erased_at,
        )
        for one in persons
    ]  # fmt: skip


def find_present(session: Session, person_id: int) -> Person | None:
    """The person; of one that was merged into another, the one who stayed."""
    person = session.get(Person, person_id)
    while person is not None and person.merged_into is not None:
        person = session.get(Person, person.merged_into)
    return person


def lock_person(session: Session, person_id: int) -> Person:
    """The row of a person who is to be changed. Raises NotFound, and Conflict for one who was merged into another."""
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    if person.merged_into is not None:
        raise Conflict(f"This person was merged into {person.merged_into}. Change that one.")
    if person.erased_at is not None:
        raise Conflict("This person was erased. Nothing can be added.")
    return person


def person_name(first_name: str | None, last_name: str | None) -> str:
    """The name as people write it; empty when there is none."""
    return " ".join(part for part in (first_name, last_name) if part)


@dataclass(frozen=True, kw_only=True)
class CampaignHit:
    """A campaign in a list of search results."""

    id: int
    code: str
    name: str
    state: str


@dataclass(frozen=True, kw_only=True)
class SearchHits:
    """What the search of the top bar found."""

    people: tuple[PersonHit, ...]
    campaigns: tuple[CampaignHit, ...]


def search_everything(session: Session, q: str, limit: int = 8, *, actor: Actor) -> SearchHits:
    """People and campaigns for the top bar, at most `limit` of each; of what the actor may not read, none."""
    words = q.lower().split()
    if not words:
        return SearchHits(people=(), campaigns=())
    people = search_people(session, q, limit, actor=actor) if actor.may("persons.read") else []
    campaigns = _search_campaigns(session, words, limit) if actor.may("campaigns.read") else []
    return SearchHits(people=tuple(people), campaigns=tuple(campaigns))


def _search_campaigns(session: Session, words: list[str], limit: int) -> list[CampaignHit]:
    code = literal("cmp-") + cast(col(Campaign.id), String)
    name = func.lower(col(Campaign.name))
    found = session.execute(
        select(col(Campaign.id), col(Campaign.name), col(Campaign.state))
        .where(*(or_(name.contains(word, autoescape=True), code.contains(word, autoescape=True)) for word in words))
        .order_by(col(Campaign.last_activity_at).desc().nulls_last(), col(Campaign.id).desc())
        .limit(limit)
    ).all()
    return [CampaignHit(id=row.id, code=campaign_code(row.id), name=row.name, state=row.state) for row in found]


def search_people(session: Session, q: str, limit: int = 20, *, actor: Actor) -> list[PersonHit]:
    """People who have every word of `q` somewhere in a name, address, id or attribute; the oldest first."""
    actor.require("persons.read")
    words = split_words(q)
    ids = sorted(find_person_ids(session, words, limit=_LOOKED_AT))[:limit]
    rows = session.execute(
        select(col(Person.id), col(Person.first_name), col(Person.last_name)).where(col(Person.id).in_(ids))
    ).all()
    hints = _read_hints(session, ids, words)
    names = {row[0]: person_name(row[1], row[2]) for row in rows}
    return [PersonHit(id=key, name=names[key], hint=hints.get(key, "")) for key in ids if key in names]


def _read_hints(session: Session, ids: list[int], words: tuple[str, ...]) -> dict[int, str]:
    """An address of each: one that holds a word of the search, else the one that is used for sending."""
    rows = session.execute(
        select(col(Identity.person_id), col(Identity.kind), col(Identity.value), col(Identity.is_primary)).where(
            col(Identity.person_id).in_(ids)
        )
    ).all()
    best: dict[int, tuple[bool, bool, int, str]] = {}
    for person_id, kind, value, is_primary in rows:
        found = any(word in search_fold(value) for word in words)
        rank = (found, is_primary, _HINT_RANK.get(kind, 0), value)
        best[person_id] = max(best.get(person_id, rank), rank)
    return {person_id: rank[-1] for person_id, rank in best.items()}
