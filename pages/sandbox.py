"""`/sandbox`: the sandbox inbox, each message as the customer would see it."""

from typing import Any

import reflex as rx

from components.badges import badge
from components.buttons import button
from components.callouts import empty_state, nothing_found
from components.cards import fact, facts
from components.dialogs import confirm_dialog
from components.filters import filter_row, search_box
from components.forms import segmented
from components.icons import channel_icon
from components.page import page_header
from components.tables import Column, data_table, name_button
from components.trails import moment
from state.sandbox import SandboxState

CHANNELS = [("", "All"), ("email", "E-mail"), ("sms", "SMS")]


def sandbox() -> rx.Component:
    """The list, and the open message beside it."""
    state = SandboxState
    empty_inbox = (~state.loading) & (state.total == 0) & (state.q == "") & (state.channel == "")  # type: ignore[operator]
    return rx.fragment(
        page_header(
            "Sandbox inbox",
            "What sandbox gateways were given, newest first. Nothing here has left this machine.",
            actions=[button("Empty inbox…", icon_name="trash-2", on_click=state.ask_clear)],
        ),
        rx.cond(
            empty_inbox,
            empty_state(
                "inbox",
                "No message yet",
                "What a campaign sends through a sandbox gateway is kept here instead of leaving the machine.",
                actions=[button("Open campaigns", icon_name="megaphone", variant="solid", href="/campaigns")],
            ),
            rx.fragment(
                filter_row(
                    segmented(CHANNELS, state.channel, state.set_channel, label="Channel"),
                    search_box(state.q, state.search, placeholder="Address or subject", wide=True),
                ),
                rx.el.div(_list(), _message(), class_name="cx-grid cx-grid--inbox"),
            ),
        ),
        confirm_dialog(
            title="Empty the sandbox inbox?",
            sentence="The kept messages go. Campaigns, trails and reports stay as they are.",
            counts=None,
            final="Removed messages cannot be brought back.",
            keep_label="Keep them",
            do_label="Empty inbox",
            on_do=state.clear,
            open=state.clear_dialog,
            on_close=state.keep,
        ),
    )


def _list() -> rx.Component:
    state = SandboxState

    def subject(row: Any) -> rx.Component:
        return rx.el.div(
            name_button(row.subject, state.open(row.id)),
            rx.el.span(row.target, class_name="cx-two cx-cut"),
            class_name="cx-two-lines cx-inbox-cell",
        )

    return data_table(
        [
            Column(label="", show=lambda row: channel_icon(row.channel, 15), width="30px", bone=15),
            Column(label="Message", show=subject, bone=180),
            Column(label="Received", show=lambda row: moment(row.received, class_name="cx-dim cx-small"), numeric=True),
        ],
        state,
        state.rows,
        label="Messages",
        selected=lambda row: state.message.id == row.id,
        nothing=nothing_found("No message matches. Drop the search or the channel to see all."),
    )


def _message() -> rx.Component:
    state = SandboxState
    message: Any = state.message
    html = rx.el.iframe(
        src_doc=message.document,
        sandbox="",
        title="The message as the customer sees it",
        class_name=rx.cond(state.narrow, "cx-mail-frame cx-mail-frame--phone", "cx-mail-frame"),
    )
    plain = rx.el.pre(
        message.text, class_name="cx-mail-text", role="region", tab_index=0, aria_label="Text of the message"
    )
    bubble = rx.el.div(rx.el.p(message.text), class_name="cx-bubble")
    head = rx.el.div(
        rx.el.h2(rx.cond(message.subject, message.subject, "Text message"), class_name="cx-h2 cx-cut"),
        rx.cond(message.is_test, badge("Test", "gray", "flask-conical"), rx.fragment()),
        class_name="cx-row",
    )
    switches = rx.el.div(
        segmented([("html", "HTML"), ("text", "Text")], state.view, state.set_view, label="Form", small=True),
        rx.cond(
            state.view == "html",
            segmented(
                [("desk", "Desktop"), ("phone", "Phone")],
                rx.cond(state.narrow, "phone", "desk"),  # type: ignore[arg-type]
                state.set_width,
                label="Width",
                small=True,
            ),
            rx.fragment(),
        ),
        class_name="cx-row cx-row--wrap",
    )
    return rx.cond(
        message.id != "",
        rx.el.section(
            rx.el.div(
                head, rx.cond(message.document, switches, rx.fragment()), class_name="cx-card-head cx-panel-head"
            ),
            rx.el.div(
                facts(
                    fact("From", rx.cond(message.sender, message.sender, "not set")),
                    fact("To", message.target),
                    fact("Gateway", message.gateway),
                    fact("Received", message.received),
                ),
                class_name="cx-panel-part",
            ),
            rx.el.div(
                rx.cond(
                    (message.document != "") & (state.view == "html"),
                    html,
                    rx.cond(message.channel == "sms", bubble, plain),
                ),
                class_name="cx-panel-part cx-mail",
            ),
            class_name="cx-card",
            aria_label="The open message",
        ),
        rx.fragment(),
    )  # type: ignore[return-value]
