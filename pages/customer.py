"""`/customers/{id}`: one customer, with all that happened and why they were, or were not, contacted."""

from typing import Any

import reflex as rx

from components.badges import badge
from components.buttons import button, icon_button
from components.callouts import empty_state, nothing_found
from components.cards import card
from components.dialogs import confirm_dialog, count_line, menu, menu_item, menu_line
from components.event_timeline import event_timeline
from components.merge_history import merge_dialogs, merge_history
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
                badge=rx.el.span(
                    rx.cond(state.card.erased, badge("Erased", "plum", "eraser"), rx.fragment()),
                    rx.foreach(state.card.labels, lambda one: badge(one)),
                    class_name="cx-row",
                ),
                actions=[rx.cond(state.card.erased, _export(), _actions())],
            ),
            _why(),
            rx.el.div(
                card(event_timeline(state), title="Timeline", flush=True, class_name="cx-card cx-card--history"),
                rx.el.section(
                    *person_sections(state), merge_history(state), class_name="cx-card", aria_label="Profile"
                ),
                class_name="cx-grid cx-grid--side",
            ),
            person_dialogs(state),
            _erase(),
            merge_dialogs(state),
        ),
    )  # type: ignore[return-value]


def _export() -> rx.Component:
    href = f"/download/persons/{CustomerState.person_id}.json"
    return button("Export all data", icon_name="download", href=href, download=True)


def _actions() -> rx.Component:
    state = CustomerState
    return rx.fragment(
        button("Live desk", icon_name="radio", href=f"/live?person={state.person_id}"),
        button("Follow-up", icon_name="calendar-clock", on_click=state.ask_follow_up),
        button("Note", icon_name="sticky-note", variant="solid", on_click=state.ask_note),
        menu(
            icon_button("ellipsis", "More actions", boxed=True),
            menu_item(
                "Export all data",
                icon_name="download",
                on_select=rx.download(url=f"/download/persons/{state.person_id}.json"),
            ),
            menu_line(),
            menu_item("Erase…", icon_name="eraser", danger=True, on_select=state.ask_erase_person),
        ),
    )


def _erase() -> rx.Component:
    state, counts = CustomerState, CustomerState.counts
    return confirm_dialog(
        title=rx.el.span("Erase ", state.card.name, "?"),
        sentence="Name, attributes and consents go, with what is counted here and the key to the personal fields of "
        "events. The history stays without them, every count stays right, and who asked for no more is still not "
        "written to. What came in fields that were not personal then stays as it is.",
        counts=rx.fragment(
            count_line("fingerprint-pattern", "plum", "Addresses and ids", counts["identities"]),
            count_line("sticky-note", "plum", "Notes", counts["notes"]),
            count_line("calendar-clock", "plum", "Follow-ups", counts["follow_ups"]),
            count_line("mail", "plum", "Messages that lose their address and content", counts["deliveries"]),
            count_line("circle-stop", "amber", "Campaigns that stop for this customer", counts["campaigns"]),
        ),
        final="An erased customer cannot be brought back. Export all data first if it was asked for.",
        type_this=state.erase_code,
        typed=state.typed,
        on_typed=state.set_typed,
        keep_label="Keep the customer",
        do_label="Erase for good",
        on_do=state.erase_person,
        open=state.dialog == "erase_person",
        on_close=state.close,
        problem=state.problem_text,
    )


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
