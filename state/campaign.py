"""The head of every page of one campaign: name, state, and what can be done."""

from dataclasses import dataclass

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.directory import CampaignDetail, get_campaign
from cxconsole.errors import CxError
from cxconsole.signals import topics
from state import format as show
from state.campaigns import badge_of
from state.follow import SLOW_PAUSE_SECONDS, follow_read
from state.route import campaign_id_of, campaign_to_follow
from state.session import read


@dataclass(frozen=True)
class Head:
    """What stands above every page of a campaign, ready to be shown."""

    code: str
    name: str
    badge: str
    sentence: str
    has_contacts: bool


class CampaignState(rx.State):
    """The campaign of this address. `missing` says why there is none."""

    code: str = ""
    name: str = ""
    badge: str = "unpublished"
    sentence: str = ""
    missing: str = ""
    loaded: bool = False
    has_contacts: bool = False

    @rx.var
    def base(self) -> str:
        """The address of the campaign's first page."""
        return f"/campaigns/{self.code}"

    @rx.event
    async def load(self):
        """Read the head."""
        await self._read()

    @rx.event(background=True)
    async def follow(self):
        """The state in the head moves by itself."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        try:
            names = (topics.campaign(campaign_id),)
            async for head in follow_read(self, _read_head, campaign_id, names=names, pause_seconds=SLOW_PAUSE_SECONDS):
                async with self:
                    self._show(head)
        except CxError as error:
            async with self:
                self.missing, self.loaded = error.detail, True

    async def _read(self) -> None:
        try:
            self._show(await read(self, _read_head, campaign_id_of(self)))
        except CxError as error:
            self.missing, self.loaded = error.detail, True

    def _show(self, head: Head) -> None:
        for name, value in {**vars(head), "missing": "", "loaded": True}.items():
            if getattr(self, name) != value:
                setattr(self, name, value)


def _read_head(session: Session, campaign_id: int, *, actor: Actor) -> Head:
    """Only what the head shows, so that a number that moves does not touch it."""
    found = get_campaign(session, campaign_id, actor=actor)
    return Head(
        code=found.code,
        name=found.name,
        badge=badge_of(found.state, found.paused),
        sentence=_sentence(found),
        has_contacts=found.contacts > 0,
    )


def _sentence(campaign: CampaignDetail) -> str:
    if campaign.description:
        return campaign.description.splitlines()[0][:160]
    words = {"email": "e-mail", "sms": "SMS"}
    ways = ", then ".join(words.get(step.channel, step.channel) for step in campaign.steps)
    people = show.plural(campaign.contacts, "contact")
    return f"Reaches {people} by {ways}." if ways else f"{people}. No step yet: say what is sent in Flow."
