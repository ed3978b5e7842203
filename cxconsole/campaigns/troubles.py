"""What went wrong in the last hour, grouped by reason, with the way to mend it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from cxconsole.campaigns.behind import Figure
from cxconsole.campaigns.contact_filter import FilterOp, filter_address
from models.campaign import Campaign, TrafficMinute, campaign_code
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from models.gateway import Gateway, GatewayHealth

MOST_GROUPS = 10


@dataclass(frozen=True, kw_only=True)
class ErrorGroup:
    """Failures of the last hour with one reason. `link` opens the people, or the place to mend it."""

    reason: str
    detail: str
    count: int
    remedy: str
    link: str
    needs_somebody: bool = True
    """False for what mends itself, such as a retry."""


def find_troubles(session: Session, *, now: datetime) -> tuple[ErrorGroup, ...]:
    """Gateways that are not well, contacts that failed in the last hour, and messages waiting for another try."""
    failed = _find_failed(session, since=now - timedelta(hours=1))
    groups = [*_find_gateways(session), *failed, *_find_retries(session)]
    return tuple(groups[:MOST_GROUPS])


def _find_gateways(session: Session) -> list[ErrorGroup]:
    rows = session.execute(
        select(Gateway)
        .where(col(Gateway.active), col(Gateway.health) != GatewayHealth.OK.value)
        .order_by(col(Gateway.id))
    ).scalars()
    words = {GatewayHealth.OPEN.value: "has stopped", GatewayHealth.DEGRADED.value: "asked to slow down"}
    return [
        ErrorGroup(
            reason=f"{one.name} {words.get(one.health, one.health)}", detail=one.health_error or "",
            count=one.failures_in_a_row, remedy="Mend", link=f"/gateways?id={one.id}",
        )
        for one in rows
    ]  # fmt: skip


def _find_failed(session: Session, *, since: datetime) -> list[ErrorGroup]:
    minute = int(since.timestamp()) // 60
    busy = session.execute(
        select(col(TrafficMinute.campaign_id))
        .where(col(TrafficMinute.minute) >= minute, col(TrafficMinute.failed) > 0)
        .distinct()
    ).scalars().all()  # fmt: skip
    contact, count = CampaignContact, func.count()
    first, campaigns = func.min(col(contact.campaign_id)), func.count(col(contact.campaign_id).distinct())
    rows = session.execute(
        select(col(contact.reason), first, campaigns, count)
        .where(
            col(contact.campaign_id).in_(busy),
            col(contact.reason).is_not(None),
            col(contact.status) == ContactStatus.FAILED.value,
            col(contact.last_activity_at) >= since,
        )
        .group_by(col(contact.reason))
        .order_by(count.desc(), col(contact.reason))
        .limit(MOST_GROUPS)
    ).all()  # fmt: skip
    ids = [row[1] for row in rows]
    found = session.execute(select(col(Campaign.id), col(Campaign.name)).where(col(Campaign.id).in_(ids))).all()
    names = {row[0]: row[1] for row in found}
    return [
        ErrorGroup(
            reason=reason, detail=names.get(campaign_id, "") if campaigns == 1 else f"{campaigns} campaigns",
            count=number, remedy="See people" if campaigns == 1 else "See campaigns",
            link=_people_link(campaign_id, reason, since) if campaigns == 1 else f"/campaigns?behind={Figure.ERRORS}",
        )
        for reason, campaign_id, campaigns, number in rows
    ]  # fmt: skip


def _people_link(campaign_id: int, reason: str, since: datetime) -> str:
    """Exactly those who are counted."""
    wanted = filter_address(
        ("status", FilterOp.EQ, ContactStatus.FAILED.value),
        ("reason", FilterOp.EQ, reason),
        ("last_activity_at", FilterOp.GT, since.isoformat(timespec="seconds")),
    )
    return f"/campaigns/{campaign_code(campaign_id)}/contacts?{wanted}"


def _find_retries(session: Session) -> list[ErrorGroup]:
    delivery, count = CommDelivery, func.count()
    rows = session.execute(
        select(col(delivery.reason), col(Gateway.name), col(delivery.gateway_id), count)
        .join(Gateway, col(Gateway.id) == col(delivery.gateway_id))
        # the first condition, word for word as in its index, lets the small index of what is to be sent answer
        .where(text("comm_delivery.state IN ('D','R','sending')"), col(delivery.state) == DeliveryState.RETRY.value)
        .group_by(col(delivery.reason), col(Gateway.name), col(delivery.gateway_id))
        .order_by(count.desc())
        .limit(MOST_GROUPS)
    ).all()
    return [
        ErrorGroup(
            reason=reason or "Tried again later", detail=name, count=number, remedy="Retrying",
            link=f"/gateways?id={gateway_id}", needs_somebody=False,
        )
        for reason, name, gateway_id, number in rows
    ]  # fmt: skip
