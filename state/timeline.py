"""The timeline of one person as pages show it: the newest page whenever it moved, and older ones as asked for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import reflex as rx

from cxconsole.errors import CxError
from cxconsole.journey.event_view import EventView, get_event
from cxconsole.journey.timeline import FILTERS, Timeline, TimelineEvent, read_timeline
from models.campaign import campaign_code
from models.event import EventType
from state.session import problem, read

PAGE = 50
_LONGEST_DATA = 20_000


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """An event as it is shown; `at` is in milliseconds since 1970, told in words by the browser."""

    id: int
    at: int
    title: str
    detail: str
    icon: str
    tone: str
    badge: str


@dataclass(frozen=True, kw_only=True)
class TimelinePage:
    """A page, with what it answers: which person, which filter, before which place."""

    person: str = ""
    only: str = ""
    before: str = ""
    rows: list[EventRow] = field(default_factory=list)
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class EventDetail:
    """What unfolds under an event: lines of label and value, and the data as it is kept."""

    id: int = 0
    facts: list[list[str]] = field(default_factory=list)
    data: str = ""
    note: int = 0  # the note whose text can be erased
    href: str = ""  # the trail of the contact it is about


class TimelineState(rx.State, mixin=True):
    """The timeline of the person `person_id`; 0 is nobody."""

    person_id: int = 0
    only: str = ""
    newest: TimelinePage = TimelinePage()
    older: TimelinePage = TimelinePage()
    detail: EventDetail = EventDetail()

    async def read_newest(self) -> Timeline | None:
        """The newest page of who is shown; None when nobody is. Sets nothing."""
        if not self.person_id:
            return None
        return await read(self, read_timeline, self.person_id, only=self.only, limit=PAGE)

    def show_newest(self, page: Timeline | None) -> bool:
        """Show what `read_newest` has read. True when it has moved."""
        shown = _page(page, self.only) if page else TimelinePage()
        if shown == self.newest:
            return False
        self.newest = shown
        return True

    @rx.event
    async def read_older(self, place: str):
        """What is older than this place; the browser asks when it is scrolled to."""
        try:
            page = await read(self, read_timeline, self.person_id, before=place, only=self.only, limit=PAGE)
        except CxError as error:
            return problem(error)
        self.older = _page(page, self.only, place)
        return None

    @rx.event
    async def choose_only(self, only: str):
        """Only one kind of event, or all."""
        self.only = only if only in FILTERS else ""
        self.show_newest(await self.read_newest())

    @rx.event
    async def open_event(self, event_id: int):
        """Unfold an event."""
        try:
            self.detail = _detail(await read(self, get_event, int(event_id)))
        except CxError as error:
            return problem(error)


def row_of(one: TimelineEvent) -> EventRow:
    """An event as it is shown."""
    return EventRow(
        id=one.id, at=milliseconds(one.at), title=one.title, detail=one.detail, icon=one.icon, tone=one.tone,
        badge=one.badge,
    )  # fmt: skip


def data_text(data: Mapping[str, Any]) -> str:
    """An event's data as people read it; empty for none. Fields that say nothing are left out."""
    kept = {name: value for name, value in data.items() if value is not None}
    return json.dumps(kept, indent=2, ensure_ascii=False)[:_LONGEST_DATA] if kept else ""


def milliseconds(at: datetime | None) -> int:
    """A moment as browsers count it; 0 for none."""
    return int(at.timestamp() * 1000) if at else 0


def _page(page: Timeline, only: str, before: str = "") -> TimelinePage:
    rows = [row_of(one) for one in page.events]
    return TimelinePage(person=str(page.person_id), only=only, before=before, rows=rows, next=page.next)


def _detail(one: EventView) -> EventDetail:
    facts = [["Type", one.type], ["Source", one.source], ["Event", one.event_id], ["By", one.actor]]
    if one.campaign_id is not None:
        facts.append(["Campaign", campaign_code(one.campaign_id)])
    if one.delivery_id is not None:
        facts.append(["Delivery", str(one.delivery_id)])
    note = one.data.get("note_id", 0) if one.type == EventType.NOTE_ADDED else 0
    trail = one.campaign_id is not None and one.contact_id is not None
    href = f"/campaigns/{campaign_code(one.campaign_id or 0)}/contacts/{one.contact_id}" if trail else ""
    return EventDetail(id=one.id, facts=facts, data=data_text(one.data), note=note, href=href)
