"""`/journeys/conflicts`: two customers of whom somebody said that they are one; a person decides."""

from typing import Any

import reflex as rx

from components.badges import Looks, status_badge
from components.buttons import button, to
from components.callouts import nothing_found
from components.callouts import problem as problem_line
from components.cards import card, fact, facts
from components.dialogs import confirm_dialog
from components.filters import filter_row, segments
from components.journey_tabs import journey_tabs
from components.page import page_header
from components.person_card import avatar, identity_line
from components.tables import Column, data_table, name_button
from components.trails import moment
from state.conflicts import ConflictsState

LOOKS: Looks = {
    "merged": ("Merged", "green", "merge"),
    "kept": ("Kept apart", "gray", "split"),
    "moved": ("Name moved", "iris", "arrow-right-left"),
}


def conflicts() -> rx.Component:
    """The list, and both sides of the chosen one."""
    state = ConflictsState
    return rx.fragment(
        page_header(
            "Identity conflicts",
            "Two customers who are both known by name, of whom somebody said that they are one. Nothing happens "
            "until you decide.",
            actions=[button("Import identities", icon_name="upload", href="/journeys/identities")],
        ),
        journey_tabs("conflicts"),
        filter_row(segments(state.segments, state.segment, state.choose_segment, label="Which conflicts")),
        data_table(
            _columns(),
            state,
            state.rows,
            label="Identity conflicts",
            selected=lambda row: state.chosen == row.id,
            nothing=rx.cond(
                state.segment == "open",
                nothing_found("Nothing is to be decided. A conflict appears here by itself."),
                nothing_found("Nothing was decided yet."),
            ),
        ),
        rx.cond(state.chosen, _compare(), rx.fragment()),
        _merge(),
    )


def _columns() -> list[Column]:
    state = ConflictsState
    decided = state.segment == "decided"
    return [
        Column(label="Customers", bone=220, show=lambda row: name_button(row.pair, state.choose(row.id)), fixed=True),
        Column(label="Name that both claim", phone="full", bone=160, show=lambda row: row.claimed),
        Column(label="Said by", phone="hide", show=lambda row: rx.el.span(row.source, class_name="cx-dim")),
        Column(label="Decision", show=lambda row: status_badge(LOOKS, row.decision), when=decided),
        Column(label="By", phone="hide", show=lambda row: row.actor, when=decided),
        Column(label="When", show=lambda row: moment(row.at, class_name="cx-dim")),
    ]


def _compare() -> rx.Component:
    state = ConflictsState
    keep = button("Keep them apart", icon_name="split", on_click=state.keep_apart)
    gone = nothing_found("One of the two was removed, so there is nothing to merge.")
    return card(
        rx.cond(
            state.sides,
            rx.el.div(rx.foreach(state.sides, _side), class_name="cx-grid cx-grid--2", gap="28px"),
            rx.cond(state.chosen_words, gone, rx.fragment()),
        ),
        problem_line(rx.cond(state.dialog == "", state.problem_text, "")),
        title=rx.cond(state.is_settled, "How they are now", "Side by side"),
        qualifier=state.chosen_words,
        actions=[rx.cond(state.is_settled, rx.fragment(), keep)],
    )


def _side(one: Any) -> rx.Component:
    state = ConflictsState
    move = button(
        "Move the name here",
        icon_name="arrow-right-left",
        on_click=state.move,
        custom_attrs={"aria-label": one.offer, "title": one.offer},
    )
    merge = button(
        "Merge into this one…",
        icon_name="merge",
        on_click=state.ask_merge(one.id),
        custom_attrs={"aria-label": "Merge into " + one.name},
    )
    return rx.el.section(
        rx.el.div(
            avatar(one.initials, one.tone),
            rx.el.h3(to(f"/customers/{one.id}", one.name, class_name="cx-quiet-link"), class_name="cx-h3 cx-cut"),
            class_name="cx-row",
        ),
        rx.el.div(rx.foreach(one.identities, identity_line), padding="8px 0"),
        facts(
            fact("Last seen", moment(one.last)),
            fact("Events", one.events),
            fact("Campaigns", one.campaigns),
        ),
        rx.cond(
            state.is_settled,
            rx.fragment(),
            rx.el.div(
                merge, rx.cond(one.offer, move, rx.fragment()), class_name="cx-row cx-row--wrap", padding_top="12px"
            ),
        ),
        aria_label=one.name,
    )


def _merge() -> rx.Component:
    state = ConflictsState
    return confirm_dialog(
        title=rx.el.span("Merge into ", state.primary_name, "?"),
        sentence=rx.el.span(
            state.primary_name,
            " stays and takes over what ",
            state.other_name,
            " has: addresses, places in campaigns, messages, notes and history.",
        ),
        final="A merge can be undone on the page of the customer. What happens until then stays with who stayed.",
        keep_label="Leave them two",
        do_label="Merge them",
        on_do=state.merge,
        open=state.dialog == "merge",
        on_close=state.close,
        problem=state.problem_text,
    )
