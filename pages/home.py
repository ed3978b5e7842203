"""`/`: what is running now, what is wrong, what to press."""

from typing import Any

import reflex as rx

from components.badges import attention_chip, gateway_badge
from components.bars import campaign_bar, dot, funnel, funnel_row
from components.buttons import button, link, to
from components.callouts import empty_state, notice
from components.campaign_dialogs import campaign_dialogs
from components.cards import card, key_figure, key_figures, lines
from components.charts import CHANNEL_COLOURS, CHANNEL_TONES, Series, area_chart, chart_table, sparkline
from components.forms import segmented
from components.icons import CHANNELS, channel_icon, channel_icons
from components.page import page_header
from components.tables import name_link
from cxconsole.campaigns.behind import Figure
from state.campaign_actions import CampaignActionsState
from state.home import CHART_CHANNELS, HomeState

RUNNING = "/campaigns?state=published"
SPANS = [("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d")]


def home() -> rx.Component:
    """The first page."""
    state = HomeState
    pause = rx.cond(
        state.paused,
        button("Resume sending", icon_name="play", on_click=state.switch_sending, busy=state.busy),
        button("Pause all sending", icon_name="pause", on_click=state.switch_sending, busy=state.busy),
    )
    return rx.fragment(
        page_header(
            "Home",
            state.sentence,
            badge=rx.cond(
                state.attention > 1, attention_chip(f"{state.attention} need attention", "#attention"), rx.fragment()
            ),
            actions=[
                pause,
                button("New campaign", icon_name="plus", variant="solid", on_click=CampaignActionsState.ask_create),
            ],
        ),
        rx.cond(
            state.paused,
            notice(
                "All sending is paused",
                "Nothing leaves. Nothing is lost: everything goes on where it stood.",
                icon_name="pause",
                actions=[button("Resume sending", icon_name="play", on_click=state.switch_sending, busy=state.busy)],
            ),
            rx.fragment(),
        ),
        _figures(),
        rx.el.div(_chart(), _funnel(), class_name="cx-grid cx-grid--side cx-fill"),
        rx.el.div(
            _running(),
            rx.el.div(_gateways(), _errors(), class_name="cx-stack", id="attention"),
            class_name="cx-grid cx-grid--side",
        ),
        campaign_dialogs(),
    )


def behind(figure: str) -> str:
    """Where the campaigns behind a number are listed, each with its share."""
    return f"/campaigns?behind={figure}"


def _figures() -> rx.Component:
    figures: Any = HomeState.figures
    return key_figures(
        key_figure(
            "Sending now",
            figures.rate,
            unit="a minute",
            note=figures.rate_note,
            href=behind(Figure.SENDING),
            extra=sparkline(figures.rate_path),
        ),
        key_figure("Queue depth", figures.queue, note=figures.queue_note, href=behind(Figure.QUEUE)),
        key_figure("Sent today", figures.sent, note=figures.sent_note, href=behind(Figure.SENT_TODAY)),
        key_figure("Delivered", figures.delivered, note=figures.delivered_note, href=behind(Figure.DELIVERED)),
        key_figure("Held", figures.held, note=figures.held_note, href=behind(Figure.HELD)),
        key_figure("Errors, last hour", figures.errors, note=figures.errors_note, href=behind(Figure.ERRORS)),
    )


def _chart() -> rx.Component:
    state = HomeState
    series = [Series(key=one, word=CHANNELS[one][0], colour=CHANNEL_COLOURS[one]) for one in CHART_CHANNELS]
    legend = rx.el.div(
        rx.foreach(
            state.channels,
            lambda channel: rx.match(
                channel,
                *((one, rx.el.span(dot(CHANNEL_TONES[one]), CHANNELS[one][0])) for one in CHART_CHANNELS),
                rx.fragment(),
            ),
        ),
        class_name="cx-legend",
    )
    shown = [one for one in series if one.key in ("email", "sms")]
    return card(
        rx.cond(
            state.loaded & (state.channels.length() == 0),  # type: ignore[attr-defined]
            rx.el.div("Nothing was sent in this time.", class_name="cx-chart-none"),
            rx.fragment(
                area_chart(state.points, shown, summary=state.chart_words, height=186, stacked=True),
                chart_table(state.points, shown),
            ),
        ),
        title="Send rate",
        qualifier="messages a minute",
        actions=[legend, segmented(SPANS, state.span, state.set_span, label="How far back", small=True)],
    )


def _funnel() -> rx.Component:
    def row(one: Any) -> rx.Component:
        def drawn(tone: str) -> rx.Component:
            return funnel_row(one.name, one.figure, one.share_words, one.share, tone=tone, href=one.href)

        return rx.cond(one.tone == "gray", drawn("gray"), drawn("iris"))  # type: ignore[return-value]

    return card(
        funnel(rx.foreach(HomeState.funnel, row)),
        title="Funnel",
        qualifier="of what is published",
        actions=[link("See campaigns", RUNNING)],
    )


def _running() -> rx.Component:
    state = HomeState
    heads = (
        ("Campaign", ""), ("Channels", ""), ("Progress", ""), ("Contacts", "cx-num"), ("Rate", "cx-num"), ("Pace", ""),
        ("Time left", "cx-num"),
    )  # fmt: skip
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*(rx.el.th(word, scope="col", class_name=look) for word, look in heads))),
        rx.el.tbody(rx.foreach(state.running, _running_row)),
        class_name="cx-table cx-table--stack cx-table--tight",
        aria_label="Running campaigns",
    )
    none_yet = empty_state(
        "megaphone",
        "Nothing is running",
        "A published campaign shows here with its progress, its rate and the time left.",
        actions=[button("Open campaigns", icon_name="megaphone", href="/campaigns")],
    )
    return rx.cond(
        (~state.loaded) | (state.running.length() > 0),  # type: ignore[attr-defined]
        card(
            rx.el.div(table, class_name="cx-scroll"),
            title="Running campaigns",
            qualifier=state.running_words,
            actions=[link("All campaigns", "/campaigns")],
            flush=True,
        ),
        none_yet,
    )  # type: ignore[return-value]


def _running_row(row: Any) -> rx.Component:
    pace = rx.match(
        row.tone,
        ("green", rx.el.span(row.pace, class_name="t-green cx-tone")),
        ("amber", rx.el.span(row.pace, class_name="t-amber cx-tone")),
        rx.el.span(row.pace, class_name="cx-dim"),
    )
    return rx.el.tr(
        rx.el.td(name_link(row.name, row.href)),
        rx.el.td(channel_icons(row.channels), custom_attrs={"data-phone": "hide"}),
        rx.el.td(campaign_bar(row), custom_attrs={"data-phone": "full"}),
        rx.el.td(row.contacts, class_name="cx-num", custom_attrs={"data-phone": "hide"}),
        rx.el.td(row.rate, rx.el.span(" / min", class_name="cx-dim"), class_name="cx-num"),
        rx.el.td(pace, class_name="cx-small", custom_attrs={"data-phone": "hide"}),
        rx.el.td(row.left, title=row.left_exact, class_name="cx-num cx-small", custom_attrs={"data-phone": "hide"}),
    )


def _gateways() -> rx.Component:
    def line(row: Any) -> rx.Component:
        trouble = rx.el.div(row.trouble, title=row.trouble, class_name="cx-dim cx-small cx-cut")
        name = rx.el.div(
            rx.el.div(row.name, title=row.name, class_name="cx-strong cx-cut"),
            rx.cond(row.trouble, trouble, rx.fragment()),
            class_name="cx-grow",
        )
        return to(
            row.href,
            channel_icon(row.channel),
            name,
            rx.el.span(row.rate, class_name="cx-dim cx-small"),
            rx.el.span(gateway_badge(row.badge), class_name="cx-badge-slot"),
        )

    none_yet = rx.el.div(rx.el.span("No gateway yet.", class_name="cx-dim cx-grow"), link("Add one", "/gateways"))
    return card(
        lines(rx.cond(HomeState.gateways.length() > 0, rx.foreach(HomeState.gateways, line), none_yet)),  # type: ignore[attr-defined]
        title="Gateways",
        actions=[rx.cond(HomeState.gateways.length() > 0, link(HomeState.gateways_words, "/gateways"), rx.fragment())],  # type: ignore[attr-defined]
        flush=True,
    )


def _errors() -> rx.Component:
    """The lines add up to the key figure of the same name."""
    state = HomeState

    def line(row: Any) -> rx.Component:
        return rx.el.div(
            rx.el.span(row.count, class_name="cx-bold cx-count"),
            rx.el.div(
                rx.el.div(row.reason, class_name="cx-cut", title=row.reason),
                rx.el.div(row.where, class_name="cx-dim cx-small cx-cut", title=row.where),
                class_name="cx-grow",
            ),
            rx.cond(row.link, link("See people", row.link), rx.fragment()),
        )

    none_here = rx.el.div(rx.el.span("None. What was to be sent was taken.", class_name="cx-dim"))
    retries = rx.cond(
        state.retries_words, rx.el.div(rx.el.span(state.retries_words, class_name="cx-dim")), rx.fragment()
    )
    return card(
        lines(rx.cond(state.errors.length() > 0, rx.foreach(state.errors, line), none_here), retries),  # type: ignore[attr-defined]
        title="Errors, last hour",
        actions=[
            rx.cond(
                state.errors.length() > 0,  # type: ignore[attr-defined]
                link(f"All {state.figures.errors}", behind(Figure.ERRORS)),
                rx.fragment(),
            )
        ],
        flush=True,
    )
