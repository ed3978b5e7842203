"""API keys: made, shown once, revoked."""

from dataclasses import dataclass
from datetime import timedelta

import reflex as rx

from cxconsole import clock
from cxconsole.accounts.keys import RIGHTS, KeyView, create_key, describe_right, list_keys, revoke_key
from cxconsole.errors import CxError
from state import format as show
from state.session import problem, read, write

LIFETIMES = {"90": "90 days", "365": "1 year", "": "No end"}
LEAST = ["contacts.edit"]
"""What most systems need, and no more: adding contacts to campaigns."""


@dataclass(frozen=True)
class KeyRow:
    """One key, ready to be shown; never the key itself."""

    id: str
    name: str
    prefix: str
    scopes: str
    allows: str
    state: str
    used: str
    used_exact: str
    created: str
    created_exact: str


class KeysState(rx.State):
    """The list and the dialogs."""

    rows: list[KeyRow] = []
    loaded: bool = False
    dialog: str = ""
    name: str = ""
    days: str = "365"
    everything: bool = False
    rights: list[str] = LEAST
    made: str = ""
    chosen: str = ""
    chosen_name: str = ""
    problem_text: str = ""

    @rx.event
    async def load(self):
        """Read the list."""
        if self.loaded:  # at a first visit a quick hand may have opened it just now
            self.dialog, self.made = "", ""
        await self._read()

    @rx.event
    def ask_create(self):
        """Open the popup for a new key."""
        self.dialog, self.name, self.days, self.everything, self.rights = "create", "", "365", False, LEAST
        self.made, self.problem_text = "", ""

    @rx.event
    def ask_revoke(self, key_id: str, name: str):
        """Say what revoking does."""
        self.dialog, self.chosen, self.chosen_name, self.problem_text = "revoke", key_id, name, ""

    @rx.event
    def close(self):
        """Leave the popup; a key that was shown is not shown again."""
        self.dialog, self.made = "", ""

    @rx.event
    def set_name(self, value: str):
        """The name being typed."""
        self.name, self.problem_text = value, ""

    @rx.event
    def set_days(self, value: str):
        """How long it lives."""
        self.days = value if value in LIFETIMES else "365"

    @rx.event
    def set_everything(self, value: bool):
        """All rights, or chosen ones."""
        self.everything = value

    @rx.event
    def toggle_right(self, right: str):
        """A right on or off."""
        area, _, verb = right.partition(".")
        if verb in RIGHTS.get(area, {}):
            self.rights = (
                [one for one in self.rights if one != right] if right in self.rights else [*self.rights, right]
            )

    @rx.event
    async def create(self):
        """Make the key and show it, this once."""
        expires_at = clock.now() + timedelta(days=int(self.days)) if self.days else None
        try:
            scopes = ["all"] if self.everything else self.rights
            _, self.made = await write(self, create_key, self.name, scopes, expires_at)
        except CxError as error:
            self.problem_text = error.detail
            return
        self.dialog = "made"
        await self._read()

    @rx.event
    async def revoke(self):
        """End the key at once."""
        try:
            await write(self, revoke_key, int(self.chosen))
        except CxError as error:
            return problem(error)
        self.dialog = ""
        await self._read()
        return rx.toast.success("The key is revoked. Calls with it are refused from now on.")

    async def _read(self) -> None:
        view = show.viewer_of(self)
        self.rows = [_row(one, view) for one in await read(self, list_keys)]
        self.loaded = True


def _row(one: KeyView, view: show.Viewer) -> KeyRow:
    state = "active"
    if one.revoked_at is not None:
        state = "revoked"
    elif one.expires_at is not None and one.expires_at <= view.now:
        state = "expired"
    return KeyRow(
        id=str(one.id),
        name=one.name,
        prefix=f"{one.prefix}…",
        scopes="everything" if "*" in one.scopes else ", ".join(one.scopes),
        allows=". ".join(describe_right(scope) for scope in one.scopes),
        state=state,
        used=view.relative(one.last_used_at),
        used_exact=view.exact(one.last_used_at),
        created=view.relative(one.created_at),
        created_exact=view.exact(one.created_at),
    )
