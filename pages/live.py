"""`/live`: the agent's desk, in three panes. Below 1100 px the profile is a tab, on phones each is a screen."""

from typing import Any

import reflex as rx

from components.buttons import button, icon_button
from components.event_timeline import ago, event_timeline
from components.filters import search_box
from components.icons import icon
from components.page import tabs
from components.person_card import avatar, person_sections
from components.person_dialogs import person_dialogs
from cxconsole.journey.event_words import ICONS
from state.live import LiveState


def live() -> rx.Component:
    """The desk."""
    return rx.fragment(
        rx.el.div(
            _list(),
            rx.cond(LiveState.person_id > 0, _customer(), _nobody()),
            class_name="cx-desk",
            custom_attrs={"data-screen": LiveState.screen, "data-pane": LiveState.pane},
        ),
        person_dialogs(LiveState),
    )


def _list() -> rx.Component:
    state = LiveState
    found = rx.el.div(
        rx.foreach(state.found, lambda one: _row(one)),
        rx.cond(state.found_words, rx.el.p(state.found_words, class_name="cx-dim cx-small cx-desk-pad"), rx.fragment()),
        custom_attrs={"aria-live": "polite"},
    )
    return rx.el.section(
        rx.el.h1("Live desk", class_name="cx-h2 cx-desk-pad"),
        rx.el.div(search_box(state.q, state.search, placeholder="Find a customer"), class_name="cx-desk-pad"),
        found,
        rx.cond(
            state.open_rows,
            rx.fragment(
                rx.el.h2("With you, ", state.open_count, class_name="cx-desk-group"),
                rx.foreach(state.open_rows, lambda one: _row(one, closable=True)),
            ),
            rx.fragment(),
        ),
        rx.cond(
            state.recent_rows,
            rx.fragment(
                rx.el.h2("Moved last", class_name="cx-desk-group"),
                rx.foreach(state.recent_rows, lambda one: _row(one)),
            ),
            rx.fragment(),
        ),
        class_name="cx-desk-list",
        aria_label="Customers",
        tab_index=0,
    )


def _row(one: Any, *, closable: bool = False) -> rx.Component:
    mark = rx.match(one.icon, *((name, icon(name, 13)) for name in ICONS), rx.fragment())
    return rx.el.div(
        rx.el.button(
            avatar(one.initials, one.tone),
            rx.el.span(
                rx.el.span(
                    rx.el.span(one.name, class_name="cx-strong cx-cut cx-grow"),
                    rx.el.span(ago(at=one.at), class_name="cx-dim cx-small"),
                    class_name="cx-row",
                ),
                rx.el.span(
                    mark,
                    rx.el.span(one.words, class_name="cx-cut cx-grow"),
                    rx.cond(one.unseen, rx.el.span(one.unseen, class_name="cx-count-dot"), rx.fragment()),
                    class_name="cx-row cx-dim cx-small",
                ),
                class_name="cx-col cx-grow",
            ),
            type="button",
            class_name="cx-desk-row",
            on_click=LiveState.open_customer(one.id),
            custom_attrs={"aria-current": rx.cond(LiveState.person_id == one.id, "true", "false")},
        ),
        *(
            [
                icon_button(
                    "x",
                    f"Take {one.name} off the desk",
                    on_click=LiveState.close_customer(one.id),
                    class_name="cx-desk-close",
                )
            ]
            if closable
            else []
        ),
        class_name="cx-desk-item",
    )


def _customer() -> rx.Component:
    state, card = LiveState, LiveState.card
    head = rx.el.header(
        icon_button("arrow-left", "Back to the list", on_click=state.go_back, class_name="cx-desk-back"),
        avatar(card.initials, card.tone, large=True),
        rx.el.div(
            rx.el.div(
                rx.el.h2(card.name, class_name="cx-desk-name cx-cut"),
                rx.cond(
                    state.newest.rows,
                    rx.el.span("last event ", ago(at=state.newest.rows[0].at), class_name="cx-dim cx-small cx-nowrap"),
                    rx.fragment(),
                ),
                class_name="cx-row",
            ),
            rx.el.p(card.sentence, class_name="cx-dim"),
            class_name="cx-grow",
        ),
        rx.el.div(
            icon_button("user", "Customer page", boxed=True, href=f"/customers/{state.person_id}"),
            button("Follow-up", icon_name="calendar-clock", on_click=state.ask_follow_up),
            button("Note", icon_name="sticky-note", variant="solid", on_click=state.ask_note),
            class_name="cx-page-actions",
        ),
        class_name="cx-desk-head",
    )
    parts = tabs(
        ("journey", "Journey"), ("profile", "Profile"), value=state.pane, on_change=state.show_pane, label="Parts"
    )
    return rx.fragment(
        rx.el.section(
            head,
            rx.el.div(parts, class_name="cx-desk-tabs"),
            rx.el.div(event_timeline(state), class_name="cx-desk-journey"),
            class_name="cx-desk-main",
            aria_label="Journey",
        ),
        rx.el.aside(*person_sections(state), class_name="cx-desk-side", aria_label="Profile", tab_index=0),
    )


def _nobody() -> rx.Component:
    return rx.el.section(
        rx.cond(
            LiveState.ready,
            rx.el.div(
                rx.el.span(icon("radio", 20), class_name="cx-empty-icon"),
                rx.el.h2("Nobody is on the desk", class_name="cx-desk-name"),
                rx.el.p("Find a customer by name, address, phone number or id, or choose who moved last."),
                rx.el.p("A telephony client opens ", rx.el.code("/live?identity=…", class_name="cx-mono"), "."),
                class_name="cx-empty",
            ),
            rx.fragment(),
        ),
        class_name="cx-desk-main cx-desk-nobody",
        aria_label="Journey",
    )
