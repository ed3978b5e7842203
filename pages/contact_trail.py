"""`/campaigns/{id}/contacts/{contact}`: why this person was, or was not, contacted."""

from typing import Any

import reflex as rx

from components.badges import badge, contact_badge
from components.bars import progress_bar
from components.buttons import button
from components.callouts import empty_state, nothing_found
from components.cards import card, fact, facts, lines
from components.icons import channel_icon, channel_word, icon
from components.page import page_header
from components.trails import check_legend, timeline, timeline_row
from components.why_table import why_table
from state.campaign import CampaignState
from state.trail import TrailState

STEP_ICONS = {
    "contact.added": ("file-text", ""), "comm.requested": ("clock", ""), "checks": ("shield-check", ""),
    "comm.sent": ("send", "iris"), "comm.delivered": ("check-check", "green"), "comm.opened": ("eye", "teal"),
    "comm.clicked": ("mouse-pointer-click", "teal"), "comm.replied": ("reply", "teal"),
    "comm.bounced": ("undo-2", "red"), "comm.failed": ("circle-x", "red"), "comm.retried": ("rotate-cw", "amber"),
    "comm.unsubscribed": ("user-minus", "plum"), "comm.complained": ("flag", "red"),
    "comm.not_sent": ("circle-slash", "amber"), "comm.cancelled": ("circle-slash", ""),
    "contact.completed": ("circle-check", "green"), "contact.failed": ("circle-x", "red"),
    "contact.suppressed": ("shield-ban", "plum"),
}  # fmt: skip


def contact_trail() -> rx.Component:
    """The verdict on each channel, then each step that led there."""
    campaign = f"/campaigns/{CampaignState.code}"
    return rx.cond(
        TrailState.missing,
        empty_state(
            "user-x",
            TrailState.missing,
            "It may have been removed from the campaign, or joined with another.",
            actions=[button("All contacts", variant="solid", href=campaign + "/contacts")],
        ),
        rx.fragment(
            page_header(
                rx.cond(TrailState.loaded, TrailState.name, "\u00a0"),
                TrailState.summary,
                crumbs=[
                    ("Campaigns", "/campaigns"),
                    (CampaignState.name, campaign),
                    ("Contacts", campaign + "/contacts"),
                ],
                badge=rx.cond(TrailState.loaded, contact_badge(TrailState.status), rx.fragment()),
                actions=[
                    rx.cond(  # not before it is known whose page it is
                        TrailState.loaded,
                        button("Open customer", icon_name="user", href=TrailState.customer_href),
                        rx.fragment(),
                    ),
                    button("Export trail", icon_name="download", href=TrailState.export_href, download=True),
                ],
            ),
            _why(),
            rx.el.div(
                _steps(),
                rx.el.div(_in_campaign(), _consents(), _cap(), class_name="cx-stack"),
                class_name="cx-grid cx-grid--side",
            ),
        ),
    )  # type: ignore[return-value]


def _why() -> rx.Component:
    return card(
        why_table(TrailState.channels),
        rx.cond(
            TrailState.channels,
            rx.fragment(),
            nothing_found("This campaign has no step yet, so there is nothing to say about channels."),
        ),
        title="Why this person was, or was not, contacted",
        actions=[check_legend()],
        flush=True,
    )


def _steps() -> rx.Component:
    def tab(value: Any, word: Any) -> rx.Component:
        return rx.el.button(
            word,
            type="button",
            role="radio",
            aria_checked=TrailState.tab == value,
            on_click=TrailState.choose_tab(value),
        )

    def mark(key: Any) -> rx.Component:
        return rx.match(key, *((name, icon(look, 14)) for name, (look, _) in STEP_ICONS.items()), icon("circle", 14))  # type: ignore[return-value]

    def tone(key: Any) -> Any:
        return rx.match(key, *((name, tone) for name, (_, tone) in STEP_ICONS.items() if tone), "")

    def row(step: Any) -> rx.Component:
        return timeline_row(
            rx.el.span(step.at, title=step.exact),
            mark(step.key),
            step.title,
            step.detail,
            step.since,
            tone=tone(step.key),
        )

    tabs = rx.el.div(
        rx.foreach(TrailState.tabs, lambda channel: tab(channel, channel_word(channel))),
        tab("all", "All"),
        class_name="cx-segments cx-segments--sm",
        role="radiogroup",
        aria_label="Channel",
    )
    return card(
        rx.cond(
            TrailState.steps,
            timeline(rx.foreach(TrailState.steps, row)),
            nothing_found("Nothing has happened yet."),
        ),
        title="Step by step",
        actions=[tabs],
    )


def _in_campaign() -> rx.Component:
    return card(
        facts(
            fact("State", contact_badge(TrailState.status)),
            rx.foreach(TrailState.facts, lambda one: fact(one.label, one.value)),
        ),
        title="In this campaign",
    )


def _consents() -> rx.Component:
    def row(one: Any) -> rx.Component:
        shown = rx.match(
            one.granted,
            ("yes", badge(one.words, "green", "circle-check")),
            ("no", badge(one.words, "plum", "shield-ban")),
            badge(one.words, "gray", "minus"),
        )
        return fact(channel_word(one.channel), shown)

    return rx.cond(
        TrailState.consents,
        card(facts(rx.foreach(TrailState.consents, row)), title="Consents"),
        rx.fragment(),
    )  # type: ignore[return-value]


def _cap() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.div(
            channel_icon(one.channel, 15),
            rx.el.span(one.name, class_name="cx-grow cx-cut"),
            rx.el.span(one.at, class_name="cx-dim cx-small"),
            class_name="",
        )

    return rx.cond(
        TrailState.cap_words,
        card(
            rx.el.div(TrailState.cap_words),
            progress_bar(TrailState.cap_percent, label="Frequency cap used", tone="amber"),
            lines(rx.foreach(TrailState.cap_rows, row)),
            title="Frequency cap",
            foot=TrailState.cap_free,
        ),
        rx.fragment(),
    )  # type: ignore[return-value]
