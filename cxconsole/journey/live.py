"""Live streams: everybody who follows reads the same end of the Tape, kept once in memory.

One reader per process takes what is new from the Tape and keeps the latest of it. A follower has a place, the key of
the last event it was given, and takes what comes behind it: from memory, or from the Tape when it has fallen further
behind. So a follower costs no memory of its own however slow it is, and one that comes back goes on where it was.
"""

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from cxconsole.accounts.actor import Actor
from cxconsole.database import Database
from cxconsole.driver import Driver
from cxconsole.errors import TooMany
from cxconsole.journey.attributes import Attribute
from cxconsole.journey.profile_rights import Guard, make_guard
from cxconsole.journey.profile_views import load_compartments
from cxconsole.journey.reading import COLUMNS, EventView, find_history, last_id, view_rows
from cxconsole.journey.tail import Tail
from cxconsole.signals import Signals, topics
from models.event import EventType

log = logging.getLogger("cxconsole.journey")

KEPT = 5_000
MOST_FOLLOWERS = 2_000
_PAGE = 500
_LOOKS_EVERY_SECONDS = 0.2
_LOOKS_AGAIN_SECONDS = 0.01
QUIET = frozenset({EventType.CONTACT_ADDED.value, EventType.PERSON_CREATED.value, EventType.PERSON_CHANGED.value})
"""Book-keeping that an import writes by the million; a history shows it, a live stream does not."""


class Moment:
    """An event of the stream. `frame` and `message` keep it as it goes over the wire, made once for all who see it."""

    __slots__ = ("event", "frame", "message")

    def __init__(self, event: EventView) -> None:
        self.event = event
        self.frame: bytes | None = None
        self.message: str | None = None


class Follower:
    """One who follows, and where it stands."""

    def __init__(self, actor: Actor, wishes: Callable[[EventView], bool] | None) -> None:
        self._actor = actor
        self._wishes = wishes
        self._guard: tuple[Sequence[Attribute], Guard] | None = None
        self.place: int | None = None
        """The key of the last event it was given, or that was not for it."""
        self.people: frozenset[int] | None = None
        """The ids of the one person who is followed; None for everybody."""
        self.is_merged = False
        self.is_over = False
        """It goes and comes back: the console stops, or a merge was undone and it is told anew who it follows."""
        self.news = asyncio.Event()

    def wants(self, event: EventView) -> bool:
        """Whether this event is for this one; those about nobody, such as a campaign's own, are for no one."""
        if event.person_id is None or event.type in QUIET:
            return False
        if self.people is not None and event.person_id not in self.people:
            return False
        return self._wishes is None or self._wishes(event)

    def see(self, moment: Moment, compartments: Sequence[Attribute]) -> Moment:
        """The event without what these attributes keep from this one; mostly that is all of it."""
        if self._guard is None or self._guard[0] is not compartments:
            self._guard = (compartments, make_guard(self._actor, compartments))
        guard, event = self._guard[1], moment.event
        data = guard.strip(event.type, event.data)
        return moment if data is event.data else Moment(replace(event, data=data))


class LiveTape:
    """The hub of one process, on one event loop."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._followers: set[Follower] = set()
        self._by_person: dict[int, set[Follower]] = defaultdict(set)
        self._ids: list[int] = []
        self._moments: list[Moment] = []
        self._start = self._end = 0
        """Between which keys all moments are kept. The tail may be ahead for a moment: it reads in a thread."""
        self._compartments: Sequence[Attribute] = ()
        """What views keep from some; read when the first one follows and when a view was changed."""
        self._tail = Tail()
        self._task: asyncio.Task[None] | None = None
        self._is_ready = asyncio.Event()
        self._has_ended = False

    def end(self) -> None:
        """The console stops: all who follow go, and come back later to where they were. Call it on the event loop."""
        self._has_ended = True
        for follower in self._followers:
            follower.is_over = True
            follower.news.set()

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    @property
    def is_ready(self) -> bool:
        """Whether it is known where the Tape ends."""
        return self._is_ready.is_set()

    @asynccontextmanager
    async def follow(
        self,
        *,
        after: int | None = None,
        person_id: int | None = None,
        wishes: Callable[[EventView], bool] | None = None,
        actor: Actor,
    ) -> AsyncIterator[Follower]:
        """Follow everybody or one person, from now on or from behind the event with the key `after`.

        Raises Forbidden, and TooMany.
        """
        actor.require("events.read")
        follower = Follower(actor, wishes)
        follower.is_over = self._has_ended
        if person_id is not None:
            follower.people = await asyncio.to_thread(self._read_people, person_id)
        if len(self._followers) >= MOST_FOLLOWERS:  # asked where they are added, so that many at once are not too many
            raise TooMany("Too many streams are open.", retry_after_seconds=30)
        self._add(follower)
        try:
            await self._is_ready.wait()
            follower.place = self._end if after is None else after
            if after is not None and after > self._end:
                # another process may be ahead of this one; but a place that nobody was given would hide what comes
                follower.place = min(after, await asyncio.to_thread(self._read_last))
            yield follower
        finally:
            self._remove(follower)

    async def take(self, follower: Follower, wait_seconds: float) -> Sequence[Moment]:
        """What is new for this one, at most some hundred; empty when nothing came in so many seconds."""
        try:
            async with asyncio.timeout(wait_seconds):
                while True:
                    follower.news.clear()
                    before = follower.place
                    found = () if follower.is_over else await self._take_now(follower)
                    if follower.is_over:
                        follower.place = before
                        return ()
                    if found:
                        return found
                    if (follower.place or 0) >= self._end:
                        await follower.news.wait()
        except TimeoutError:
            return ()

    async def _take_now(self, follower: Follower) -> Sequence[Moment]:
        """The next page behind its place; empty when nothing of it is for this one."""
        if follower.is_merged and follower.people:
            follower.is_merged = False
            try:
                people = await asyncio.to_thread(self._read_people, min(follower.people))
            except BaseException:  # of which the end of the time to wait is one
                follower.is_merged = True
                raise
            self._index(follower, people)
        place, end = follower.place or 0, self._end
        if place >= end:
            return ()
        if place < self._start:
            found, follower.place = await asyncio.to_thread(self._read_page, follower, place, self._start)
            return found
        first = bisect_right(self._ids, place)
        page = self._moments[first : first + _PAGE]
        follower.place = page[-1].event.id if len(page) == _PAGE else end
        return [follower.see(one, self._compartments) for one in page if follower.wants(one.event)]

    def _read_page(self, follower: Follower, place: int, end: int) -> tuple[Sequence[Moment], int]:
        """From the Tape: what is for this one between its place and `end`, and its new place."""
        with self._database.read() as session:
            driver = Driver(session)
            about, values = "", []
            if follower.people is not None:
                about, values = f"AND person_id {driver.among_ids} ", [sorted(follower.people)]
            ids = driver.run(
                f"SELECT id FROM event WHERE id > ? AND id <= ? {about}ORDER BY id LIMIT ?",  # noqa: S608
                place, end, *values, _PAGE,
            ).scalars().all()  # fmt: skip
            rows = self._read_rows(driver, ids)
            views = view_rows(session, rows)
        found = [follower.see(Moment(view), self._compartments) for view in views if follower.wants(view)]
        return found, (ids[-1] if len(ids) == _PAGE else end)

    @staticmethod
    def _read_rows(driver: Driver, ids: Sequence[int]) -> Sequence[Any]:
        return driver.run(f"SELECT {COLUMNS} FROM event WHERE id {driver.among_ids} ORDER BY id", list(ids)).all()  # noqa: S608

    def _read_last(self) -> int:
        with self._database.read() as session:
            return last_id(session)

    def _read_people(self, person_id: int) -> frozenset[int]:
        with self._database.read() as session:
            return frozenset(find_history(session, person_id))

    def _add(self, follower: Follower) -> None:
        self._followers.add(follower)
        self._index(follower, follower.people)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _index(self, follower: Follower, people: frozenset[int] | None) -> None:
        for person_id in follower.people or ():
            self._by_person[person_id].discard(follower)
            if not self._by_person[person_id]:
                del self._by_person[person_id]
        follower.people = people
        for person_id in people or ():
            self._by_person[person_id].add(follower)

    def _remove(self, follower: Follower) -> None:
        self._followers.discard(follower)
        for person_id in follower.people or ():
            self._by_person[person_id].discard(follower)
            if not self._by_person[person_id]:
                del self._by_person[person_id]
        if not self._followers and self._task is not None:
            self._task.cancel()  # nobody looks: begin anew with the next one
            self._task = None
            self._tail, self._is_ready = Tail(), asyncio.Event()
            self._ids, self._moments = [], []

    async def _run(self) -> None:
        tail = self._tail
        with self._signals.subscribe(topics.TAPE) as signal:
            while True:
                try:
                    moments, is_full = await asyncio.to_thread(self._read_on, tail)
                except SQLAlchemyError:
                    log.warning("action=live_tape_failed", exc_info=True)
                    moments, is_full = [], False
                if tail.end is not None:
                    self._keep(moments, tail.end)
                self._tell(moments)
                if not is_full:
                    await signal.wait(_LOOKS_AGAIN_SECONDS if tail.waits else _LOOKS_EVERY_SECONDS)

    def _read_on(self, tail: Tail) -> tuple[list[Moment], bool]:
        end = tail.end
        try:
            with self._database.read() as session:
                rows = tail.read(session, _PAGE)
                views = view_rows(session, rows)
                if end is None or any(view.type == EventType.PROFILE_CHANGED for view in views):
                    self._compartments = load_compartments(session)
                return [Moment(view) for view in views], len(rows) == _PAGE
        except SQLAlchemyError:
            tail.end = end  # what was found there was not told yet
            raise

    def _keep(self, moments: Iterable[Moment], end: int) -> None:
        if not self._is_ready.is_set():
            self._start = end
            self._is_ready.set()
        self._end = end
        for moment in moments:
            self._ids.append(moment.event.id)
            self._moments.append(moment)
        if len(self._ids) > 2 * KEPT:
            self._start = self._ids[-KEPT - 1]
            del self._ids[:-KEPT], self._moments[:-KEPT]

    def _forget(self) -> None:
        """Somebody was erased: keep nothing of what was read before; who needs it reads the Tape."""
        if self._ids:
            self._start = self._ids[-1]
            self._ids, self._moments = [], []

    def _tell(self, moments: Sequence[Moment]) -> None:
        if not moments:
            return
        woken = {follower for follower in self._followers if follower.people is None}
        for moment in moments:
            event = moment.event
            if event.person_id in self._by_person:
                woken |= self._by_person[event.person_id]
            if event.type == EventType.PERSON_ERASED:
                self._forget()
            if event.type in (EventType.PERSON_MERGED, EventType.PERSON_UNMERGED):
                touched = self._by_person.get(event.data.get("merged_person_id", 0), set())
                touched = touched | self._by_person.get(event.person_id or 0, set())
                for follower in touched:
                    follower.is_merged = True
                    follower.is_over |= event.type == EventType.PERSON_UNMERGED
                woken |= touched
        for follower in woken:
            follower.news.set()


__all__ = ["Follower", "LiveTape", "Moment"]
