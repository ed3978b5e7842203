"""Customers of the demo world of whom a system says that they are one, so that there is something to decide."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from cxconsole.audience.identity_conflicts import Claimed, note_conflicts
from cxconsole.demo.people import DemoPerson
from models.person import Identity, IdentityKind

SOURCE = "crm.example"
_PAIRS = 3


def write_conflicts(session: Session, persons: Sequence[tuple[int, DemoPerson]], now: datetime) -> None:
    """A few pairs who share a last name: somebody gave the address of the second one to the first."""
    waiting: dict[str, int] = {}
    pairs: dict[str, tuple[int, int]] = {}
    for person_id, person in persons:
        if person.email is None or len(pairs) == _PAIRS:
            continue
        first = waiting.pop(person.last_name, None)
        if first is None:
            waiting[person.last_name] = person_id
        else:
            pairs[person.email] = (first, person_id)
    found = session.exec(
        select(Identity.value, Identity.id).where(
            col(Identity.kind) == IdentityKind.EMAIL, col(Identity.value).in_(list(pairs))
        )
    ).all()
    claims = [Claimed(*pairs[email], key or 0, SOURCE) for email, key in found]
    note_conflicts(session, claims, now=now)
