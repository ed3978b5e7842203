"""Finds the contacts that match a query, in order, by page."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlmodel import Session, col

from cxconsole.campaigns.contact_filter import TEXT_FIELDS, TIME_FIELDS, ContactQuery, filter_clause
from cxconsole.campaigns.delivery_words import DELIVERY_STATES, REACHED
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.paging import COUNT_CAP
from models.comm import CommDelivery
from models.contact import CampaignContact, ContactStatus, HoldReason
from models.person import Channel, Person

CONTACT_SORTS = ("id", *TEXT_FIELDS, *TIME_FIELDS)
"""What lists of contacts can be sorted by; contacts without a value come last, in either direction."""


@dataclass(frozen=True, kw_only=True)
class FoundContacts:
    """Keys of contacts in order, and how many there are in all (see Page)."""

    ids: tuple[int, ...]
    total: int
    total_is_capped: bool


def check_query(query: ContactQuery) -> None:
    """Raise Invalid when a value of the query is none that contacts can have."""
    problems = []
    if query.status and query.status not in list(ContactStatus):
        problems.append(FieldProblem(loc="status", msg=f"A contact's status is one of {', '.join(ContactStatus)}."))
    if query.hold_reason and query.hold_reason not in list(HoldReason):
        problems.append(FieldProblem(loc="hold_reason", msg=f"A hold reason is one of {', '.join(HoldReason)}."))
    for channel, state in query.delivery.items():
        if channel not in list(Channel):
            problems.append(FieldProblem(loc="delivery", msg=f"{channel!r} is no channel."))
        elif state not in DELIVERY_STATES:
            problems.append(
                FieldProblem(loc=f"delivery.{channel}", msg=f"Ask for one of {', '.join(DELIVERY_STATES)}.")
            )
    if problems:
        raise Invalid(problems[0].msg, errors=problems)


def find_contacts(
    session: Session, campaign_id: int, query: ContactQuery, *, sort: str, descending: bool, limit: int, offset: int
) -> FoundContacts:
    """One page of the contacts that match, and their number."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    statement = _matching(campaign_id, query, sqlite=sqlite)
    key = col(CampaignContact.id)
    order: list[Any] = [key.desc() if descending else key.asc()]
    if sort != "id":
        value = (TEXT_FIELDS | TIME_FIELDS)[sort]()
        order.insert(0, (value.desc() if descending else value.asc()).nulls_last())
    ids = session.execute(statement.order_by(*order).limit(limit).offset(offset)).scalars().all()
    total = session.execute(select(func.count()).select_from(statement.limit(COUNT_CAP).subquery())).scalar_one()
    return FoundContacts(ids=tuple(ids), total=total, total_is_capped=total == COUNT_CAP)


def _matching(campaign_id: int, query: ContactQuery, *, sqlite: bool) -> Select[Any]:
    contact = CampaignContact
    conditions: list[ColumnElement[bool]] = [col(contact.campaign_id) == campaign_id]
    if query.source_id is not None:
        conditions.append(col(contact.source_id) == query.source_id)
    if query.status:
        conditions.append(col(contact.status) == query.status)
    if query.hold_reason:
        conditions.append(col(contact.hold_reason) == query.hold_reason)
    for channel, state in query.delivery.items():
        made = [col(CommDelivery.contact_id) == col(contact.id), col(CommDelivery.channel) == channel]
        if state == "none":
            conditions.append(~exists().where(*made))
        else:
            conditions.append(exists().where(*made, REACHED[state]))
    if query.filter is not None:
        conditions.append(filter_clause(query.filter, sqlite=sqlite))
    for word in query.q.lower().split():
        fields = (TEXT_FIELDS[name]() for name in ("name", "email", "phone", "customer_id", "external_ref"))
        conditions.append(or_(*(func.lower(value).contains(word, autoescape=True) for value in fields)))
    return select(col(contact.id)).join(Person, col(Person.id) == col(contact.person_id)).where(and_(*conditions))
