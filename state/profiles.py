"""The list of profile views."""

from dataclasses import dataclass
from urllib.parse import urlencode

import reflex as rx

from cxconsole.errors import CxError
from cxconsole.journey.profile_views import View, delete_view, list_views
from cxconsole.signals import topics
from state import format as show
from state.session import problem, read, write

EDITOR = "/journeys/profiles/edit"


@dataclass(frozen=True, kw_only=True)
class ViewRow:
    """A view in the list."""

    key: str
    name: str
    attributes: str
    roles: str
    modified: show.Moment
    href: str


class ProfilesState(rx.State):
    """`/journeys/profiles`."""

    rows: list[ViewRow] = []
    loaded: bool = False
    dialog: str = ""
    chosen: str = ""
    chosen_name: str = ""
    problem_text: str = ""

    @rx.event
    async def load(self):
        """Read the list."""
        self.dialog, self.problem_text = "", ""
        await self.refresh()
        self.loaded = True

    @rx.event
    def ask_delete(self, key: str, name: str):
        """Say what deleting does."""
        self.dialog, self.chosen, self.chosen_name, self.problem_text = "delete", key, name, ""

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    async def delete(self):
        """Take the view away."""
        try:
            await write(self, delete_view, self.chosen, announces=(topics.TAPE,))
        except CxError as error:
            self.problem_text = error.detail
            return problem(error)
        self.dialog = ""
        await self.refresh()
        return rx.toast.success(f"{self.chosen_name} was deleted.")

    async def refresh(self) -> None:
        """All views; there are few."""
        view = show.viewer_of(self)
        self.rows = [_row(one, view) for one in await read(self, list_views)]


def _row(one: View, view: show.Viewer) -> ViewRow:
    names = [attribute.name for attribute in one.attributes]
    return ViewRow(
        key=one.key, name=one.name, attributes=", ".join(names), roles=", ".join(one.roles) or "everybody",
        modified=show.moment_of(view, one.updated_at), href=f"{EDITOR}?{urlencode({'view': one.key})}",
    )  # fmt: skip
