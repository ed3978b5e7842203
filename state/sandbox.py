"""`/sandbox`: what the sandbox kept, as the customer would see it."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.errors import CxError
from cxconsole.gateways.sandbox.inbox import clear_sandbox_messages, get_sandbox_message, list_sandbox_messages
from cxconsole.signals import topics
from state.follow import follow
from state.format import Moment, address, moment_of, viewer_of
from state.session import problem, read, write
from state.table import TableState


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """A line of the inbox."""

    id: str
    channel: str
    target: str
    subject: str
    preview: str
    gateway: str
    received: Moment


@dataclass(frozen=True, kw_only=True)
class OpenMessage:
    """The message that is read. `document` is its HTML, shown in a frame that may run and load nothing."""

    id: str = ""
    channel: str = "email"
    target: str = ""
    sender: str = ""
    subject: str = ""
    gateway: str = ""
    received: str = ""
    document: str = ""
    text: str = ""
    is_test: bool = False


class SandboxState(TableState, rx.State):
    """The list, the newest first, and the message beside it."""

    rows: list[InboxRow] = []
    channel: str = ""
    message: OpenMessage = OpenMessage()
    view: str = "html"
    narrow: bool = False
    clear_dialog: bool = False

    async def refresh(self) -> None:
        """Read one page; the newest message is opened when none is."""
        page = await read(
            self, list_sandbox_messages, channel=self.channel or None, q=self.q, limit=self.limit, offset=self.offset
        )
        viewer = viewer_of(self)
        self.rows = [
            InboxRow(
                id=str(one.id),
                channel=one.channel,
                target=address(one.target),
                subject=one.subject or one.preview,
                preview=one.preview if one.subject else "",
                gateway=one.gateway_name,
                received=moment_of(viewer, one.received_at),
            )
            for one in page.items
        ]
        self.show_page(page.total, [row.id for row in self.rows], is_capped=page.total_is_capped)
        if not self.message.id and self.rows:
            await self._open(self.rows[0].id)

    @rx.event
    async def load(self) -> None:
        """On each visit."""
        await self.refresh()

    @rx.event(background=True)
    async def follow(self) -> None:
        """Live: new messages come in at the top; the one that is read stays."""
        async for _ in follow(topics.SANDBOX):
            async with self:
                await self.refresh()

    @rx.event
    async def set_channel(self, channel: str) -> None:
        """Only messages of this channel; all when empty."""
        self.channel, self.offset = channel, 0
        await self.refresh()

    @rx.event
    async def open(self, message_id: str):
        """Show this message."""
        try:
            await self._open(message_id)
        except CxError as error:
            yield problem(error)

    @rx.event
    def set_view(self, view: str) -> None:
        """As HTML or as text."""
        self.view = view

    @rx.event
    def set_width(self, width: str) -> None:
        """As on a desk or on a phone."""
        self.narrow = width == "phone"

    @rx.event
    def ask_clear(self) -> None:
        """Ask before the inbox is emptied."""
        self.clear_dialog = True

    @rx.event
    def keep(self) -> None:
        """Leave the messages where they are."""
        self.clear_dialog = False

    @rx.event
    async def clear(self) -> None:
        """Empty the inbox."""
        await write(self, clear_sandbox_messages, announces=(topics.SANDBOX,))
        self.clear_dialog, self.offset, self.message = False, 0, OpenMessage()
        await self.refresh()

    async def _open(self, message_id: str) -> None:
        if not message_id.isdigit():
            return
        one = await read(self, get_sandbox_message, int(message_id))
        viewer = viewer_of(self)
        self.message = OpenMessage(
            id=str(one.id),
            channel=one.channel,
            target=address(one.target),
            sender=one.sender,
            subject=one.subject,
            gateway=one.gateway_name,
            received=viewer.exact(one.received_at),
            document=one.html or "",
            text=one.text or "",
            is_test=one.delivery_id is None,
        )
