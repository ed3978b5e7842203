"""Webhooks that come in: the list."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.errors import CxError
from cxconsole.journey.webhooks import WebhookView, create_webhook, list_webhooks
from cxconsole.signals import topics
from state import format as show
from state.follow import follow_read
from state.format import Moment, moment_of
from state.session import read, write


@dataclass(frozen=True, kw_only=True)
class WebhookRow:
    """A webhook, ready to be shown."""

    id: str
    name: str
    source: str
    state: str
    received: str
    stored: str
    failed: str
    problem: str
    last: Moment


class WebhooksState(rx.State):
    """`/journeys/webhooks`."""

    rows: list[WebhookRow] = []
    loaded: bool = False
    dialog: str = ""
    name: str = ""
    problem_text: str = ""

    @rx.event
    async def load(self):
        """Read the list."""
        if self.loaded:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        self._show(await read(self, list_webhooks))

    @rx.event(background=True)
    async def follow(self):
        """Counts move by themselves."""
        async for found in follow_read(self, list_webhooks, names=(topics.HOOKS,)):
            async with self:
                self._show(found)

    @rx.event
    def ask_create(self):
        """Open the popup for a new one."""
        self.dialog, self.name, self.problem_text = "create", "", ""

    @rx.event
    def close(self):
        """Leave the popup."""
        self.dialog = ""

    @rx.event
    def set_name(self, value: str):
        """The name being typed."""
        self.name, self.problem_text = value[:200], ""

    @rx.event
    async def create(self):
        """Make it, and go to its page."""
        try:
            made = await write(self, create_webhook, self.name, announces=(topics.HOOKS,))
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        return rx.redirect(f"/journeys/webhooks/{made.id}")

    def _show(self, found: tuple[WebhookView, ...]) -> None:
        view = show.viewer_of(self)
        rows = [row_of(one, view) for one in found]
        if rows != self.rows:
            self.rows = rows
        self.loaded = True


def row_of(one: WebhookView, view: show.Viewer) -> WebhookRow:
    """A webhook as a line, or as the head of its page."""
    failing = one.last_problem_at is not None and one.last_problem_at == one.last_received_at
    return WebhookRow(
        id=str(one.id), name=one.name, source=one.source,
        state="failing" if failing and one.state == "open" else one.state, received=show.number(one.received),
        stored=show.number(one.stored), failed=show.number(one.failed),
        problem=f"{one.last_problem} ({view.relative(one.last_problem_at)})" if one.last_problem else "",
        last=moment_of(view, one.last_received_at),
    )  # fmt: skip
