"""From a selection of contacts to their keys, a chunk at a time."""

from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.audience.search import is_one_of, is_sqlite
from cxconsole.campaigns.contact_filter import ContactQuery, Selection
from cxconsole.campaigns.contact_query import check_query, match_statement
from cxconsole.database import Database
from models.contact import CampaignContact

CHUNK = 2_000
"""Contacts that one transaction changes: a fraction of a second, so that nobody waits behind it."""


def select_ids(
    session: Session, campaign_id: int, selection: Selection, *, chunk: int = CHUNK
) -> Iterator[tuple[int, ...]]:
    """The keys that are selected, in chunks, lowest first; keys of other campaigns are left out."""
    last = 0
    while ids := next_ids(session, campaign_id, selection, after=last, limit=chunk):
        yield ids
        last = ids[-1]


def next_ids(session: Session, campaign_id: int, selection: Selection, *, after: int, limit: int) -> tuple[int, ...]:
    """The lowest selected keys above `after`."""
    key = col(CampaignContact.id)
    if selection.ids is not None:
        wanted = sorted({one for one in selection.ids if one > after})[:limit]
        statement = select(key).where(
            col(CampaignContact.campaign_id) == campaign_id, is_one_of(key, wanted, sqlite=is_sqlite(session))
        )
        found = set(session.execute(statement).scalars())
        # a chunk whose keys are all gone must not end the walk
        rest = tuple(one for one in wanted if one in found)
        return rest or (next_ids(session, campaign_id, selection, after=wanted[-1], limit=limit) if wanted else ())
    statement = match_statement(session, campaign_id, selection.matching or ContactQuery())
    return tuple(session.execute(statement.where(key > after).order_by(key).limit(limit)).scalars())


def change_in_chunks(
    database: Database,
    campaign_id: int,
    selection: Selection,
    change: Callable[[Session, Selection], int],
    *,
    chunk: int = CHUNK,
) -> int:
    """Apply a change to any number of contacts, each chunk in a transaction of its own; the sum of its counts.

    `change(session, selection)` is given keys. Whoever stops half-way finds whole chunks done.
    """
    if selection.matching is not None:
        check_query(selection.matching)
    count, last = 0, 0
    while True:
        with database.read() as session:
            ids = next_ids(session, campaign_id, selection, after=last, limit=chunk)
        if not ids:
            return count
        with database.write() as session:
            count += change(session, Selection(ids=ids))
        last = ids[-1]
