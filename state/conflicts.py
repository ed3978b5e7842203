"""Identity conflicts: two customers of whom somebody said that they are one, side by side, and what is decided."""

from dataclasses import dataclass

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.conflict_decisions import decide_conflict
from cxconsole.audience.identity_conflicts import (
    EVENTS_CAP,
    ConflictSide,
    ConflictView,
    count_open_conflicts,
    get_conflict,
    list_conflicts,
)
from cxconsole.errors import CxError
from cxconsole.paging import COUNT_CAP, Page
from cxconsole.signals import topics
from models.journey import Decision
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow
from state.identity_rows import IdentityRow, identity_rows
from state.person import initials_of, tone_of
from state.session import read, write
from state.table import TableState

WORDS = {
    Decision.MERGED.value: "They are one customer now.",
    Decision.KEPT.value: "They stay two, and are not asked about again.",
    Decision.MOVED.value: "The name has moved.",
}
_ANNOUNCED = (topics.TAPE, topics.WORK, topics.CAMPAIGNS)


@dataclass(frozen=True, kw_only=True)
class ConflictRow:
    """A line of the list."""

    id: str
    pair: str
    claimed: str
    source: str
    decision: str
    actor: str
    at: show.Moment


@dataclass(frozen=True, kw_only=True)
class SideCard:
    """One of the two. `offer` says in full what moving the name here does; empty for who has it."""

    id: int
    name: str
    initials: str
    tone: str
    identities: tuple[IdentityRow, ...]
    last: show.Moment
    events: str
    campaigns: str
    offer: str


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Open or decided."""

    value: str
    word: str
    count: str


class ConflictsState(TableState, rx.State):
    """`/journeys/conflicts`."""

    rows: list[ConflictRow] = []
    segments: list[Segment] = []
    segment: str = "open"
    chosen: str = ""
    chosen_words: str = ""
    is_settled: bool = False
    sides: list[SideCard] = []
    dialog: str = ""
    primary: int = 0
    primary_name: str = ""
    other_name: str = ""
    problem_text: str = ""

    @rx.event
    async def load(self):
        """Read the list, and open the first."""
        if not self.loading:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        await self.refresh()

    @rx.event(background=True)
    async def follow(self):
        """What events bring to be decided appears by itself."""
        async for _ in follow(topics.TAPE, pause_seconds=SLOW_PAUSE_SECONDS):
            async with self:
                await self.refresh()

    @rx.event
    async def choose_segment(self, value: str):
        """Those that wait, or those that are decided."""
        self.segment, self.chosen = ("decided" if value == "decided" else "open"), ""
        await self.start_over()

    @rx.event
    async def choose(self, conflict_id: str):
        """Look at both sides of one."""
        self.chosen = conflict_id
        await self._read_sides()

    @rx.event
    def ask_merge(self, person_id: int):
        """Open the popup that says what merging into this one does."""
        stays = next((one for one in self.sides if one.id == person_id), None)
        goes = next((one for one in self.sides if one.id != person_id), None)
        if stays is not None and goes is not None:
            self.primary, self.primary_name, self.other_name = stays.id, stays.name, goes.name
            self.dialog, self.problem_text = "merge", ""

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    async def merge(self):
        """Make them one."""
        return await self._decide(Decision.MERGED, primary_id=self.primary)

    @rx.event
    async def keep_apart(self):
        """Leave them two for good."""
        return await self._decide(Decision.KEPT)

    @rx.event
    async def move(self):
        """The name goes to the one who does not have it."""
        return await self._decide(Decision.MOVED)

    async def refresh(self) -> None:
        """One page, the counts, and both sides of the one that is open."""
        decided = self.segment == "decided"
        page, waiting = await read(self, _find, decided=decided, limit=self.limit, offset=self.offset)
        view = show.viewer_of(self)
        rows = [_row(one, view) for one in page.items]
        if rows != self.rows:
            self.rows = rows
        segments = [
            Segment(value="open", word="To decide", count=show.capped(waiting, waiting >= COUNT_CAP)),
            Segment(value="decided", word="Decided", count=""),
        ]
        if segments != self.segments:
            self.segments = segments
        ids = [row.id for row in rows]
        self.show_page(page.total, ids, is_capped=page.total_is_capped)
        if self.chosen not in ids:
            self.chosen = ids[0] if ids else ""
            await self._read_sides()

    async def _read_sides(self) -> None:
        self.problem_text, self.chosen_words, self.sides = "", "", []
        if not self.chosen.isdigit():
            return
        try:
            found = await read(self, get_conflict, int(self.chosen))
        except CxError as error:
            self.problem_text = error.detail
            return
        view, claimed = show.viewer_of(self), show.address(found.conflict.identity or "")
        self.sides = [_side(one, claimed, view) for one in found.sides]
        self.is_settled = found.conflict.decision is not None
        self.chosen_words = f"{found.conflict.source} gave {claimed or 'a name that is gone'} to both"

    async def _decide(self, decision: Decision, **wish: int):
        try:
            await write(self, decide_conflict, int(self.chosen or 0), decision.value, announces=_ANNOUNCED, **wish)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog, self.chosen = "", ""
        await self.refresh()
        return rx.toast.success(WORDS[decision.value])


def _find(session: Session, *, decided: bool, limit: int, offset: int, actor: Actor) -> tuple[Page[ConflictView], int]:
    page = list_conflicts(session, decided=decided, limit=limit, offset=offset, actor=actor)
    return page, count_open_conflicts(session, actor=actor)


def _row(one: ConflictView, view: show.Viewer) -> ConflictRow:
    names = [show.address(name) or "somebody who was removed" for name in (one.person, one.other)]
    return ConflictRow(
        id=str(one.id),
        pair=names[0] if one.person_id == one.other_person_id else f"{names[0]} and {names[1]}",
        claimed=show.address(one.identity or "") or "gone",
        source=one.source,
        decision=one.decision or "",
        actor=one.decided_by or "",
        at=show.moment_of(view, one.decided_at or one.seen_at),
    )


def _side(one: ConflictSide, claimed: str, view: show.Viewer) -> SideCard:
    person = one.person
    more = f" and {one.campaigns - len(one.campaign_names)} more" if one.campaigns > len(one.campaign_names) else ""
    return SideCard(
        id=person.id,
        name=show.address(person.called),
        initials=initials_of(person.called),
        tone=tone_of(person.id),
        identities=identity_rows(person),
        last=show.moment_of(view, one.last_seen_at),
        events="1,000+" if one.events >= EVENTS_CAP else show.number(one.events),
        campaigns=", ".join(one.campaign_names) + more or "none",
        offer="" if one.has_identity or not claimed else f"Move the name here: {claimed}",
    )
