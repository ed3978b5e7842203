"""Where events come from: the rules of each source, what was set aside, and the types really seen."""

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.recognition import recognise
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError, Invalid
from cxconsole.journey.personal_fields import mark_field
from cxconsole.journey.quarantine import drop_quarantined, list_quarantined, replay_quarantined
from cxconsole.journey.source_overview import SourceOverview, read_sources
from cxconsole.journey.sources import change_source
from cxconsole.signals import topics
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow_read
from state.format import moment_of
from state.session import problem, read, write
from state.source_rows import AsideRow, FieldRow, SourceRow, TypeRow, aside_count, field_rows, source_row, type_row

MOST = 100
FIELDS = ("state", "types", "per_second", "sample", "excess")
TOGETHER = 500
"""So many of what was set aside are stored or dropped with one press."""


class SourcesState(rx.State):
    """`/journeys/sources`."""

    rows: list[SourceRow] = []
    loaded: bool = False
    q: str = ""
    more_words: str = ""
    chosen: str = ""
    types: list[TypeRow] = []
    dialog: str = ""
    wish: dict[str, str] = dict.fromkeys(FIELDS, "")
    edited: str = ""
    edited_name: str = ""
    aside: list[AsideRow] = []
    aside_words: str = ""
    marks: list[FieldRow] = []
    edited_type: str = ""
    problem_text: str = ""
    _found: dict[str, SourceOverview] = {}

    @rx.event
    async def load(self):
        """All sources, and the types of the first."""
        if self.loaded:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        self._show(await read(self, read_sources))

    @rx.event(background=True)
    async def follow(self):
        """Sources appear and count by themselves."""
        names = (topics.TAPE,)
        async for found in follow_read(self, read_sources, names=names, pause_seconds=SLOW_PAUSE_SECONDS):
            async with self:
                self._show(found)

    @rx.event
    async def search(self, text: str):
        """Sources whose name holds this."""
        self.q = text[:200]
        self._show(tuple(self._found.values()))

    @rx.event
    def choose(self, name: str):
        """Show the types of a source."""
        self.chosen = name
        self._show_types()

    @rx.event
    def ask_change(self, name: str):
        """Open the popup with the rules of a source."""
        one = self._found.get(name)
        if one is None:
            return
        rules = one.source
        self.wish = {
            "state": rules.state,
            "types": "\n".join(rules.allowed_types or ()),
            "per_second": "" if rules.per_second is None else str(rules.per_second),
            "sample": str(rules.sample_percent),
            "excess": rules.excess,
        }
        self.edited, self.edited_name, self.dialog, self.problem_text = str(rules.id), name, "rules", ""

    @rx.event
    def edit(self, name: str, value: str):
        """A field of the popup."""
        if name in FIELDS:
            self.wish, self.problem_text = {**self.wish, name: value[:20_000]}, ""

    @rx.event
    async def save(self):
        """Change the rules; they hold within a second."""
        wish = self.wish
        types = [line.strip() for line in wish["types"].splitlines() if line.strip()]
        try:
            values = {
                "state": wish["state"], "allowed_types": types or None, "excess": wish["excess"],
                "per_second": _whole("A second", wish["per_second"]) if wish["per_second"].strip() else None,
                "sample_percent": _whole("Sample", wish["sample"]),
            }  # fmt: skip
            await write(self, change_source, int(self.edited or 0), values, announces=(topics.TAPE,))
        except CxError as error:
            self.problem_text = error.detail
            return None
        get_application().intake.forget_rules()
        self.dialog = ""
        self._show(await read(self, read_sources))
        return rx.toast.success("The rules hold from now on.")

    @rx.event
    def ask_fields(self, kind: str):
        """Open the popup in which fields of a type are marked as personal."""
        self.edited_name, self.edited_type, self.dialog, self.problem_text = self.chosen, kind, "fields", ""
        self._show_fields()

    @rx.event
    async def mark(self, path: str, is_personal: bool):
        """A field is personal from now on, or is not."""
        kind = (self.edited_type, self.edited_name)
        try:
            await write(self, mark_field, kind, path, is_personal=bool(is_personal), announces=(topics.TAPE,))
        except CxError as error:
            self.problem_text = error.detail
            return
        self._show(await read(self, read_sources))
        self._show_fields()

    @rx.event
    async def ask_aside(self, name: str):
        """Open the popup with what was set aside."""
        self.edited_name, self.dialog, self.problem_text = name, "aside", ""
        await self._read_aside()

    @rx.event
    async def replay(self):
        """Store what was set aside, oldest first."""
        return await self._settle(_replay, "stored", "They are on the Tape, with the times they came with.")

    @rx.event
    async def drop(self):
        """Forget what was set aside."""
        return await self._settle(_drop, "dropped", "They are gone for good.")

    @rx.event
    def close(self):
        """Leave the popup."""
        self.dialog = ""

    async def _settle(self, service, word: str, sentence: str):
        try:
            count = await write(self, service, self.edited_name, announces=(topics.TAPE,))
        except CxError as error:
            return problem(error)
        await self._read_aside()
        self._show(await read(self, read_sources))
        if not self.aside:
            self.dialog = ""
        return rx.toast.success(f"{show.plural(count, 'event')} {word}. {sentence}")

    async def _read_aside(self) -> None:
        view = show.viewer_of(self)
        found = await read(self, list_quarantined, self.edited_name, limit=MOST)
        self.aside = [
            AsideRow(id=str(one.id), type=one.type, received=moment_of(view, one.received_at)) for one in found
        ]
        known = self._found.get(self.edited_name)
        total = known.source.quarantined if known is not None else len(found)
        words = f"{aside_count(max(total, len(found)))} {'event' if total == 1 else 'events'}"
        self.aside_words = f"{words}, the oldest {MOST} are listed" if total > MOST else words

    def _show(self, found: tuple[SourceOverview, ...]) -> None:
        view = show.viewer_of(self)
        self._found = {one.source.name: one for one in found}
        fitting = [one for one in found if self.q.lower() in one.source.name.lower()]
        rows = [source_row(one, view) for one in fitting[:MOST]]
        if rows != self.rows:
            self.rows = rows
        hidden = len(fitting) - len(rows)
        self.more_words = f"{show.plural(hidden, 'source')} more. Search for its name." if hidden else ""
        self.loaded = True
        if self.chosen not in self._found:
            self.chosen = rows[0].name if rows else ""
        self._show_types()

    def _show_types(self) -> None:
        view = show.viewer_of(self)
        one = self._found.get(self.chosen)
        types = sorted(one.types if one is not None else (), key=lambda seen: seen.count, reverse=True)
        personal = one.personal if one is not None else {}
        rows = [type_row(seen, personal.get(seen.type, ()), view) for seen in types[:MOST]]
        if rows != self.types:
            self.types = rows

    def _show_fields(self) -> None:
        one = self._found.get(self.edited_name)
        self.marks = field_rows(one, self.edited_type) if one is not None else []


def _replay(session: Session, source: str, *, actor: Actor, now) -> int:
    return replay_quarantined(session, _oldest(session, source, actor), recognise=recognise, actor=actor, now=now)


def _drop(session: Session, source: str, *, actor: Actor, now) -> int:
    return drop_quarantined(session, _oldest(session, source, actor), actor=actor, now=now)


def _oldest(session: Session, source: str, actor: Actor) -> list[int]:
    return [one.id for one in list_quarantined(session, source, limit=TOGETHER, actor=actor)]


def _whole(name: str, text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 10):
        raise Invalid(f"{name}: use a whole number.")
    return int(text)
