"""The list of campaigns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.behind import Figure, find_shares, midnight
from cxconsole.campaigns.contact_filter import FilterOp, filter_address
from cxconsole.campaigns.directory import CampaignDetail, count_campaigns_by_state, list_campaigns
from cxconsole.campaigns.lifecycle import unpublish_campaign
from cxconsole.errors import CxError
from cxconsole.paging import Page
from cxconsole.signals import topics
from models.campaign import CampaignState, campaign_code
from models.contact import ContactStatus
from state import format as show
from state.campaign_actions import CampaignActionsState
from state.follow import SLOW_PAUSE_SECONDS, follow
from state.route import route_arg
from state.session import read, write
from state.table import TableState, refresh_beside

FIGURES: dict[str, str] = {
    Figure.SENDING: "Sending now",
    Figure.SENT_TODAY: "Sent today",
    Figure.ERRORS: "Errors, last hour",
    Figure.QUEUE: "In the queue",
    Figure.HELD: "Held",
    Figure.PLANNED: "Planned",
    Figure.SENT: "Sent",
    Figure.DELIVERED: "Delivered",
    Figure.OPENED: "Opened",
    Figure.CLICKED: "Clicked",
}
CREATED = {"today": "today", "7d": "in 7 days", "30d": "in 30 days"}
_DAYS = {"7d": 7, "30d": 30}
SEGMENTS = (("all", "All"), ("published", "Published"), ("unpublished", "Unpublished"), ("ended", "Ended"))


@dataclass(frozen=True)
class Segment:
    """A state to choose, with how many campaigns are in it."""

    value: str
    word: str
    count: str


@dataclass(frozen=True)
class CampaignRow:
    """One line, ready to be shown. `*_share` are percentages of the contacts for the stacked bar."""

    id: str
    code: str
    name: str
    badge: str
    channels: list[str]
    created: str
    created_exact: str
    modified: str
    modified_exact: str
    contacts: str
    has_contacts: bool
    done_words: str
    completed_share: float
    failed_share: float
    suppressed_share: float
    held_share: float
    last_activity: str
    last_activity_exact: str
    can_publish: bool
    can_unpublish: bool
    can_end: bool
    behind: str
    behind_href: str


_WAIT = [("status", FilterOp.EQ, status.value) for status in (ContactStatus.PENDING, ContactStatus.IN_PROGRESS)]
_PEOPLE: dict[str, str] = {
    Figure.PLANNED: "/contacts",
    Figure.QUEUE: "/contacts?" + filter_address(*_WAIT, join="or"),
    Figure.HELD: "/contacts?status=held",
}
"""Where a number is one of people, they are a step away; the others are told by channel on the campaign's page."""


def badge_of(state: str, paused: bool) -> str:
    """The key of a campaign's badge: its state, or `paused` when it was published before."""
    return "paused" if state == CampaignState.UNPUBLISHED and paused else str(state)


def campaign_row(one: CampaignDetail, view: show.Viewer, behind: str = "") -> CampaignRow:
    """A campaign as the list shows it, with its share of the number asked for."""
    share = 100 / one.contacts if one.contacts else 0.0
    return CampaignRow(
        id=str(one.id),
        code=one.code,
        name=one.name,
        badge=badge_of(one.state, one.paused),
        channels=list(one.channels),
        created=view.day(one.created_at),
        created_exact=view.exact(one.created_at),
        modified=view.relative(one.updated_at),
        modified_exact=view.exact(one.updated_at),
        contacts=show.number(one.contacts),
        has_contacts=one.contacts > 0,
        done_words=show.percent(one.progress, places=0),
        completed_share=one.completed * share,
        failed_share=one.failed * share,
        suppressed_share=one.suppressed * share,
        held_share=one.held * share,
        last_activity=view.relative(one.last_activity_at),
        last_activity_exact=view.exact(one.last_activity_at),
        can_publish=one.state == CampaignState.UNPUBLISHED,
        can_unpublish=one.state == CampaignState.PUBLISHED,
        can_end=one.state != CampaignState.ENDED,
        behind=show.number(one.behind or 0),
        behind_href=f"/campaigns/{one.code}{_PEOPLE.get(behind, '')}",
    )


class CampaignsState(TableState, rx.State):
    """The rows of one page, and how many campaigns each segment has."""

    rows: list[CampaignRow] = []
    segments: list[Segment] = []
    segment: str = "all"
    behind: str = ""
    created: str = ""
    is_empty: bool = False
    sort: str = "created_at"

    @rx.var
    def behind_word(self) -> str:
        """Which number of the first page the campaigns stand behind."""
        return FIGURES.get(self.behind, "")

    @rx.var
    def created_word(self) -> str:
        """Since when they were created."""
        return CREATED.get(self.created, "")

    @rx.event
    async def load(self):
        """Read the page that is asked for.

        An address like `?state=published` chooses the segment, one like `?behind=held` the campaigns behind a
        number of the first page, all of them.
        """
        wanted, behind = route_arg(self, "state"), route_arg(self, "behind")
        if wanted in list(CampaignState):
            self.segment = wanted
        if behind in FIGURES:
            self.segment, self.q, self.created = "all", "", ""
            self.sort, self.descending = "behind", True
        elif self.sort == "behind":
            self.sort, self.descending = "created_at", False
        self.behind, self.offset = behind if behind in FIGURES else "", 0
        await self.refresh()

    @rx.event(background=True)
    async def follow(self):
        """Read again when a campaign or its numbers moved."""
        async for _ in follow(topics.CAMPAIGNS, pause_seconds=SLOW_PAUSE_SECONDS):
            await refresh_beside(self)

    @rx.event
    async def choose_segment(self, value: str):
        """Only campaigns of this state."""
        self.segment = value
        await self.start_over()

    @rx.event
    async def choose_created(self, value: str):
        """Only campaigns created since then; empty is any time."""
        self.created = value if value in CREATED else ""
        await self.start_over()

    @rx.event
    async def drop_behind(self):
        """Also campaigns that have nothing of the number."""
        self._forget_behind()
        await self.start_over()

    @rx.event
    async def clear_filter(self):
        """All campaigns again."""
        self.q, self.segment, self.created = "", "all", ""
        self._forget_behind()
        await self.start_over()

    def _forget_behind(self) -> None:
        self.behind = ""
        if self.sort == "behind":
            self.sort, self.descending = "created_at", False

    @rx.event
    async def unpublish_picked(self):
        """Stop all that are picked and run."""
        done, refused = 0, ""
        for campaign_id in await self._picked_ids():
            names = (topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))
            try:
                await write(self, unpublish_campaign, campaign_id, announces=names)
                done += 1
            except CxError as error:
                refused = error.detail
        self.picked, self.everything_picked = [], False
        await self.refresh()
        said = f"{show.plural(done, 'campaign')} unpublished."
        return rx.toast.warning(f"{said} {refused}") if refused else rx.toast.success(said)

    @rx.event
    async def ask_end_picked(self):
        """Ending is final, so it is confirmed one campaign at a time."""
        chosen = await self._picked_ids()
        if len(chosen) != 1:
            return rx.toast.info("Ending is final: pick one campaign at a time.")
        return CampaignActionsState.ask_end(campaign_code(chosen[0]))

    async def _picked_ids(self) -> list[int]:
        if not self.everything_picked:
            return [int(one) for one in self.picked if one.isdigit()]
        wish = {**self.wish(), "limit": 200, "offset": 0}
        page, _ = await read(self, _read_list, **wish)
        return [one.id for one in page.items]

    def wish(self) -> dict[str, Any]:
        """What the list is asked for."""
        state = None if self.segment == "all" else self.segment
        zone = show.viewer_of(self).zone
        return {
            "state": state, "q": self.q, "created": self.created, "behind": self.behind, "zone": zone,
            "sort": self.order, "limit": self.limit, "offset": self.offset,
        }  # fmt: skip

    async def refresh(self) -> None:
        """One page and the counts of the segments."""
        self.show_answer(await self.ask(self.wish()))

    async def ask(self, wish: dict[str, Any]) -> tuple[Page[CampaignDetail], dict[str, int]]:
        """Read it."""
        return await read(self, _read_list, **wish)

    def show_answer(self, answer: tuple[Page[CampaignDetail], dict[str, int]]) -> None:
        """Show what was read."""
        page, counts = answer
        self.show_page(page.total, [str(one.id) for one in page.items])
        view = show.viewer_of(self)
        rows = [campaign_row(one, view, self.behind) for one in page.items]
        if rows != self.rows:
            self.rows = rows
        segments = [Segment(key, word, show.number(counts[key])) for key, word in SEGMENTS]
        if segments != self.segments:
            self.segments = segments
        is_empty = not (self.q or self.created or self.behind or counts["all"])
        if is_empty != self.is_empty:
            self.is_empty = is_empty


def _read_list(
    session: Session, *, actor: Actor, now: datetime, created: str, behind: str, zone: ZoneInfo, **wish: Any
) -> tuple[Page[CampaignDetail], dict[str, int]]:
    since = None
    if created:
        since = now - timedelta(days=_DAYS[created]) if created in _DAYS else midnight(now, zone)
    limits = {"created_since": since, "behind": find_shares(behind, now=now, zone=zone) if behind else None}
    page = list_campaigns(session, actor=actor, now=now, **limits, **wish)
    return page, count_campaigns_by_state(session, actor=actor, q=wish["q"], **limits)
