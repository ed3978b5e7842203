"""Who a person is: identities, name, attributes. Forgotten when the person is erased; the id stays, for the counts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from cxconsole.audience.phones import group_phone
from cxconsole.audience.search import forget_texts
from cxconsole.audience.search_fragments import note_fragments
from cxconsole.driver import Driver
from cxconsole.journey.forgetting import holds_any
from models.contact import RejectedRow
from models.identity_import import RejectedIdentity
from models.person import Identity, IdentityKind, Person, PersonMerge
from models.suppression import HASHED, Suppression, hash_address

_LEAST = 6
"""A shorter text may be part of anything."""


def list_names(session: Session, person_ids: Sequence[int]) -> list[tuple[str, str]]:
    """(kind, value) of each identity."""
    rows = session.execute(
        select(col(Identity.kind), col(Identity.value)).where(col(Identity.person_id).in_(person_ids))
    )
    return [(kind, value) for kind, value in rows]


def find_traces(names: Sequence[tuple[str, str]]) -> list[str]:
    """Those by which a person is recognised inside other text; a customer's number may be any number."""
    return [value for kind, value in names if kind != IdentityKind.CUSTOMER_ID and len(value) >= _LEAST]


def forget_identity(session: Session, person_ids: Sequence[int], *, traces: Sequence[str], now: datetime) -> None:
    """Take away all by which the persons can be known, also from rows of imports and from the list of suppressions."""
    identity, person, rejected = Identity, Person, RejectedRow
    session.execute(delete(identity).where(col(identity.person_id).in_(person_ids)))
    session.execute(
        update(person)
        .where(col(person.id).in_(person_ids))
        .values(
            first_name=None, last_name=None, language=None, time_zone=None, preferred_channel=None, external_ref=None,
            attributes={}, consents={}, labels=[], updated_at=now, erased_at=now,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    merge = PersonMerge
    about = col(merge.person_id).in_(person_ids) | col(merge.merged_person_id).in_(person_ids)
    session.execute(delete(merge).where(about))
    forget_texts(session, person_ids)
    note_fragments(session, now=now)
    session.execute(
        update(rejected)
        .where(holds_any(rejected.raw, traces) | holds_any(rejected.value, traces))
        .values(raw=[], value="")
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(RejectedIdentity)
        .where(holds_any(RejectedIdentity.raw, traces))
        .values(raw=[])
        .execution_options(synchronize_session=False)
    )
    _hash_suppressions(session, traces)


def say_address(address: str) -> str:
    """An address as people read it: a phone number grouped; of who was erased, that it is so."""
    return "erased" if address.startswith(HASHED) else group_phone(address)


def _hash_suppressions(session: Session, addresses: Sequence[str]) -> None:
    """Who must not be contacted is still not, should the address come back; the list does not hold it any more."""
    Driver(session).run_many(
        "UPDATE suppression SET address = ?, note = '' WHERE address = ?",
        [(hash_address(one), form) for one in addresses for form in {one, one.lower()}],
    )
    session.execute(
        update(Suppression)
        .where(holds_any(Suppression.note, addresses))
        .values(note="")
        .execution_options(synchronize_session=False)
    )


__all__ = ["find_traces", "forget_identity", "list_names", "say_address"]
