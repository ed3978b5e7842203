"""`/`: what is running, what is wrong, and what to press."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from cxconsole.campaigns.home import HomeRange, HomeView, RunningCampaign, get_home
from cxconsole.campaigns.troubles import ErrorGroup
from cxconsole.comms.pause import pause_sending, resume_sending
from cxconsole.errors import CxError
from cxconsole.signals import topics
from state.follow import follow
from state.format import Viewer, bar_percent, duration, heading_time, number, percent, plural, share, spark, viewer_of
from state.session import problem, read, write

CHART_CHANNELS = ("email", "sms", "voice", "letter", "push")
"""In the order of the stack."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The key figures in words."""

    rate: str = "0"
    rate_note: str = "Nothing is being sent"
    rate_path: str = ""
    queue: str = "0"
    queue_note: str = "Nothing waits"
    sent: str = "0"
    sent_note: str = ""
    delivered: str = "not measured"
    delivered_note: str = ""
    held: str = "0"
    held_note: str = "Nobody is held"
    errors: str = "0"
    errors_note: str = ""


@dataclass(frozen=True, kw_only=True)
class RunningRow:
    """A running campaign. tone is green, amber or empty and colours the pace."""

    href: str
    name: str
    channels: list[str]
    completed_share: float
    failed_share: float
    suppressed_share: float
    held_share: float
    done_words: str
    contacts: str
    rate: str
    pace: str
    tone: str
    left: str
    left_exact: str


@dataclass(frozen=True, kw_only=True)
class GatewayRow:
    """A gateway with its rate, its badge, and what was said when it is not well."""

    href: str
    name: str
    trouble: str
    channel: str
    rate: str
    badge: str


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """Messages of one campaign that failed, why, and where their people are."""

    count: str
    reason: str
    where: str
    link: str


@dataclass(frozen=True, kw_only=True)
class FunnelRow:
    """One row of the funnel."""

    name: str
    figure: str
    share_words: str
    share: float
    tone: str
    href: str


class HomeState(rx.State):
    """All of it display-ready."""

    loaded: bool = False
    sentence: str = "What is running now."
    attention: int = 0
    paused: bool = False
    busy: bool = False
    has_campaigns: bool = True
    span: str = HomeRange.DAY.value
    figures: Figures = Figures()
    funnel: list[FunnelRow] = []
    running: list[RunningRow] = []
    running_words: str = ""
    gateways: list[GatewayRow] = []
    gateways_words: str = "All"
    errors: list[ErrorRow] = []
    retries_words: str = ""
    points: list[dict[str, Any]] = []
    chart_words: str = ""
    channels: list[str] = []

    @rx.event
    async def load(self) -> None:
        """On each visit."""
        await self._refresh()

    @rx.event(background=True)
    async def follow(self) -> None:
        """Live."""
        async for _ in follow(topics.CAMPAIGNS, topics.GATEWAYS):
            view = await read(self, get_home, range=self.span, zone=viewer_of(self).zone)
            async with self:
                self._show(view)

    @rx.event
    async def set_span(self, span: str) -> None:
        """How far back the chart looks."""
        if span in list(HomeRange):
            self.span = span
            await self._refresh()

    @rx.event
    async def switch_sending(self):
        """Hold all sending, or let it go on."""
        self.busy = True
        yield
        try:
            service = resume_sending if self.paused else pause_sending
            await write(self, service, announces=(topics.WORK, topics.CAMPAIGNS))
        except CxError as error:
            yield problem(error)
        self.busy = False
        await self._refresh()

    async def _refresh(self) -> None:
        self._show(await read(self, get_home, range=self.span, zone=viewer_of(self).zone))

    def _show(self, view: HomeView) -> None:
        viewer = viewer_of(self)
        self.sentence = f"What is running now. {heading_time(viewer)}."
        self.attention, self.paused = view.attention, view.sending_paused
        self.figures = _figures(view)
        self.funnel = _funnel(view)
        self.running = [_running(one, viewer) for one in view.running]
        self.running_words = (
            f"{number(len(view.running))} of {number(view.published_count)}" if view.published_count else ""
        )
        self.gateways = [
            GatewayRow(
                href=f"/gateways?id={one.id}",
                name=one.name,
                trouble=one.trouble,
                channel=one.channel,
                rate=f"{number(one.rate_per_minute)} / min",
                badge=one.badge,
            )
            for one in view.gateways[:6]
        ]
        self.gateways_words = f"All {len(view.gateways)}"
        self.errors = [
            ErrorRow(count=number(one.count), reason=reason, where=where, link=one.link)
            for one in view.errors
            for reason, where in (_error_words(one),)
        ]
        self.retries_words = (
            f"{plural(view.retries, 'message waits', 'messages wait')} for another try." if view.retries else ""
        )
        self._show_chart(view, viewer)
        self.loaded = True

    def _show_chart(self, view: HomeView, viewer: Viewer) -> None:
        form = "%H:%M" if self.span == HomeRange.DAY else "%a %H:%M" if self.span == HomeRange.WEEK else "%d %b"
        self.channels = [one for one in CHART_CHANNELS if one in view.chart_channels]
        self.points = [
            {"label": viewer.local(one.at).strftime(form)}
            | {name: round(one.per_minute.get(name, 0), 1) for name in self.channels}
            for one in view.chart
        ]
        most = max((sum(one.per_minute.values()) for one in view.chart), default=0)
        self.chart_words = f"Messages a minute: {number(view.rate_per_minute)} now, {number(round(most))} at most."


def _figures(view: HomeView) -> Figures:
    funnel = view.funnel
    queue = "Nothing waits"
    if view.sending_paused and view.queue_depth:
        queue = "Held while sending is paused"
    elif view.queue_depth:
        queue = "Not moving" if view.queue_seconds is None else f"Empty in about {duration(view.queue_seconds)}"
    return Figures(
        rate=number(view.rate_per_minute),
        rate_note="Sending is paused" if view.sending_paused else _rate_note(view),
        rate_path=spark(view.rate_series),
        queue=number(view.queue_depth),
        queue_note=queue,
        sent=number(view.sent_today),
        sent_note=f"{number(view.failed_today)} failed" if view.failed_today else "None failed",
        delivered=percent(funnel.delivered / funnel.sent) if funnel.sent else "not measured",
        delivered_note=f"{number(funnel.delivered)} of {number(funnel.sent)}" if funnel.sent else "Nothing was sent",
        held=number(view.held),
        held_note=_held_note(view),
        errors=number(view.errors_last_hour),
        errors_note=_errors_note(view.errors_last_hour - view.errors_hour_before),
    )


def _rate_note(view: HomeView) -> str:
    if not view.rate_per_minute:
        return "Nothing is being sent"
    senders = sum(1 for one in view.running if one.rate_per_minute)
    return f"By {number(senders)} of {number(view.published_count)} campaigns"


def _errors_note(change: int) -> str:
    if not change:
        return "As many as before"
    return f"{number(abs(change))} {'more' if change > 0 else 'fewer'} than before"


def _error_words(one: ErrorGroup) -> tuple[str, str]:
    channel = {"email": "e-mail", "sms": "SMS"}.get(one.channel, one.channel)
    where = f"{one.campaign or 'A campaign that was deleted'}, {channel}" if channel else one.campaign
    return (one.reason, where) if one.reason else (where, "" if not channel else "Tried again since")


def _held_note(view: HomeView) -> str:
    words = {
        "campaign-unpublished": "by a pause",
        "validity-period-expired": "by an ended period",
        "campaign-ended": "for good",
    }
    found = max(view.held_by_reason.items(), key=lambda one: one[1], default=("", 0))
    return f"{number(found[1])} {words.get(found[0], '')}" if found[1] else "Nobody is held"


def _funnel(view: HomeView) -> list[FunnelRow]:
    numbers = view.funnel
    top = max(numbers.planned, numbers.sent, 1)

    def row(name: str, figure: int, whole: int, of: str, tone: str = "iris") -> FunnelRow:
        words = f"{percent(figure / whole)} of {of}" if whole and of else ""
        return FunnelRow(
            name=name,
            figure=number(figure),
            share_words=words,
            share=share(figure, top),
            tone=tone,
            href=f"/campaigns?behind={name.lower()}",
        )

    return [
        row("Planned", numbers.planned, 0, "", "gray"),
        row("Sent", numbers.sent, numbers.planned, "planned"),
        row("Delivered", numbers.delivered, numbers.sent, "sent"),
        row("Opened", numbers.opened, numbers.delivered, "delivered"),
        row("Clicked", numbers.clicked, numbers.delivered, "delivered"),
    ]


def _running(one: RunningCampaign, viewer: Viewer) -> RunningRow:
    campaign = one.campaign
    pace, tone = "No end set", ""
    if one.pace is not None:
        percents = round(100 * one.pace)
        pace = "On plan" if abs(percents) < 3 else f"{abs(percents)}% {'ahead' if percents > 0 else 'behind'}"
        tone = "" if abs(percents) < 3 else "green" if percents > 0 else "amber"
    done = campaign.completed + campaign.failed + campaign.suppressed
    over = campaign.contacts > 0 and done == campaign.contacts
    left = "All done" if over else "Not known"
    if one.finishes_at:
        left = duration((one.finishes_at - viewer.now).total_seconds())
    return RunningRow(
        href=f"/campaigns/{campaign.code}",
        name=campaign.name,
        channels=list(campaign.channels),
        completed_share=share(campaign.completed, campaign.contacts),
        failed_share=share(campaign.failed, campaign.contacts),
        suppressed_share=share(campaign.suppressed, campaign.contacts),
        held_share=share(campaign.held, campaign.contacts),
        done_words=bar_percent(done, campaign.contacts),
        contacts=number(campaign.contacts),
        rate=number(one.rate_per_minute),
        pace="Done" if over else pace,
        tone="" if over else tone,
        left=left,
        left_exact=viewer.exact(one.finishes_at) if one.finishes_at else "",
    )
