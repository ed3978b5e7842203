"""The Overview tab: the exact accounting, the pace, the funnel, holds and the pre-flight list, live."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.bootstrap import get_application
from cxconsole.campaigns.contact_filter import FilterOp, filter_address
from cxconsole.campaigns.outlook import PacePoint
from cxconsole.campaigns.preflight import check_preflight
from cxconsole.campaigns.progress import ChannelNumbers, Progress, get_progress
from cxconsole.errors import CxError
from cxconsole.journey.event_words import reason_words
from cxconsole.signals import topics
from state import format as show
from state.campaign_actions import CheckRow, check_rows
from state.follow import follow_read
from state.route import campaign_id_of, campaign_to_follow
from state.session import read

STATUSES = ("completed", "in_progress", "failed", "suppressed", "held", "pending")
SLOW_READ_SECONDS = 4.0
CHECKS_READ_SECONDS = 20.0


@dataclass(frozen=True)
class Figure:
    """One of the six states: how many, their share in percent, and one line that judges it."""

    count: str
    share: float
    percent: str
    note: str


@dataclass(frozen=True)
class FunnelCell:
    """A number of the funnel with its share of the one before. `measured`: whether the channel can tell at all."""

    count: str
    percent: str
    share: float
    measured: bool = True


@dataclass(frozen=True)
class FunnelRow:
    """One channel of the funnel."""

    channel: str
    sent: FunnelCell
    delivered: FunnelCell
    opened: FunnelCell
    clicked: FunnelCell
    unsubscribed: FunnelCell
    complained: FunnelCell


@dataclass(frozen=True)
class CountRow:
    """A reason with how many it holds or failed. `key` chooses the people behind it."""

    key: str
    title: str
    detail: str
    count: str
    share: float


NOTHING = Figure("0", 0.0, "0%", "")
_EMPTY: dict[str, Figure] = {str(name): NOTHING for name in STATUSES}
_HOLDS = {
    "campaign-unpublished": ("Campaign is unpublished", "Come back when it is published"),
    "validity-period-expired": ("Validity period has ended", "Extend it in Setup, or leave them"),
    "campaign-ended": ("Campaign has ended", "Held for good"),
}
_ENDS = {"failed": "Failed", "suppressed": "Suppressed", "in_progress": "Still in progress"}
_WAITS = {
    "quiet_hours": "Execution window is closed",
    "frequency_cap": "Frequency cap",
    "retry": "Retry after an error",
    "campaign": "Limit of this campaign",
    "gateway": "Limit of the gateway",
}


class OverviewState(rx.State):
    """What the Overview shows; all of it display-ready."""

    planned: str = "0"
    has_contacts: bool = False
    figures: dict[str, Figure] = _EMPTY
    pending_note: str = ""
    done_words: str = ""
    left_words: str = ""
    funnel: list[FunnelRow] = []
    holds: list[CountRow] = []
    held_total: str = "0"
    waits: list[CountRow] = []
    reasons: list[CountRow] = []
    pace: list[dict[str, Any]] = []
    pace_words: str = ""
    has_plan: bool = False
    end_words: str = ""
    hours: list[CountRow] = []
    checks: list[CheckRow] = []
    passed_words: str = ""
    warning_words: str = ""
    loaded: bool = False
    _checked: int = 0
    """The campaign whose pre-flight list is shown."""

    @rx.var
    def nobody_waits(self) -> bool:
        """Whether nobody is held and nobody waits."""
        return not self.holds and not self.waits

    @rx.event
    async def load(self):
        """Read the numbers once; no page waits for the pre-flight list, which looks at some thousand people."""
        try:
            campaign_id = campaign_id_of(self)
            shown = await read(self, _read_numbers, campaign_id, show.viewer_of(self).zone)
        except CxError:
            return  # the head of the page says what is wrong
        if campaign_id != self._checked:
            self._checked = campaign_id
            shown |= {"checks": [], "passed_words": "", "warning_words": ""}
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)
        self.loaded = True

    @rx.event(background=True)
    async def follow(self):
        """Counts move some times a second."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        await self._follow(_read_counts, campaign_id, names=(topics.campaign(campaign_id),))

    @rx.event(background=True)
    async def follow_slowly(self):
        """The pace and the reasons: they change slower than the counts and cost more to read."""
        async with self:
            campaign_id, zone = campaign_to_follow(self), show.viewer_of(self).zone
        if campaign_id is None:
            return
        names = (topics.campaign(campaign_id),)
        await self._follow(_read_outlook, campaign_id, zone, names=names, pause_seconds=SLOW_READ_SECONDS)

    @rx.event(background=True)
    async def follow_checks(self):
        """The pre-flight list: it changes when somebody mends something, and costs the most to read."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        names = (topics.campaign(campaign_id), topics.GATEWAYS)
        await self._follow(_read_checks, campaign_id, names=names, pause_seconds=CHECKS_READ_SECONDS)

    async def _follow(self, service: Callable[..., dict[str, Any]], *args: Any, **how: Any) -> None:
        """Show what moved of what a service answers, field by field."""
        last: dict[str, Any] = {}
        try:
            async for shown in follow_read(self, service, *args, **how):
                moved = {name: value for name, value in shown.items() if name not in last or last[name] != value}
                last = shown
                async with self:
                    for name, value in moved.items():
                        setattr(self, name, value)
        except CxError:
            return  # the head of the page says what is wrong


def _read_numbers(session: Session, campaign_id: int, zone: ZoneInfo, *, actor: Actor, now: datetime) -> dict[str, Any]:
    progress = get_progress(session, campaign_id, actor=actor, now=now)
    return _counts(progress, now) | _outlook(progress, show.Viewer(zone=zone, now=now))


def _read_outlook(session: Session, campaign_id: int, zone: ZoneInfo, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Made ready once for all readers of one zone. Not the counts: they may be older than those that are shown."""
    return _outlook(get_progress(session, campaign_id, actor=actor, now=now), show.Viewer(zone=zone, now=now))


def _read_checks(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> dict[str, Any]:
    is_public = get_application().settings.is_public
    rows = check_rows(check_preflight(session, campaign_id, is_public=is_public, actor=actor, now=now))
    bad = [row for row in rows if row.verdict != "ok"]
    warning = show.plural(len(bad), "warning") if bad else ""
    if any(row.verdict == "blocker" for row in bad):
        warning = f"{len(bad)} to mend"
    return {
        "checks": rows, "passed_words": f"{len(rows) - len(bad)} of {len(rows)} pass", "warning_words": warning,
    }  # fmt: skip


def _read_counts(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Made ready once for all who look: nothing in it depends on the reader."""
    return _counts(get_progress(session, campaign_id, actor=actor, now=now, outlook=False), now)


def _counts(progress: Progress, now: datetime) -> dict[str, Any]:
    return {
        "planned": show.number(progress.planned),
        "has_contacts": progress.planned > 0,
        "figures": _figures(progress),
        "done_words": show.percent(progress.done / progress.planned if progress.planned else 0.0),
        "left_words": _left(progress, now),
        "funnel": _funnel(progress.channels),
        "holds": _holds(progress),
        "held_total": show.number(progress.held),
    }


def _figures(progress: Progress) -> dict[str, Figure]:
    whole = progress.planned or 1
    bounced = sum(one.bounced for one in progress.channels.values())
    out = sum(one.unsubscribed for one in progress.channels.values())
    reasons = sum(1 for count in progress.held_by_reason.values() if count)
    notes = {
        "completed": f"{show.percent(progress.done / whole)} have ended",
        "in_progress": f"{show.number(progress.rate_per_minute)} a minute",
        "failed": f"{show.number(bounced)} bounced",
        "suppressed": f"{show.number(out)} opted out here",
        "held": show.plural(reasons, "reason") if reasons else "Nobody",
        "pending": "",  # `pending_note`: when the next is due is read more seldom
    }
    return {
        name: Figure(
            count=show.number(getattr(progress, name)),
            share=round(getattr(progress, name) * 100 / whole, 3),
            percent=show.percent(getattr(progress, name) / whole),
            note=notes[name],
        )
        for name in STATUSES
    }


def _left(progress: Progress, now: datetime) -> str:
    if progress.planned and progress.done + progress.held == progress.planned:
        return "nothing left to send" if not progress.held else f"{show.number(progress.held)} held"
    if progress.finishes_at is None:
        return "not sending now"
    return f"about {show.duration((progress.finishes_at - now).total_seconds())} left"


def _cell(count: int, whole: int, *, measured: bool = True) -> FunnelCell:
    share = count / whole if whole else 0.0
    return FunnelCell(show.number(count), show.percent(share), round(share * 100, 2), measured or count > 0)


def _funnel(channels: dict[str, ChannelNumbers]) -> list[FunnelRow]:
    names = ("sent", "delivered", "opened", "clicked", "unsubscribed", "complained")
    total = ChannelNumbers(**{name: sum(getattr(one, name) for one in channels.values()) for name in names})
    rows = [("all", total), *channels.items()] if len(channels) > 1 else list(channels.items())
    mute = ("sms",)  # no picture is loaded there, and links are left as they are
    return [
        FunnelRow(
            channel=channel,
            sent=FunnelCell(show.number(one.sent), "", 100.0 if one.sent else 0.0),
            delivered=_cell(one.delivered, one.sent),
            # gateways that report no delivery still see opens: then the share is of sent
            opened=_cell(one.opened, one.delivered or one.sent, measured=channel not in mute),
            clicked=_cell(one.clicked, one.delivered or one.sent, measured=channel not in mute),
            unsubscribed=_cell(one.unsubscribed, one.delivered or one.sent),
            complained=_cell(one.complained, one.delivered or one.sent, measured=channel not in mute),
        )
        for channel, one in rows
    ]


def _holds(progress: Progress) -> list[CountRow]:
    return [
        CountRow(key, *_HOLDS[key], show.number(count), 0.0) for key, count in progress.held_by_reason.items() if count
    ]


def _outlook(progress: Progress, view: show.Viewer) -> dict[str, Any]:
    outlook = progress.outlook
    assert outlook is not None
    most = max((hour.count for hour in outlook.next_hours), default=0) or 1
    failed = max((one.count for one in outlook.reasons), default=0) or 1
    waits = [
        CountRow(
            one.cause, _WAITS.get(one.cause, one.cause), f"until {view.clock(one.until)}", show.number(one.count), 0
        )
        for one in outlook.waiting
    ]
    reasons = [
        CountRow(
            filter_address(("status", FilterOp.EQ, one.status), ("reason", FilterOp.EQ, one.reason)),
            _sentence(one.reason),
            _ENDS.get(one.status, ""),
            show.number(one.count),
            one.count * 100 / failed,
        )
        for one in outlook.reasons
    ]
    hours = [
        CountRow(one.channel, view.clock(one.at), f"Step {one.step}", show.number(one.count), one.count * 100 / most)
        for one in outlook.next_hours
    ]
    expected = _expect(progress, view.now)
    pace = [
        {"at": view.clock(one.at), "done": one.done, "plan": one.plan, "expected": expected(one)}
        for one in outlook.pace
    ]
    due = outlook.next_due_at
    note = f"Next at {view.clock(due)}" if due else "Not contacted yet"
    words = _pace_words(progress)
    return {
        "waits": waits, "reasons": reasons, "hours": hours, "pace": pace, "pace_words": words, "pending_note": note,
        "has_plan": any(one.plan is not None for one in outlook.pace),
        "end_words": f"Expected end {view.clock(progress.finishes_at)}" if progress.finishes_at else "",
    }  # fmt: skip


def _expect(progress: Progress, now: datetime) -> Callable[[PacePoint], int | None]:
    """How many messages there will be at a point from now on, in a straight line to the end that is expected."""
    done = [one for one in progress.outlook.pace if one.done is not None] if progress.outlook else []
    end, left = progress.finishes_at, progress.pending + progress.in_progress
    if not done or end is None or end <= now:
        return lambda _point: None
    last, sent = done[-1].at, done[-1].done or 0

    def at(point: PacePoint) -> int | None:
        share = (point.at - last) / (end - last)
        return round(sent + left * share) if 0 <= share <= 1.02 else None

    return at


def _sentence(reason: str) -> str:
    words = reason_words(reason)
    return words[:1].upper() + words[1:]


def _pace_words(progress: Progress) -> str:
    outlook = progress.outlook
    now = [one for one in outlook.pace if one.done is not None] if outlook else []
    if not now:
        return ""
    words = show.plural(now[-1].done or 0, "message")
    if now[-1].plan is None:
        return words
    ahead = (now[-1].done or 0) - now[-1].plan
    return f"{words}, {show.number(abs(ahead))} {'ahead of' if ahead >= 0 else 'behind'} plan"
