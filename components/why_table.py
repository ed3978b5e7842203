"""Why a person was, or was not, contacted: one row a channel, with the six checks."""

from typing import Any

import reflex as rx

from components.badges import delivery_badge
from components.icons import channel_icon, channel_word
from components.trails import CHECKS, check_icon


def why_table(channels: Any) -> rx.Component:
    """`channels` is a Var of `state.trail.ChannelRow`s."""

    def row(one: Any) -> rx.Component:
        who = rx.el.div(
            rx.el.span(channel_icon(one.channel, 16), class_name="cx-channel"),
            rx.el.div(
                rx.el.div(channel_word(one.channel), class_name="cx-strong"),
                rx.el.div(one.target, title=one.target, class_name="cx-two cx-cut"),
                class_name="cx-grow",
            ),
            class_name="cx-row",
        )
        verdict = rx.el.div(
            rx.el.div(one.verdict, class_name="cx-strong"),
            rx.el.div(one.reason, class_name="cx-two cx-cut", title=one.reason),
            rx.cond(one.words, rx.el.div(one.words, class_name="cx-two cx-mono"), rx.fragment()),
            class_name="cx-verdict",
        )
        return rx.el.tr(
            rx.el.td(who),
            rx.el.td(verdict, custom_attrs={"data-phone": "full"}),
            *(
                rx.el.td(
                    check_icon(one.checks[index], name), class_name="cx-center", custom_attrs={"data-phone": "hide"}
                )
                for index, name in enumerate(CHECKS)
            ),
            rx.el.td(delivery_badge(one.state), class_name="cx-num"),
        )

    head = rx.el.thead(
        rx.el.tr(
            rx.el.th("Channel", scope="col"),
            rx.el.th("Verdict", scope="col"),
            *(rx.el.th(name, scope="col", class_name="cx-center cx-tiny") for name in CHECKS),
            rx.el.th("State", scope="col", class_name="cx-num"),
        )
    )
    table = rx.el.table(
        head,
        rx.el.tbody(rx.foreach(channels, row)),
        class_name="cx-table cx-table--stack cx-table--why",
        aria_label="Why this person was, or was not, contacted",
    )
    return rx.el.div(table, class_name="cx-scroll", tab_index=0, role="region", aria_label="Why, channel by channel")
