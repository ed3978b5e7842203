"""`/journeys/profiles`: what is read out of a person's events; and the builder of one view."""

from typing import Any

import reflex as rx

from components.buttons import button
from components.callouts import empty_state
from components.cards import card
from components.dialogs import confirm_dialog, menu_item
from components.page import page_header
from components.profile_builder import profile_builder
from components.tables import name_link, plain_table, row_menu
from components.trails import moment
from state.profile_editor import ProfileEditorState
from state.profiles import EDITOR, ProfilesState

_SENTENCE = "What the events of a customer come to: cards on the desk, answers of the API, and words of messages."


def profiles() -> rx.Component:
    """The list."""
    state = ProfilesState
    new = button("New view", icon_name="plus", variant="solid", href=EDITOR)
    is_empty = state.loaded & (state.rows.length() == 0)  # type: ignore[attr-defined]
    return rx.fragment(
        page_header(
            "Profile views",
            _SENTENCE,
            crumbs=[("Journeys", "/journeys")],
            actions=[rx.cond(is_empty, rx.fragment(), new)],
        ),
        rx.cond(
            is_empty,
            empty_state(
                "id-card",
                "No profile views yet",
                "A view says what the events of a customer come to: visits in the last week, what is in the cart, how "
                "often something failed.",
                actions=[new],
            ),
            _list(),
        ),
        confirm_dialog(
            title=rx.el.span("Delete “", state.chosen_name, "”?"),
            sentence="Its card goes from the desk, and messages that name its attributes use their fall-back.",
            final="The events stay; a view can be built again from them.",
            keep_label="Keep it",
            do_label="Delete view",
            on_do=state.delete,
            open=state.dialog == "delete",
            on_close=state.close,
            problem=state.problem_text,
        ),
    )


def _list() -> rx.Component:
    state = ProfilesState

    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(name_link(one.name, one.href)),
            rx.el.td(
                rx.el.div(one.attributes, class_name="cx-dim cx-cut", title=one.attributes),
                custom_attrs={"data-phone": "full"},
            ),
            rx.el.td(one.roles),
            rx.el.td(moment(one.modified), class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            rx.el.td(
                row_menu(
                    menu_item("Edit", icon_name="pencil", on_select=rx.redirect(one.href)),
                    menu_item(
                        "Delete…", icon_name="trash-2", danger=True, on_select=state.ask_delete(one.key, one.name)
                    ),
                ),
                class_name="cx-num",
            ),
        )

    heads = ("Name", "Attributes", "For", "Modified", "")
    return card(plain_table(heads, rx.foreach(state.rows, row), label="Profile views"), flush=True)


def profile() -> rx.Component:
    """The builder."""
    state = ProfileEditorState
    return rx.cond(
        state.missing,
        empty_state(
            "id-card",
            state.missing,
            "It may have been deleted.",
            actions=[button("All views", variant="solid", href="/journeys/profiles")],
            page=True,
        ),
        rx.fragment(
            page_header(
                rx.cond(state.name, state.name, "New view"),
                "Built on the events really seen; the preview shows at once what a person's come to.",
                crumbs=[("Journeys", "/journeys"), ("Profile views", "/journeys/profiles")],
                here=rx.cond(state.key, state.key, "new"),
            ),
            rx.cond(state.loaded, profile_builder(), rx.fragment()),
        ),
    )  # type: ignore[return-value]
