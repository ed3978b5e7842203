"""Visitors of the demo shop who come by themselves, at a human pace.

Who comes when, and what they do, follows from the clock alone: whoever asks twice gets the same events with the same
ids, which the Tape takes once. So nothing is kept between two looks, and a stop leaves a gap and no backlog.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from cxconsole.audience.recognition import recognise
from cxconsole.demo.remove import SHOP_SOURCE
from cxconsole.demo.seed import SEEDED_FLAG
from cxconsole.demo.shop_app import find_customers, read_products
from cxconsole.journey.cloud_event import GivenEvent, read_event
from cxconsole.journey.recording import record_events
from cxconsole.journey.registry import Registry
from cxconsole.journey.sources import SourceRules, Verdict
from models.event import Event
from models.journey import EventTypeSeen
from models.system import SystemFlag

ONE_EACH_SECONDS = 25
BROWSERS = 60
"""So many come again and again; two of three say who they are once they order."""
MOST_EVENTS = 30_000
"""About a day of them; then the shop is quiet, but for who clicks there."""
_LOOK_BACK = timedelta(seconds=20)
_LONGEST_VISIT = timedelta(minutes=10)
_SPACE = uuid.UUID("5a0f6c1e-54a1-4a53-9f0a-0d6f3c8f7b21")
_ACTOR = "demo"


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing a visitor does."""

    at: datetime
    type: str
    data: dict[str, Any]
    is_identified: bool
    says_who: bool = False


def has_visitors(session: Session, now: datetime) -> bool:
    """Whether somebody in the shop has done something that is not on the Tape."""
    flag = session.get(SystemFlag, SEEDED_FLAG)
    return flag is not None and flag.value != "removed" and bool(_find_new(session, now))


def drain_visitors(session: Session, *, now: datetime, limit: int) -> int:
    """Put onto the Tape what the visitors did in the last seconds; how many events. A job."""
    seen = session.exec(select(func.sum(EventTypeSeen.count)).where(EventTypeSeen.source == SHOP_SOURCE)).one()
    if (seen or 0) >= MOST_EVENTS:
        return 0
    events = _find_new(session, now)[:limit]
    verdicts = SourceRules().judge(session, events, now=now)
    events = [event for event, verdict in zip(events, verdicts, strict=True) if verdict is Verdict.ACCEPTED]
    record_events(session, events, [_ACTOR] * len(events), recognise=recognise, now=now)
    registry = Registry()
    registry.note(events)
    registry.write(session, now=now)
    return len(events)


def _find_new(session: Session, now: datetime) -> list[GivenEvent]:
    documents = {one["id"]: one for one in tell_visits(now - _LOOK_BACK, now, find_customers(session, BROWSERS))}
    known = session.exec(
        select(Event.event_id).where(Event.source == SHOP_SOURCE, col(Event.event_id).in_(list(documents)))
    )
    for event_id in known:
        documents.pop(event_id or "", None)
    return [read_event(one, now=now) for one in documents.values()]


def tell_visits(since: datetime, until: datetime, customers: list[str]) -> list[dict[str, Any]]:
    """What happens in the shop after `since` and up to `until`, as events, in order."""
    first = int((since - _LONGEST_VISIT).timestamp()) // ONE_EACH_SECONDS
    last = int(until.timestamp()) // ONE_EACH_SECONDS
    told = [
        (act.at, _event(number, place, act, customers))
        for number in range(first, last + 1)
        for place, act in enumerate(_visit(number))
        if since < act.at <= until
    ]
    return [event for _, event in sorted(told, key=lambda one: one[0])]


def _event(number: int, place: int, act: Act, customers: list[str]) -> dict[str, Any]:
    browser = number % BROWSERS
    anonymous = f"anon-{uuid.uuid5(_SPACE, f'browser {browser}')}"
    customer = customers[browser] if act.is_identified and browser < len(customers) else None
    event = {
        "id": str(uuid.uuid5(_SPACE, f"visit {number} act {place}")), "source": SHOP_SOURCE, "type": act.type,
        "person": customer or anonymous, "time": act.at.isoformat(), "data": act.data,
    }  # fmt: skip
    return {**event, "previously": anonymous} if act.says_who and customer else event


def _visit(number: int) -> Iterator[Act]:
    """All that visitor does, from the first page to the last; the same whenever it is asked."""
    rng = random.Random(number)  # noqa: S311 - made-up people
    at = datetime.fromtimestamp(number * ONE_EACH_SECONDS, UTC) + timedelta(seconds=rng.uniform(0, ONE_EACH_SECONDS))
    end = at + _LONGEST_VISIT - timedelta(seconds=ONE_EACH_SECONDS)
    is_identified = False
    for type_, data, says_who in _plan(rng, buys=number % BROWSERS % 3 != 0):
        is_identified = is_identified or says_who
        yield Act(at=at, type=type_, data=data, is_identified=is_identified, says_who=says_who)
        at += timedelta(seconds=rng.uniform(4, 32))
        if at > end:
            return


def _plan(rng: random.Random, *, buys: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """(type, data, whether they say who they are) of each thing they do."""
    base, cart = "/demo/shop", []
    yield "page.viewed", {"path": base, "title": "Products"}, False
    for product in rng.sample(read_products(), rng.randint(1, 3)):
        yield "page.viewed", {"path": f"{base}/product/{product['id']}", "title": product["name"]}, False
        facts = {"product": product["name"], "price": product["price"], "group": product["group"]}
        yield "product.viewed", facts, False
        if rng.random() < 0.1:
            yield "help.opened", {"path": f"{base}/product/{product['id']}", "help": "delivery"}, False
        if rng.random() < 0.6:
            cart.append(product)
            total = sum(one["price"] for one in cart)
            yield "cart.added", {**facts, "items": len(cart), "total": total}, False
    if not cart or not buys:
        return
    total = sum(one["price"] for one in cart)
    yield "page.viewed", {"path": f"{base}/cart", "title": "Cart"}, False
    for step, name in enumerate(("address", "delivery", "payment"), 1):
        if rng.random() < 0.15:
            return
        yield "checkout.entered", {"step": step, "name": name, "items": len(cart), "total": total}, False
        if step == 1:
            yield "person.identified", {}, True
    yield "order.placed", {"order": f"N-{rng.randrange(10**6):06d}", "items": len(cart), "total": total}, False


__all__ = ["drain_visitors", "has_visitors", "tell_visits"]
