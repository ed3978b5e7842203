"""`/suppressions`: who must not be contacted, and why."""

from typing import Any

import reflex as rx

from components.badges import SUPPRESSION, status_badge
from components.buttons import button, text_button
from components.callouts import nothing_found
from components.callouts import problem as problem_line
from components.dialogs import confirm_dialog, count_line, dialog, form_dialog
from components.filters import filter_row, search_box, segments
from components.forms import field, select, text_input
from components.page import page_header
from components.tables import Column, data_table
from components.uploads import drop_zone
from state.suppressions import UPLOAD, SuppressionsState

CHANNELS = [("", "The channel of the address"), ("email", "E-mail"), ("sms", "SMS"), ("voice", "Voice")]


def suppressions() -> rx.Component:
    """The list with its dialogs."""
    state = SuppressionsState
    return rx.fragment(
        page_header(
            "Suppressions",
            "Who must not be contacted. Checked at the last moment before each message leaves.",
            actions=[
                button("Export CSV", icon_name="download", href="/download/suppressions.csv", download=True),
                button("Upload a file…", icon_name="upload", on_click=state.ask_upload),
                button("Add suppression", icon_name="plus", variant="solid", on_click=state.ask_add),
            ],
        ),
        filter_row(
            segments(state.segments, state.segment, state.choose_segment, label="Reason"),
            search_box(state.q, state.search, placeholder="Address or note"),
        ),
        data_table(
            _columns(),
            state,
            state.rows,
            label="Suppressions",
            pick=True,
            bulk=[button("Remove…", icon_name="trash-2", small=True, on_click=state.ask_remove)],
            nothing=rx.cond(
                (state.q != "") | (state.segment != ""),
                nothing_found("None fits this search.", text_button("Show all", on_click=state.clear_filter)),
                nothing_found("Nobody is suppressed. Who unsubscribes or bounces appears here by itself."),
            ),
        ),
        _add(),
        _upload(),
        _remove(),
    )


def _columns() -> list[Column]:
    def since(row: Any) -> rx.Component:
        return rx.el.time(row.since, title=row.since_exact, class_name="cx-dim")

    return [
        Column(label="Who", sort="address", bone=180, show=lambda row: rx.el.span(row.who, class_name="cx-cell-name")),
        Column(label="Reason", sort="reason", phone="full", show=lambda row: status_badge(SUPPRESSION, row.reason)),
        Column(label="Holds for", phone="full", show=lambda row: row.scope),
        Column(label="Note", phone="hide", show=lambda row: rx.el.span(row.note, class_name="cx-dim")),
        Column(label="By", phone="hide", show=lambda row: rx.el.span(row.actor, class_name="cx-dim")),
        Column(label="Since", sort="created_at", phone="hide", show=since),
    ]


def _add() -> rx.Component:
    state = SuppressionsState
    return form_dialog(
        field(
            "E-mail address or phone number",
            text_input("address", state.address, state.edit("address"), auto_focus=True),
            name="address",
        ),
        field("Channel", select("channel", CHANNELS, state.channel, state.edit("channel")), name="channel"),
        field("Note", text_input("note", state.note, state.edit("note")), name="note", help="Who asked, and when."),
        form_id="add-suppression",
        title="Add suppression",
        sentence="It counts at once, for messages that are queued too.",
        problem=state.problem_text,
        do_label="Add",
        on_submit=state.add,
        open=state.dialog == "add",
        on_close=state.close,
    )


def _upload() -> rx.Component:
    state = SuppressionsState
    drop = drop_zone(
        rx.el.div(
            rx.el.p("One address a line, or a CSV with a column called address. UTF-8, at most 50 MB."),
            rx.el.span("Choose a file", class_name="cx-btn", margin_top="10px"),
            class_name="cx-empty cx-empty--small",
        ),
        id=UPLOAD,
        label="A file of addresses",
        on_drop=state.receive(rx.upload_files_chunk(upload_id=UPLOAD)),
    )
    return dialog(
        rx.cond(state.uploading, rx.el.p(state.upload_words, role="status"), drop),
        rx.cond(~state.uploading & (state.upload_words != ""), rx.el.p(state.upload_words, role="status")),
        problem_line(state.problem_text),
        title="Upload suppressions",
        sentence="Who is on the list already stays as they are.",
        open=state.dialog == "upload",
        on_close=state.close,
        actions=[button("Close", on_click=state.close)],
    )


def _remove() -> rx.Component:
    state = SuppressionsState
    return confirm_dialog(
        title="Remove these suppressions?",
        sentence="These people may be contacted again, by every campaign that still waits for them.",
        counts=count_line("user-check", "amber", "May be contacted again", state.picked_words),
        final="Who unsubscribed did so by their own wish. Remove it only when they asked for it.",
        keep_label="Keep them",
        do_label="Remove",
        on_do=state.remove,
        open=state.dialog == "remove",
        on_close=state.close,
        problem=state.problem_text,
    )
