"""One communication: the request, and its delivery on a channel."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import Table, at_field, code_field, id_field, json_field, ref_field


class RequestState(StrEnum):
    """Where a CommRequest stands; the codes are the stored ones."""

    AWAITING = "A"
    AWAITING_RESOLUTION = "R"
    PROCESSED = "P"
    CANCELLED = "C"
    NOT_SENT = "N"
    OPTED_OUT = "O"
    ERROR = "E"


_R = RequestState
REQUEST_MOVES: dict[RequestState, frozenset[RequestState]] = {
    _R.AWAITING: frozenset({_R.PROCESSED, _R.CANCELLED, _R.NOT_SENT, _R.OPTED_OUT, _R.ERROR}),
    _R.AWAITING_RESOLUTION: frozenset({_R.AWAITING, _R.CANCELLED}),
    # processed: handed to a delivery; the last-moment check may still stop it
    _R.PROCESSED: frozenset({_R.CANCELLED, _R.NOT_SENT, _R.OPTED_OUT, _R.ERROR}),
    _R.CANCELLED: frozenset(),
    _R.NOT_SENT: frozenset(),
    _R.OPTED_OUT: frozenset(),
    _R.ERROR: frozenset({_R.PROCESSED}),  # a person retries
}


class DeliveryState(StrEnum):
    """Where a CommDelivery stands. Codes of the field where it has them, words where it has none."""

    AWAITING_MERGE = "A"
    AWAITING_DISTRIBUTION = "D"
    SENDING = "sending"
    SENT = "S"
    PUBLISHED = "P"
    RETRY = "R"
    ERROR = "E"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    CANCELLED = "C"


_D = DeliveryState
DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    _D.AWAITING_MERGE: frozenset({_D.AWAITING_DISTRIBUTION, _D.ERROR, _D.CANCELLED}),
    _D.AWAITING_DISTRIBUTION: frozenset({_D.SENDING, _D.ERROR, _D.CANCELLED}),
    _D.SENDING: frozenset({_D.SENT, _D.PUBLISHED, _D.RETRY, _D.ERROR, _D.AWAITING_DISTRIBUTION, _D.BOUNCED}),
    _D.RETRY: frozenset({_D.SENDING, _D.ERROR, _D.CANCELLED}),
    _D.SENT: frozenset({_D.DELIVERED, _D.BOUNCED}),
    _D.PUBLISHED: frozenset(),
    _D.ERROR: frozenset({_D.AWAITING_DISTRIBUTION}),  # a person retries
    _D.DELIVERED: frozenset({_D.BOUNCED}),  # a late bounce is the truer word
    _D.BOUNCED: frozenset(),
    _D.CANCELLED: frozenset(),
}

ENGAGEMENTS = ("opened", "clicked", "read", "replied", "unsubscribed", "complained")
"""What a person did with a message; each is a time in the column `<name>_at`."""


class CommRequest(Table, table=True):
    """The header of one communication. Ends in exactly one state, with a reason in words."""

    __tablename__ = "comm_request"
    __table_args__ = (
        Index("ix_request_contact", "contact_id"),
        Index("ix_request_person", "person_id", "id"),
        Index(
            "uq_request_unique_ref", "unique_ref", unique=True,
            sqlite_where=text("unique_ref IS NOT NULL"), postgresql_where=text("unique_ref IS NOT NULL"),
        ),
    )  # fmt: skip

    id: int | None = id_field()
    trigger_kind: str = code_field()  # campaign_step | agent | api | test
    trigger_id: str = ""  # for a campaign step: the node of the flow
    unique_ref: str | None = None
    campaign_id: int | None = None
    contact_id: int | None = ref_field(nullable=True)
    person_id: int = ref_field()
    priority: int = 2  # 1 high, 2 medium, 3 low
    comm_code: str = ""
    state: str = code_field(RequestState.AWAITING)
    reason: str | None = None
    created_at: datetime = at_field()
    updated_at: datetime = at_field()


class CommDelivery(Table, table=True):
    """One communication on one channel to one target. High volume: no foreign keys."""

    __tablename__ = "comm_delivery"
    __table_args__ = (
        Index("ix_delivery_request", "request_id"),
        Index("ix_delivery_contact", "contact_id"),
        Index("ix_delivery_person", "person_id", "sent_at"),
        Index("ix_delivery_campaign", "campaign_id", "channel", "state", "contact_id"),
        *(
            Index(  # who did something with a message: few, and in the order in which lists show them
                f"ix_delivery_{name}", "campaign_id", "channel", "contact_id",
                sqlite_where=text(f"{name}_at IS NOT NULL"), postgresql_where=text(f"{name}_at IS NOT NULL"),
            )
            for name in ("opened", "clicked", "unsubscribed")
        ),
        # only the rows that are still to be sent: stays small however many were
        Index(
            "ix_delivery_due", "gateway_id", "not_before", "id",
            sqlite_where=text("state IN ('D','R','sending')"), postgresql_where=text("state IN ('D','R','sending')"),
        ),
        Index(
            "ix_delivery_provider", "gateway_id", "provider_id",
            sqlite_where=text("provider_id IS NOT NULL"), postgresql_where=text("provider_id IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # links in old messages name it, so it must never be another one's
    )  # fmt: skip

    id: int | None = id_field()
    request_id: int = ref_field()
    campaign_id: int | None = None
    contact_id: int | None = ref_field(nullable=True)
    person_id: int = ref_field()
    node: str | None = code_field(None, nullable=True)
    channel: str = code_field()
    target: str
    gateway_id: int
    template_version_id: int
    merge: dict[str, Any] = json_field()  # the fields that were merged: with the version, the exact content
    state: str = code_field(DeliveryState.AWAITING_DISTRIBUTION)
    attempts: int = 0
    not_before: datetime = at_field()  # when it may leave: a delay, a retry, quiet hours
    lease_owner: str | None = None
    lease_until: datetime | None = at_field(nullable=True)
    possible_duplicate: bool = False  # a crash happened while it was on the wire, so it may have left twice
    provider_id: str | None = None  # what a vendor calls it; e-mail's own message id derives from `id`
    checks: dict[str, Any] = json_field()  # verdict of each last-moment check, see comms/policy.py
    reason: str | None = None
    created_at: datetime = at_field()
    sent_at: datetime | None = at_field(nullable=True)
    delivered_at: datetime | None = at_field(nullable=True)
    bounced_at: datetime | None = at_field(nullable=True)
    opened_at: datetime | None = at_field(nullable=True)
    clicked_at: datetime | None = at_field(nullable=True)
    read_at: datetime | None = at_field(nullable=True)
    replied_at: datetime | None = at_field(nullable=True)
    unsubscribed_at: datetime | None = at_field(nullable=True)
    complained_at: datetime | None = at_field(nullable=True)


class RateUsage(Table, table=True):
    """What was sent in one second under one limit; rolling windows are sums over these.

    `scope` names the limit: `gateway:7`, `domain:7:example.com`, `campaign:1001`.
    """

    __tablename__ = "rate_usage"

    scope: str = Field(primary_key=True)
    second: int = Field(primary_key=True)  # epoch seconds
    used: int = 0


__all__ = [
    "DELIVERY_MOVES", "ENGAGEMENTS", "REQUEST_MOVES", "CommDelivery", "CommRequest", "DeliveryState", "RateUsage",
    "RequestState",
]  # fmt: skip
