"""Who must not be contacted: kept by people, asked by the engine before every send."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.audience.emails import normalise_email
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.problems import Problem
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.tape import append_events
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page, parse_sort
from models.campaign import Campaign, campaign_code
from models.event import EventType
from models.person import Channel, Identity, IdentityKind, Person
from models.suppression import Suppression, SuppressionReason, hash_address

_CHUNK = 500
_SORTS = ("id", "address", "reason", "created_at")


@dataclass(frozen=True, kw_only=True)
class SuppressionView:
    """One suppression. Null `channel` means every channel, null `campaign_id` every campaign."""

    id: int
    address: str | None
    person_id: int | None
    person_name: str | None
    channel: str | None
    campaign_id: int | None
    campaign_code: str | None
    campaign_name: str | None
    reason: str
    note: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Who is about to be contacted, how, and for which campaign."""

    address: str | None
    person_id: int | None
    channel: str
    campaign_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSuppression:
    """A checked suppression that is not stored yet."""

    address: str | None = None
    person_id: int | None = None
    channel: str | None = None
    campaign_id: int | None = None
    reason: str = SuppressionReason.MANUAL
    note: str = ""

    @property
    def key(self) -> tuple[str | None, int | None, str | None, int | None]:
        """Two with the same key stop the same messages."""
        return self.address, self.person_id, self.channel, self.campaign_id


def find_suppressed(session: Session, targets: Sequence[Target]) -> list[str | None]:
    """For each target the reason why it must not be contacted, or None."""
    addresses = {form for one in targets if one.address for form in _forms(one.address)}
    persons = {one.person_id for one in targets if one.person_id is not None}
    known: dict[str | int, list[tuple[str | None, int | None, str]]] = {}
    for column, keys in ((col(Suppression.address), addresses), (col(Suppression.person_id), persons)):
        for some in _chunks(sorted(keys)):  # type: ignore[type-var]
            rows = session.exec(
                select(column, Suppression.channel, Suppression.campaign_id, Suppression.reason).where(column.in_(some))
            )
            for key, channel, campaign_id, reason in rows:
                known.setdefault(key or "", []).append((channel, campaign_id, reason))
    return [_reason_for(one, known) for one in targets]


def add_suppression(
    session: Session, data: dict[str, Any], *, actor: Actor, now: datetime, default_region: str = "US"
) -> SuppressionView:
    """Add `{"address" | "person_id", "channel", "campaign_id", "reason", "note"}`.

    One that is there already is returned. The caller then publishes topics.SUPPRESSIONS. Raises Invalid with the field.
    """
    actor.require("suppressions.edit")
    new = _checked(session, data, default_region=default_region)
    ids = store_suppressions(session, [new], actor=actor, now=now)
    return next(iter(_views(session, col(Suppression.id) == (ids[0] if ids else _find_same(session, new)))))


def remove_suppressions(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Take suppressions away, so that these may be contacted again; how many there were."""
    actor.require("suppressions.edit")
    gone = 0
    for some in _chunks(sorted(set(ids))):
        rows = session.exec(select(Suppression).where(col(Suppression.id).in_(some))).all()
        owners = _find_owners(session, [one.address for one in rows if one.address])
        append_events(
            session,
            [_event(EventType.SUPPRESSION_REMOVED, one, owners, actor=actor, now=now) for one in rows],
        )
        session.execute(delete(Suppression).where(col(Suppression.id).in_([one.id for one in rows])))
        gone += len(rows)
    return gone


def remove_suppression(session: Session, suppression_id: int, *, actor: Actor, now: datetime) -> None:
    """Take one away. Raises NotFound."""
    if not remove_suppressions(session, [suppression_id], actor=actor, now=now):
        raise NotFound(f"There is no suppression {suppression_id}.")


def list_suppressions(
    session: Session,
    *,
    actor: Actor,
    q: str = "",
    reason: str | None = None,
    channel: str | None = None,
    campaign_id: int | None = None,
    sort: str = "-id",
    limit: int = 50,
    offset: int = 0,
) -> Page[SuppressionView]:
    """By page; `q` is looked for in address and note, and counts end at 10,001."""
    actor.require("suppressions.read")
    check_range(limit, offset)
    where = filter_suppressions(q=q, reason=reason, channel=channel, campaign_id=campaign_id)
    name, descending = parse_sort(sort, _SORTS)
    column = col(getattr(Suppression, name))
    counted = select(col(Suppression.id)).where(where).limit(COUNT_CAP).subquery()
    total = session.exec(select(func.count()).select_from(counted)).one()
    order = (column.desc(), col(Suppression.id).desc()) if descending else (column, col(Suppression.id))
    items = _views(session, where, order=order, limit=limit, offset=offset)
    return make_page(list(items), total=total, limit=limit, offset=offset, total_is_capped=total >= COUNT_CAP)


def count_suppressions_by_reason(session: Session, *, actor: Actor) -> dict[str, int]:
    """How many there are for each reason."""
    actor.require("suppressions.read")
    rows = session.exec(select(Suppression.reason, func.count()).group_by(col(Suppression.reason)))
    return {str(one): 0 for one in SuppressionReason} | dict(rows.all())


def filter_suppressions(
    *, q: str = "", reason: str | None = None, channel: str | None = None, campaign_id: int | None = None
) -> ColumnElement[bool]:
    """The condition of a filtered list."""
    where: list[ColumnElement[bool]] = []
    if q.strip():
        word = q.strip()
        where.append(
            col(Suppression.address).icontains(word, autoescape=True)
            | col(Suppression.note).icontains(word, autoescape=True)
        )
    if reason:
        where.append(col(Suppression.reason) == reason)
    if channel:
        where.append(or_(col(Suppression.channel) == channel, col(Suppression.channel).is_(None)))
    if campaign_id is not None:
        where.append(col(Suppression.campaign_id) == campaign_id)
    return and_(True, *where)


def store_suppressions(session: Session, new: Sequence[NewSuppression], *, actor: Actor, now: datetime) -> list[int]:
    """Write those that are not there yet, with their events; their ids. For callers that have checked the right."""
    wanted: dict[tuple, NewSuppression] = {}
    for one in new:
        wanted.setdefault(one.key, one)
    for some in _chunks(list(wanted.values())):
        condition = or_(
            col(Suppression.address).in_([one.address for one in some if one.address]),
            col(Suppression.person_id).in_([one.person_id for one in some if one.person_id is not None]),
        )
        rows = session.exec(
            select(Suppression.address, Suppression.person_id, Suppression.channel, Suppression.campaign_id).where(
                condition
            )
        )
        for key in rows:
            wanted.pop((key[0], key[1], key[2], key[3]), None)
    rows = [
        Suppression(
            address=one.address, person_id=one.person_id, channel=one.channel, campaign_id=one.campaign_id,
            reason=one.reason, note=one.note, actor=actor.name, created_at=now,
        )
        for one in wanted.values()
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    owners = _find_owners(session, [one.address for one in rows if one.address])
    append_events(session, [_event(EventType.SUPPRESSION_ADDED, one, owners, actor=actor, now=now) for one in rows])
    return [one.id or 0 for one in rows]


def clean_target(raw: str, *, default_region: str = "US") -> tuple[str, str] | Problem:
    """(address as it is kept, the channel it belongs to), or what is wrong with it.

    E-mail addresses are kept in lower case: a list of people who said no must not miss one over a capital letter.
    """
    raw = raw.strip()
    if not raw:
        return Problem("The address is empty", "Give an e-mail address or a phone number")
    if "@" in raw:
        email = normalise_email(raw)
        return email if isinstance(email, Problem) else (email.lower(), Channel.EMAIL.value)
    phone = normalise_phone(raw, default_region)
    return phone if isinstance(phone, Problem) else (phone, Channel.SMS.value)


def _checked(session: Session, data: dict[str, Any], *, default_region: str) -> NewSuppression:
    unknown = set(data) - {"address", "person_id", "channel", "campaign_id", "reason", "note"}
    if unknown:
        raise Invalid.field(min(unknown), "There is no field of this name.")
    address, person_id = data.get("address"), data.get("person_id")
    if (address is None) == (person_id is None):
        raise Invalid.field("address", "Give either an address or a person.")
    if address is not None:
        found = clean_target(str(address), default_region=default_region)
        if isinstance(found, Problem):
            raise Invalid.field("address", f"{found.reason}. {found.remedy}.")
        address = found[0]
    elif session.get(Person, person_id) is None:
        raise Invalid.field("person_id", f"There is no person {person_id}.")
    channel, reason = data.get("channel"), data.get("reason") or SuppressionReason.MANUAL
    if channel is not None and channel not in set(Channel):
        raise Invalid.field("channel", f"A channel is one of {', '.join(Channel)}, or null for all.")
    if reason not in set(SuppressionReason):
        raise Invalid.field("reason", f"A reason is one of {', '.join(SuppressionReason)}.")
    campaign_id = data.get("campaign_id")
    if campaign_id is not None and session.get(Campaign, campaign_id) is None:
        raise Invalid.field("campaign_id", f"There is no campaign {campaign_id}.")
    return NewSuppression(
        address=address, person_id=person_id, channel=channel, campaign_id=campaign_id, reason=reason,
        note=str(data.get("note") or "")[:500],
    )  # fmt: skip


def _reason_for(target: Target, known: dict[str | int, list[tuple[str | None, int | None, str]]]) -> str | None:
    for key in (target.person_id, *(_forms(target.address) if target.address else ())):
        for channel, campaign_id, reason in known.get(key, ()) if key is not None else ():
            if channel in (None, target.channel) and campaign_id in (None, target.campaign_id):
                return reason
    return None


def _forms(address: str) -> tuple[str, str, str]:
    """The ways in which an address may be on the list: the last one if its person was erased."""
    return address, address.lower(), hash_address(address)


def _find_same(session: Session, new: NewSuppression) -> int:
    query = select(Suppression.id).where(
        *(
            column == value if value is not None else column.is_(None)
            for column, value in zip(
                (
                    col(Suppression.address), col(Suppression.person_id), col(Suppression.channel),
                    col(Suppression.campaign_id),
                ),
                new.key, strict=True,
            )
        )
    )  # fmt: skip
    return session.exec(query.order_by(col(Suppression.id))).first() or 0


def _views(
    session: Session, where: ColumnElement[bool], *, order: Sequence[Any] = (), limit: int = 1, offset: int = 0
) -> Iterable[SuppressionView]:
    rows = session.exec(
        select(Suppression, Person, col(Campaign.name))
        .join(Person, col(Person.id) == Suppression.person_id, isouter=True)
        .join(Campaign, col(Campaign.id) == Suppression.campaign_id, isouter=True)
        .where(where)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
    ).all()
    for row, person, campaign_name in rows:
        name = " ".join(filter(None, (person.first_name, person.last_name))) if person else None
        yield SuppressionView(
            id=row.id or 0, address=row.address, person_id=row.person_id,
            person_name=name or (f"Person {row.person_id}" if row.person_id else None), channel=row.channel,
            campaign_id=row.campaign_id, campaign_code=campaign_code(row.campaign_id) if row.campaign_id else None,
            campaign_name=campaign_name, reason=row.reason, note=row.note, actor=row.actor, created_at=row.created_at,
        )  # fmt: skip


def _find_owners(session: Session, addresses: Sequence[str]) -> dict[str, int]:
    """The persons to whom addresses belong, so that it shows in their history."""
    owners: dict[str, int] = {}
    for some in _chunks(addresses):
        rows = session.exec(
            select(Identity.value, Identity.person_id).where(
                col(Identity.kind).in_((IdentityKind.EMAIL, IdentityKind.PHONE)), col(Identity.value).in_(some)
            )
        )
        owners.update(rows.all())
    return owners


def _event(
    event_type: EventType, row: Suppression, owners: dict[str, int], *, actor: Actor, now: datetime
) -> dict[str, Any]:
    return {
        "type": event_type,
        "time": now,
        "actor": actor.name,
        "person_id": row.person_id or owners.get(row.address or ""),
        "campaign_id": row.campaign_id,
        "data": {"suppression_id": row.id, "reason": row.reason, "channel": row.channel},
    }


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
