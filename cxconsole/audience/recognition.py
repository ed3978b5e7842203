"""Who an event is about: names in, persons out, a batch at a time.

A name says by its looks what it is: an e-mail address, an E.164 phone number, `anon-<uuid>` for a browser that nobody
has named yet, and a customer id otherwise. A name that nobody bears makes a new person. `previously` joins: a new
name goes to whom the other one belongs, and an anonymous person is merged into the one who proved to be behind it.
Two persons who are both known by name are never merged by an event: that is a conflict for a person to decide.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from sqlmodel import Session

from cxconsole.audience.emails import normalise_email
from cxconsole.audience.identity_conflicts import Claimed, note_conflicts
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.merging import merge_persons
from cxconsole.driver import Driver, dump
from cxconsole.journey.reading import find_history
from cxconsole.journey.recording import Named, Recognised
from cxconsole.journey.tape import append_rows
from models.event import EventType
from models.person import IdentityKind

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_ANONYMOUS = re.compile(r"anon-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Name(NamedTuple):
    """An identity that may or may not exist."""

    kind: str
    value: str


@lru_cache(maxsize=20_000)
def read_name(text: str) -> Name:
    """What a name is by its looks, in the form in which it is stored."""
    if "@" in text:
        email = normalise_email(text)
        if isinstance(email, str):
            return Name(IdentityKind.EMAIL.value, email)
    if _PHONE.fullmatch(text):
        return Name(IdentityKind.PHONE.value, text)
    if _ANONYMOUS.fullmatch(text):
        return Name(IdentityKind.TEMPORARY_ID.value, text.lower())
    return Name(IdentityKind.CUSTOMER_ID.value, text)


def recognise(session: Session, named: Sequence[Named], *, actor: str, now: datetime) -> list[Recognised]:
    """The person and identity of each; makes, joins and merges persons as the batch tells."""
    driver = Driver(session)
    names = [read_name(one.person) for one in named]
    links = [
        Link(name, read_name(one.previously), one.source)
        for name, one in zip(names, named, strict=True)
        if one.previously is not None
    ]
    wanted = {*names, *(link.other for link in links)}
    known = find_identities(driver, wanted)
    apart = [
        link for link in links if link.other not in known or known.get(link.name, _NOBODY)[0] != known[link.other][0]
    ]
    if len(known) < len(wanted) or apart:
        lock_identities(session)
        known = find_identities(driver, wanted)  # somebody may have been quicker
        joining = Joining(driver, known)
        joining.decide(dict.fromkeys([*names, *wanted]), apart)
        joining.write(session, actor=actor, now=now)
        known = find_identities(driver, wanted)
    return [known[name] for name in names]


def find_identities(driver: Driver, names: Iterable[Name]) -> dict[Name, Recognised]:
    """Those of the names that somebody bears."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in names:
        by_kind.setdefault(kind, []).append(value)
    found: dict[Name, Recognised] = {}
    sql = _SQLITE if driver.sqlite else _POSTGRESQL
    for kind, values in by_kind.items():
        for value, person_id, identity_id in driver.fetch(3, sql, dump(values), kind):
            found[Name(kind, value)] = Recognised(person_id, identity_id)
    return found


# The names come first and each is looked up in the index: the planner cannot know how few they are.
_SQLITE = (
    "SELECT i.value, i.person_id, i.id FROM json_each(?) AS n CROSS JOIN identity AS i "
    "WHERE i.kind = ? AND i.value = n.value"
)
_POSTGRESQL = (
    "SELECT n.value, i.person_id, i.id FROM json_array_elements_text(?::json) AS n (value) CROSS JOIN LATERAL "
    "(SELECT person_id, id FROM identity WHERE kind = ? AND value = n.value LIMIT 1) AS i"
)


def find_anonymous(driver: Driver, person_ids: Iterable[int]) -> set[int]:
    """Those of the persons who are known by `temporary_id`s alone."""
    found = driver.run(
        f"SELECT person_id FROM identity WHERE person_id {driver.among_ids} "  # noqa: S608
        "GROUP BY person_id HAVING min(kind) = 'temporary_id' AND max(kind) = 'temporary_id'",
        sorted(person_ids),
    )
    return {row[0] for row in found}


def add_names(
    driver: Driver, bearers: Sequence[tuple[Name, int]], *, made: Collection[int] = (), now: datetime
) -> None:
    """Give each name, which nobody bears, to its person; who was `made` just now has none yet."""
    if not bearers:
        return
    at = driver.bind(now)
    grown = sorted({person for _, person in bearers}.difference(made))
    in_use = driver.run(
        f"SELECT person_id, kind FROM identity WHERE person_id {driver.among_ids} AND is_primary",  # noqa: S608
        grown,
    )
    primary = {(person, kind) for person, kind in in_use}
    rows = []
    for name, person in bearers:
        rows.append((person, name.kind, name.value, (person, name.kind) not in primary, at))
        primary.add((person, name.kind))
    driver.insert("identity", ("person_id", "kind", "value", "is_primary", "created_at"), rows)
    changed = sorted({person for _, person in bearers})
    driver.insert("person_search_queue", ("person_ids",), [(dump(changed),)])


def find_people(session: Session, names: Iterable[str]) -> dict[str, list[int]]:
    """For each name that somebody bears, all ids under which that person has events."""
    read = {text: read_name(text) for text in names}
    known = find_identities(Driver(session), read.values()) if read else {}
    return {text: find_history(session, known[name].person_id) for text, name in read.items() if name in known}


class Link(NamedTuple):
    """An event said that these two are one person."""

    name: Name
    other: Name
    source: str


_NOBODY = Recognised(0, 0)


class Joined(StrEnum):
    """What became of a link."""

    KNOWN = "known"  # the two were one already
    ADDED = "added"  # a new name of somebody who is known, or of somebody new
    MERGED = "merged"  # an anonymous past was merged into who was behind it
    CONFLICT = "conflict"  # two who are known by name; a person decides


class _Claim(NamedTuple):
    """Two persons who are both known by name, and the name of the second one that was given to the first."""

    person: int
    other: int
    name: Name
    source: str


@dataclass
class Joining:
    """A batch in which somebody is new or two prove to be one. Persons yet to be made have numbers below zero."""

    driver: Driver
    known: Mapping[Name, Recognised]
    owner: dict[Name, int] = field(default_factory=dict)
    goes_to: dict[int, int] = field(default_factory=dict)
    anonymous: set[int] = field(default_factory=set)
    claims: list[_Claim] = field(default_factory=list)
    new: list[Name] = field(default_factory=list)

    def decide(self, names: Iterable[Name], links: Sequence[Link]) -> list[Joined]:
        """Decide who is who; what becomes of each link. Nothing is written."""
        self.owner = {name: one.person_id for name, one in self.known.items()}
        self.new = [name for name in names if name not in self.known]
        for at, name in enumerate(self.new):
            self.owner[name] = -1 - at
        self._find_anonymous(links)
        return [self._join(link) for link in links]

    def write(self, session: Session, *, actor: str, now: datetime) -> dict[int, list[str]]:
        """Write what was decided; who was known and has new names now, with their kinds. Before, lock the identities.

        That names came says the event that brought them; who has none writes `person.changed`.
        """
        wanted = sorted({person for name in self.new if (person := self._person(name)) < 0}, reverse=True)
        made = dict(zip(wanted, make_persons(session, len(wanted), actor=actor, now=now), strict=True))
        moves = {goes: self._final(goes) for goes in self.goes_to if goes > 0}
        merge_persons(session, moves, actor=actor, now=now)
        bearers = [(name, made.get(person := self._person(name), person)) for name in self.new]
        born = set(made.values())
        add_names(self.driver, bearers, made=born, now=now)
        if self.claims:
            borne = find_identities(self.driver, {claim.name for claim in self.claims})
            note_conflicts(
                session,
                [
                    Claimed(self._final(one.person), self._final(one.other), borne[one.name].identity_id, one.source)
                    for one in self.claims
                ],
                now=now,
            )
        grown: dict[int, list[str]] = {}
        for name, person in bearers:
            if person not in born:
                grown.setdefault(person, []).append(name.kind)
        return grown

    def _find_anonymous(self, links: Sequence[Link]) -> None:
        linked = {name for link in links for name in link[:2]}
        self.anonymous = find_anonymous(self.driver, {self.owner[name] for name in linked if name in self.known})
        self.anonymous |= {
            self.owner[name] for name in linked - self.known.keys() if name.kind == IdentityKind.TEMPORARY_ID
        }

    def _join(self, link: Link) -> Joined:
        mine, theirs = self._person(link.name), self._person(link.other)
        if mine == theirs:
            return Joined.KNOWN
        if mine > 0 and theirs > 0 and not {mine, theirs} & self.anonymous:
            self.claims.append(_Claim(mine, theirs, link.other, link.source))
            return Joined.CONFLICT
        # who has a past stays; of two of a kind the one whom the event is about
        stays, goes = (mine, theirs) if self._rank(mine) >= self._rank(theirs) else (theirs, mine)
        self.goes_to[goes] = stays
        if goes not in self.anonymous:
            self.anonymous.discard(stays)
        return Joined.MERGED if goes > 0 else Joined.ADDED

    def _rank(self, person: int) -> tuple[bool, bool]:
        return person > 0, person not in self.anonymous

    def _person(self, name: Name) -> int:
        return self._final(self.owner[name])

    def _final(self, person: int) -> int:
        while person in self.goes_to:
            person = self.goes_to[person]
        return person


def make_persons(session: Session, count: int, *, actor: str, now: datetime) -> list[int]:
    """So many persons without anything but an id; their ids."""
    if not count:
        return []
    driver = Driver(session)
    at, ids = driver.bind(now), driver.reserve_ids("person", count)
    columns = ("id", "attributes", "consents", "labels", "is_demo", "created_at", "updated_at")
    driver.insert("person", columns, [(one, "{}", "{}", "[]", False, at, at) for one in ids])
    append_rows(session, [(EventType.PERSON_CREATED, one, None, None, None, {}) for one in ids], now=now, actor=actor)
    return ids


__all__ = [
    "Joined", "Joining", "Link", "Name", "add_names", "find_anonymous", "find_identities", "find_people",
    "make_persons", "read_name", "recognise",
]  # fmt: skip
