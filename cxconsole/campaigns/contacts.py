"""The contacts of a campaign as people browse them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, true
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.search import is_one_of, is_sqlite
from cxconsole.campaigns.contact_changes import remove_contacts, retry_contacts, update_contacts
from cxconsole.campaigns.contact_filter import ContactQuery, FilterTree, Selection
from cxconsole.campaigns.contact_query import CONTACT_SORTS, check_query, find_contacts, match_statement
from cxconsole.campaigns.contact_selection import change_in_chunks, select_ids
from cxconsole.campaigns.delivery_words import delivery_word, furthest
from cxconsole.csv_guard import write_csv
from cxconsole.errors import NotFound
from cxconsole.paging import Page, check_range, make_page, parse_sort
from models.campaign import Campaign, campaign_code
from models.comm import CommDelivery
from models.contact import CampaignContact, ContactSource, ContactStatus
from models.person import Channel, Identity, IdentityKind, Person

EXPORT_CHUNK = 1_000
MOST_ATTRIBUTES = 500


@dataclass(frozen=True, kw_only=True)
class ContactRow:
    """A line of the list of contacts.

    `delivery` has one word a channel on which a message was made: see delivery_words.FURTHEST_FIRST.
    `due_at` is when the next step may run; None when nothing is to come or a message is under way.
    """

    id: int
    person_id: int
    name: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    customer_id: str | None
    language: str | None
    time_zone: str | None
    preferred_channel: str | None
    external_ref: str | None
    attributes: dict[str, Any]
    status: ContactStatus
    hold_reason: str | None
    reason: str | None
    node: str | None
    source_id: int
    source_name: str
    delivery: dict[str, str]
    last_activity_at: datetime | None
    created_at: datetime
    due_at: datetime | None


def list_contacts(
    session: Session,
    campaign_id: int,
    *,
    actor: Actor,
    q: str = "",
    source_id: int | None = None,
    status: str | None = None,
    hold_reason: str | None = None,
    delivery: Mapping[str, str] | None = None,
    filter: FilterTree | None = None,
    sort: str = "-id",
    limit: int = 50,
    offset: int = 0,
) -> Page[ContactRow]:
    """Contacts by page. Every condition that is given must hold; see CONTACT_SORTS for `sort`."""
    actor.require("contacts.read")
    check_range(limit, offset)
    field, descending = parse_sort(sort, CONTACT_SORTS)
    query = ContactQuery(
        q=q, source_id=source_id, status=status, hold_reason=hold_reason, delivery=delivery or {}, filter=filter
    )
    check_query(query)
    check_campaign(session, campaign_id)
    found = find_contacts(session, campaign_id, query, sort=field, descending=descending, limit=limit, offset=offset)
    return make_page(
        read_contacts(session, found.ids),
        total=found.total,
        total_is_capped=found.total_is_capped,
        limit=limit,
        offset=offset,
    )


def get_contact(session: Session, campaign_id: int, contact_id: int, *, actor: Actor) -> ContactRow:
    """One contact of the campaign. Raises NotFound."""
    actor.require("contacts.read")
    owner = session.execute(
        select(col(CampaignContact.campaign_id)).where(col(CampaignContact.id) == contact_id)
    ).scalar_one_or_none()
    if owner != campaign_id:
        raise NotFound(f"{campaign_code(campaign_id)} has no contact {contact_id}.")
    return read_contacts(session, [contact_id])[0]


def check_campaign(session: Session, campaign_id: int) -> None:
    """Raise NotFound unless the campaign exists."""
    if session.execute(select(col(Campaign.id)).where(col(Campaign.id) == campaign_id)).scalar_one_or_none() is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")


def read_contacts(session: Session, ids: Sequence[int]) -> list[ContactRow]:
    """The rows for these keys, in this order; keys that are gone are left out."""
    if not ids:
        return []
    found = {
        contact.id: (contact, person, source)
        for contact, person, source in session.execute(
            select(CampaignContact, Person, col(ContactSource.name))
            .outerjoin(Person, col(Person.id) == col(CampaignContact.person_id))
            .outerjoin(ContactSource, col(ContactSource.id) == col(CampaignContact.source_id))
            .where(col(CampaignContact.id).in_(ids))
        ).all()
    }
    addresses = _read_addresses(session, [contact.person_id for contact, _, _ in found.values()])
    words = _read_delivery_words(session, ids)
    return [_row(*found[key], addresses, words[key]) for key in ids if key in found]


def _read_addresses(session: Session, person_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    rows = session.execute(
        select(col(Identity.person_id), col(Identity.kind), col(Identity.value))
        .where(col(Identity.person_id).in_(person_ids), col(Identity.is_primary))
        .order_by(col(Identity.id).desc())
    ).all()
    return {(person_id, kind): value for person_id, kind, value in rows}


def _read_delivery_words(session: Session, contact_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    d = CommDelivery
    rows = session.execute(
        select(
            col(d.contact_id), col(d.channel), col(d.state), col(d.sent_at), col(d.delivered_at), col(d.bounced_at),
            col(d.opened_at), col(d.read_at), col(d.clicked_at), col(d.replied_at), col(d.unsubscribed_at),
            col(d.complained_at),
        ).where(col(d.contact_id).in_(contact_ids))
    ).all()  # fmt: skip
    words: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        words[row.contact_id][row.channel].append(delivery_word(row))
    return defaultdict(dict, {
        contact_id: {channel: furthest(found) for channel, found in sorted(channels.items())}
        for contact_id, channels in words.items()
    })  # fmt: skip


def _row(
    contact: CampaignContact,
    person: Person | None,
    source: str | None,
    addresses: dict[tuple[int, str], str],
    delivery: dict[str, str],
) -> ContactRow:
    person = person or Person(id=contact.person_id, created_at=contact.created_at, updated_at=contact.created_at)
    return ContactRow(
        id=contact.id or 0,
        person_id=contact.person_id,
        name=" ".join(part for part in (person.first_name, person.last_name) if part),
        first_name=person.first_name,
        last_name=person.last_name,
        email=addresses.get((contact.person_id, IdentityKind.EMAIL)),
        phone=addresses.get((contact.person_id, IdentityKind.PHONE)),
        customer_id=addresses.get((contact.person_id, IdentityKind.CUSTOMER_ID)),
        language=person.language,
        time_zone=person.time_zone,
        preferred_channel=person.preferred_channel,
        external_ref=person.external_ref,
        attributes=dict(person.attributes or {}),
        status=ContactStatus(contact.status),
        hold_reason=contact.hold_reason,
        reason=contact.reason,
        node=contact.node,
        source_id=contact.source_id,
        source_name=source or "",
        delivery=delivery,
        last_activity_at=contact.last_activity_at,
        created_at=contact.created_at,
        due_at=contact.due_at,
    )


def export_contacts(
    session: Session, campaign_id: int, selection: Selection | None = None, *, actor: Actor
) -> Iterator[str]:
    """The contacts as CSV, in chunks of text, oldest first; all of them without a selection.

    Attributes become one column each, named as they are.
    """
    actor.require("contacts.export")
    check_campaign(session, campaign_id)
    chosen = selection or Selection(matching=ContactQuery())
    if chosen.matching is not None:
        check_query(chosen.matching)
    attributes = _attribute_names(session, campaign_id, chosen)
    header = [*_EXPORTED, *(f"{channel}_status" for channel in _EXPORTED_CHANNELS), *attributes]
    return write_csv(header, _export_rows(session, campaign_id, chosen, attributes))


_EXPORTED = (
    "id", "person_id", "first_name", "last_name", "email", "phone", "customer_id", "language", "time_zone",
    "preferred_channel", "external_ref", "status", "hold_reason", "reason", "source_name", "created_at", "due_at",
    "last_activity_at",
)  # fmt: skip
_EXPORTED_CHANNELS = (Channel.EMAIL.value, Channel.SMS.value)


def _attribute_names(session: Session, campaign_id: int, selection: Selection) -> list[str]:
    """The names of all attributes that the contacts have."""
    person = Person
    keys: Any = func.jsonb_each(col(person.attributes)).table_valued("key", "value")
    if is_sqlite(session):
        keys = func.json_each(col(person.attributes)).table_valued("key")
    member = col(CampaignContact.person_id) == col(person.id)
    statement = select(keys.c.key).select_from(CampaignContact).join(person, member).join(keys, true()).distinct()
    if selection.ids is not None:
        chosen = is_one_of(col(CampaignContact.id), selection.ids, sqlite=is_sqlite(session))
    else:
        matching = match_statement(session, campaign_id, selection.matching or ContactQuery())
        chosen = col(CampaignContact.id).in_(matching.correlate(None))
    found = session.execute(statement.where(col(CampaignContact.campaign_id) == campaign_id, chosen)).scalars()
    return sorted(found)[:MOST_ATTRIBUTES]


def _export_rows(
    session: Session, campaign_id: int, selection: Selection, attributes: Sequence[str]
) -> Iterator[list[object]]:
    for ids in select_ids(session, campaign_id, selection, chunk=EXPORT_CHUNK):
        for row in read_contacts(session, ids):
            yield [
                *(getattr(row, name) for name in _EXPORTED),
                *(row.delivery.get(channel, "none") for channel in _EXPORTED_CHANNELS),
                *(row.attributes.get(name) for name in attributes),
            ]


__all__ = [
    "CONTACT_SORTS", "ContactQuery", "ContactRow", "Selection", "change_in_chunks", "check_campaign", "export_contacts",
    "get_contact", "list_contacts", "read_contacts", "remove_contacts", "retry_contacts", "update_contacts",
]  # fmt: skip
