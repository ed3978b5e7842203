"""The orders in which contacts can be walked without sorting them: each follows an index.

A walk is a list of stretches, one after the other; contacts without a value are the last stretch,
in either direction. Reading a page costs what is passed on the way to it, however many contacts there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select, union, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.selectable import Join
from sqlmodel import col

from cxconsole.campaigns.contact_filter import ContactQuery, needs_person
from cxconsole.campaigns.delivery_words import LEFT, REACHED
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from models.person import Identity, IdentityKind, Person

Conditions = Sequence[ColumnElement[bool]]


class OrderedJoin(Join):
    """A join whose left side is walked first. SQLite takes the order of a CROSS JOIN as said."""

    inherit_cache = True


@compiles(OrderedJoin, "sqlite")
def _compile_sqlite(element: OrderedJoin, compiler: Any, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause, **(options | {'asfrom': False}))}"


@compiles(OrderedJoin)
def _compile(element: OrderedJoin, compiler: Any, **options: Any) -> str:
    return compiler.visit_join(element, **options)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a walk. `build(conditions, reach)` selects contact ids in order, at least the first `reach`.

    `conditions` may speak of CampaignContact, and of Person when `build` was made with it.
    """

    build: Callable[[Conditions, int], Select[Any]]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """All stretches of an order."""

    stretches: tuple[Stretch, ...]


_ID = col(CampaignContact.id)
_ADDRESS_KINDS = {
    "email": IdentityKind.EMAIL,
    "phone": IdentityKind.PHONE,
    "customer_id": IdentityKind.CUSTOMER_ID,
}
_PERSON_ORDERS: dict[str, tuple[Any, ...]] = {
    "name": (col(Person.last_name), col(Person.first_name)),
    "last_name": (col(Person.last_name), col(Person.first_name)),
    "first_name": (col(Person.first_name),),
    "language": (col(Person.language),),
}
_CONTACT_ORDERS: dict[str, Any] = {
    "last_activity_at": col(CampaignContact.last_activity_at),
    "reason": col(CampaignContact.reason),
}
_DELIVERY_RUNS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "sent": tuple(col(CommDelivery.state) == state for state in LEFT),
    "delivered": (col(CommDelivery.state) == DeliveryState.DELIVERED.value,),
    "bounced": (col(CommDelivery.state) == DeliveryState.BOUNCED.value,),
    "failed": (col(CommDelivery.state) == DeliveryState.ERROR.value,),
    "opened": (REACHED["opened"],),
    "clicked": (REACHED["clicked"],),
    "unsubscribed": (REACHED["unsubscribed"],),
}
"""Each condition is one run of an index that has its contacts in order."""


def in_campaign(campaign_id: int, *, indexed: bool = True) -> ColumnElement[bool]:
    """Contacts of the campaign; without `indexed`, another condition must have the better index."""
    return (col(CampaignContact.campaign_id) if indexed else col(CampaignContact.campaign_id) + 0) == campaign_id


def make_walk(
    campaign_id: int, query: ContactQuery, sort: str, *, descending: bool, source_ids: Sequence[int]
) -> Walk | None:
    """The walk for this sort; None when no index has that order. `source_ids` are the campaign's, by name."""
    with_person = needs_person(query.filter)
    by_source = query.source_id is not None

    def way(expression: Any) -> Any:
        return expression.desc() if descending else expression.asc()

    def contacts(*wheres: ColumnElement[bool], order: Sequence[Any] = (), by_source: bool = by_source) -> Stretch:
        def build(conditions: Conditions, reach: int) -> Any:
            del reach
            statement = select(_ID).where(in_campaign(campaign_id, indexed=not by_source), *wheres, *conditions)
            if with_person:
                statement = statement.join(Person, col(Person.id) == col(CampaignContact.person_id))
            return statement.order_by(*(way(one) for one in order), way(_ID))

        return Stretch(build=build)

    if sort in ("id", "created_at"):  # ids are given in the order of creation
        return Walk(stretches=(delivery_stretch(campaign_id, query, descending=descending) or contacts(),))
    if sort == "status":
        return Walk(stretches=(contacts(order=(col(CampaignContact.status), col(CampaignContact.due_at))),))
    if sort == "source":
        ordered = reversed(source_ids) if descending else source_ids
        return Walk(
            stretches=tuple(
                contacts(col(CampaignContact.source_id) == source_id, by_source=True) for source_id in ordered
            )
        )
    if sort == "due_at":
        nowhere = contacts(col(CampaignContact.due_at).is_(None))
        return Walk(stretches=(_by_due_time(campaign_id, way, with_person=with_person), nowhere))
    if sort in _CONTACT_ORDERS:
        value = _CONTACT_ORDERS[sort]
        return Walk(stretches=(contacts(value.is_not(None), order=(value,)), contacts(value.is_(None))))
    if sort in _PERSON_ORDERS:
        keys = _PERSON_ORDERS[sort]
        filled = _by_person(campaign_id, (keys[0].is_not(None),), [way(key) for key in (*keys, col(Person.id))])
        empty = _by_person(campaign_id, (keys[0].is_(None),), [way(key) for key in (*keys[1:], col(Person.id))])
        return Walk(stretches=(filled, empty))
    if sort in _ADDRESS_KINDS:
        kind = _ADDRESS_KINDS[sort].value
        nameless = contacts(
            ~exists().where(
                col(Identity.person_id) == col(CampaignContact.person_id),
                col(Identity.kind) == kind,
                col(Identity.is_primary),
            )
        )
        return Walk(stretches=(_by_address(campaign_id, kind, way, with_person=with_person), nameless))
    return None


def walks_deliveries(query: ContactQuery) -> bool:
    """Whether `delivery_stretch` has a walk for the query."""
    return any(state in _DELIVERY_RUNS for state in query.delivery.values())


def delivery_stretch(campaign_id: int, query: ContactQuery, *, descending: bool) -> Stretch | None:
    """Contacts by id, driven from what became of their messages; None when the query does not ask for that."""
    asked = next(((c, s) for c, s in query.delivery.items() if s in _DELIVERY_RUNS), None)
    if asked is None:
        return None
    channel, state = asked
    contact_id = col(CommDelivery.contact_id)

    def build(conditions: Conditions, reach: int) -> Any:
        contact = CampaignContact.__table__  # type: ignore[attr-defined]
        joined: Any = OrderedJoin(CommDelivery.__table__, contact, contact_id == _ID)  # type: ignore[attr-defined]
        if needs_person(query.filter):
            joined = OrderedJoin(joined, Person.__table__, col(Person.id) == col(CampaignContact.person_id))  # type: ignore[attr-defined]
        parts = []
        for run in _DELIVERY_RUNS[state]:
            part = (
                select(contact_id.label("id"))
                .select_from(joined if conditions else CommDelivery)
                .where(
                    col(CommDelivery.campaign_id) == campaign_id, col(CommDelivery.channel) == channel, run, *conditions
                )
                .distinct()
                .order_by(contact_id.desc() if descending else contact_id.asc())
                .limit(reach)
                .subquery()
            )
            parts.append(select(part.c.id))
        merged = union(*parts).subquery()
        return select(merged.c.id).order_by(merged.c.id.desc() if descending else merged.c.id.asc())

    return Stretch(build=build)


def _by_due_time(campaign_id: int, way: Callable[[Any], Any], *, with_person: bool) -> Stretch:
    """Merges the statuses, each of which the index `ix_contact_due` has by time."""

    def build(conditions: Conditions, reach: int) -> Any:
        due = col(CampaignContact.due_at)
        parts = []
        for status in ContactStatus:
            part = select(_ID.label("id"), due.label("due_at")).where(
                col(CampaignContact.campaign_id) == campaign_id,
                col(CampaignContact.status) == status.value,
                due.is_not(None),
                *conditions,
            )
            if with_person:
                part = part.join(Person, col(Person.id) == col(CampaignContact.person_id))
            ordered = part.order_by(way(due), way(_ID)).limit(reach).subquery()
            parts.append(select(ordered.c.id, ordered.c.due_at))
        merged = union_all(*parts).subquery()
        return select(merged.c.id).order_by(way(merged.c.due_at), way(merged.c.id))

    return Stretch(build=build)


def _membership(campaign_id: int, person_id: Any) -> Any:
    return (col(CampaignContact.campaign_id) == campaign_id) & (col(CampaignContact.person_id) == person_id)


def _by_person(campaign_id: int, wheres: Conditions, order: list[Any]) -> Stretch:
    def build(conditions: Conditions, reach: int) -> Any:
        del reach
        people = Person.__table__  # type: ignore[attr-defined]
        contact = CampaignContact.__table__  # type: ignore[attr-defined]
        joined = OrderedJoin(people, contact, _membership(campaign_id, col(Person.id)))
        return select(_ID).select_from(joined).where(*wheres, *conditions).order_by(*order)

    return Stretch(build=build)


def _by_address(campaign_id: int, kind: str, way: Callable[[Any], Any], *, with_person: bool) -> Stretch:
    def build(conditions: Conditions, reach: int) -> Any:
        del reach
        identity = Identity.__table__  # type: ignore[attr-defined]
        contact = CampaignContact.__table__  # type: ignore[attr-defined]
        walked = identity.alias("walked")  # the conditions may ask for identities of their own
        joined = OrderedJoin(walked, contact, _membership(campaign_id, walked.c.person_id))
        if with_person:
            joined = OrderedJoin(joined, Person.__table__, col(Person.id) == walked.c.person_id)  # type: ignore[attr-defined]
        return (
            select(_ID)
            .select_from(joined)
            .where(walked.c.kind == kind, walked.c.is_primary, *conditions)
            .order_by(way(walked.c.value))
        )

    return Stretch(build=build)


def count_of(statement: Select[Any], cap: int | None = None) -> Any:
    """How many rows a statement has, counting no further than `cap`."""
    counted = statement.order_by(None) if cap is None else statement.order_by(None).limit(cap)
    return select(func.count()).select_from(counted.subquery())
