"""What of a query an index can answer, and about how many contacts that leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal_column, select
from sqlmodel import Session, col

from cxconsole.audience.search import (
    find_person_ids,
    holds_words,
    is_one_of,
    is_sqlite,
    queued_person_ids,
    search_fold,
    split_words,
)  # fmt: skip
from cxconsole.campaigns.contact_filter import (
    ATTRIBUTE_PREFIX,
    AllOf,
    Condition,
    ContactQuery,
    FilterOp,
    FilterTree,
    filter_clause,
)  # fmt: skip
from cxconsole.campaigns.delivery_words import REACHED
from models.campaign import CampaignChannel, CampaignProgress
from models.comm import CommDelivery
from models.contact import CampaignContact, ContactStatus, HoldReason

_HOLD_COLUMNS = {
    HoldReason.UNPUBLISHED: "held_unpublished",
    HoldReason.EXPIRED: "held_expired",
    HoldReason.ENDED: "held_ended",
}
_SEARCHED_FIELDS = frozenset({"name", "first_name", "last_name", "email", "phone", "customer_id", "external_ref"})
_FOUND_BY = frozenset({FilterOp.EQ, FilterOp.CONTAINS, FilterOp.STARTS})
_GRAM = 3


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A condition that an index answers, and about how many contacts it leaves."""

    size: int
    narrow: ColumnElement[bool]
    is_status: bool = False
    """Whether `narrow` is a status, whose number is exact."""
    is_key: bool = False
    """Whether `narrow` gives the contacts' keys, so that no index on the campaign is wanted."""
    is_words: bool = False
    """Whether `narrow` is a list of those who hold the words."""
    covers: str = ""
    """The condition (see `query_conditions`) that holds for all contacts that `narrow` leaves."""


def query_conditions(query: ContactQuery, *, sqlite: bool) -> dict[str, ColumnElement[bool]]:
    """What must hold of a contact, as SQL over CampaignContact (and Person, when the filter needs it), by name."""
    contact = CampaignContact
    found: dict[str, Any] = {}
    if query.source_id is not None:
        found["source"] = col(contact.source_id) == query.source_id
    if query.status:
        found["status"] = col(contact.status) == query.status
    if query.hold_reason:
        held = col(contact.status) == ContactStatus.HELD.value
        found["hold_reason"] = and_(held, col(contact.hold_reason) == query.hold_reason)
    for channel, state in query.delivery.items():
        made = exists().where(col(CommDelivery.contact_id) == col(contact.id), col(CommDelivery.channel) == channel)
        found[f"delivery {channel}"] = ~made if state == "none" else made.where(REACHED[state])
    if query.filter is not None:
        found["filter"] = filter_clause(query.filter, sqlite=sqlite)
    if words := split_words(query.q):
        found["q"] = holds_words(col(contact.person_id), words)
    return found


def find_drivers(
    session: Session, numbers: CampaignProgress, query: ContactQuery, *, words_limit: int
) -> Iterator[Driver]:
    """The indexed conditions of the query. Words that more than `words_limit` persons have are none."""
    status = col(CampaignContact.status)
    if query.status and query.status != ContactStatus.HELD:
        yield Driver(size=getattr(numbers, query.status), narrow=status == query.status, is_status=True)
    if query.status == ContactStatus.HELD or query.hold_reason:
        held = {reason: getattr(numbers, name) for reason, name in _HOLD_COLUMNS.items()}
        size = held[HoldReason(query.hold_reason)] if query.hold_reason else sum(held.values())
        # the literal lets SQLite see that the index of held contacts will do
        yield Driver(size=size, narrow=status == literal_column("'held'"), is_status=True)
    yield from _delivery_drivers(session, numbers.campaign_id, query)
    if words_limit > 0:
        for words, is_search in ((split_words(query.q), True), (filter_words(query.filter), False)):
            yield from _word_drivers(session, words, words_limit, is_search=is_search)


def _delivery_drivers(session: Session, campaign_id: int, query: ContactQuery) -> Iterator[Driver]:
    asked = {channel: state for channel, state in query.delivery.items() if state not in ("none", "waiting")}
    if not asked:
        return
    rows = session.execute(select(CampaignChannel).where(col(CampaignChannel.campaign_id) == campaign_id)).scalars()
    numbers = {row.channel: row for row in rows}
    for channel, state in asked.items():
        reached = select(col(CommDelivery.contact_id)).where(
            col(CommDelivery.campaign_id) == campaign_id, col(CommDelivery.channel) == channel, REACHED[state]
        )
        size = getattr(numbers[channel], state) if channel in numbers else 0
        yield Driver(size=size, narrow=col(CampaignContact.id).in_(reached), is_key=True, covers=f"delivery {channel}")


def _word_drivers(session: Session, words: tuple[str, ...], limit: int, *, is_search: bool) -> Iterator[Driver]:
    if not words:
        return
    ids = find_person_ids(session, words, limit=limit + 1)
    if not is_search:  # a filter is exact: persons whose text is not up to date are looked at, too
        ids = list({*ids, *queued_person_ids(session, limit=limit + 1)})
    if len(ids) <= limit:
        narrow = is_one_of(col(CampaignContact.person_id), ids, sqlite=is_sqlite(session))
        yield Driver(size=len(ids), narrow=narrow, is_words=True, covers="q" if is_search else "")


def filter_words(tree: FilterTree | None) -> tuple[str, ...]:
    """Words that the text of each person whom the filter finds must hold; so the search index can help."""
    conditions = tree.parts if isinstance(tree, AllOf) else (tree,)
    return tuple(
        search_fold(str(one.value)) for one in conditions if isinstance(one, Condition) and _is_searchable(one)
    )


def _is_searchable(condition: Condition) -> bool:
    named = condition.field in _SEARCHED_FIELDS or condition.field.startswith(ATTRIBUTE_PREFIX)
    value = str(condition.value)
    # an attribute that is a list or an object is compared as JSON, but searched value by value
    plain = not set(value) & set('"[]{},:\\')
    return named and plain and condition.op in _FOUND_BY and len(search_fold(value)) >= _GRAM
