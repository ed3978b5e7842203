"""Persons by page, and changing what is known of one."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.people import PersonView, lock_person, view_persons
from cxconsole.audience.problems import Problem
from cxconsole.audience.rows import KNOWN_COLUMNS, PERSON_COLUMNS, read_value
from cxconsole.audience.search import find_person_ids, is_one_of, is_sqlite, queue_persons, split_words
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.journey.tape import append_event
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page, parse_sort
from models.event import EventType
from models.person import Person

PERSON_SORTS: dict[str, Any] = {
    "id": col(Person.id), "first_name": col(Person.first_name), "last_name": col(Person.last_name),
}  # fmt: skip
LONGEST_ATTRIBUTES = 100_000
_LONGEST_NAME = 200


def list_persons(
    session: Session, *, actor: Actor, q: str = "", sort: str = "id", limit: int = 50, offset: int = 0
) -> Page[PersonView]:
    """Persons by page, without those who were merged into others; counts end at 10,001.

    Every word of `q` is found somewhere in a name, address, id or attribute.
    """
    actor.require("persons.read")
    check_range(limit, offset)
    field, descending = parse_sort(sort, PERSON_SORTS)
    where: list[ColumnElement[bool]] = [col(Person.merged_into).is_(None), col(Person.erased_at).is_(None)]
    if words := split_words(q):
        found = find_person_ids(session, words, limit=COUNT_CAP)
        where.append(is_one_of(col(Person.id), found, sqlite=is_sqlite(session)))
    counted = select(col(Person.id)).where(*where).limit(COUNT_CAP).subquery()
    total = session.execute(select(func.count()).select_from(counted)).scalar_one()
    value, key = PERSON_SORTS[field], col(Person.id)
    order = (value.desc().nulls_last(), key.desc()) if descending else (value.asc().nulls_last(), key.asc())
    statement = select(Person).where(*where).order_by(*order).limit(limit).offset(offset)
    items = view_persons(session, session.execute(statement).scalars().all())
    return make_page(items, total=total, limit=limit, offset=offset, total_is_capped=total >= COUNT_CAP)


def update_person(
    session: Session, person_id: int, changes: Mapping[str, Any], *, actor: Actor, now: datetime
) -> PersonView:
    """Change what is named: columns of a person, and `attributes`, of which null takes one away.

    Raises Invalid with a problem for each bad field, Conflict for a person who was merged into another.
    """
    actor.require("persons.edit")
    person = lock_person(session, person_id)
    values, problems = _read_columns(changes)
    attributes = _read_attributes(person, changes.get("attributes"), problems) if "attributes" in changes else None
    if problems:
        raise Invalid(f"{len(problems)} fields need a look." if problems[1:] else problems[0].msg, errors=problems)
    changed = [name for name, value in values.items() if getattr(person, name) != value]
    for name in changed:
        setattr(person, name, values[name])
    if attributes is not None and attributes != person.attributes:
        person.attributes = attributes
        changed.append("attributes")
    if changed:
        person.updated_at = now
        session.add(person)
        queue_persons(session, (person_id,))
        append_event(
            session, EventType.PERSON_CHANGED, now=now, actor=actor.name, person_id=person_id, data={"fields": changed}
        )
        session.flush()
    return view_persons(session, [person])[0]


def _read_columns(changes: Mapping[str, Any]) -> tuple[dict[str, str | None], list[FieldProblem]]:
    values: dict[str, str | None] = {}
    problems: list[FieldProblem] = []
    for name, raw in changes.items():
        if name == "attributes":
            continue
        if name not in PERSON_COLUMNS:
            problems.append(FieldProblem(loc=name, msg="This field is not known."))
        elif raw is None or (isinstance(raw, str) and not raw.strip()):
            values[name] = None
        elif not isinstance(raw, str):
            problems.append(FieldProblem(loc=name, msg="Send a JSON string."))
        else:
            value = read_value(name, raw.strip(), region="US")
            if isinstance(value, Problem):
                problems.append(FieldProblem(loc=name, msg=f"{value.reason}. {value.remedy}."))
            else:
                values[name] = value
    return values, problems


def _read_attributes(person: Person, given: Any, problems: list[FieldProblem]) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        problems.append(FieldProblem(loc="attributes", msg="Send an object of names and values."))
        return None
    bad = [name for name in given if name in KNOWN_COLUMNS or not name.strip() or len(name) > _LONGEST_NAME]
    msg = "An attribute cannot have this name."
    problems += [FieldProblem(loc=f"attributes.{name}"[:200], msg=msg) for name in bad]
    merged = {**person.attributes, **given}
    merged = {name: value for name, value in merged.items() if value is not None}
    if len(json.dumps(merged)) > LONGEST_ATTRIBUTES:
        problems.append(FieldProblem(loc="attributes", msg=f"At most {LONGEST_ATTRIBUTES:,} characters in all."))
    return merged
