"""All names of a person, and when the person was last seen; names are given and taken away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.audience.identity_changes import drop_identities, note_identities
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.merging import merge_persons
from cxconsole.audience.recognition import Name, add_names, find_anonymous, find_identities, find_people, read_name
from cxconsole.driver import Driver
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.cloud_event import MAX_NAME
from cxconsole.journey.reading import find_last_seen, read_names
from cxconsole.journey.timeline import find_families
from models.person import Identity, Person

MOST = 200
MOST_ALIASES = 100
"""So many names are given or taken away in one call."""


@dataclass(frozen=True, kw_only=True)
class AliasesView:
    """A person by all names: `name` is the best one, `aliases` are the others."""

    person_id: int
    name: str | None
    aliases: tuple[str, ...]
    last_seen_at: datetime | None


def get_aliases(session: Session, name: str, *, actor: Actor) -> AliasesView:
    """The person who bears this name. Raises NotFound."""
    actor.require("persons.read")
    history = find_people(session, [name]).get(name)
    if history is None:
        raise NotFound(f"Nobody is known as {name[:100]!r}.")
    return _view_all(session, [history[0]])[0]


def add_aliases(session: Session, name: str, aliases: Sequence[str], *, actor: Actor, now: datetime) -> AliasesView:
    """Give the person who bears this name further names; one that is borne already stays. All of them, or none.

    A name of an anonymous person brings that one's past along. Raises NotFound, Invalid, and Conflict for a name of
    another person who is known by name.
    """
    actor.require("persons.edit")
    wanted = _read_aliases(aliases)
    lock_identities(session)
    driver = Driver(session)
    owner = _find_owner(driver, name)
    known = find_identities(driver, wanted)
    cluster = {owner, *(one.person_id for one in known.values())}
    named = cluster - find_anonymous(driver, cluster)
    if len(named) > 1:
        stranger = next(one for one in wanted if one in known and known[one].person_id in named - {owner})
        raise Conflict(
            f"{stranger.value!r} belongs to another person, who is known by name (number "
            f"{known[stranger].person_id}). If the two are one, merge them with POST /api/v1/persons/merge or on the "
            "page of the customer; if not, take the name away from that person first."
        )
    stays = next(iter(named), owner)
    merge_persons(session, dict.fromkeys(cluster - {stays}, stays), actor=actor.name, now=now)
    new = [one for one in wanted if one not in known]
    add_names(driver, [(one, stays) for one in new], now=now)
    if new:
        note_identities(session, stays, [one.kind for one in new], actor=actor, now=now)
    session.expire_all()
    return _view_all(session, [stays])[0]


def remove_aliases(session: Session, name: str, aliases: Sequence[str], *, actor: Actor, now: datetime) -> AliasesView:
    """Take names away from the person who bears this one. All of them, or none.

    Raises Invalid, NotFound for a name that is not this person's, Conflict when none would be left.
    """
    actor.require("persons.edit")
    wanted = _read_aliases(aliases)
    lock_identities(session)
    driver = Driver(session)
    owner = _find_owner(driver, name)
    borne = find_identities(driver, wanted)
    for one in wanted:
        if one not in borne or borne[one].person_id != owner:
            raise NotFound(f"{one.value!r} is no name of this person.")
    drop_identities(session, owner, [one.identity_id for one in borne.values()], actor=actor, now=now)
    return _view_all(session, [owner])[0]


def forget_names(session: Session, name: str, *, actor: Actor, now: datetime) -> int:
    """Take all names away from the person who bears this one; how many there were. Raises NotFound.

    What happened stays on the Tape, under nobody's name; who comes again under one of the names is new.
    """
    actor.require("persons.edit")
    lock_identities(session)
    owner = _find_owner(Driver(session), name)
    ids = session.exec(select(Identity.id).where(col(Identity.person_id) == owner)).all()
    drop_identities(session, owner, [one for one in ids if one], keep_one=False, actor=actor, now=now)
    return len(ids)


def list_aliases(session: Session, *, after_id: int = 0, limit: int = 50, actor: Actor) -> list[AliasesView]:
    """Persons who have any, with all their names, by id; `after_id` is the last one of the page before."""
    actor.require("persons.read")
    ids = session.exec(
        select(Person.id)
        .where(
            col(Person.id) > after_id,
            col(Person.merged_into).is_(None),
            exists().where(col(Identity.person_id) == col(Person.id)),
        )
        .order_by(col(Person.id))
        .limit(max(1, min(limit, MOST)))
    ).all()
    return _view_all(session, [one for one in ids if one is not None])


def _find_owner(driver: Driver, name: str) -> int:
    found = find_identities(driver, [read_name(name)])
    if not found:
        raise NotFound(f"Nobody is known as {name[:100]!r}.")
    return next(iter(found.values())).person_id


def _read_aliases(given: Sequence[str]) -> list[Name]:
    if not 1 <= len(given) <= MOST_ALIASES:
        raise Invalid.field("aliases", f"Send 1 to {MOST_ALIASES} names.")
    texts = [one.strip() for one in given]
    for at, one in enumerate(texts):
        if not one or len(one) > MAX_NAME or not one.isprintable():
            raise Invalid.field(f"aliases[{at}]", f"A name has 1 to {MAX_NAME} printable characters.")
    return list(dict.fromkeys(read_name(one) for one in texts))


def _view_all(session: Session, ids: Sequence[int]) -> list[AliasesView]:
    names = read_names(session, ids)
    families = find_families(session, ids)
    seen = find_last_seen(Driver(session), [one for family in families.values() for one in family])
    borne: dict[int, list[str]] = {}
    for person_id, value in _read_values(session, ids):
        borne.setdefault(person_id, []).append(value)
    return [
        AliasesView(
            person_id=one,
            name=names.get(one),
            aliases=tuple(value for value in borne.get(one, ()) if value != names.get(one)),
            last_seen_at=max((seen[key] for key in families[one] if key in seen), default=None),
        )
        for one in ids
    ]


def _read_values(session: Session, ids: Sequence[int]) -> Iterable[tuple[int, str]]:
    query = (
        select(Identity.person_id, Identity.value).where(col(Identity.person_id).in_(ids)).order_by(col(Identity.id))
    )
    return session.exec(query).all()


__all__ = ["AliasesView", "add_aliases", "forget_names", "get_aliases", "list_aliases", "remove_aliases"]
