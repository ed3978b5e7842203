"""`/keys`: the API keys of other systems."""

from typing import Any

import reflex as rx

from components.badges import Looks, status_badge
from components.buttons import button, text_button
from components.callouts import empty_state
from components.cards import card
from components.dialogs import confirm_dialog, dialog, form_dialog
from components.forms import checkbox, field, form_row, select, switch, text_input
from components.page import page_header
from components.tables import plain_table
from components.trails import code_block
from cxconsole.accounts.keys import RIGHTS
from state.keys import LIFETIMES, KeysState

LOOKS: Looks = {
    "active": ("Active", "green", "circle-check"),
    "expired": ("Expired", "amber", "calendar-x"),
    "revoked": ("Revoked", "gray", "circle-slash"),
}


def keys() -> rx.Component:
    """The list with its dialogs."""
    state = KeysState
    new = button("New key", icon_name="plus", variant="solid", on_click=state.ask_create)
    is_empty = state.loaded & (state.rows.length() == 0)  # type: ignore[attr-defined]
    return rx.fragment(
        page_header(
            "Keys",
            "API keys for other systems. Each is shown once, when it is made, and cannot be read again.",
            actions=[rx.cond(is_empty, rx.fragment(), new)],
        ),
        rx.cond(
            is_empty,
            empty_state(
                "key-round",
                "No keys yet",
                "Another system adds contacts, reads numbers and starts campaigns over REST, with a key of its own.",
                actions=[new, button("API reference", icon_name="book-open", href="/api/docs", reload_document=True)],
            ),
            _table(),
        ),
        _create(),
        _made(),
        _revoke(),
    )


def _table() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(one.name, class_name="cx-cell-name"),
            rx.el.td(one.prefix, class_name="cx-mono"),
            rx.el.td(status_badge(LOOKS, one.state)),
            rx.el.td(one.scopes, title=one.allows, class_name="cx-dim", custom_attrs={"data-phone": "full"}),
            rx.el.td(rx.el.time(one.used, title=one.used_exact), class_name="cx-dim"),
            rx.el.td(
                rx.el.time(one.created, title=one.created_exact),
                class_name="cx-dim",
                custom_attrs={"data-phone": "hide"},
            ),
            rx.el.td(
                rx.cond(
                    one.state == "active",
                    text_button("Revoke…", on_click=KeysState.ask_revoke(one.id, one.name)),
                    rx.fragment(),
                ),
                class_name="cx-num",
            ),
        )

    heads = ("Name", "Begins with", "State", "May", "Last used", "Created", "")
    return card(plain_table(heads, rx.foreach(KeysState.rows, row), label="Keys"), flush=True)


def _create() -> rx.Component:
    state = KeysState
    rights = rx.el.fieldset(
        rx.el.legend("It may"),
        *(_right(f"{area}.{verb}", words) for area, verbs in RIGHTS.items() for verb, words in verbs.items()),
        class_name="cx-field cx-rights",
    )
    return form_dialog(
        form_row(
            field(
                "Name",
                text_input("key-name", state.name, state.set_name, auto_focus=True, max_length=120),
                name="key-name",
                help="The system that will use it.",
            ),
            field(
                "Valid for",
                select("key-days", list(LIFETIMES.items()), state.days, state.set_days),
                name="key-days",
            ),
        ),
        rx.cond(state.everything, rx.fragment(), rights),
        switch("Everything, also what comes later", state.everything, state.set_everything),
        form_id="create-key",
        title="New key",
        sentence="It begins with the least: adding contacts. Give it no more than the system needs.",
        problem=state.problem_text,
        do_label="Make key",
        on_submit=state.create,
        open=state.dialog == "create",
        on_close=state.close,
        wide=True,
    )


def _right(right: str, words: str) -> rx.Component:
    said = rx.el.span(rx.el.span(words), rx.el.span(right, class_name="cx-mono cx-dim"), class_name="cx-right")
    chosen = KeysState.rights.contains(right)  # type: ignore[attr-defined]
    return checkbox(said, chosen, lambda _on: KeysState.toggle_right(right))


def _made() -> rx.Component:
    state = KeysState
    return dialog(
        code_block(state.made, label="API key"),
        title="Copy the key now",
        sentence="It is not shown again. Send it as “Authorization: Bearer …”.",
        open=state.dialog == "made",
        on_close=state.close,
        actions=[button("I have copied it", variant="solid", on_click=state.close)],
    )


def _revoke() -> rx.Component:
    state = KeysState
    return confirm_dialog(
        title=rx.el.span("Revoke “", state.chosen_name, "”?"),
        sentence="Calls with this key are refused from now on.",
        final="A revoked key cannot be brought back. Make a new one instead.",
        keep_label="Keep it",
        do_label="Revoke key",
        on_do=state.revoke,
        open=state.dialog == "revoke",
        on_close=state.close,
        problem=state.problem_text,
    )
