"""The browser tag on a company's own pages: whose pages, what to paste, and whether anything has come."""

from dataclasses import dataclass
from datetime import timedelta

import reflex as rx

from cxconsole.accounts.apps import ORIGINS, OWN_PAGES, AppView, change_attributes, create_app, list_apps
from cxconsole.accounts.page_tokens import make_page_token
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.journey.website import Arrivals, find_arrivals, sources_of, write_snippet
from cxconsole.signals import topics
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow
from state.session import problem, read, write

TRY_FOR = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class SiteRow:
    """An app whose pages may send events."""

    name: str
    origins: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """Whether anything has come: words, and where to look."""

    has_come: bool = False
    words: str = ""
    exact: str = ""
    href: str = ""


class WebsiteState(rx.State):
    """`/journeys/website`."""

    rows: list[SiteRow] = []
    loaded: bool = False
    chosen: str = ""
    origins: str = ""
    origins_words: str = ""
    snippet: str = ""
    try_words: str = ""
    check: Check = Check()
    dialog: str = ""
    name: str = ""
    given: str = ""
    secret: str = ""
    problem_text: str = ""
    _sources: tuple[str, ...] = ()

    @rx.event
    async def load(self):
        """The apps whose pages send events."""
        if self.loaded:  # at a first visit a quick hand may have opened it just now
            self.dialog, self.secret = "", ""
        await self._read()

    @rx.event(background=True)
    async def follow(self):
        """The check turns by itself."""
        async for _ in follow(topics.TAPE, pause_seconds=SLOW_PAUSE_SECONDS):
            async with self:
                await self._look()

    @rx.event
    async def choose(self, name: str):
        """Another site."""
        await self._read(name)

    @rx.event
    def ask_create(self):
        """Open the popup for a new site."""
        self.dialog, self.name, self.given, self.problem_text = "create", "", "", ""

    @rx.event
    def ask_change(self):
        """Open the popup with the site's origins."""
        self.dialog, self.name, self.given, self.problem_text = "change", self.chosen, self.origins, ""

    @rx.event
    def close(self):
        """Leave the popup; a secret that was shown is not shown again."""
        self.dialog, self.secret = "", ""

    @rx.event
    def edit(self, name: str, value: str):
        """A field of the popup."""
        if name in ("name", "given"):
            setattr(self, name, value[:10_000])
            self.problem_text = ""

    @rx.event
    async def create(self):
        """Make the app, and show its secret this once."""
        attributes = {ORIGINS: _origins(self.given)}
        try:
            app, self.secret = await write(self, create_app, self.name, services={"ds": "w"}, attributes=attributes)
        except CxError as error:
            self.problem_text = error.detail
            return
        self.dialog = "made"
        await self._read(app.name)

    @rx.event
    async def change(self):
        """Other origins, from the next second on."""
        try:
            known = next((one for one in await read(self, list_apps) if one.name == self.name), None)
            kept = dict(known.attributes) if known is not None else {}
            await write(self, change_attributes, self.name, {**kept, ORIGINS: _origins(self.given)})
        except CxError as error:
            self.problem_text = error.detail
            return
        self.dialog = ""
        await self._read(self.name)

    @rx.event
    async def try_it(self):
        """Put a token for some hours into the snippet, so that it can be tried before the server makes its own."""
        try:
            token = await read(self, make_page_token, self.chosen, lifetime=TRY_FOR)
        except CxError as error:
            return problem(error)
        self.snippet = write_snippet(_base_url(), token=token.text)
        self.try_words = f"The token in it ends {show.viewer_of(self).clock(token.expires_at)}."
        return None

    async def _read(self, name: str = "") -> None:
        sites = [one for one in await read(self, list_apps) if one.attributes.get(ORIGINS)]
        self.rows = [_row(one) for one in sites]
        chosen = next((one for one in sites if one.name == (name or self.chosen)), sites[0] if sites else None)
        self.chosen = chosen.name if chosen is not None else ""
        given = list(chosen.attributes[ORIGINS]) if chosen is not None else []
        self.origins = "\n".join(given)
        self.origins_words = "\n".join(_say_origin(one) for one in given)
        self._sources = (self.chosen,) if given == [OWN_PAGES] else sources_of(given)
        self.snippet, self.try_words = write_snippet(_base_url()), ""
        self.loaded = True
        await self._look()

    async def _look(self) -> None:
        if self._sources:
            found = await read(self, find_arrivals, self._sources)
            check = _check(found, self._sources, show.viewer_of(self))
            if check != self.check:
                self.check = check


def _base_url() -> str:
    return get_application().settings.base_url


def _origins(text: str) -> list[str]:
    """One a line; what people paste from the address bar ends in a slash."""
    return [line.strip().rstrip("/").lower() for line in text.splitlines() if line.strip()]


def _say_origin(origin: str) -> str:
    return "the console itself" if origin == OWN_PAGES else origin


def _row(one: AppView) -> SiteRow:
    return SiteRow(name=one.name, origins=", ".join(map(_say_origin, one.attributes[ORIGINS])))


def _check(found: Arrivals | None, sources: tuple[str, ...], view: show.Viewer) -> Check:
    if found is None:
        return Check(words=f"Waiting for the first event from {' or '.join(sources[:3])}")
    words = f"{show.plural(found.count, 'event')} of {show.plural(found.types, 'type')}, last {found.last_type}"
    return Check(
        has_come=True,
        words=f"{words}, {view.relative(found.last_at)}",
        exact=view.exact(found.last_at),
        href=f"/journeys?source={sources[0]}",
    )
