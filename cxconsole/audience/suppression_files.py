"""Suppressions from and to CSV files."""

import csv
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.audience.bulk import slices
from cxconsole.audience.problems import Problem
from cxconsole.audience.suppressions import NewSuppression, clean_target, filter_suppressions, store_suppressions
from cxconsole.csv_guard import write_csv
from cxconsole.database import Database
from cxconsole.errors import Invalid, Malformed, TooLarge
from models.campaign import Campaign, campaign_code
from models.person import Channel
from models.suppression import Suppression, SuppressionReason

MOST_ROWS = 200_000
"""A file with more is refused: its rows are held in memory until all of them were read."""

_BATCH = 2000
_STORED = 500
"""So many are one transaction, of less than a tenth of a second."""
_GAP_SECONDS = 0.005
"""Who comes again at once has the right to write before another thread that waits for it has woken up."""
_SHOWN = 100
_ADDRESS_NAMES = (
    "address",
    "email",
    "e-mail",
    "email address",
    "e-mail address",
    "mail",
    "phone",
    "phone number",
    "mobile",
)
_HEADER = ("address", "person_id", "channel", "campaign", "reason", "note", "added_by", "added_at")


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A row that was not taken; `row_number` is what a spreadsheet shows."""

    row_number: int
    value: str
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class SuppressionImport:
    """What came of a file: rows = added + already + rejected. Of the rejected rows the first 100 are told."""

    rows: int
    added: int
    already: int
    rejected: int
    first_rejected: tuple[RefusedRow, ...]


@dataclass(frozen=True, kw_only=True)
class _Columns:
    address: int
    channel: int | None = None
    reason: int | None = None
    note: int | None = None


def import_suppressions(
    database: Database,
    lines: Iterable[str],
    *,
    channel: str | None = None,
    campaign_id: int | None = None,
    reason: str = SuppressionReason.MANUAL,
    actor: Actor,
    now: datetime,
    default_region: str = "US",
) -> SuppressionImport:
    """Add every address of a CSV text, given as lines.

    The first row names the columns (address, channel, reason, note), or there is one bare column. The arguments hold
    for rows that do not say otherwise. A text that cannot be used raises Invalid, Malformed or TooLarge and changes
    nothing; one that can is stored a batch a transaction, so that no other writer waits for all of it. After a break
    the same text is given again: what is there already is counted as that. The caller publishes topics.SUPPRESSIONS.
    """
    actor.require("suppressions.edit")
    if channel is not None and channel not in set(Channel):
        raise Invalid.field("channel", f"A channel is one of {', '.join(Channel)}, or none for all.")
    if reason not in set(SuppressionReason):
        raise Invalid.field("reason", f"A reason is one of {', '.join(SuppressionReason)}.")
    with database.read() as session:
        if campaign_id is not None and session.get(Campaign, campaign_id) is None:
            raise Invalid.field("campaign_id", f"There is no campaign {campaign_id}.")
    standard = NewSuppression(channel=channel, campaign_id=campaign_id, reason=reason)
    taken: list[NewSuppression] = []
    refused: list[RefusedRow] = []
    rejected = 0
    for found in _read(lines, standard, default_region=default_region):
        if isinstance(found, NewSuppression):
            taken.append(found)
        else:
            rejected += 1
            if len(refused) < _SHOWN:
                refused.append(found)
        if len(taken) + rejected > MOST_ROWS:
            raise TooLarge(f"The file has more than {MOST_ROWS:,} rows. Split it into several files.")
    added = 0
    for part in slices(taken, _STORED):
        with database.write() as session:
            added += len(store_suppressions(session, part, actor=actor, now=now))
        time.sleep(_GAP_SECONDS)
    return SuppressionImport(
        rows=len(taken) + rejected, added=added, already=len(taken) - added, rejected=rejected,
        first_rejected=tuple(refused),
    )  # fmt: skip


def export_suppressions(
    session: Session,
    *,
    actor: Actor,
    q: str = "",
    reason: str | None = None,
    channel: str | None = None,
    campaign_id: int | None = None,
) -> Iterator[str]:
    """The filtered list as CSV in chunks, formula-guarded; the session must stay open while it is read."""
    actor.require("suppressions.read")
    where = filter_suppressions(q=q, reason=reason, channel=channel, campaign_id=campaign_id)

    def rows() -> Iterator[tuple[object, ...]]:
        last = 0
        while True:
            some = session.exec(
                select(Suppression).where(where, col(Suppression.id) > last).order_by(col(Suppression.id)).limit(_BATCH)
            ).all()
            for one in some:
                campaign = campaign_code(one.campaign_id) if one.campaign_id else None
                yield (one.address, one.person_id, one.channel, campaign, one.reason, one.note, one.actor,
                       one.created_at)  # fmt: skip
            session.expunge_all()  # a long export must not keep every row
            if len(some) < _BATCH:
                return
            last = some[-1].id or 0

    return write_csv(_HEADER, rows())


def _read(
    lines: Iterable[str], standard: NewSuppression, *, default_region: str
) -> Iterator[NewSuppression | RefusedRow]:
    reader = csv.reader(_checked_lines(lines), strict=True)
    columns: _Columns | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns, is_header = _columns_of(cells)
                if is_header:
                    continue
            yield _read_row(reader.line_num, cells, columns, standard, default_region=default_region)
    except csv.Error as error:
        raise Malformed(f"Row {reader.line_num} of the file cannot be read as CSV: {error}.") from None
    if columns is None:
        raise Malformed("The file is empty.")


def _checked_lines(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if "\0" in line:
            raise Malformed("The file is not text. Export it as CSV.")
        yield line.removeprefix("\ufeff") if number == 0 else line


def _columns_of(cells: list[str]) -> tuple[_Columns, bool]:
    names = [cell.strip().lower() for cell in cells]
    address = next((names.index(name) for name in _ADDRESS_NAMES if name in names), None)
    if address is not None:
        where = {name: names.index(name) for name in ("channel", "reason", "note") if name in names}
        return _Columns(address=address, **where), True
    if len(cells) == 1:
        return _Columns(address=0), False
    raise Malformed("No column of the file is called address, email or phone. Name the column in the first row.")


def _read_row(
    row_number: int, cells: list[str], columns: _Columns, standard: NewSuppression, *, default_region: str
) -> NewSuppression | RefusedRow:
    def cell(place: int | None) -> str:
        return cells[place].strip() if place is not None and place < len(cells) else ""

    raw = cell(columns.address).removeprefix("'")  # how a guarded export writes what looks like a formula
    channel, reason = cell(columns.channel).lower(), cell(columns.reason).lower()
    found = clean_target(raw, default_region=default_region)
    if not isinstance(found, Problem) and channel and channel not in set(Channel):
        found = Problem(
            f"The channel “{channel[:40]}” is not known", f"Use one of {', '.join(Channel)}, or leave it empty"
        )
    if not isinstance(found, Problem) and reason and reason not in set(SuppressionReason):
        found = Problem(f"The reason “{reason[:40]}” is not known", f"Use one of {', '.join(SuppressionReason)}")
    if isinstance(found, Problem):
        return RefusedRow(row_number=row_number, value=raw[:200], reason=found.reason, remedy=found.remedy)
    return NewSuppression(
        address=found[0],
        channel=channel or standard.channel,
        campaign_id=standard.campaign_id,
        reason=reason or standard.reason,
        note=cell(columns.note)[:500],
    )
