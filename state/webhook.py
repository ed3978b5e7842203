"""One webhook: its mapping, tried on the last payloads while it is written."""

import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError, NotFound
from cxconsole.journey.mapping import ATTRIBUTES
from cxconsole.journey.webhooks import (
    PayloadView,
    change_address,
    change_webhook,
    delete_webhook,
    get_webhook,
    preview_payloads,
    read_token,
)
from cxconsole.signals import topics
from state import format as show
from state.follow import follow
from state.format import Moment, moment_of
from state.route import route_arg
from state.session import problem, read, write
from state.webhooks import WebhookRow, row_of

MOST_SHOWN = 4_000


@dataclass(frozen=True, kw_only=True)
class PayloadRow:
    """One of the last payloads, and what the mapping on the page makes of it."""

    id: str
    status: str
    problem: str
    received: Moment
    payload: str
    event: str
    event_problem: str


class WebhookState(rx.State):
    """`/journeys/webhooks/{id}`."""

    hook: WebhookRow = WebhookRow(
        id="", name="", source="", state="", received="", stored="", failed="", problem="",
        last=Moment(words="", exact=""),
    )  # fmt: skip
    address: str = ""
    rules: dict[str, str] = dict.fromkeys(ATTRIBUTES, "")
    header: str = ""
    signing_secret: str = ""
    payloads: list[PayloadRow] = []
    mapping_problem: str = ""
    problem_text: str = ""
    changed: bool = False
    dialog: str = ""

    @rx.event
    async def load(self):
        """The webhook, its mapping and its last payloads."""
        self.dialog, self.problem_text, self.signing_secret, self.changed = "", "", "", False
        try:
            found = await read(self, get_webhook, self._id())
            self.address = _address(await read(self, read_token, found.id))
        except CxError:
            return rx.redirect("/journeys/webhooks")
        self.rules = {name: found.mapping.get(name, "") for name in ATTRIBUTES}
        self.header = found.signature_header or ""
        await self._refresh()
        return None

    @rx.event(background=True)
    async def follow(self):
        """What comes is there at once."""
        async for _ in follow(topics.HOOKS):
            async with self:
                if self.hook.id:
                    await self._refresh()

    @rx.event
    async def edit(self, name: str, value: str):
        """A rule of the mapping: tried at once on the last payloads, and saved by the button."""
        if name in ATTRIBUTES:
            self.rules, self.changed, self.problem_text = {**self.rules, name: value[:4_000]}, True, ""
            await self._refresh()

    @rx.event
    async def save(self):
        """From now on payloads are mapped in this way."""
        return await self._change({"mapping": self.rules}, "The mapping holds from the next payload on.")

    @rx.event
    def set_header(self, value: str):
        """The header of the signature."""
        self.header = value[:100]

    @rx.event
    def set_signing_secret(self, value: str):
        """The secret that signs bodies; never sent back to the page."""
        self.signing_secret = value[:500]

    @rx.event
    async def save_signature(self):
        """Ask for a signature, or no longer."""
        values: dict[str, Any] = {"signature_header": self.header}
        if self.signing_secret:
            values["signing_secret"] = self.signing_secret
        answer = await self._change(values, "It holds from the next payload on.")
        self.signing_secret = ""
        return answer

    @rx.event
    async def switch(self):
        """Pause it, or open it again."""
        to = "open" if self.hook.state == "paused" else "paused"
        return await self._change({"state": to}, "It takes payloads again." if to == "open" else "It is paused.")

    @rx.event
    async def renew(self):
        """Another address; the old one ends."""
        try:
            self.address = _address(await write(self, change_address, self._id()))
        except CxError as error:
            return problem(error)
        self.dialog = ""
        return rx.toast.success("The old address is refused from now on.")

    @rx.event
    async def delete(self):
        """Take it away."""
        try:
            await write(self, delete_webhook, self._id(), announces=(topics.HOOKS,))
        except CxError as error:
            return problem(error)
        self.dialog = ""
        return rx.redirect("/journeys/webhooks")

    @rx.event
    def ask(self, what: str):
        """Open a popup."""
        self.dialog = what if what in ("renew", "delete") else ""

    @rx.event
    def close(self):
        """Leave the popup."""
        self.dialog = ""

    async def _change(self, values: dict[str, Any], said: str):
        try:
            await write(self, change_webhook, self._id(), values, announces=(topics.HOOKS,))
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.changed, self.problem_text = "mapping" not in values and self.changed, ""
        await self._refresh()
        return rx.toast.success(said)

    async def _refresh(self) -> None:
        view = show.viewer_of(self)
        try:
            self.hook = row_of(await read(self, get_webhook, self._id()), view)
            found = await read(self, preview_payloads, self._id(), self.rules)
        except NotFound:
            return
        except CxError as error:
            self.mapping_problem = error.detail
            return
        self.mapping_problem = ""
        rows = [_payload(one, view) for one in found]
        if rows != self.payloads:
            self.payloads = rows

    def _id(self) -> int:
        given = route_arg(self, "hook")
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


def _address(token: str) -> str:
    return f"{get_application().settings.base_url}/hooks/{token}"


def _payload(one: PayloadView, view: show.Viewer) -> PayloadRow:
    text = json.dumps(one.payload, indent=2, ensure_ascii=False) if one.is_json else str(one.payload)
    event = "" if one.event is None else json.dumps(
        {name: value for name, value in one.event.items() if value is not None}, indent=2, ensure_ascii=False
    )  # fmt: skip
    return PayloadRow(
        id=str(one.id), status=one.status, problem=one.problem or "", received=moment_of(view, one.received_at),
        payload=text[:MOST_SHOWN], event=event[:MOST_SHOWN], event_problem=one.event_problem or "",
    )  # fmt: skip
