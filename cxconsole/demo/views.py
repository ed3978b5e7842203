"""The profile views of the demo world, on the events that it really makes."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.journey.attribute_reader import read_attributes
from cxconsole.journey.attributes import say_attribute
from models.profile import ProfileView


def _count(name: str, event: str, days: int = 30) -> dict[str, Any]:
    return {
        "displayName": name, "event": event, "aggregationMode": "Count", "lookbackDurationType": "days",
        "lookbackPeriod": days, "limit": 1000,
    }  # fmt: skip


def _latest(name: str, event: str) -> dict[str, Any]:
    return {**_count(name, event), "aggregationMode": "Value", "limit": 1}


def _channels(name: str, event: str, mode: str, limit: int) -> dict[str, Any]:
    return {**_count(name, event), "metadata": "channel", "aggregationMode": mode, "limit": limit}


SHOP_VIEW = "shop"
"""The view that the page with the web components shows."""

VIEWS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "service": (
        "Service",
        [
            _count("Messages opened", "comm.opened"),
            _channels("Last reaction on", "comm.opened", "Value", 1),
            _count("Links clicked", "comm.clicked"),
            _count("Replies", "comm.replied", 90),
        ],
    ),
    "outreach": (
        "Outreach",
        [
            _count("Messages sent", "comm.sent"),
            _channels("Sent by", "comm.sent", "Distinct", 1000),
            _count("Not sent", "comm.not_sent"),
            {
                **_channels("Not sent because", "comm.not_sent", "Distinct", 100), "metadata": "reason",
                "rules": {"logic": "SINGLE", "args": ["'comm.not_sent','','Count' GTE 1"]},
            },
        ],
    ),
    SHOP_VIEW: (
        "Shop",
        [
            _count("Pages seen", "page.viewed"),
            {**_latest("Last looked at", "product.viewed"), "metadata": "product"},
            {**_latest("In the cart", "cart/*"), "metadata": "items", "metadataType": "integer"},
            _count("Orders", "order.placed", 90),
            {
                **_count("Spent", "order.placed", 90), "metadata": "total", "metadataType": "double",
                "aggregationMode": "Sum",
            },
        ],
    ),
}  # fmt: skip
"""By key: the name and the attributes."""


def write_views(session: Session, now: datetime) -> None:
    """Store the views."""
    for key, (name, attributes) in VIEWS.items():
        read = [say_attribute(one) for one in read_attributes(attributes)]
        session.add(
            ProfileView(
                key=key, name=name, attributes=read, datapoint_count=len(read), is_demo=True, created_at=now,
                updated_at=now,
            )
        )  # fmt: skip
