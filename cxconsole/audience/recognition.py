"""Who an event is about: names in, persons out, a batch at a time.

A name says by its looks what it is: an e-mail address, an E.164 phone number, `anon-<uuid>` for a browser that nobody
has named yet, and a customer id otherwise. A name that nobody bears makes a new person. `previously` joins: a new
name goes to whom the other one belongs, and an anonymous person is merged into the one who proved to be behind it.
Two persons who are both known by name are never merged by an event: that is a conflict for a person to decide.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlmodel import Session

from cxconsole.audience.emails import normalise_email
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
        _Joining(session, driver, known, actor, now).settle(dict.fromkeys([*names, *wanted]), apart)
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
        for value, person_id, identity_id in driver.run(sql, dump(values), kind):
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


@dataclass
class _Joining:
    """A batch in which somebody is new or two prove to be one. Persons yet to be made have numbers below zero."""

    session: Session
    driver: Driver
    known: dict[Name, Recognised]
    actor: str
    now: datetime
    owner: dict[Name, int] = field(default_factory=dict)
    goes_to: dict[int, int] = field(default_factory=dict)
    anonymous: set[int] = field(default_factory=set)
    conflicts: list[tuple[int, int, int, str]] = field(default_factory=list)

    def settle(self, names: Iterable[Name], links: Sequence[Link]) -> None:
        """Decide who is who, then write it."""
        self.owner = {name: one.person_id for name, one in self.known.items()}
        new = [name for name in names if name not in self.known]
        for at, name in enumerate(new):
            self.owner[name] = -1 - at
        self._find_anonymous(links)
        for link in links:
            self._join(link)
        self._write(new)

    def _find_anonymous(self, links: Sequence[Link]) -> None:
        linked = {name for link in links for name in link[:2]}
        persons = sorted({self.owner[name] for name in linked if name in self.known})
        found = self.driver.run(
            f"SELECT person_id FROM identity WHERE person_id {self.driver.among_ids} "  # noqa: S608
            "GROUP BY person_id HAVING min(kind) = 'temporary_id' AND max(kind) = 'temporary_id'",
            persons,
        )
        self.anonymous = {row[0] for row in found}
        self.anonymous |= {
            self.owner[name] for name in linked - self.known.keys() if name.kind == IdentityKind.TEMPORARY_ID
        }

    def _join(self, link: Link) -> None:
        mine, theirs = self._person(link.name), self._person(link.other)
        if mine == theirs:
            return
        if mine > 0 and theirs > 0 and not {mine, theirs} & self.anonymous:
            self.conflicts.append((mine, theirs, self.known[link.other].identity_id, link.source))
            return
        # who has a past stays; of two of a kind the one whom the event is about
        stays, goes = (mine, theirs) if self._rank(mine) >= self._rank(theirs) else (theirs, mine)
        self.goes_to[goes] = stays
        if goes not in self.anonymous:
            self.anonymous.discard(stays)

    def _rank(self, person: int) -> tuple[bool, bool]:
        return person > 0, person not in self.anonymous

    def _person(self, name: Name) -> int:
        return self._final(self.owner[name])

    def _final(self, person: int) -> int:
        while person in self.goes_to:
            person = self.goes_to[person]
        return person

    def _write(self, new: Sequence[Name]) -> None:
        made = self._make_persons(sorted({person for name in new if (person := self._person(name)) < 0}, reverse=True))
        moves = {goes: self._final(goes) for goes in self.goes_to if goes > 0}
        merge_persons(self.session, moves, actor=self.actor, now=self.now)
        bearers = [(name, made.get(person := self._person(name), person)) for name in new]
        self._add_identities(bearers, set(made.values()))
        self._note_conflicts()

    def _make_persons(self, wanted: Sequence[int]) -> dict[int, int]:
        """Persons without anything but an id, one for each number below zero: number -> id."""
        if not wanted:
            return {}
        at = self.driver.bind(self.now)
        ids = self.driver.reserve_ids("person", len(wanted))
        columns = ("id", "attributes", "consents", "labels", "is_demo", "created_at", "updated_at")
        self.driver.insert("person", columns, [(one, "{}", "{}", "[]", False, at, at) for one in ids])
        append_rows(
            self.session,
            [(EventType.PERSON_CREATED, one, None, None, None, {}) for one in ids],
            now=self.now,
            actor=self.actor,
        )
        return dict(zip(wanted, ids, strict=True))

    def _add_identities(self, bearers: Sequence[tuple[Name, int]], made: set[int]) -> None:
        if not bearers:
            return
        at = self.driver.bind(self.now)
        grown = sorted({person for _, person in bearers} - made)
        in_use = self.driver.run(
            f"SELECT person_id, kind FROM identity WHERE person_id {self.driver.among_ids} AND is_primary",  # noqa: S608
            grown,
        )
        primary = {(person, kind) for person, kind in in_use}
        rows = []
        for name, person in bearers:
            rows.append((person, name.kind, name.value, (person, name.kind) not in primary, at))
            primary.add((person, name.kind))
        self.driver.insert("identity", ("person_id", "kind", "value", "is_primary", "created_at"), rows)
        changed = sorted({person for _, person in bearers})
        self.driver.insert("person_search_queue", ("person_id",), [(person,) for person in changed])

    def _note_conflicts(self) -> None:
        at = self.driver.bind(self.now)
        self.driver.run_many(
            "INSERT INTO identity_conflict (person_id, other_person_id, identity_id, source, seen_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (person_id, other_person_id) WHERE decided_at IS NULL DO NOTHING",
            [(*conflict, at) for conflict in self.conflicts],
        )


__all__ = ["Name", "find_identities", "find_people", "read_name", "recognise"]
