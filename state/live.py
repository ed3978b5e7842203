"""The agent's desk: several customers at hand, one of them in full, all of them live."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.finding import find_person
from cxconsole.campaigns.person_card import PersonCard, get_person_card
from cxconsole.errors import CxError
from cxconsole.journey.profile_cache import ProfileCache
from cxconsole.journey.profiles import Profile, read_profiles
from cxconsole.journey.recent import RecentPerson, find_recent_persons, name_persons
from cxconsole.journey.timeline import Timeline, TimelineEvent, find_families, read_latest, read_timeline
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow_read
from state.person import FRESH, TOPICS, PersonState, initials_of, tone_of
from state.route import route_arg
from state.session import read
from state.timeline import PAGE, milliseconds

MOST_OPEN = 12
_LATEST = 10
_RECENT = 8
_PAUSE_SECONDS = 0.1  # with the feed's own: at most six times a second


@dataclass(frozen=True, kw_only=True)
class DeskRow:
    """A customer in the list at the left; `unseen` is a count in words, empty for none."""

    id: int
    name: str
    initials: str
    tone: str
    words: str = ""
    icon: str = ""
    at: int = 0
    unseen: str = ""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one look at the desk reads."""

    timeline: Timeline | None
    card: PersonCard | None
    views: tuple[Profile, ...]
    latest: dict[int, tuple[TimelineEvent, ...]]
    names: dict[int, str]
    watched: frozenset[int]


class LiveState(PersonState, rx.State):
    """`/live`. Who is open is kept with the browser's tab, so a reload loses nobody."""

    kept: str = rx.SessionStorage("", name="cx-desk")
    open_rows: list[DeskRow] = []
    recent_rows: list[DeskRow] = []
    found: list[DeskRow] = []
    q: str = ""
    found_words: str = ""
    pane: str = "journey"
    screen: str = "list"
    ready: bool = False
    _seen: dict[int, str] = {}
    _recent: tuple[RecentPerson, ...] = ()
    _watched: frozenset[int] = frozenset()

    @rx.var
    def open_count(self) -> int:
        """How many are on the desk."""
        return len(self.open_rows)

    @rx.event
    async def load(self):
        """A telephony client opens `/live?identity=...`; a link `/live?person=...`; an agent `/live`."""
        self.dialog, self.q, self.found, self.found_words = "", "", [], ""
        identity, person = route_arg(self, "identity"), route_arg(self, "person")
        if identity:
            await self._search(identity)
            if len(self.found) == 1:
                self._open(self.found[0].id)
            else:
                self.person_id, self.q, self.screen = 0, identity, "list"
        elif person.isascii() and person.isdigit():
            self._open(int(person))
        elif not self.person_id and self._open_ids():
            self.person_id = self._open_ids()[0]
        await self._look()
        self.ready = True

    @rx.event(background=True)
    async def follow(self):
        """What happens to anybody on the desk is shown as it happens."""
        async for moved in self.movers():
            async with self:
                wish = self._wish()
                concerned = moved is None or moved.intersection(self._watched)
            if not concerned:
                continue
            try:
                look = await read(self, _look, *wish)
            except CxError:  # removed since; the next click says so
                continue
            async with self:
                if self._wish() == wish:
                    self._show(look)
            await asyncio.sleep(_PAUSE_SECONDS)

    @rx.event(background=True)
    async def follow_recent(self):
        """Who moved last, whoever it is."""
        async for recent in follow_read(
            self, find_recent_persons, names=TOPICS, pause_seconds=SLOW_PAUSE_SECONDS, limit=MOST_OPEN + _RECENT
        ):
            async with self:
                self._recent = recent
                self._show_recent()

    @rx.event
    async def search(self, q: str):
        """What was typed: an address, a number, an id or a name."""
        await self._search(q)

    @rx.event
    async def open_customer(self, person_id: int):
        """Put a customer on the desk, and show them."""
        self._open(int(person_id))
        await self._look()

    @rx.event
    async def close_customer(self, person_id: int):
        """Take a customer off the desk."""
        left = [one for one in self._open_ids() if one != int(person_id)]
        self._keep(left)
        if self.person_id == int(person_id):
            self.person_id, self.screen = (left[0] if left else 0), "list"
        await self._look()

    @rx.event
    def show_pane(self, pane: str):
        """Journey, communications or, where there is no room beside, the profile."""
        self.pane = pane

    @rx.event
    def go_back(self):
        """On a phone: from the customer to the list."""
        self.screen = "list"

    async def refresh(self) -> None:
        """After a change of one's own."""
        await self._look()

    def _open_ids(self) -> list[int]:
        return [int(one) for one in self.kept.split(",") if one.isascii() and one.isdigit()][:MOST_OPEN]

    def _keep(self, ids: list[int]) -> None:
        self.kept = ",".join(str(one) for one in ids)

    def _open(self, person_id: int) -> None:
        ids = self._open_ids()
        if person_id not in ids:
            self._keep([person_id, *ids][:MOST_OPEN])
        self.person_id, self.pane, self.screen, self.only = person_id, "journey", "person", ""
        self.q, self.found, self.found_words = "", [], ""

    async def _search(self, q: str) -> None:
        self.q = q[:300]
        hits = await read(self, find_person, self.q)
        self.found = [
            DeskRow(
                id=one.id,
                name=one.name or one.hint,
                words=show.address(one.hint),
                initials=initials_of(one.name or one.hint),
                tone=tone_of(one.id),
            )
            for one in hits
        ]
        nobody = self.q.strip() and not hits
        self.found_words = f"Nobody is known by “{self.q}”. Try a name, or another address." if nobody else ""

    def _wish(self) -> tuple[Any, ...]:
        return self.person_id, self.only, tuple(self._open_ids())

    async def _look(self) -> None:
        try:
            look = await read(self, _look, *self._wish())
        except CxError as error:
            self._keep([one for one in self._open_ids() if one != self.person_id])
            self.person_id, self.found_words = 0, error.detail
            look = await read(self, _look, *self._wish())
        self._show(look)

    def _show(self, look: _Look) -> None:
        if look.card is not None and look.card.person.id != self.person_id:  # merged: show who they are now
            ids = [look.card.person.id if one == self.person_id else one for one in self._open_ids()]
            self._keep(list(dict.fromkeys(ids)))
        self.show_person(look.timeline, look.card, look.views)
        rows = [self._row(one, look) for one in self._open_ids() if one in look.latest]
        if rows != self.open_rows:
            self.open_rows = rows
        self._watched = look.watched
        self._show_recent()

    def _show_recent(self) -> None:
        here = set(self._open_ids())
        others = [one for one in self._recent if one.id not in here][:_RECENT]
        rows = [_told(one.id, one.name, one.last) for one in others]
        if rows != self.recent_rows:
            self.recent_rows = rows

    def _row(self, person_id: int, look: _Look) -> DeskRow:
        events = look.latest[person_id]
        name = look.names.get(person_id, "")
        if person_id == self.person_id or person_id not in self._seen:
            self._seen[person_id] = events[0].place if events else ""
        unseen = next((n for n, one in enumerate(events) if one.place == self._seen[person_id]), len(events))
        words = f"{unseen}+" if unseen == _LATEST else str(unseen or "")
        return _told(person_id, name, events[0] if events else None, unseen=words)


def _look(
    session: Session,
    person_id: int,
    only: str,
    open_ids: tuple[int, ...],
    *,
    profiles: ProfileCache,
    actor: Actor,
    now: datetime,
) -> _Look:
    """All that the desk shows, as of one moment."""
    wish = {"profiles": profiles, "max_age": FRESH, "actor": actor, "now": now}
    return _Look(
        timeline=read_timeline(session, person_id, only=only, limit=PAGE, actor=actor) if person_id else None,
        card=get_person_card(session, person_id, actor=actor) if person_id else None,
        views=read_profiles(session, person_id, **wish) if person_id else (),
        latest=read_latest(session, open_ids, limit=_LATEST, actor=actor),
        names=name_persons(session, open_ids),
        watched=frozenset().union(*find_families(session, [*open_ids, person_id]).values()),
    )


def _told(person_id: int, name: str, last: TimelineEvent | None, *, unseen: str = "") -> DeskRow:
    return DeskRow(
        id=person_id, name=name, initials=initials_of(name), tone=tone_of(person_id), unseen=unseen,
        words=last.title if last else "", icon=last.icon if last else "", at=milliseconds(last.at if last else None),
    )  # fmt: skip
