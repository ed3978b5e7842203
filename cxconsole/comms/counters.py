"""The numbers that are kept beside the rows, changed in the same transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from cxconsole.audience.counters import move_contacts
from cxconsole.driver import Driver

_CHANNEL_COLUMNS = frozenset(
    {"sent", "delivered", "bounced", "failed", "opened", "clicked", "replied", "unsubscribed", "complained"}
)


def count_channel(session: Session, campaign_id: int, channel: str, deltas: Mapping[str, int]) -> None:
    """Add to a campaign's numbers on one channel; keys are columns of CampaignChannel."""
    changes = {name: delta for name, delta in deltas.items() if delta}
    if unknown := changes.keys() - _CHANNEL_COLUMNS:
        raise ValueError(f"campaign_channel has no {', '.join(sorted(unknown))}")
    if not changes:
        return
    values = [changes.get(name, 0) for name in sorted(_CHANNEL_COLUMNS)]
    names = ", ".join(sorted(_CHANNEL_COLUMNS))
    sums = ", ".join(f"{name} = campaign_channel.{name} + excluded.{name}" for name in changes)
    Driver(session).run(
        f"INSERT INTO campaign_channel (campaign_id, channel, {names}) "  # noqa: S608
        f"VALUES (?, ?{', ?' * len(values)}) ON CONFLICT (campaign_id, channel) DO UPDATE SET {sums}",
        campaign_id, channel, *values,
    )  # fmt: skip


def count_traffic(
    session: Session,
    *,
    at: datetime,
    campaign_id: int | None,
    gateway_id: int,
    channel: str,
    sent: int = 0,
    failed: int = 0,
) -> None:
    """Add to the minute's sends. What belongs to no campaign is counted under campaign 0."""
    if sent or failed:
        Driver(session).run(
            "INSERT INTO traffic_minute (minute, campaign_id, gateway_id, channel, sent, failed) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (minute, campaign_id, gateway_id, channel) DO UPDATE "
            "SET sent = traffic_minute.sent + excluded.sent, failed = traffic_minute.failed + excluded.failed",
            int(at.timestamp()) // 60, campaign_id or 0, gateway_id, channel, sent, failed,
        )  # fmt: skip


__all__ = ["count_channel", "count_traffic", "move_contacts"]
