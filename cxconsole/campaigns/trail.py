"""Why a person was, or was not, contacted: the trail of one contact, channel by channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.contacts import ContactRow, get_contact
from cxconsole.campaigns.flow import Step, load_graph, steps_of
from cxconsole.campaigns.trail_steps import TrailNames, TrailStep, tell_steps, trail_words, with_gaps
from cxconsole.campaigns.trail_verdicts import CHECK_NAMES, ChannelFacts, Ruling, judge_channel, summarise
from cxconsole.campaigns.windows import find_zone
from cxconsole.durations import parse_duration
from models.campaign import Campaign
from models.comm import CommDelivery, CommRequest
from models.event import Event
from models.gateway import Gateway
from models.person import ADDRESS_OF, Channel, Identity, Person
from models.suppression import Suppression
from models.template import Template, TemplateVersion

MOST_EVENTS = 500


@dataclass(frozen=True, kw_only=True)
class ChannelVerdict:
    """What came of one channel, why, and each step on the way, the newest first.

    `checks` has each of CHECK_NAMES: pass, wait, stop or none (not asked, or not yet). `state` is one
    word: a word of delivery_words, or scheduled, held, suppressed, not_possible, not_needed. `words` is
    the short trail, such as ("accepted", "sent", "delivered").
    """

    channel: str
    target: str | None
    verdict: str
    reason: str
    checks: dict[str, str]
    state: str
    delivery_id: int | None
    words: tuple[str, ...]
    steps: tuple[TrailStep, ...]


@dataclass(frozen=True, kw_only=True)
class CapMessage:
    """A message that counts towards the frequency cap."""

    campaign_id: int | None
    campaign_name: str
    channel: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True)
class FrequencyCap:
    """How much of the cap is used: `used` of `count` in `window` (ISO 8601); `free_at` is when the next is free."""

    used: int
    count: int
    window: str
    messages: tuple[CapMessage, ...]
    free_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConsentView:
    """What the person allowed on a channel; `granted` None means not asked."""

    channel: str
    granted: bool | None
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Trail:
    """All that happened to one contact of a campaign. `summary` says it in a sentence or two.

    `step_number` counts from 1: the step done last, or under way. `next_channel`: of the step that is due at `due_at`.
    """

    contact: ContactRow
    campaign_name: str
    summary: str
    channels: tuple[ChannelVerdict, ...]
    steps: tuple[TrailStep, ...]
    step_number: int | None
    step_count: int
    next_channel: str | None
    due_at: datetime | None
    consents: tuple[ConsentView, ...]
    frequency_cap: FrequencyCap | None


def get_trail(
    session: Session, campaign_id: int, contact_id: int, *, actor: Actor, now: datetime, zone: tzinfo | None = None
) -> Trail:
    """The trail of one contact, with times in words in `zone`, else in the campaign's. Raises NotFound."""
    contact = get_contact(session, campaign_id, contact_id, actor=actor)
    campaign = session.get_one(Campaign, campaign_id)
    person = session.get(Person, contact.person_id)
    steps = steps_of(load_graph(session, campaign))
    deliveries = {one.id or 0: one for one in _read(session, CommDelivery, contact_id)}
    requests = {one.id or 0: one for one in _read(session, CommRequest, contact_id)}
    names = _read_names(session, steps, deliveries.values(), contact.source_name)
    told = tell_steps(_read_events(session, contact), deliveries, names)
    consents = dict(person.consents or {}) if person else {}
    cap = _read_cap(session, campaign, contact.person_id, now=now)
    channels = tuple(dict.fromkeys([*(step.channel for step in steps), *(one.channel for one in deliveries.values())]))
    addresses = _read_addresses(session, contact.person_id)
    suppressed = _read_suppressions(session, contact.person_id, campaign_id, addresses)
    number = next((n for n, step in enumerate(steps, 1) if step.id == contact.node), None)
    verdicts = []
    for channel in channels:
        latest = max((one for one in deliveries.values() if one.channel == channel), key=_age, default=None)
        address = addresses.get(ADDRESS_OF[Channel(channel)])
        facts = ChannelFacts(
            channel=channel,
            contact=contact,
            campaign=campaign,
            steps=steps,
            step_number=number,
            delivery=latest,
            content=names.contents.get(latest.template_version_id, "") if latest else "",
            gateway=names.gateways.get(latest.gateway_id, "") if latest else "",
            request=max(
                (one for one in requests.values() if _channel_of(one, steps) == channel), key=_age, default=None
            ),
            address=address,
            suppression=_suppression_for(suppressed, channel, address),
            consent=_consent(consents, channel),
            cap_free_at=cap.free_at if cap else None,
            now=now,
            zone=zone or find_zone(campaign.time_zone) or UTC,
        )
        verdicts.append(_verdict(facts, judge_channel(facts), told))
    next_step = steps[number] if number is not None and number < len(steps) else None
    if number is None and steps:
        next_step = steps[0]
    return Trail(
        contact=contact,
        campaign_name=campaign.name,
        summary=summarise([(one.channel, one.state) for one in verdicts], contact),
        channels=tuple(verdicts),
        steps=tuple(told),
        step_number=number,
        step_count=len(steps),
        next_channel=next_step.channel if next_step and contact.due_at else None,
        due_at=contact.due_at,
        consents=tuple(
            ConsentView(channel=channel, granted=_granted(consents, channel), at=_consent_at(consents, channel))
            for channel in dict.fromkeys([*channels, *sorted(consents)])
        ),
        frequency_cap=cap,
    )


def _age(row: Any) -> int:
    return row.id or 0


def _verdict(facts: ChannelFacts, ruling: Ruling, told: Sequence[TrailStep]) -> ChannelVerdict:
    delivery = facts.delivery
    mine = [step for step in reversed(told) if step.channel in (None, facts.channel)]
    return ChannelVerdict(
        channel=facts.channel,
        target=delivery.target if delivery else facts.address,
        verdict=ruling.verdict,
        reason=ruling.reason,
        checks={name: ruling.checks.get(name, "none") for name in CHECK_NAMES},
        state=ruling.state,
        delivery_id=delivery.id if delivery else None,
        words=trail_words(delivery) if delivery else (),
        steps=tuple(reversed(with_gaps(mine))),
    )


def _read(session: Session, table: Any, contact_id: int) -> Sequence[Any]:
    return (
        session.execute(select(table).where(col(table.contact_id) == contact_id).order_by(col(table.id)))
        .scalars()
        .all()
    )


def _read_events(session: Session, contact: ContactRow) -> Sequence[Event]:
    return (
        session.execute(
            select(Event)
            .where(col(Event.person_id) == contact.person_id, col(Event.contact_id) == contact.id)
            .order_by(col(Event.id).desc())
            .limit(MOST_EVENTS)
        )
        .scalars()
        .all()[::-1]
    )


def _read_names(session: Session, steps: Sequence[Step], deliveries: Any, source: str) -> TrailNames:
    versions = {one.template_version_id for one in deliveries}
    gateways = {one.gateway_id for one in deliveries}
    contents = session.execute(
        select(col(TemplateVersion.id), col(Template.name), col(TemplateVersion.version), col(Template.language))
        .join(Template, col(Template.id) == col(TemplateVersion.template_id))
        .where(col(TemplateVersion.id).in_(versions))
    ).all()
    ways = session.execute(select(col(Gateway.id), col(Gateway.name)).where(col(Gateway.id).in_(gateways))).all()
    return TrailNames(
        source=source,
        nodes={step.id: number for number, step in enumerate(steps, 1)},
        gateways={row[0]: row[1] for row in ways},
        contents={row[0]: f"{row[1]}, version {row[2]} ({row[3]})" for row in contents},
    )


def _read_addresses(session: Session, person_id: int) -> dict[str, str]:
    rows = session.execute(
        select(col(Identity.kind), col(Identity.value))
        .where(col(Identity.person_id) == person_id)
        .order_by(col(Identity.is_primary), col(Identity.id))
    ).all()
    return {kind: value for kind, value in rows}  # noqa: C416 (the primary one comes last and stays)


def _read_suppressions(
    session: Session, person_id: int, campaign_id: int, addresses: Mapping[str, str]
) -> Sequence[Suppression]:
    forms = {form for value in addresses.values() for form in (value, value.lower())}
    rows = session.execute(
        select(Suppression).where(or_(col(Suppression.person_id) == person_id, col(Suppression.address).in_(forms)))
    ).scalars()
    return [one for one in rows if one.campaign_id in (None, campaign_id)]


def _suppression_for(rows: Sequence[Suppression], channel: str, address: str | None) -> Suppression | None:
    forms = (None, address, address.lower()) if address else (None,)
    return next((one for one in rows if one.channel in (None, channel) and one.address in forms), None)


def _channel_of(request: CommRequest, steps: Sequence[Step]) -> str | None:
    return next((step.channel for step in steps if step.id == request.trigger_id), None)


def _granted(consents: Mapping[str, Any], channel: str) -> bool | None:
    given = consents.get(channel)
    return bool(given.get("granted")) if isinstance(given, dict) and "granted" in given else None


def _consent_at(consents: Mapping[str, Any], channel: str) -> datetime | None:
    given = consents.get(channel)
    at = given.get("at") if isinstance(given, dict) else None
    if not isinstance(at, str):
        return None
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo else None


def _consent(consents: Mapping[str, Any], channel: str) -> tuple[bool | None, datetime | None]:
    return _granted(consents, channel), _consent_at(consents, channel)


def _read_cap(session: Session, campaign: Campaign, person_id: int, *, now: datetime) -> FrequencyCap | None:
    if not campaign.per_person_count or not campaign.per_person_window:
        return None
    window: timedelta = parse_duration(campaign.per_person_window)
    delivery = CommDelivery
    rows = session.execute(
        select(col(delivery.campaign_id), col(Campaign.name), col(delivery.channel), col(delivery.sent_at))
        .outerjoin(Campaign, col(Campaign.id) == col(delivery.campaign_id))
        .where(col(delivery.person_id) == person_id, col(delivery.sent_at) > now - window)
        .order_by(col(delivery.sent_at).desc())
        .limit(100)
    ).all()
    messages = tuple(
        CapMessage(campaign_id=row[0], campaign_name=row[1] or "", channel=row[2], sent_at=row[3])
        for row in rows
        if row[3]
    )
    count = campaign.per_person_count
    free_at = messages[count - 1].sent_at + window if len(messages) >= count else None
    return FrequencyCap(
        used=len(messages), count=count, window=campaign.per_person_window, messages=messages, free_at=free_at
    )


__all__ = [
    "CHECK_NAMES", "CapMessage", "ChannelVerdict", "ConsentView", "FrequencyCap", "Trail", "TrailStep", "get_trail",
]  # fmt: skip
