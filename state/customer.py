"""One customer in the console: card, timeline, merges, and why a campaign did, or did not, contact this person."""

import asyncio
from dataclasses import dataclass

import reflex as rx

from cxconsole.bootstrap import get_application
from cxconsole.campaigns.person_erasure import erase_person, foresee_erasure
from cxconsole.campaigns.trail import get_trail
from cxconsole.errors import CxError
from state import format as show
from state.merges import MergesState
from state.route import parse_campaign_code, route_arg
from state.session import read, write
from state.trail import ChannelRow, channel_row

COUNTS = ("identities", "notes", "follow_ups", "deliveries", "campaigns")
"""What erasing takes away, or stops."""


@dataclass(frozen=True)
class CampaignChoice:
    """A campaign the verdict can be asked about; `value` is its code."""

    value: str
    word: str


class CustomerState(MergesState, rx.State):
    """`/customers/{id}`."""

    choices: list[CampaignChoice] = []
    chosen: str = ""
    why: list[ChannelRow] = []
    why_words: str = ""
    loaded: bool = False
    typed: str = ""
    erase_code: str = ""
    counts: dict[str, str] = dict.fromkeys(COUNTS, "")

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

    @rx.event
    async def ask_erase_person(self):
        """Say what erasing does."""
        found = await read(self, foresee_erasure, self.person_id)
        self.counts = {name: show.number(getattr(found, name)) for name in COUNTS}
        self.dialog, self.typed, self.problem_text, self.erase_code = "erase_person", "", "", str(self.person_id)

    @rx.event
    def set_typed(self, value: str):
        """The number being typed."""
        self.typed = value[:40]

    @rx.event
    async def erase_person(self):
        """Erase the customer for good."""
        if self.typed != self.erase_code:
            return None
        try:
            erased = await write(self, erase_person, self.person_id)
        except CxError as error:
            self.problem_text = error.detail
            return None
        await asyncio.to_thread(get_application().forget_person, erased.family)
        self.dialog = ""
        await self.refresh()
        return rx.toast.success("The customer is erased.")

    async def refresh(self) -> None:
        """Card, timeline, merges and verdict."""
        if not self.person_id:
            return
        await MergesState.refresh(self)
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
