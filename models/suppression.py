"""Who must not be contacted."""

import hashlib
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index

from models.base import Table, at_field, code_field, id_field, ref_field


class SuppressionReason(StrEnum):
    """Why someone must not be contacted."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    MANUAL = "manual"


HASHED = "sha256:"
"""What the address of an erased person begins with, here and in deliveries."""


def hash_address(address: str) -> str:
    """What is left of an address: enough to know it again, should it come back, and not to write to it."""
    return HASHED + hashlib.sha256(address.lower().encode()).hexdigest()


class Suppression(Table, table=True):
    """An address or a person that must not be contacted.

    Null `channel` means every channel, null `campaign_id` every campaign. Either `address` (as in
    `identity.value`, or hashed when its person was erased) or `person_id` is set.
    """

    __tablename__ = "suppression"
    __table_args__ = (Index("ix_suppression_address", "address"), Index("ix_suppression_person", "person_id"))

    id: int | None = id_field()
    address: str | None = None
    person_id: int | None = ref_field(nullable=True)
    channel: str | None = code_field(None, nullable=True)
    campaign_id: int | None = None
    reason: str = code_field(SuppressionReason.MANUAL)
    note: str = ""
    actor: str = ""
    is_demo: bool = False
    created_at: datetime = at_field()


__all__ = ["HASHED", "Suppression", "SuppressionReason", "hash_address"]
