"""What the shell around every page knows: search, help, the demo data."""

import asyncio
from dataclasses import dataclass

import reflex as rx

from cxconsole import clock
from cxconsole.audience.people import SearchHits, search_everything
from cxconsole.bootstrap import get_application
from cxconsole.demo.remove import has_demo, remove_demo
from cxconsole.errors import CxError
from cxconsole.signals import topics
from state.format import address
from state.session import current_actor, read


@dataclass(frozen=True, kw_only=True)
class Found:
    """A line of the search's results."""

    href: str
    word: str
    detail: str
    state: str = ""


class ShellState(rx.State):
    """One for all pages."""

    has_demo: bool = False
    demo_dialog: bool = False
    demo_busy: bool = False
    demo_problem: str = ""
    help_open: bool = False
    search_open: bool = False
    search_q: str = ""
    search_words: str = ""
    found_campaigns: list[Found] = []
    found_people: list[Found] = []

    @rx.event
    async def enter(self) -> None:
        """On each page."""
        self.has_demo = await read(self, has_demo)

    @rx.event
    def open_search(self) -> None:
        """Open the search with an empty box."""
        self.search_open, self.search_q, self.search_words = True, "", "Type a name, an address, a number or an id."
        self.found_campaigns, self.found_people = [], []

    @rx.event
    def set_search_open(self, is_open: bool) -> None:
        """Esc, or a click outside."""
        self.search_open = is_open

    @rx.event
    def close_search(self) -> None:
        """A result was chosen."""
        self.search_open = False

    @rx.event(supersedes=True)
    async def search_all(self, q: str) -> None:
        """People and campaigns for what was typed."""
        self.search_q = q[:200]
        hits = await read(self, search_everything, self.search_q)
        self._show(hits)

    def _show(self, hits: SearchHits) -> None:
        self.found_campaigns = [
            Found(href=f"/campaigns/{one.code}", word=one.name, detail=one.code, state=one.state)
            for one in hits.campaigns
        ]
        self.found_people = [
            Found(href=f"/customers/{one.id}", word=one.name or address(one.hint), detail=address(one.hint))
            for one in hits.people
        ]
        none_found = self.search_q.strip() and not hits.campaigns and not hits.people
        self.search_words = (
            f"Nothing found for “{self.search_q}”. Try a part of a name or address." if none_found else ""
        )

    @rx.event
    def open_help(self) -> None:
        """Show the keys."""
        self.help_open = True

    @rx.event
    def close_help(self) -> None:
        """Hide the keys."""
        self.help_open = False

    @rx.event
    def ask_remove_demo(self) -> None:
        """Ask before the demo data goes."""
        self.demo_dialog, self.demo_problem = True, ""

    @rx.event
    def keep_demo(self) -> None:
        """Leave the demo data where it is."""
        self.demo_dialog = False

    @rx.event
    async def remove_demo(self):
        """Remove the demo data and start afresh on the first page."""
        self.demo_busy = True
        yield
        try:
            console = get_application()
            await asyncio.to_thread(remove_demo, console.database, actor=current_actor(self), now=clock.now())
            console.signals.publish(topics.CAMPAIGNS, topics.GATEWAYS, topics.SANDBOX, topics.SUPPRESSIONS)
        except CxError as error:
            self.demo_problem = error.detail
        else:
            self.has_demo = self.demo_dialog = False
            yield rx.redirect("/")
        finally:
            self.demo_busy = False
