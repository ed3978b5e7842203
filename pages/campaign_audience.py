"""`/campaigns/{id}/audience`: where the contacts come from."""

from typing import Any

import reflex as rx

from components.badges import IMPORT, status_badge
from components.bars import dot, stacked_bar
from components.buttons import button, file_link, link, text_button, to
from components.callouts import error_callout, nothing_found
from components.campaign_head import campaign_page
from components.cards import card, key_figure, key_figures
from components.dialogs import confirm_dialog
from components.icons import icon
from components.page import section_header, stepper
from components.tables import plain_table
from components.trails import code_block
from components.uploads import bad_cells
from state.audience import AudienceState
from state.campaign import CampaignState

STEPS = ["File", "Mapping", "Check", "Import"]


def campaign_audience() -> rx.Component:
    """Sources, the import that runs, what was rejected, and the ready endpoint."""
    base, has_ended = CampaignState.base, CampaignState.badge == "ended"
    return campaign_page(
        section_header(
            "Audience",
            AudienceState.summary,
            actions=[
                button("See contacts", icon_name="users", href=base + "/contacts"),
                rx.cond(
                    has_ended,
                    rx.fragment(),
                    button("Add from a file", icon_name="plus", variant="solid", href=base + "/import"),
                ),
            ],
        ),
        rx.cond(
            AudienceState.shows_import,
            _import(),
            rx.fragment(),
        ),
        rx.el.div(
            rx.el.div(_rejected(), _sources(), class_name="cx-stack"),
            rx.el.div(_reasons(), rx.cond(has_ended, _takes_no_more(), _endpoint()), class_name="cx-stack"),
            class_name="cx-grid cx-grid--side",
        ),
        _cancel_dialog(),
        _undo_dialog(),
        active="audience",
    )


def _import() -> rx.Component:
    one: Any = AudienceState.newest
    running = one.is_running
    buttons = rx.cond(
        running,
        rx.el.div(
            button("Continue in background", icon_name="arrow-down-to-line", small=True, on_click=AudienceState.hide),
            button(
                "Cancel import…",
                icon_name="x",
                small=True,
                on_click=AudienceState.ask("cancel", one.id, one.file_name, one.rows_words),
            ),
            class_name="cx-row cx-row--wrap",
        ),
        button("Hide", icon_name="x", small=True, on_click=AudienceState.hide),
    )
    steps = rx.cond(running, stepper(STEPS, 4), stepper(STEPS, 5))
    head = rx.el.div(steps, buttons, class_name="cx-row cx-row--apart cx-row--wrap")
    words = rx.el.div(
        rx.el.span(
            icon("file-spreadsheet", 15),
            rx.el.b(one.file_name),
            rx.el.span(one.rows_words, class_name="cx-dim"),
            rx.cond(running, rx.fragment(), status_badge(IMPORT, one.state)),
            class_name="cx-row cx-row--wrap",
        ),
        rx.el.span(one.pace_words, class_name="cx-dim", role="status"),
        class_name="cx-row cx-row--apart cx-row--wrap",
    )
    bar = stacked_bar(
        ("green", one.created_share),
        ("iris", one.merged_share),
        ("gray", one.duplicates_share),
        ("red", one.rejected_share),
        label=one.rows_words,
        fat=True,
    )
    failed = rx.cond(
        one.state == "failed",
        error_callout(
            rx.el.span("The import of ", one.file_name, " has stopped"),
            why=one.error,
            mend="what was stored stays. Mend the file and upload it again; stored rows are not added twice.",
        ),
        rx.fragment(),
    )
    return rx.fragment(
        failed,
        rx.el.section(
            rx.el.div(head, words, bar, class_name="cx-card-body cx-account"),
            key_figures(
                key_figure("New contacts", one.created, mark=dot("green"), small=True),
                key_figure("Updated", one.merged, mark=dot("iris"), small=True),
                key_figure("Twice in the file", one.duplicates, mark=dot("gray"), small=True),
                key_figure("Rejected", one.rejected, mark=dot("red"), small=True),
                rx.cond(one.is_running, key_figure("Still to read", one.still, mark=dot("rest"), small=True)),
                bare=True,
            ),
            class_name="cx-card",
            aria_label="Import",
        ),
    )


def _rejected() -> rx.Component:
    one: Any = AudienceState.newest
    return rx.cond(
        AudienceState.rejected,
        card(
            bad_cells(AudienceState.rejected, label="Rejected rows"),
            title="Rejected rows",
            qualifier=one.rejected,
            actions=[
                button(
                    "Download rejected rows",
                    icon_name="download",
                    small=True,
                    href=f"/download/imports/{one.id}/rejected.csv",
                    download=True,
                )
            ],
            flush=True,
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _reasons() -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.div(
            rx.el.div(rx.el.span(one.reason), rx.el.b(one.count), class_name="cx-row cx-row--apart"),
            stacked_bar(("red", one.share), label=one.reason, thin=True),
            class_name="cx-reason",
        )

    return rx.cond(
        AudienceState.reasons,
        card(
            rx.foreach(AudienceState.reasons, row),
            title="Why rows were rejected",
            foot="Mend the downloaded file and upload it again. Rows that were stored are not added twice.",
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _sources() -> rx.Component:
    def row(one: Any) -> rx.Component:
        mark = rx.match(
            one.kind,
            ("file", icon("file-spreadsheet", 15)),
            ("rest", icon("code-xml", 15)),
            ("manual", icon("pencil", 15)),
            icon("flask-conical", 15),
        )
        words = rx.el.span(one.contacts, rx.cond(one.contacts == "1", " contact", " contacts"))
        return rx.el.tr(
            rx.el.td(
                rx.el.span(mark, rx.el.span(one.name, class_name="cx-cell-name"), class_name="cx-row"),
                custom_attrs={"data-phone": "lead"},
            ),
            rx.el.td(one.kind_word, class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            rx.el.td(status_badge(IMPORT, one.state)),
            rx.el.td(
                link(one.contacts, f"{CampaignState.base}/contacts?source={one.id}"),
                class_name="cx-num",
                custom_attrs={"data-label": "contacts"},
            ),
            rx.el.td(one.updated, class_name="cx-num", custom_attrs={"data-label": "updated"}),
            rx.el.td(
                rx.cond(
                    one.has_rejected,
                    file_link(f"/download/imports/{one.import_id}/rejected.csv", one.rejected, class_name="cx-link"),
                    one.rejected,
                ),
                class_name="cx-num",
                custom_attrs={"data-label": "rejected"},
            ),
            rx.el.td(
                rx.el.time(one.last_row, title=one.last_row_exact),
                class_name="cx-dim",
                custom_attrs={"data-phone": "hide"},
            ),
            rx.el.td(
                rx.cond(
                    one.can_undo,
                    text_button("Undo…", on_click=AudienceState.ask("undo", one.import_id, one.name, one.contacts)),
                    rx.cond(
                        one.can_cancel,
                        text_button(
                            "Cancel…", on_click=AudienceState.ask("cancel", one.import_id, one.name, one.contacts)
                        ),
                        rx.el.span(words, class_name="cx-hide"),
                    ),
                ),
                class_name="cx-num",
            ),
        )

    heads = ("Source", "Kind", "State", "Contacts", "Updated", "Rejected", "Last row", "")
    return card(
        plain_table(heads, rx.foreach(AudienceState.sources, row), numeric=(3, 4, 5), label="Sources"),
        rx.cond(
            AudienceState.loaded & (AudienceState.sources.length() == 0),  # type: ignore[attr-defined]
            nothing_found("No source yet. Upload a file, use the endpoint beside, or add a contact by hand."),
            rx.fragment(),
        ),
        title="Sources",
        actions=[
            rx.cond(
                AudienceState.hidden,
                text_button("Show the newest import", on_click=AudienceState.show_import),
                rx.fragment(),
            )
        ],
        flush=True,
    )


def _takes_no_more() -> rx.Component:
    return card(
        rx.el.p("An ended campaign takes no contacts. To reach more people, clone it.", class_name="cx-dim"),
        title="REST endpoint",
    )


def _endpoint() -> rx.Component:
    return card(
        rx.el.p(
            "Your systems add contacts with one POST; what comes in is counted as one source.", class_name="cx-dim"
        ),
        code_block(AudienceState.example, label="curl example"),
        rx.cond(
            AudienceState.new_key,
            rx.el.p("This key is in the example. Copy it now: it is not shown again.", role="status"),
            button("Make a key for this", icon_name="key-round", small=True, on_click=AudienceState.make_key),
        ),
        title="REST endpoint",
        actions=[to("/api/docs", "API reference", class_name="cx-link", reload_document=True, target="_blank")],
    )


def _cancel_dialog() -> rx.Component:
    return confirm_dialog(
        title=rx.el.span("Cancel the import of “", AudienceState.chosen_name, "”?"),
        sentence="It stops after the rows it is at. What is stored stays, and can be undone.",
        keep_label="Keep importing",
        do_label="Cancel import",
        on_do=AudienceState.cancel,
        open=AudienceState.dialog == "cancel",
        on_close=AudienceState.close,
        problem=AudienceState.problem_text,
    )


def _undo_dialog() -> rx.Component:
    return confirm_dialog(
        title=rx.el.span("Undo the import of “", AudienceState.chosen_name, "”?"),
        sentence="Contacts it brought that were not contacted yet go. Who was contacted stays.",
        final="Changes it made to people who were known before stay.",
        keep_label="Keep them",
        do_label="Undo import",
        on_do=AudienceState.undo,
        open=AudienceState.dialog == "undo",
        on_close=AudienceState.close,
        problem=AudienceState.problem_text,
    )
