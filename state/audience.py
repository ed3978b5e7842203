"""The Audience tab: sources with their counts, the running import, the REST endpoint. All of it live."""

from dataclasses import dataclass
from typing import Any

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.keys import create_key
from cxconsole.audience.imports import (
    ImportView,
    RejectedView,
    cancel_import,
    list_imports,
    list_rejected,
    rejection_reasons,
    undo_import,
)
from cxconsole.audience.rest_example import curl_example, sample_field_names
from cxconsole.audience.sources import SourceView, list_sources
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.signals import topics
from state import format as show
from state.follow import follow
from state.route import campaign_id_of, campaign_to_follow
from state.session import problem, read, write

RUNNING = ("queued", "running", "cancelling", "undoing")
SHOWN_REJECTED = 20
KINDS = {"file": "File", "rest": "REST", "manual": "By hand", "demo": "Demo"}


@dataclass(frozen=True)
class SourceRow:
    """One source of the table."""

    id: str
    import_id: str
    name: str
    kind: str
    kind_word: str
    state: str
    contacts: str
    updated: str
    rejected: str
    has_rejected: bool
    last_row: str
    last_row_exact: str
    can_undo: bool
    can_cancel: bool


@dataclass(frozen=True)
class ImportCard:
    """The import that runs, or the newest one. Shares are percentages of the rows of the file."""

    id: str = ""
    file_name: str = ""
    state: str = ""
    is_running: bool = False
    rows_words: str = ""
    pace_words: str = ""
    error: str = ""
    created: str = "0"
    merged: str = "0"
    duplicates: str = "0"
    rejected: str = "0"
    still: str = "0"
    created_share: float = 0.0
    merged_share: float = 0.0
    duplicates_share: float = 0.0
    rejected_share: float = 0.0


@dataclass(frozen=True)
class RejectedLine:
    """A row that was not stored."""

    row: str
    column: str
    value: str
    why: str
    mend: str


@dataclass(frozen=True)
class ReasonRow:
    """Why rows were rejected."""

    reason: str
    count: str
    share: float


class AudienceState(rx.State):
    """What the Audience tab shows."""

    sources: list[SourceRow] = []
    summary: str = ""
    newest: ImportCard = ImportCard()
    rejected: list[RejectedLine] = []
    reasons: list[ReasonRow] = []
    hidden: str = ""
    example: str = ""
    new_key: str = ""
    dialog: str = ""
    chosen: str = ""
    chosen_name: str = ""
    chosen_words: str = ""
    problem_text: str = ""
    loaded: bool = False

    @rx.var
    def shows_import(self) -> bool:
        """Whether the newest import has its card."""
        return bool(self.newest.id) and self.newest.id != self.hidden

    @rx.event
    async def load(self):
        """Read all of it."""
        if self.loaded:  # at a first visit a quick hand may have opened it just now
            self.new_key, self.dialog = "", ""
        self.loaded = False
        try:
            await self._read()
            await self._read_example()
        except CxError:
            return  # the head of the page says what is wrong
        self.loaded = True

    @rx.event(background=True)
    async def follow(self):
        """Sources and the running import move by themselves."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        async for _ in follow(topics.IMPORTS, topics.campaign(campaign_id)):
            async with self:
                try:
                    await self._read()
                except CxError:
                    return

    @rx.event
    def hide(self):
        """Continue in background: the card goes, the import goes on."""
        self.hidden = self.newest.id

    @rx.event
    def show_import(self):
        """Bring the card back."""
        self.hidden = ""

    @rx.event
    def ask(self, dialog: str, import_id: str, name: str, words: str):
        """Say what cancelling or undoing does, to how many."""
        if dialog in ("cancel", "undo"):
            self.dialog, self.chosen, self.chosen_name, self.chosen_words = dialog, import_id, name, words
            self.problem_text = ""

    @rx.event
    def close(self):
        """Leave the dialog; nothing was done."""
        self.dialog = ""

    @rx.event
    async def cancel(self):
        """Stop the import after its chunk; what is stored stays."""
        return await self._do(cancel_import, "The import stops. What was stored stays, and can be undone.")

    @rx.event
    async def undo(self):
        """Take back what the import added."""
        return await self._do(undo_import, "The import is being undone.")

    @rx.event
    async def make_key(self):
        """A key that may only add contacts; it is shown once."""
        try:
            campaign_id = campaign_id_of(self)
            made = await write(self, create_key, f"REST endpoint of CMP-{campaign_id}", ["contacts.edit"])
        except CxError as error:
            return problem(error)
        self.new_key = made[1]
        await self._read_example()
        return rx.toast.info("Copy the key now: it is not shown again.")

    async def _do(self, service: Any, done: str):
        try:
            campaign_id = campaign_id_of(self)
            names = (topics.IMPORTS, topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))
            await write(self, service, int(self.chosen), announces=names)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        await self._read()
        return rx.toast.success(done)

    async def _read(self) -> None:
        sources, imports, rejected, reasons = await read(self, _find, campaign_id_of(self))
        view = show.viewer_of(self)
        total = sum(one.contacts for one in sources)
        most = max((count for _, count in reasons), default=0) or 1
        running = any(one.state in RUNNING for one in imports)
        shown: dict[str, Any] = {
            "sources": [_source_row(one, view) for one in sources],
            "summary": f"{show.plural(total, 'contact')} from {show.plural(len(sources), 'source')}."
            + (" The running import is added while you watch." if running else ""),
            "newest": _import_card(imports[0]) if imports else ImportCard(),
            "rejected": [_rejected_line(one) for one in rejected],
            "reasons": [ReasonRow(reason, show.number(count), count * 100 / most) for reason, count in reasons],
        }
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    async def _read_example(self) -> None:
        campaign_id = campaign_id_of(self)
        base = self.router.headers.origin or get_application().settings.base_url
        names = await read(self, sample_field_names, campaign_id)
        self.example = curl_example(campaign_id, names, base, self.new_key or "$CXCONSOLE_API_KEY")


def _find(
    session: Session, campaign_id: int, *, actor: Actor, now: Any
) -> tuple[list[SourceView], list[ImportView], tuple[RejectedView, ...], list[tuple[str, int]]]:
    sources = list_sources(session, campaign_id, actor=actor)
    imports = list_imports(session, campaign_id, actor=actor, now=now)
    if not imports or not imports[0].rejected:
        return sources, imports, (), []
    newest = imports[0].id
    rejected = list_rejected(session, newest, actor=actor, limit=SHOWN_REJECTED)
    return sources, imports, rejected.items, rejection_reasons(session, newest, actor=actor)


def _source_row(one: SourceView, view: show.Viewer) -> SourceRow:
    return SourceRow(
        id=str(one.id),
        import_id=str(one.import_id or ""),
        name=one.name,
        kind=one.kind,
        kind_word=KINDS.get(one.kind, one.kind),
        state=one.state,
        contacts=show.number(one.contacts),
        updated=show.number(one.merged),
        rejected=show.number(one.rejected),
        has_rejected=one.rejected > 0 and one.import_id is not None,
        last_row=view.relative(one.last_row_at),
        last_row_exact=view.exact(one.last_row_at),
        can_undo=one.import_id is not None and one.state in ("done", "cancelled", "failed"),
        can_cancel=one.state in ("queued", "running"),
    )


def _import_card(one: ImportView) -> ImportCard:
    whole = max(one.rows_total or 0, one.rows_read)
    share = 100 / whole if whole else 0.0
    running = one.state in RUNNING
    pace = [show.percent(one.share_done, places=0)] if running else []
    if running and one.rows_per_second:
        pace.append(f"{show.number(round(one.rows_per_second))} rows a second")
    if running and one.seconds_left is not None:
        pace.append(f"about {show.duration(one.seconds_left)} left")
    return ImportCard(
        id=str(one.id),
        file_name=one.file_name,
        state=one.state,
        is_running=running,
        rows_words=f"{show.number(one.rows_read)} of {show.number(whole)} rows"
        if running
        else f"{show.plural(one.rows_read, 'row')} read",
        pace_words=" · ".join(pace),
        error=one.error or "",
        created=show.number(one.created),
        merged=show.number(one.merged),
        duplicates=show.number(one.duplicates),
        rejected=show.number(one.rejected),
        still=show.number(max(0, whole - one.rows_read)),
        created_share=one.created * share,
        merged_share=one.merged * share,
        duplicates_share=one.duplicates * share,
        rejected_share=one.rejected * share,
    )


def _rejected_line(one: RejectedView) -> RejectedLine:
    return RejectedLine(show.number(one.row_number), one.column, one.value[:80] or "(empty)", one.reason, one.remedy)
