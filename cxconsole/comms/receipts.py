"""What comes back: delivered, bounced, opened, clicked, ... in any order, late and twice.

A receipt only ever adds: a time that is set stays, a status never moves backwards. Each fact is
counted and put on the Tape once, however often it is reported.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.comms.counters import count_channel
from cxconsole.driver import Driver
from cxconsole.errors import Invalid
from cxconsole.journey.tape import append_rows
from models.comm import DELIVERY_MOVES, ENGAGEMENTS, DeliveryState
from models.event import EventType
from models.suppression import SuppressionReason

STATUSES = ("delivered", "bounced", *ENGAGEMENTS)
"""What a receipt can say, in the order in which the same batch is applied."""

_EVENTS = {status: EventType(f"comm.{status}") for status in STATUSES}
_IMPLIES: dict[str, tuple[str, ...]] = {
    "clicked": ("opened", "delivered"),  # mail programs that do not load pictures never report the opening
    **{name: ("delivered",) for name in ENGAGEMENTS if name != "clicked"},
}
_SUPPRESSES = {
    "bounced": SuppressionReason.BOUNCED,
    "unsubscribed": SuppressionReason.UNSUBSCRIBED,
    "complained": SuppressionReason.COMPLAINED,
}
_COUNTED = frozenset({"delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "complained"})
_ALIASES = {"S": "sent", "E": "bounced", "error": "bounced", "failed": "bounced"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptRow:
    """One fact about a delivery. `reason` is the other side's words, such as "550 5.1.1 No such mailbox"."""

    delivery_id: int
    status: str
    at: datetime
    reason: str | None = None
    detail: str | None = None


@dataclass(kw_only=True, slots=True)
class _Delivery:
    id: int
    campaign_id: int | None
    contact_id: int | None
    person_id: int
    channel: str
    target: str
    state: str
    times: dict[str, datetime | None]
    news: list[tuple[str, ReceiptRow]]


def parse_status(status: str) -> str:
    """The status that a word or code of a vendor means: one of STATUSES, or "sent". Raises Invalid."""
    known = _ALIASES.get(status, status)
    if known != "sent" and known not in STATUSES:
        raise Invalid.field("status", f"Unknown status “{status}”. Known: S, E, {', '.join(STATUSES)}.")
    return known


def record_receipts(session: Session, receipts: Iterable[ReceiptRow], *, now: datetime) -> int:
    """Write what is new in these receipts; the count of deliveries that changed.

    Unknown deliveries are passed over. A hard bounce, an unsubscription and a complaint also suppress
    the address on its channel; the caller then publishes topics.SUPPRESSIONS.
    """
    rows = sorted(
        (row for row in receipts if parse_status(row.status) != "sent"),
        key=lambda row: STATUSES.index(parse_status(row.status)),
    )
    if not rows:
        return 0
    deliveries = _load(session, sorted({row.delivery_id for row in rows}))
    for row in rows:
        delivery = deliveries.get(row.delivery_id)
        if delivery is not None:
            _apply(delivery, parse_status(row.status), row)
    changed = [one for one in deliveries.values() if one.news]
    if changed:
        _store(session, changed, now=now)
        _count(session, changed)
        _suppress(session, changed, now=now)
    return len(changed)


def _load(session: Session, delivery_ids: list[int]) -> dict[int, _Delivery]:
    driver = Driver(session)
    times = ", ".join(f"{status}_at" for status in STATUSES)
    rows = driver.run(
        f"SELECT id, campaign_id, contact_id, person_id, channel, target, state, {times} FROM comm_delivery "  # noqa: S608
        f"WHERE id {driver.among_ids} ORDER BY id {driver.for_update}",
        delivery_ids,
    )
    return {
        row[0]: _Delivery(
            id=row[0], campaign_id=row[1], contact_id=row[2], person_id=row[3], channel=row[4], target=row[5],
            state=row[6], times={name: driver.moment(at) for name, at in zip(STATUSES, row[7:], strict=True)}, news=[],
        )
        for row in rows
    }  # fmt: skip


def _apply(delivery: _Delivery, status: str, row: ReceiptRow) -> None:
    """Note what the receipt adds. What it implies comes first, as it did in the world."""
    for implied in _IMPLIES.get(status, ()):
        if delivery.times[implied] is None and not (implied == "delivered" and delivery.times["bounced"]):
            _apply(delivery, implied, row)
    if delivery.times[status] is not None or (status == "delivered" and delivery.times["bounced"] is not None):
        return
    delivery.times[status] = row.at
    delivery.news.append((status, row))
    # while it is still marked `sending`, or after an error, only the time is kept: the sender settles the state
    if status in ("delivered", "bounced"):
        after = DeliveryState(status)
        if delivery.state in ("S", "delivered") and after in DELIVERY_MOVES[DeliveryState(delivery.state)]:
            delivery.state = after.value


def _store(session: Session, changed: Sequence[_Delivery], *, now: datetime) -> None:
    driver = Driver(session)
    times = ", ".join(f"{status}_at = ?" for status in STATUSES)
    driver.run_many(
        f"UPDATE comm_delivery SET {times}, state = ?, reason = coalesce(?, reason) WHERE id = ?",  # noqa: S608
        [
            (*(driver.bind(one.times[name]) for name in STATUSES), one.state, _bounce_reason(one), one.id)
            for one in changed
        ],
    )
    documents: dict[str, dict[str, Any]] = {}
    events = []
    for one in changed:
        data = documents.setdefault(one.channel, {"channel": one.channel})
        events += [
            (_EVENTS[status], one.person_id, one.campaign_id, one.contact_id, one.id, data) for status, _ in one.news
        ]
    append_rows(session, events, now=now)
    contacts = [one.contact_id for one in changed if one.contact_id is not None]
    if contacts:
        driver.run(
            f"UPDATE campaign_contact SET last_activity_at = ? WHERE id {driver.among_ids}",  # noqa: S608
            now, sorted(contacts),
        )  # fmt: skip


def _bounce_reason(delivery: _Delivery) -> str | None:
    return next((row.reason for status, row in delivery.news if status == "bounced"), None)


def _count(session: Session, changed: Sequence[_Delivery]) -> None:
    numbers: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in changed:
        for status, _ in one.news:
            if one.campaign_id and status in _COUNTED:
                numbers[one.campaign_id, one.channel][status] += 1
    for (campaign_id, channel), deltas in sorted(numbers.items()):
        count_channel(session, campaign_id, channel, deltas)


def _suppress(session: Session, changed: Sequence[_Delivery], *, now: datetime) -> None:
    wanted: dict[tuple[str, str], tuple[SuppressionReason, _Delivery]] = {}
    for one in changed:
        for status, row in one.news:
            if status in _SUPPRESSES and not (status == "bounced" and is_soft(row.reason)):
                wanted.setdefault((one.target.lower(), one.channel), (_SUPPRESSES[status], one))
    if not wanted:
        return
    driver = Driver(session)
    rows = driver.run(
        "SELECT address, channel FROM suppression "  # noqa: S608
        f"WHERE address {driver.among_texts} AND campaign_id IS NULL",
        sorted({target for target, _ in wanted}),
    )
    known = {(row[0], row[1]) for row in rows}
    new = {key: value for key, value in wanted.items() if key not in known and (key[0], None) not in known}
    at = driver.bind(now)
    driver.insert(
        "suppression",
        ("address", "channel", "reason", "note", "actor", "is_demo", "created_at"),
        [(target, channel, reason.value, "", "engine", False, at) for (target, channel), (reason, _) in new.items()],
    )
    kind = EventType.SUPPRESSION_ADDED
    append_rows(
        session,
        [
            (kind, one.person_id, one.campaign_id, one.contact_id, one.id, {"reason": reason.value, "channel": channel})
            for (_, channel), (reason, one) in new.items()
        ],
        now=now,
    )


def is_soft(reason: str | None) -> bool:
    """Whether a bounce is about today only: a 4xx code, or a vendor's word "soft"."""
    words = (reason or "").strip().lower()
    return words.startswith("4") or "soft" in words


__all__ = ["STATUSES", "ReceiptRow", "is_soft", "parse_status", "record_receipts"]
