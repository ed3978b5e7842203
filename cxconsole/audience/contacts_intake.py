"""Contacts one by one or by the thousand, from the REST API and by hand."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.grouping import group_rows
from cxconsole.audience.identities import Verdict, store_rows
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.phones import known_regions
from cxconsole.audience.rows import KNOWN_COLUMNS, BadCell, ParsedRow, RowPlan
from cxconsole.audience.sources import check_takes_contacts, count_rows, open_source
from cxconsole.audience.staging import Origin
from cxconsole.errors import Invalid, TooLarge
from models.contact import SourceKind

MOST_ROWS = 10_000
_LONGEST_ATTRIBUTES = 100_000


@dataclass(frozen=True, kw_only=True)
class RowVerdict:
    """What became of one row; a bad one never rejects the others."""

    index: int
    status: str  # created | merged | rejected
    person_id: int | None
    reason: str | None = None
    remedy: str | None = None
    column: str | None = None
    warnings: tuple[str, ...] = ()


def add_contacts(
    session: Session,
    campaign_id: int,
    rows: Sequence[Mapping[str, Any]],
    *,
    source_kind: SourceKind = SourceKind.REST,
    actor: Actor,
    now: datetime,
    default_region: str = "US",
) -> list[RowVerdict]:
    """Add up to 10,000 persons to a campaign; those it has are brought up to date.

    A row is `{"email", "phone", "customer_id", ...}` with at least one well-formed identity; keys that are
    no known columns become attributes. All rows of a kind of source count as one source of the campaign.
    """
    actor.require("contacts.edit")
    if len(rows) > MOST_ROWS:
        raise TooLarge(f"At most {MOST_ROWS:,} rows at a time; upload a file for more.")
    check_region(default_region)
    check_takes_contacts(session, campaign_id)
    source_id = open_source(session, campaign_id, source_kind, now=now)
    plans: dict[tuple[str, ...], RowPlan] = {}
    parsed: list[ParsedRow] = []
    verdicts: list[RowVerdict | None] = [None] * len(rows)
    places: list[int] = []
    for at, row in enumerate(rows):
        outcome = _parse(row, plans, default_region)
        if isinstance(outcome, ParsedRow):
            parsed.append(outcome)
            places.append(at)
        else:
            verdicts[at] = RowVerdict(
                index=at, status=Verdict.REJECTED, person_id=None, reason=outcome.reason, remedy=outcome.remedy,
                column=outcome.column or None,
            )  # fmt: skip
    counts = Counter({Verdict.REJECTED: len(rows) - len(parsed)})
    if parsed:
        origin = Origin(campaign_id=campaign_id, source_id=source_id, actor=actor.name, now=now)
        lock_identities(session)
        stored = store_rows(session, group_rows(parsed), origin, want_ids=True)
        for position, at in enumerate(places):
            verdict, person_id = stored.verdict_of(position)
            # a source without an end has no "again within the source": whoever comes twice was updated
            verdict = Verdict.MERGED if verdict == Verdict.DUPLICATE else verdict
            counts[verdict] += 1
            warnings = tuple(f"{bad.column}: {bad.reason}. {bad.remedy}." for bad in parsed[position].left_out)
            verdicts[at] = RowVerdict(index=at, status=verdict, person_id=person_id, warnings=warnings)
    count_rows(session, source_id, counts, left_out=sum(len(row.left_out) for row in parsed), now=now)
    return [verdict for verdict in verdicts if verdict is not None]


def check_region(region: str) -> None:
    """Raise Invalid unless this is a country whose numbers can be read."""
    if region not in known_regions():
        raise Invalid.field("default_region", f"{region!r} is not a two-letter country code, such as SE.")


def _parse(row: Mapping[str, Any], plans: dict[tuple[str, ...], RowPlan], region: str) -> ParsedRow | BadCell:
    if not isinstance(row, Mapping):
        return BadCell("", "", "Not an object", "Send an object with at least an email, phone or customer_id")
    columns = tuple(row)
    plan = plans.get(columns)
    if plan is None:
        if bad := next((name for name in columns if not _is_storable(name) or not name.strip()), None):
            return BadCell(bad, "", "The name of this field cannot be stored", "Use plain text for names of fields")
        plan = plans[columns] = RowPlan(columns, columns, default_region=region)
    cells: list[Any] = []
    for name, value in row.items():
        if name in KNOWN_COLUMNS:
            if (value is not None and not isinstance(value, str | int)) or isinstance(value, bool):
                return BadCell(name, str(value), "Not a text", "Send a JSON string")
            value = "" if value is None else str(value)
        if not _is_storable(value):
            return BadCell(name, "", "Holds something that cannot be stored", "Send plain JSON without NUL characters")
        cells.append(value)
    return plan.parse(cells)


def _is_storable(value: Any) -> bool:
    """Whether both databases take it: no NUL, no half of a surrogate pair, no NaN, not endless."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return "\\u0000" not in written and len(written) <= _LONGEST_ATTRIBUTES
