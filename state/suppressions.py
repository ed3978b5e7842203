"""Who must not be contacted: the list, adding one, taking some away, a file of many."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import reflex as rx
from sqlmodel import Session

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.audience.suppression_files import SuppressionImport, import_suppressions
from cxconsole.audience.suppressions import (
    SuppressionView,
    add_suppression,
    count_suppressions_by_reason,
    list_suppressions,
    remove_suppressions,
)
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.paging import Page
from cxconsole.signals import topics
from state import format as show
from state.follow import follow
from state.session import current_actor, read, write
from state.table import TableState
from state.uploads import receive_file

UPLOAD = "suppressions"
MOST_BYTES = 50_000_000
REASONS = (
    ("", "All"), ("unsubscribed", "Unsubscribed"), ("bounced", "Bounced"), ("complained", "Complained"),
    ("manual", "By hand"),
)  # fmt: skip
_ANNOUNCED = (topics.SUPPRESSIONS, topics.WORK, topics.CAMPAIGNS)


@dataclass(frozen=True)
class SuppressionRow:
    """One line, ready to be shown."""

    id: str
    who: str
    reason: str
    scope: str
    note: str
    actor: str
    since: str
    since_exact: str


@dataclass(frozen=True)
class Segment:
    """A reason to choose, with its count."""

    value: str
    word: str
    count: str


class SuppressionsState(TableState, rx.State):
    """The rows of one page, and the dialogs."""

    rows: list[SuppressionRow] = []
    segments: list[Segment] = []
    segment: str = ""
    sort: str = "id"
    descending: bool = True
    dialog: str = ""
    address: str = ""
    channel: str = ""
    note: str = ""
    problem_text: str = ""
    uploading: bool = False
    upload_words: str = ""

    @rx.event
    async def load(self):
        """Read the page."""
        if not self.loading:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        await self.refresh()

    @rx.event(background=True)
    async def follow(self):
        """Who unsubscribes appears at once."""
        async for _ in follow(topics.SUPPRESSIONS):
            async with self:
                await self.refresh()

    @rx.event
    async def choose_segment(self, value: str):
        """Only those with this reason."""
        self.segment = value
        await self.start_over()

    @rx.event
    async def clear_filter(self):
        """All again."""
        self.q, self.segment = "", ""
        await self.start_over()

    @rx.event
    def ask_add(self):
        """Open the popup that adds one."""
        self.dialog, self.address, self.channel, self.note, self.problem_text = "add", "", "", "", ""

    @rx.event
    def ask_upload(self):
        """Open the popup that takes a file."""
        self.dialog, self.problem_text, self.upload_words = "upload", "", ""

    @rx.event
    def ask_remove(self):
        """Open the popup that says what removing does."""
        self.dialog, self.problem_text = "remove", ""

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    def edit(self, name: str, value: str):
        """A field of the popup."""
        if name in ("address", "channel", "note"):
            setattr(self, name, value)
            self.problem_text = ""

    @rx.event
    async def add(self):
        """Add one; it counts at once, for queued messages too."""
        data = {"address": self.address, "note": self.note} | ({"channel": self.channel} if self.channel else {})
        try:
            await write(self, add_suppression, data, announces=_ANNOUNCED)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        await self.refresh()
        return rx.toast.success("It counts from now on, for queued messages too.")

    @rx.event
    async def remove(self):
        """Take the picked ones away; they may be contacted again."""
        try:
            ids = [int(one) for one in self.picked if one.isdigit()]
            count = await write(self, remove_suppressions, ids, announces=_ANNOUNCED)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog, self.picked, self.everything_picked = "", [], False
        await self.refresh()
        return rx.toast.success(f"{show.plural(count, 'suppression')} removed.")

    @rx.event(background=True)
    async def receive(self, chunks: rx.UploadChunkIterator):  # type: ignore[name-defined]
        """Take a file of addresses; each row that cannot be read is told."""
        current_actor(self)
        async with self:
            self.uploading, self.upload_words, self.problem_text = True, "Receiving", ""
        path = get_application().settings.import_dir / f"{uuid4().hex}.suppressions"
        try:
            await receive_file(chunks, path, most_bytes=MOST_BYTES)
            words, trouble = await self._take(path), ""
        except CxError as error:
            words, trouble = "", error.detail
        except UnicodeDecodeError:
            words, trouble = "", "The file is not in UTF-8. Save it as CSV UTF-8."
        finally:
            path.unlink(missing_ok=True)
        async with self:
            self.uploading, self.upload_words, self.problem_text = False, words, trouble
            await self.refresh()

    async def _take(self, path: Path) -> str:
        application, actor = get_application(), current_actor(self)

        def store() -> SuppressionImport:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                return import_suppressions(application.database, lines, actor=actor, now=clock.now())

        done = await asyncio.to_thread(store)
        application.signals.publish(*_ANNOUNCED)
        words = f"{show.plural(done.added, 'address', 'addresses')} added, {show.number(done.already)} known already."
        if done.first_rejected:
            first = done.first_rejected[0]
            words += f" {show.plural(done.rejected, 'row')} not taken; row {first.row_number}: {first.reason}."
        return words

    async def refresh(self) -> None:
        """One page and the counts."""
        page, counts = await read(
            self, _find, q=self.q, reason=self.segment or None, sort=self.order, limit=self.limit, offset=self.offset
        )
        self.show_page(page.total, [str(one.id) for one in page.items], is_capped=page.total_is_capped)
        view = show.viewer_of(self)
        rows = [_row(one, view) for one in page.items]
        if rows != self.rows:
            self.rows = rows
        counts = {**counts, "": sum(counts.values())}
        segments = [Segment(key, word, show.number(counts.get(key, 0))) for key, word in REASONS]
        if segments != self.segments:
            self.segments = segments


def _find(session: Session, *, actor: Actor, **wish) -> tuple[Page[SuppressionView], dict[str, int]]:
    return list_suppressions(session, actor=actor, **wish), count_suppressions_by_reason(session, actor=actor)


def _row(one: SuppressionView, view: show.Viewer) -> SuppressionRow:
    words = {"email": "E-mail", "sms": "SMS", "voice": "Voice", "letter": "Letter", "push": "Push"}
    channel = words.get(one.channel or "", "Every channel")
    return SuppressionRow(
        id=str(one.id),
        who=show.address(one.address or "") or one.person_name or f"Person {one.person_id}",
        reason=one.reason,
        scope=f"{channel}, {one.campaign_code or 'every campaign'}",
        note=one.note,
        actor=one.actor,
        since=view.relative(one.created_at),
        since_exact=view.exact(one.created_at),
    )
