"""`/journeys/identities`: files that say which names belong to one customer."""

from typing import Any

import reflex as rx

from components.badges import Looks, status_badge
from components.bars import progress_bar
from components.buttons import button
from components.callouts import problem as problem_line
from components.cards import card
from components.icons import icon
from components.journey_tabs import journey_tabs
from components.page import page_header
from components.tables import plain_table
from components.trails import moment
from components.uploads import drop_zone
from state.identities import UPLOAD, IdentitiesState

LOOKS: Looks = {
    "checking": ("Being checked", "iris", "loader-circle"),
    "checked": ("Checked, nothing changed yet", "amber", "circle-help"),
    "running": ("Being imported", "iris", "loader-circle"),
    "done": ("Imported", "green", "circle-check"),
    "failed": ("Failed", "red", "circle-x"),
    "cancelled": ("Cancelled", "gray", "circle-slash"),
}


def identities() -> rx.Component:
    """The place for a file, and what came of the latest ones."""
    state = IdentitiesState
    drop = drop_zone(
        rx.el.div(
            rx.el.span(icon("file-spreadsheet", 20), class_name="cx-empty-icon"),
            rx.el.p(
                "A CSV file with the columns identity, alias and, if you like, kind. At most 200 MB. "
                "It is checked first; nothing changes until you say so."
            ),
            rx.el.span("Choose a file", class_name="cx-btn", margin_top="10px"),
            class_name="cx-empty cx-empty--small",
        ),
        id=UPLOAD,
        label="A file of identities",
        on_drop=state.receive(rx.upload_files_chunk(upload_id=UPLOAD)),
    )
    return rx.fragment(
        page_header(
            "Import identities",
            "Tell which names belong to one customer: a new name is added, an anonymous past joins.",
            crumbs=[("Identity conflicts", "/journeys/conflicts")],
            here="Import",
        ),
        journey_tabs("conflicts"),
        card(
            rx.cond(state.uploading, rx.el.p("Receiving the file", role="status"), drop),
            problem_line(state.problem_text),
        ),
        rx.foreach(state.files, _file),
    )


def _rejected(rows: Any) -> rx.Component:
    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(one.row, class_name="cx-num"),
            *(rx.el.td(cell, class_name="cx-mono cx-bad") for cell in (one.identity, one.alias, one.kind)),
            rx.el.td(one.why, custom_attrs={"data-phone": "full"}),
            rx.el.td(one.mend, class_name="cx-dim", custom_attrs={"data-phone": "full"}),
        )

    heads = ("Row", "Identity", "Alias", "Kind", "Why", "How to mend")
    return plain_table(heads, rx.foreach(rows, row), numeric=(0,), label="Rejected rows")


def _file(one: Any) -> rx.Component:
    state = IdentitiesState
    start = button("Import now", variant="solid", icon_name="play", small=True, on_click=state.start(one.id))
    cancel = button("Cancel", small=True, on_click=state.cancel(one.id))
    reject = button("Rejected rows", icon_name="download", small=True, href=one.rejected_href, download=True)
    return card(
        rx.cond(one.is_moving, progress_bar(one.percent, label="Read of " + one.name), rx.fragment()),
        rx.el.p(one.words, role="status"),
        rx.el.p("Uploaded ", moment(one.at), " by ", one.actor, class_name="cx-small cx-dim"),
        problem_line(one.error),
        rx.cond(
            one.rejected_words,
            rx.el.div(
                rx.el.p(one.rejected_words, class_name="cx-strong", padding="10px 0 4px"),
                _rejected(one.rejected),
            ),
            rx.fragment(),
        ),
        title=one.name,
        qualifier=status_badge(LOOKS, one.state),
        actions=[
            rx.cond(one.rejected_href, reject, rx.fragment()),
            rx.cond(one.is_moving | (one.state == "checked"), cancel, rx.fragment()),
            rx.cond(one.state == "checked", start, rx.fragment()),
        ],
    )
