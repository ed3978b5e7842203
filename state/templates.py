"""The list of templates."""

import textwrap
from dataclasses import dataclass

import reflex as rx

from cxconsole.comms.templates import create_template, delete_template, list_templates
from cxconsole.errors import CxError
from state import format as show
from state.session import problem, read, write
from state.table import TableState

STARTS = {
    "email": {
        "subject": "Hello {{ first_name | default('there') }}",
        "html": (
            "<p>Hello {{ first_name | default('there') }},</p>\n<p>Write here.</p>\n"
            '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>\n'
        ),
    },
    "sms": {"text": "Hello {{ first_name | default('there') }}, "},
}
"""What a new template begins with: complete, so that its check passes from the start."""


@dataclass(frozen=True)
class TemplateRow:
    """One line, ready to be shown."""

    id: str
    name: str
    channel: str
    language: str
    subject: str
    version: str
    modified: str
    modified_exact: str


class TemplatesState(TableState, rx.State):
    """The rows of one page, and the dialogs."""

    rows: list[TemplateRow] = []
    channel: str = ""
    dialog: str = ""
    name: str = ""
    new_channel: str = "email"
    chosen: str = ""
    chosen_name: str = ""
    problem_text: str = ""

    @rx.event
    async def load(self):
        """Read the page."""
        if not self.loading:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        await self.refresh()

    @rx.var
    def is_empty(self) -> bool:
        """Whether there is no template at all."""
        return not (self.loading or self.total or self.q or self.channel)

    @rx.event
    async def choose_channel(self, value: str):
        """Only templates of this channel."""
        self.channel = value
        await self.start_over()

    @rx.event
    async def clear_filter(self):
        """All again."""
        self.q, self.channel = "", ""
        await self.start_over()

    @rx.event
    def ask_create(self):
        """Open the popup for a new template."""
        self.dialog, self.name, self.new_channel, self.problem_text = "create", "", "email", ""

    @rx.event
    def ask_delete(self, template_id: str, name: str):
        """Say what deleting does."""
        self.dialog, self.chosen, self.chosen_name, self.problem_text = "delete", template_id, name, ""

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    def set_name(self, value: str):
        """The name being typed."""
        self.name, self.problem_text = value, ""

    @rx.event
    def set_new_channel(self, value: str):
        """The channel of the new template; it stays."""
        self.new_channel = value if value in STARTS else "email"

    @rx.event
    async def create(self):
        """Make the template and open it."""
        data = {"name": self.name, "channel": self.new_channel, **STARTS[self.new_channel]}
        try:
            made = await write(self, create_template, data)
        except CxError as error:
            self.problem_text = error.errors[0].msg if error.errors else error.detail
            return None
        self.dialog = ""
        return rx.redirect(f"/templates/{made.id}")

    @rx.event
    async def delete(self):
        """Take the template away; where a campaign uses it the service refuses."""
        try:
            await write(self, delete_template, int(self.chosen))
        except CxError as error:
            self.problem_text = error.detail
            return problem(error)
        self.dialog = ""
        await self.refresh()
        return rx.toast.success(f"{self.chosen_name} was deleted.")

    async def refresh(self) -> None:
        """One page."""
        page = await read(
            self, list_templates, channel=self.channel or None, q=self.q, limit=self.limit, offset=self.offset
        )
        self.show_page(page.total, [str(one.id) for one in page.items])
        view = show.viewer_of(self)
        self.rows = [
            TemplateRow(
                id=str(one.id),
                name=one.name,
                channel=one.channel,
                language=one.language,
                subject=one.subject or textwrap.shorten(one.text or "", 100, placeholder="…"),
                version=show.number(one.version),
                modified=view.relative(one.updated_at),
                modified_exact=view.exact(one.updated_at),
            )
            for one in page.items
        ]
