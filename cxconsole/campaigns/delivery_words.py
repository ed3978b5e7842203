"""What became of a message, in one word: for badges, filters and the trail."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col

from models.comm import CommDelivery, DeliveryState

FURTHEST_FIRST = (
    "complained", "unsubscribed", "replied", "clicked", "opened", "bounced", "delivered", "sent",
    "failed", "cancelled", "retrying", "sending", "waiting",
)  # fmt: skip
"""The words, the most telling first. A contact with several messages on a channel shows the first that fits one."""

_TIMES = (
    ("complained_at", "complained"), ("unsubscribed_at", "unsubscribed"), ("replied_at", "replied"),
    ("clicked_at", "clicked"), ("opened_at", "opened"), ("read_at", "opened"), ("bounced_at", "bounced"),
    ("delivered_at", "delivered"), ("sent_at", "sent"),
)  # fmt: skip
_STATES = {
    DeliveryState.AWAITING_MERGE: "waiting",
    DeliveryState.AWAITING_DISTRIBUTION: "waiting",
    DeliveryState.SENDING: "sending",
    DeliveryState.SENT: "sent",
    DeliveryState.PUBLISHED: "sent",
    DeliveryState.RETRY: "retrying",
    DeliveryState.ERROR: "failed",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.BOUNCED: "bounced",
    DeliveryState.CANCELLED: "cancelled",
}
_RANK = {word: rank for rank, word in enumerate(FURTHEST_FIRST)}


def delivery_word(delivery: Any) -> str:
    """How far this delivery got: one of FURTHEST_FIRST. Takes a CommDelivery, or a row with its state and times."""
    for column, word in _TIMES:
        if getattr(delivery, column) is not None:
            return word
    return _STATES[DeliveryState(delivery.state)]


def furthest(words: Iterable[str]) -> str:
    """The most telling of the words; `none` when there is none."""
    return min(words, key=_RANK.__getitem__, default="none")


_D = CommDelivery
LEFT = tuple(
    state.value
    for state in (DeliveryState.SENT, DeliveryState.PUBLISHED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)
)
_WAITING = tuple(
    state.value
    for state in (
        DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.SENDING, DeliveryState.RETRY,
    )
)  # fmt: skip

REACHED: dict[str, ColumnElement[bool]] = {
    "sent": col(_D.state).in_(LEFT),
    "delivered": col(_D.state) == DeliveryState.DELIVERED.value,
    "bounced": col(_D.state) == DeliveryState.BOUNCED.value,
    "opened": col(_D.opened_at).is_not(None),
    "clicked": col(_D.clicked_at).is_not(None),
    "replied": col(_D.replied_at).is_not(None),
    "unsubscribed": col(_D.unsubscribed_at).is_not(None),
    "complained": col(_D.complained_at).is_not(None),
    "failed": col(_D.state) == DeliveryState.ERROR.value,
    "waiting": col(_D.state).in_(_WAITING),
}
"""Filters count what a delivery has reached, as the funnel does: an opened mail is also sent and delivered."""

DELIVERY_STATES = (*REACHED, "none")
"""What can be asked of a channel; `none`: no message was made for it."""
