"""`/customers/{id}`: one customer, with all that happened and why they were, or were not, contacted."""

from typing import Any

import reflex as rx

from components.badges import badge
from components.buttons import button
from components.callouts import empty_state, nothing_found
from components.cards import card
from components.event_timeline import event_timeline
from components.page import page_header
from components.person_card import person_sections
from components.person_dialogs import person_dialogs
from components.trails import check_legend
from components.why_table import why_table
from state.customer import CustomerState


def customer() -> rx.Component:
    """Head, verdict, timeline and the cards beside it; or what to do when there is no such customer."""
    state = CustomerState
    return rx.cond(
        state.missing,
        empty_state(
            "user-x",
            state.missing,
            "The id may be mistyped, or the customer was removed.",
            actions=[button("All customers", variant="solid", href="/customers")],
            page=True,
        ),
        rx.fragment(
            page_header(
                rx.cond(state.loaded, state.card.name, "\u00a0"),
                state.card.sentence,
                crumbs=[("Customers", "/customers")],
                here=rx.cond(state.person_id > 0, state.person_id, ""),
                badge=rx.el.span(rx.foreach(state.card.labels, lambda one: badge(one)), class_name="cx-row"),
                actions=[
                    button("Live desk", icon_name="radio", href=f"/live?person={state.person_id}"),
                    button("Follow-up", icon_name="calendar-clock", on_click=state.ask_follow_up),
                    button("Note", icon_name="sticky-note", variant="solid", on_click=state.ask_note),
                ],
            ),
            _why(),
            rx.el.div(
                card(event_timeline(state), title="Timeline", flush=True, class_name="cx-card cx-card--history"),
                rx.el.section(*person_sections(state), class_name="cx-card", aria_label="Profile"),
                class_name="cx-grid cx-grid--side",
            ),
            person_dialogs(state),
        ),
    )  # type: ignore[return-value]


def _why() -> rx.Component:
    state = CustomerState

    def option(one: Any) -> rx.Component:
        return rx.el.option(one.word, value=one.value)

    choice = rx.el.select(
        rx.foreach(state.choices, option),
        value=state.chosen,
        on_change=state.choose_campaign,
        aria_label="Campaign",
        class_name="cx-input cx-input--auto",
    )
    return rx.cond(
        state.choices,
        card(
            why_table(state.why),
            rx.cond(
                state.why,
                rx.fragment(),
                nothing_found("This campaign has no step yet, so there is nothing to say about channels."),
            ),
            title="Why this customer was, or was not, contacted by",
            actions=[choice, rx.el.span(check_legend(), class_name="cx-wide-only")],
            flush=True,
        ),
        rx.fragment(),
    )  # type: ignore[return-value]
