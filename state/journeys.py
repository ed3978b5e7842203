"""The event explorer: the whole Tape, searched by type, source, person, time and data field."""

from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

import reflex as rx

from cxconsole.audience.finding import find_person
from cxconsole.errors import CxError
from cxconsole.journey.explorer import EventPage, EventQuery, FoundEvent, search_events
from models.event import EventType
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow_read
from state.person import TOPICS
from state.route import route_arg
from state.session import read
from state.timeline import data_text, milliseconds

PAGE = 50
FIELDS = ("type", "source", "person", "since", "until", "field", "value")
_EXPORT = "/download/events.csv"
TYPES = [str(one.value) for one in EventType]


@dataclass(frozen=True, kw_only=True)
class JourneyRow:
    """An event in the list; `at` is in milliseconds since 1970."""

    id: str
    at: int
    exact: str
    type: str
    source: str
    title: str
    detail: str
    icon: str
    tone: str
    person: str
    href: str


@dataclass(frozen=True, kw_only=True)
class JourneyEvent:
    """The chosen event in full."""

    id: str = ""
    title: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    data: str = ""
    href: str = ""
    person: str = ""


class JourneysState(rx.State):
    """`/journeys`. Older pages are reached by key: `before` of each page on the way is remembered."""

    wish: dict[str, str] = dict.fromkeys(FIELDS, "")
    rows: list[JourneyRow] = []
    chosen: JourneyEvent = JourneyEvent()
    words: str = ""
    problem_text: str = ""
    loading: bool = True
    has_older: bool = False
    way: list[int] = []
    export_href: str = _EXPORT
    _next: int | None = None
    _found: dict[str, FoundEvent] = {}

    @rx.var
    def has_newer(self) -> bool:
        """Whether this is not the first page."""
        return bool(self.way)

    @rx.var
    def nothing(self) -> bool:
        """Whether there is nothing to show."""
        return not self.rows and not self.loading

    @rx.var
    def is_filtered(self) -> bool:
        """Whether anything is looked for."""
        return any(self.wish.values())

    @rx.event
    async def load(self):
        """What the address asks for, or the newest."""
        self.wish = {name: route_arg(self, name)[:200] for name in FIELDS}
        self.way, self.chosen = [], JourneyEvent()
        await self.refresh()

    @rx.event(background=True)
    async def follow(self):
        """The newest of all are live; a search stands still."""
        async for page in follow_read(
            self, search_events, EventQuery(), names=TOPICS, pause_seconds=SLOW_PAUSE_SECONDS, limit=PAGE
        ):
            async with self:
                if not self.way and not self.is_filtered and not self.loading:
                    self._show(page, show.viewer_of(self))

    @rx.event
    async def edit(self, name: str, value: str):
        """A field of the search."""
        if name in FIELDS:
            self.wish = {**self.wish, name: value[:200]}
            self.way = []
            await self.refresh()

    @rx.event
    async def clear(self):
        """The newest of all again."""
        self.wish, self.way = dict.fromkeys(FIELDS, ""), []
        await self.refresh()

    @rx.event
    async def older(self):
        """The page before, or a further stretch of the Tape."""
        if self._next is not None:
            self.way = [*self.way, self._next]
            await self.refresh()

    @rx.event
    async def newer(self):
        """The page after."""
        self.way = self.way[:-1]
        await self.refresh()

    @rx.event
    def choose(self, event_id: str):
        """Show an event in full."""
        found = self._found.get(event_id)
        if found is not None:
            self.chosen = _event(found, show.viewer_of(self))

    async def refresh(self) -> None:
        """Read one page."""
        view = show.viewer_of(self)
        try:
            query = await self._query(view)
            self.export_href = _href(query)
            page = await read(self, search_events, query, before=self.way[-1] if self.way else None, limit=PAGE)
        except CxError as error:
            self.problem_text, self.rows, self.words, self.has_older, self.loading = error.detail, [], "", False, False
            return
        self.problem_text, self.loading = "", False
        self._show(page, view)

    def _show(self, page: EventPage, view: show.Viewer) -> None:
        self._next = page.next
        self.has_older = page.next is not None
        self._found = {str(one.told.id): one for one in page.events}
        rows = [_row(one, view) for one in page.events]
        if rows != self.rows:
            self.rows = rows
        self.words = _words(page, view)

    async def _query(self, view: show.Viewer) -> EventQuery:
        wish = self.wish
        person_id = None
        if text := wish["person"].strip():
            hits = await read(self, find_person, text, limit=2)
            person_id = hits[0].id if hits else _as_id(text)
        return EventQuery(
            type=wish["type"].strip(), source=wish["source"].strip(), person_id=person_id,
            since=_moment(wish["since"], view), until=_moment(wish["until"], view), field=wish["field"].strip(),
            value=wish["value"].strip(),
        )  # fmt: skip


def _href(query: EventQuery) -> str:
    told = {name: value for name, value in asdict(query).items() if value}
    times = {name: value.isoformat() for name, value in told.items() if isinstance(value, datetime)}
    return _EXPORT + (f"?{urlencode({**told, **times})}" if told else "")


def _as_id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _moment(text: str, view: show.Viewer) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=view.zone) if text else None
    except ValueError:
        return None


def _words(page: EventPage, view: show.Viewer) -> str:
    if page.looked_back_to is not None:
        return f"{show.plural(len(page.events), 'event')}, looked back to {view.clock(page.looked_back_to)}"
    return show.plural(len(page.events), "event") + (", more are older" if page.next is not None else "")


def _row(one: FoundEvent, view: show.Viewer) -> JourneyRow:
    told = one.told
    return JourneyRow(
        id=str(told.id), at=milliseconds(told.at), exact=view.exact(told.at), type=told.type, source=told.source,
        title=told.title, detail=told.detail, icon=told.icon, tone=told.tone, person=one.person_name,
        href=f"/customers/{one.person_id}" if one.person_id else "",
    )  # fmt: skip


def _event(one: FoundEvent, view: show.Viewer) -> JourneyEvent:
    told = one.told
    facts = (
        ("Type", told.type), ("Source", told.source), ("Time", view.exact(told.at)), ("By", one.actor),
        ("Event", str(told.id)),
    )  # fmt: skip
    return JourneyEvent(
        id=str(told.id), title=told.title, facts=facts,
        data=data_text(one.data),
        href=f"/customers/{one.person_id}" if one.person_id else "", person=one.person_name,
    )  # fmt: skip
