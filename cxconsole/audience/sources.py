"""Where a campaign's contacts came from, and how many each source brought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.identities import Verdict
from cxconsole.errors import Conflict, NotFound
from models.campaign import Campaign, CampaignState, campaign_code
from models.contact import ContactImport, ContactSource, SourceKind

_NAMES = {SourceKind.REST: "REST endpoint", SourceKind.MANUAL: "Added by hand", SourceKind.DEMO: "Demo data"}
_COUNT_OF = {
    Verdict.CREATED: "created", Verdict.MERGED: "merged", Verdict.DUPLICATE: "duplicates", Verdict.REJECTED: "rejected",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """One source as people see it. `rows_read` is the sum of the four outcomes."""

    id: int
    kind: str
    name: str
    rows_read: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    left_out: int
    contacts: int
    created_at: datetime
    last_row_at: datetime | None
    import_id: int | None
    state: str
    """The state of its import; `open` for a source that has no end."""


def check_takes_contacts(session: Session, campaign_id: int) -> Campaign:
    """The campaign, if contacts may be added to it: it exists and has not ended."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")
    if campaign.state == CampaignState.ENDED:
        raise Conflict("This campaign has ended, and an ended campaign takes no contacts. Clone it to go on.")
    return campaign


def open_source(session: Session, campaign_id: int, kind: SourceKind, *, now: datetime) -> int:
    """The one source of this kind that a campaign has; made when it is not there yet."""
    if session.get_bind().dialect.name != "sqlite":  # two first callers at once must not make two
        session.execute(select(Campaign.id).where(col(Campaign.id) == campaign_id).with_for_update())  # type: ignore[call-overload]
    wanted = select(ContactSource.id).where(  # type: ignore[call-overload]
        col(ContactSource.campaign_id) == campaign_id, col(ContactSource.kind) == kind
    )
    found = session.scalar(wanted.order_by(col(ContactSource.id)).limit(1))
    if found is not None:
        return found
    values = {"campaign_id": campaign_id, "kind": kind, "name": _NAMES[kind], "created_at": now}
    return session.execute(insert(ContactSource).values(values).returning(col(ContactSource.id))).scalar_one()


def count_rows(
    session: Session, source_id: int, counts: Mapping[Verdict, int], *, left_out: int, now: datetime
) -> None:
    """Add the outcomes of a batch to its source."""
    table = ContactSource.__table__  # type: ignore[attr-defined]
    deltas = {_COUNT_OF[verdict]: count for verdict, count in counts.items() if count}
    created = deltas.get("created", 0)
    deltas |= {"rows_read": sum(counts.values()), "contacts": created, "left_out": left_out}
    changes = {name: table.c[name] + delta for name, delta in deltas.items() if delta}
    session.execute(update(table).where(table.c.id == source_id).values({**changes, "last_row_at": now}))


def list_sources(session: Session, campaign_id: int, *, actor: Actor) -> list[SourceView]:
    """All sources of a campaign, oldest first."""
    actor.require("contacts.read")
    source = ContactSource.__table__  # type: ignore[attr-defined]
    work = ContactImport.__table__  # type: ignore[attr-defined]
    rows = session.execute(
        select(source, work.c.id.label("import_id"), work.c.state)
        .select_from(source.outerjoin(work, work.c.source_id == source.c.id))
        .where(source.c.campaign_id == campaign_id)
        .order_by(source.c.id)
    ).mappings()
    return [
        SourceView(
            **{name: row[name] for name in SourceView.__dataclass_fields__ if name != "state"},
            state=row["state"] or "open",
        )
        for row in rows
    ]
