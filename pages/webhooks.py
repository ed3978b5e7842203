"""`/journeys/webhooks`: where other systems send their own JSON."""

from typing import Any

import reflex as rx

from components.badges import Looks, status_badge
from components.buttons import button
from components.callouts import empty_state
from components.cards import card
from components.dialogs import form_dialog
from components.forms import field, text_input
from components.journey_tabs import journey_tabs
from components.page import page_header
from components.tables import name_link, plain_table
from components.trails import moment
from state.webhooks import WebhooksState

LOOKS: Looks = {
    "open": ("Open", "green", "circle-play"),
    "failing": ("Last one failed", "red", "circle-alert"),
    "paused": ("Paused", "amber", "circle-pause"),
}


def webhooks() -> rx.Component:
    """The list."""
    state = WebhooksState
    new = button("New webhook", icon_name="plus", variant="solid", on_click=state.ask_create)
    is_empty = state.loaded & (state.rows.length() == 0)  # type: ignore[attr-defined]
    return rx.fragment(
        page_header(
            "Webhooks",
            "Addresses where other systems send their own JSON; a mapping makes events of it.",
            actions=[rx.cond(is_empty, rx.fragment(), new)],
        ),
        journey_tabs("webhooks"),
        rx.cond(
            is_empty,
            empty_state(
                "webhook",
                "No webhooks yet",
                "For systems that can call an address and cannot speak the console's own API.",
                actions=[new],
                steps=[
                    ("Make an address", "Nobody can guess it. Paste it into the other system."),
                    ("Send something", "The last payloads appear as they come."),
                    ("Say what is what", "Type, person and time, tried at once on what came."),
                ],
            ),
            _table(),
        ),
        form_dialog(
            field(
                "Name",
                text_input("hook-name", state.name, state.set_name, auto_focus=True, max_length=120),
                name="hook-name",
                help="The system that sends. It is also the source of its events.",
            ),
            form_id="create-hook",
            title="New webhook",
            sentence="Its address is made at once; the mapping comes with the first payloads.",
            problem=state.problem_text,
            do_label="Make it",
            on_submit=state.create,
            open=state.dialog == "create",
            on_close=state.close,
        ),
    )


def _table() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(name_link(one.name, f"/journeys/webhooks/{one.id}")),
            rx.el.td(status_badge(LOOKS, one.state)),
            rx.el.td(one.source, class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            rx.el.td(one.received, class_name="cx-num"),
            rx.el.td(one.stored, class_name="cx-num"),
            rx.el.td(one.failed, class_name="cx-num"),
            rx.el.td(moment(one.last), class_name="cx-dim"),
            rx.el.td(
                rx.el.span(one.problem, class_name="cx-two", title=one.problem),
                class_name="cx-dim",
                custom_attrs={"data-phone": "full"},
            ),
        )

    heads = ("Name", "State", "Source", "Received", "Stored", "Failed", "Last", "Last problem")
    return card(
        plain_table(heads, rx.foreach(WebhooksState.rows, row), numeric=(3, 4, 5), label="Webhooks"), flush=True
    )
