"""Finds a person by whatever is known of them: any identity, in any writing, or else a name."""

import re
from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.emails import normalise_email
from cxconsole.audience.people import PersonHit, person_name, search_people
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.problems import Problem
from models.person import Identity, IdentityKind, Person

_LONGEST = 300
_NUMBER = re.compile(r"[+(0-9][0-9\s().\-/]{4,}", re.ASCII)
_NO_DIGIT = re.compile(r"\D", re.ASCII)
_LEAST_DIGITS = 5


def find_person(session: Session, text: str, *, actor: Actor, limit: int = 20) -> tuple[PersonHit, ...]:
    """Whose identity this is, otherwise who has every word of it somewhere; the oldest first, at most `limit`.

    An identity that is met exactly leaves no doubt, so then only its person is told. A telephone number may be
    written as people write it, also without the country or with the + lost on the way through an address bar.
    """
    actor.require("persons.read")
    text = text.replace("\x00", "")[:_LONGEST].strip()
    if not text:
        return ()
    exact = _by_identity(session, text)
    if exact:
        return exact[:limit]
    found = search_people(session, text, limit, actor=actor)
    if not found and _NUMBER.fullmatch(text):
        digits = _NO_DIGIT.sub("", text).lstrip("0")  # 0701442108 is +46701442108: the end is the same
        if len(digits) >= _LEAST_DIGITS:
            found = search_people(session, digits, limit, actor=actor)
    return tuple(found)


def _by_identity(session: Session, text: str) -> tuple[PersonHit, ...]:
    rows = session.execute(
        select(col(Person.id), col(Person.first_name), col(Person.last_name), col(Identity.value))
        .join(Identity, col(Identity.person_id) == col(Person.id))
        .where(col(Identity.kind).in_(list(IdentityKind)), col(Identity.value).in_(sorted(set(_writings(text)))))
        .order_by(col(Person.id))
    ).all()
    hits = {row[0]: PersonHit(id=row[0], name=person_name(row[1], row[2]), hint=row[3]) for row in rows}
    return tuple(hits.values())


def _writings(text: str) -> Iterable[str]:
    """The text as an identity may be stored."""
    yield text
    if "@" in text:
        address = normalise_email(text)
        if not isinstance(address, Problem):
            yield address
            yield address.lower()
    if _NUMBER.fullmatch(text):
        abroad = text.removeprefix("00") if text.startswith("00") else text
        for raw in (text, abroad if abroad[0] in "+(0" else f"+{abroad}"):
            number = normalise_phone(raw, "US")
            if not isinstance(number, Problem):
                yield number
