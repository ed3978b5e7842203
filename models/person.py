"""Persons and the identities by which they are known."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, String, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlmodel import Field

from models.base import BIG, Table, at_field, code_field, id_field, json_field, key_field, ref_field


class Channel(StrEnum):
    """A way to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    LETTER = "letter"
    VOICE = "voice"


class IdentityKind(StrEnum):
    """What kind of address or name an identity is."""

    EMAIL = "email"
    PHONE = "phone"
    CUSTOMER_ID = "customer_id"
    PUSH = "push"
    POSTAL = "postal"
    TEMPORARY_ID = "temporary_id"
    SOCIAL_ID = "social_id"


ADDRESS_OF: dict[Channel, IdentityKind] = {
    Channel.EMAIL: IdentityKind.EMAIL,
    Channel.SMS: IdentityKind.PHONE,
    Channel.VOICE: IdentityKind.PHONE,
    Channel.PUSH: IdentityKind.PUSH,
    Channel.LETTER: IdentityKind.POSTAL,
}
"""The kind of identity a channel sends to."""
NO_ADDRESS: dict[Channel, str] = {
    Channel.EMAIL: "no_email",
    Channel.SMS: "no_phone",
    Channel.VOICE: "no_phone",
    Channel.PUSH: "no_push_address",
    Channel.LETTER: "no_postal_address",
}
"""The reason kept when a person has no address for a channel."""


class Person(Table, table=True):
    """A customer. E-mail, phone and customer id live in `identity`; all other columns are here."""

    __tablename__ = "person"
    __table_args__ = (
        Index("ix_person_last_name", "last_name", "first_name", "id"),
        Index("ix_person_first_name", "first_name", "id"),
        Index("ix_person_language", "language", "id"),
        Index(
            "ix_person_merged",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # the Tape names persons by id, so an id is never given again
    )

    id: int | None = id_field()
    first_name: str | None = key_field(None, nullable=True)
    last_name: str | None = key_field(None, nullable=True)
    language: str | None = key_field(None, nullable=True)
    time_zone: str | None = None
    preferred_channel: str | None = code_field(None, nullable=True)
    external_ref: str | None = None
    attributes: dict[str, Any] = json_field()
    consents: dict[str, Any] = json_field()  # {"email": {"granted": true, "at": "..."}}; absent means not asked
    labels: list[str] = json_field(list)
    merged_into: int | None = ref_field(nullable=True)  # who took this one's identities; such a row is history
    created_by_source: int | None = None  # the contact source that brought this person first; undo asks
    is_demo: bool = False
    created_at: datetime = at_field()
    updated_at: datetime = at_field()
    erased_at: datetime | None = at_field(nullable=True)  # since then only the id is left


class PersonKey(Table, table=True):
    """The key under which a person's personal fields on the Tape are sealed. Without it nobody reads them again."""

    __tablename__ = "person_key"

    person_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    sealed: str  # by the vault
    created_at: datetime = at_field()


KIND = String(40).with_variant(ENUM(*sorted(IdentityKind), name="identity_kind", create_type=False), "postgresql")
"""PostgreSQL compares a kind as a number. It comes first in the index by which all identities are found, and makes
storing one cheaper by a fifth."""


class Identity(Table, table=True):
    """One address or name of a person. It belongs to one person at a time."""

    __tablename__ = "identity"
    __table_args__ = (
        Index("uq_identity_kind_value", "kind", "value", unique=True),
        Index("ix_identity_person", "person_id"),
    )

    id: int | None = id_field()
    person_id: int = ref_field()
    kind: str = Field(sa_column=Column(KIND, nullable=False))
    value: str = key_field()  # normalised: e-mail with lower-case domain, phone E.164
    is_primary: bool = True  # the one of its kind that is used for sending
    created_at: datetime = at_field()


class PersonSearchQueue(Table, table=True):
    """Persons whose search text is not up to date, hundreds a row; drained by the job `index_persons`."""

    __tablename__ = "person_search_queue"

    id: int | None = id_field()
    person_ids: list[int] = json_field(list)


class PersonMerge(Table, table=True):
    """One person was merged into another: what came along, so that it can go back. Ids and names of fields only."""

    __tablename__ = "person_merge"
    __table_args__ = (Index("ix_person_merge_person", "person_id"), Index("ix_person_merge_merged", "merged_person_id"))

    id: int | None = id_field()
    person_id: int = ref_field()  # who stayed
    merged_person_id: int = ref_field()
    moved: dict[str, Any] = json_field()  # what came along, see audience/merge_records.py
    actor: str
    merged_at: datetime = at_field()
    undone_at: datetime | None = at_field(nullable=True)
    undone_by: str | None = None


__all__ = [
    "ADDRESS_OF", "NO_ADDRESS", "Channel", "Identity", "IdentityKind", "Person", "PersonKey", "PersonMerge",
    "PersonSearchQueue",
]  # fmt: skip
