"""`/campaigns/{id}`: the exact accounting, the pace, the funnel, holds and the pre-flight list, live."""

from typing import Any

import reflex as rx

from components.badges import CONTACT, badge, status_icon
from components.bars import dot, funnel_cell, line_key, stacked_bar
from components.buttons import button, link, to
from components.callouts import empty_state, nothing_found
from components.campaign_dialogs import check_list
from components.campaign_head import campaign_page
from components.cards import card, key_figure, key_figures, lines
from components.charts import Series, area_chart, chart_table
from components.icons import channel_icon, channel_word, icon
from state.campaign import CampaignState
from state.overview import OverviewState

TONES = {
    "completed": "green", "in_progress": "iris", "failed": "red", "suppressed": "plum", "held": "amber",
    "pending": "rest",
}  # fmt: skip
PACE = [
    Series(key="done", word="Messages"),
    Series(key="plan", word="Plan", colour="var(--gray-9)", dash="4 4", filled=False),
    Series(key="expected", word="Expected", dash="1 4", filled=False),
]


def campaign_overview() -> rx.Component:
    """Numbers first; with no contacts yet, what to do first."""
    return campaign_page(
        rx.cond(OverviewState.loaded & ~OverviewState.has_contacts, _first_steps(), _numbers()), active="overview"
    )


def _numbers() -> rx.Component:
    return rx.fragment(
        _accounting(),
        rx.el.div(
            rx.el.div(_pace(), _funnel(), _reasons(), class_name="cx-stack"),
            rx.el.div(
                _hours(),
                _holds(),
                rx.cond(CampaignState.badge == "ended", rx.fragment(), _preflight()),
                class_name="cx-stack",
            ),
            class_name="cx-grid cx-grid--side",
        ),
    )


def _first_steps() -> rx.Component:
    base = CampaignState.base
    return empty_state(
        "users",
        "No contacts yet",
        "Add the people this campaign is for. Then every number here moves by itself.",
        actions=[button("Add contacts", icon_name="plus", variant="solid", href=base + "/audience")],
        steps=[
            ("Audience", link("Upload a file or use the REST endpoint", base + "/audience")),
            ("Flow and content", link("Say what is sent, and over which gateway", base + "/flow")),
            ("Setup", link("Choose hours, validity and limits", base + "/setup")),
        ],
    )


def _people(query: Any) -> Any:
    return CampaignState.base + "/contacts?" + query


def _accounting() -> rx.Component:
    figures = OverviewState.figures

    def cell(status: str) -> rx.Component:
        one: Any = figures[status]
        return key_figure(
            CONTACT[status][0],
            one.count,
            unit=one.percent,
            note=OverviewState.pending_note if status == "pending" else one.note,
            href=_people(f"status={status}"),
            mark=status_icon(CONTACT, status),
            small=True,
        )

    bar = stacked_bar(
        *((TONES[status], figures[status].share) for status in TONES if status != "pending"),  # type: ignore[attr-defined]
        label=OverviewState.done_words + " done",
        fat=True,
    )
    head = rx.el.div(
        rx.el.span(
            rx.el.b(OverviewState.planned, " planned"),
            rx.el.span(" each contact is in exactly one of six states", class_name="cx-dim"),
        ),
        rx.el.span(rx.el.b(OverviewState.done_words, " done"), " · ", OverviewState.left_words),
        class_name="cx-row cx-row--apart cx-row--wrap",
    )
    return rx.el.section(
        rx.el.div(head, bar, class_name="cx-card-body cx-account"),
        key_figures(*(cell(status) for status in TONES), bare=True),
        class_name="cx-card",
        aria_label="Each contact is in exactly one of six states",
    )


def _pace() -> rx.Component:
    words = rx.el.div(
        rx.el.span(dot("iris"), "Messages"),
        rx.cond(OverviewState.has_plan, rx.el.span(line_key("gray", "dashed"), "Plan"), rx.fragment()),
        rx.cond(
            OverviewState.end_words, rx.el.span(line_key("iris", "dotted"), OverviewState.end_words), rx.fragment()
        ),
        class_name="cx-legend",
    )
    return card(
        rx.cond(
            OverviewState.pace,
            rx.fragment(
                area_chart(
                    OverviewState.pace, PACE, summary=OverviewState.pace_words, x="at", height=240, y_width=44, right=36
                ),
                chart_table(OverviewState.pace, PACE, x="at"),
            ),
            nothing_found("Nothing has been sent yet. The pace is drawn from the first minute on."),
        ),
        title=rx.cond(OverviewState.has_plan, "Pace against plan", "Pace"),
        qualifier=OverviewState.pace_words,
        actions=[words],
    )


def _funnel() -> rx.Component:
    heads = ("Sent", "Delivered", "Opened", "Clicked", "Unsubscribed", "Complained")

    def row(one: Any) -> rx.Component:
        name = rx.cond(
            one.channel == "all",
            rx.el.span(icon("layers", 15), "All channels", class_name="cx-row"),
            rx.el.span(channel_icon(one.channel, 15), channel_word(one.channel), class_name="cx-row"),
        )
        cells = (one.sent, one.delivered, one.opened, one.clicked, one.unsubscribed, one.complained)
        names = ("sent", "delivered", "opened", "clicked", "unsubscribed", "complained")

        def cell(value: Any, word: str) -> rx.Component:
            shown = funnel_cell(value.count, value.percent, value.share, label=word)
            people = to(_people(f"delivery={one.channel}:{word}"), shown, class_name="cx-plain")
            known = rx.cond(one.channel == "all", shown, people)
            unknown = rx.el.span("not measured", class_name="cx-dim cx-small")
            label = {"data-label": word.capitalize()}
            return rx.el.td(rx.cond(value.measured, known, unknown), class_name="cx-num", custom_attrs=label)

        return rx.el.tr(
            rx.el.td(name, class_name="cx-strong"), *(cell(*pair) for pair in zip(cells, names, strict=True))
        )

    table = rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(rx.el.span("Channel", class_name="cx-hide"), scope="col"),
                *(rx.el.th(word, scope="col", class_name="cx-num") for word in heads),
            )
        ),
        rx.el.tbody(rx.foreach(OverviewState.funnel, row)),
        class_name="cx-table cx-table--cells",
        aria_label="Live funnel",
    )
    return card(
        rx.cond(
            OverviewState.funnel,
            rx.el.div(table, class_name="cx-scroll", tab_index=0, role="region", aria_label="Live funnel"),
            nothing_found("No message has left yet."),
        ),
        title="Live funnel",
        actions=[
            rx.el.span("Delivered as share of sent, the rest as share of delivered", class_name="cx-dim cx-small")
        ],
        flush=True,
    )


def _reasons() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return to(
            _people(one.key),
            rx.el.div(
                rx.el.span(one.title, " ", rx.el.span(one.detail, class_name="cx-dim cx-small")),
                rx.el.b(one.count),
                class_name="cx-row cx-row--apart",
            ),
            stacked_bar(("plum", one.share), label=one.title, thin=True),
            class_name="cx-line--bar",
        )

    return rx.cond(
        OverviewState.reasons,
        card(lines(rx.foreach(OverviewState.reasons, row)), title="Why some were not reached", flush=True),
        rx.fragment(),
    )  # type: ignore[return-value]


def _hours() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.div(
            rx.el.span(one.title, class_name="cx-dim"),
            stacked_bar(("iris", one.share), label=one.count),
            rx.el.b(one.count),
            rx.el.span(channel_word(one.key), ", ", one.detail, class_name="cx-dim cx-small"),
            class_name="cx-hour",
        )

    return rx.cond(
        OverviewState.hours,
        card(
            rx.foreach(OverviewState.hours, row),
            title="Next hours",
            actions=[rx.el.span("planned sends", class_name="cx-dim cx-small")],
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _holds() -> rx.Component:
    def held(one: Any) -> rx.Component:
        return to(
            _people("status=held&hold=" + one.key),
            rx.el.span(icon("pause", 15, class_name="cx-tone-icon"), class_name="t-amber"),
            rx.el.div(rx.el.div(one.title), rx.el.div(one.detail, class_name="cx-dim cx-small"), class_name="cx-grow"),
            rx.el.b(one.count),
            icon("chevron-right", 14),
            class_name="",
        )

    def waiting(one: Any) -> rx.Component:
        return rx.el.div(
            icon("clock", 15),
            rx.el.span(one.title, class_name="cx-grow"),
            rx.el.span(one.detail, class_name="cx-dim cx-small"),
            rx.el.b(one.count),
            class_name="",
        )

    nothing = rx.el.div("Nobody is held, nobody waits.", class_name="cx-dim")
    return card(
        lines(
            rx.foreach(OverviewState.holds, held),
            rx.cond(OverviewState.waits, rx.el.div("Waiting, not held", class_name="cx-line-head"), rx.fragment()),
            rx.foreach(OverviewState.waits, waiting),
            rx.cond(OverviewState.nobody_waits, nothing, rx.fragment()),
        ),
        title="Holds",
        qualifier=OverviewState.held_total,
        actions=[link("See people", _people("status=held"))],
        flush=True,
    )


def _preflight() -> rx.Component:
    return card(
        check_list(OverviewState.checks),
        title="Pre-flight",
        actions=[
            rx.cond(
                OverviewState.passed_words,
                badge(OverviewState.passed_words, "green", "circle-check"),
                rx.fragment(),
            ),
            rx.cond(
                OverviewState.warning_words,
                badge(OverviewState.warning_words, "amber", "triangle-alert"),
                rx.fragment(),
            ),
        ],
    )
