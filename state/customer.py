"""One customer in the console: card, timeline, and why this person was, or was not, contacted by a campaign."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.campaigns.trail import get_trail
from cxconsole.errors import CxError
from state import format as show
from state.person import PersonState
from state.route import parse_campaign_code, route_arg
from state.session import read
from state.trail import ChannelRow, channel_row


@dataclass(frozen=True)
class CampaignChoice:
    """A campaign the verdict can be asked about; `value` is its code."""

    value: str
    word: str


class CustomerState(PersonState, rx.State):
    """`/customers/{id}`."""

    choices: list[CampaignChoice] = []
    chosen: str = ""
    why: list[ChannelRow] = []
    why_words: str = ""
    loaded: bool = False

    @rx.event
    async def load(self):
        """Read the customer of this address."""
        text = route_arg(self, "person")
        self.dialog, self.loaded, self.only, self.chosen, self.missing = "", False, "", "", ""
        self.person_id = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
        if not self.person_id:
            self.missing = f"There is no customer {text[:40]}."
        await self.refresh()
        self.loaded = True

    @rx.event(background=True)
    async def follow(self):
        """What happens to the customer is shown as it happens."""
        async for moved in self.movers():
            async with self:
                if self.loaded and (moved is None or moved.intersection(self._family)):
                    await self.refresh()

    @rx.event
    async def choose_campaign(self, code: str):
        """Why (not) contacted by this campaign."""
        self.chosen = code
        await self._read_why()

    async def refresh(self) -> None:
        """Card, timeline and verdict."""
        if not self.person_id:
            return
        await PersonState.refresh(self)
        choices = [CampaignChoice(one.code, one.name) for one in self.card.campaigns]
        if choices != self.choices:
            self.choices = choices
        if self.chosen not in {one.value for one in choices}:
            self.chosen = choices[0].value if choices else ""
        await self._read_why()

    async def _read_why(self) -> None:
        place = next((one for one in self.card.campaigns if one.code == self.chosen), None)
        rows: list[ChannelRow] = []
        words = ""
        if place is not None:
            zone = show.viewer_of(self).zone
            try:
                trail = await read(self, get_trail, parse_campaign_code(place.code), int(place.contact), zone=zone)
                rows, words = [channel_row(one) for one in trail.channels], trail.summary
            except CxError as error:
                words = error.detail
        if (rows, words) != (self.why, self.why_words):
            self.why, self.why_words = rows, words
