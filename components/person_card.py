"""What stands beside a person's timeline: sections of the desk, or cards of the customer page."""

from typing import Any

import reflex as rx

from components.badges import badge, contact_badge, delivery_badge
from components.buttons import icon_button, to
from components.icons import channel_icon, channel_word, icon
from components.trails import moment

KINDS = {
    "email": "mail", "phone": "phone", "customer_id": "fingerprint-pattern", "temporary_id": "cookie",
    "social_id": "at-sign", "push": "bell", "postal": "map-pin",
}  # fmt: skip


def avatar(initials: Any, tone: Any, *, large: bool = False) -> rx.Component:
    """A round with initials; the name stands beside it."""
    look = "cx-avatar cx-avatar--lg" if large else "cx-avatar"
    return rx.el.span(initials, class_name=f"{look} t-{tone}", aria_hidden=True)


def person_sections(state: Any) -> list[rx.Component]:
    """Follow-ups, profile, consents, identities, campaigns and communications of `state.card`."""
    card = state.card
    return [
        side_part(
            "Follow-ups",
            rx.foreach(card.follow_ups, lambda one: _follow_up(state, one)),
            empty="None planned.",
            has=card.follow_ups,
        ),
        rx.fragment(rx.foreach(card.profiles, profile_card)),
        side_part(
            "Profile",
            rx.el.dl(
                rx.foreach(card.facts, lambda one: rx.el.div(rx.el.dt(one.label), rx.el.dd(one.value))),
                class_name="cx-profile",
            ),
            empty="No attributes are known.",
            has=card.facts,
        ),
        side_part(
            "Consents",
            rx.el.div(rx.foreach(card.consents, _consent), class_name="cx-row cx-row--wrap"),
            empty="Not asked yet.",
            has=card.consents,
        ),
        side_part(
            "Identities", rx.foreach(card.identities, identity_line), empty="None is known.", has=card.identities
        ),
        side_part("Campaigns", rx.foreach(card.campaigns, _campaign), empty="In no campaign.", has=card.campaigns),
        side_part("Communications", rx.foreach(card.messages, _message), empty="None yet.", has=card.messages),
    ]


def profile_card(one: Any) -> rx.Component:
    """What a profile view came to; it moves with what happens."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2(one.name, class_name="cx-h3"),
            rx.el.span("live", class_name="cx-dim cx-small"),
            class_name="cx-row cx-row--apart",
        ),
        profile_lines(one.lines),
        class_name="cx-side-part",
        aria_label=one.name,
    )


def profile_lines(lines: Any) -> rx.Component:
    """Attributes of a view, two side by side."""

    def line(one: Any) -> rx.Component:
        note = rx.cond(one.note, rx.el.span(", ", one.note), rx.fragment())
        return rx.el.div(rx.el.dt(one.label, note), rx.el.dd(one.value))

    return rx.el.dl(rx.foreach(lines, line), class_name="cx-profile")


def side_part(title: str, body: Any, *, empty: str = "", has: Any = None) -> rx.Component:
    """A part with its heading; while there is nothing in it (`has`) it says so."""
    return rx.el.section(
        rx.el.h2(title, class_name="cx-h3"),
        body if has is None else rx.cond(has, body, rx.el.p(empty, class_name="cx-dim cx-small")),
        class_name="cx-side-part",
        aria_label=title,
    )


def _follow_up(state: Any, one: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(channel_icon(one.channel, 14), class_name="cx-tile"),
        rx.el.div(
            rx.el.div(one.subject, class_name="cx-strong cx-wrap"),
            rx.cond(
                one.is_late,
                rx.el.div("Was due ", moment(one.due), class_name="cx-small t-amber cx-tone"),
                rx.el.div("Due ", moment(one.due), class_name="cx-small cx-dim"),
            ),
            class_name="cx-grow",
        ),
        icon_button("check", "Done", boxed=True, on_click=state.end_follow_up(one.id, "done")),
        icon_button("x", "Cancel this follow-up", on_click=state.end_follow_up(one.id, "cancelled")),
        class_name="cx-side-line",
    )


def _consent(one: Any) -> rx.Component:
    word = channel_word(one.channel)
    return rx.cond(
        one.granted,
        badge(word, "green", "circle-check", title=f"Allowed {one.since}"),
        badge(rx.el.span("No ", word), "plum", "shield-ban", title=f"Refused {one.since}"),
    )  # type: ignore[return-value]


def identity_line(one: Any) -> rx.Component:
    """An address or id of a person."""
    mark = rx.match(one.kind, *((kind, icon(name, 14)) for kind, name in KINDS.items()), icon("circle", 14))
    return rx.el.div(
        mark,
        rx.el.span(one.value, class_name="cx-grow cx-cut", title=one.value),
        rx.el.span(one.word, class_name="cx-dim cx-small"),
        class_name="cx-side-line cx-side-line--tight",
    )


def _campaign(one: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            to(one.href, one.name, class_name="cx-strong cx-quiet-link"),
            rx.cond(one.why, rx.el.div(one.why, class_name="cx-small cx-dim"), rx.fragment()),
            class_name="cx-grow",
        ),
        contact_badge(one.status),
        class_name="cx-side-line",
    )


def _message(one: Any) -> rx.Component:
    name = rx.cond(
        one.href,
        to(one.href, one.content, class_name="cx-strong cx-quiet-link"),
        rx.el.span(one.content, class_name="cx-strong"),
    )
    return rx.el.div(
        rx.el.span(channel_icon(one.channel, 14), class_name="cx-tile"),
        rx.el.div(
            rx.el.div(name, class_name="cx-cut"),
            rx.el.div(moment(one.at), " · ", one.detail, class_name="cx-small cx-dim cx-cut", title=one.detail),
            class_name="cx-grow",
        ),
        delivery_badge(one.state),
        class_name="cx-side-line",
    )
