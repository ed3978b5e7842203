"""The Tape: the immutable ledger. The database itself refuses to change or delete a row."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text

from models.base import Table, at_field, id_field, json_field, key_field, ref_field


class EventType(StrEnum):
    """What the product itself writes on the Tape. `docs/events.md` explains each."""

    CAMPAIGN_CREATED = "campaign.created"
    CAMPAIGN_CHANGED = "campaign.changed"
    CAMPAIGN_PUBLISHED = "campaign.published"
    CAMPAIGN_UNPUBLISHED = "campaign.unpublished"
    CAMPAIGN_ENDED = "campaign.ended"
    CAMPAIGN_DELETED = "campaign.deleted"
    CONTACT_ADDED = "contact.added"
    CONTACT_CHANGED = "contact.changed"
    CONTACT_REMOVED = "contact.removed"
    CONTACT_COMPLETED = "contact.completed"
    CONTACT_FAILED = "contact.failed"
    CONTACT_SUPPRESSED = "contact.suppressed"
    CONTACT_RETRIED = "contact.retried"
    IMPORT_STARTED = "import.started"
    IMPORT_FINISHED = "import.finished"
    IMPORT_UNDONE = "import.undone"
    PERSON_CREATED = "person.created"
    PERSON_CHANGED = "person.changed"
    PERSON_MERGED = "person.merged"
    PERSON_UNMERGED = "person.unmerged"
    PERSON_ERASED = "person.erased"
    CONFLICT_DECIDED = "conflict.decided"
    COMM_REQUESTED = "comm.requested"
    COMM_NOT_SENT = "comm.not_sent"
    COMM_CANCELLED = "comm.cancelled"
    COMM_SENT = "comm.sent"
    COMM_RETRIED = "comm.retried"
    COMM_FAILED = "comm.failed"
    COMM_DELIVERED = "comm.delivered"
    COMM_BOUNCED = "comm.bounced"
    COMM_OPENED = "comm.opened"
    COMM_CLICKED = "comm.clicked"
    COMM_READ = "comm.read"
    COMM_REPLIED = "comm.replied"
    COMM_UNSUBSCRIBED = "comm.unsubscribed"
    COMM_COMPLAINED = "comm.complained"
    NOTE_ADDED = "note.added"
    NOTE_ERASED = "note.erased"
    ACTIVITY_SCHEDULED = "activity.scheduled"
    ACTIVITY_DONE = "activity.done"
    ACTIVITY_CANCELLED = "activity.cancelled"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    GATEWAY_CHANGED = "gateway.changed"
    GATEWAY_TESTED = "gateway.tested"
    GATEWAY_SLOWED = "gateway.slowed"
    GATEWAY_STOPPED = "gateway.stopped"
    GATEWAY_RECOVERED = "gateway.recovered"
    SENDING_PAUSED = "sending.paused"
    SENDING_RESUMED = "sending.resumed"
    TEMPLATE_CHANGED = "template.changed"
    PROFILE_CHANGED = "profile.changed"
    SOURCE_CHANGED = "source.changed"
    WEBHOOK_CHANGED = "webhook.changed"
    KEY_CREATED = "key.created"
    KEY_CHANGED = "key.changed"
    KEY_REVOKED = "key.revoked"


class Event(Table, table=True):
    """A CloudEvent. The product's own hold ids only, never an address or content.

    `event_id` is null for the product's own events: their CloudEvents id is derived from `id`. Who an event of
    others is about is kept as a reference, so that erasing the identity leaves no address behind.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_person_time", "person_id", "time", "id"),  # a late event takes its place in the timeline
        Index(
            "uq_event_source_id", "source", "event_id", unique=True,
            sqlite_where=text("event_id IS NOT NULL"), postgresql_where=text("event_id IS NOT NULL"),
        ),
        Index(
            "ix_event_campaign", "campaign_id", "id",  # the history of the campaign itself, not of its contacts
            sqlite_where=text("person_id IS NULL"), postgresql_where=text("person_id IS NULL"),
        ),
    )  # fmt: skip

    id: int | None = id_field()
    event_id: str | None = key_field(None, nullable=True)
    source: str = key_field("cxconsole")
    type: str
    person_id: int | None = ref_field(nullable=True)
    identity_id: int | None = ref_field(nullable=True)  # the identity that was named, for an event of others
    campaign_id: int | None = None
    contact_id: int | None = ref_field(nullable=True)
    delivery_id: int | None = ref_field(nullable=True)
    time: datetime = at_field()
    actor: str = "engine"
    data: dict[str, Any] = json_field()
    extensions: dict[str, Any] | None = json_field(nullable=True)  # CloudEvents attributes that are not ours


__all__ = ["Event", "EventType"]
