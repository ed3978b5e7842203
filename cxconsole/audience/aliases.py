"""All names of a person, and when the person was last seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.audience.recognition import find_people
from cxconsole.driver import Driver
from cxconsole.errors import NotFound
from cxconsole.journey.reading import find_history, find_last_seen, read_names
from models.person import Identity, Person

MOST = 200


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


def list_aliases(session: Session, *, after_id: int = 0, limit: int = 50, actor: Actor) -> list[AliasesView]:
    """Persons with all their names, by id; `after_id` is the last one of the page before."""
    actor.require("persons.read")
    ids = session.exec(
        select(Person.id)
        .where(col(Person.id) > after_id, col(Person.merged_into).is_(None))
        .order_by(col(Person.id))
        .limit(max(1, min(limit, MOST)))
    ).all()
    return _view_all(session, [one for one in ids if one is not None])


def _view_all(session: Session, ids: Sequence[int]) -> list[AliasesView]:
    names = read_names(session, ids)
    borne: dict[int, list[str]] = {}
    for person_id, value in _read_values(session, ids):
        borne.setdefault(person_id, []).append(value)
    return [
        AliasesView(
            person_id=one,
            name=names.get(one),
            aliases=tuple(value for value in borne.get(one, ()) if value != names.get(one)),
            last_seen_at=find_last_seen(Driver(session), find_history(session, one)),
        )
        for one in ids
    ]


def _read_values(session: Session, ids: Sequence[int]) -> Iterable[tuple[int, str]]:
    query = (
        select(Identity.person_id, Identity.value).where(col(Identity.person_id).in_(ids)).order_by(col(Identity.id))
    )
    return session.exec(query).all()


__all__ = ["AliasesView", "get_aliases", "list_aliases"]
