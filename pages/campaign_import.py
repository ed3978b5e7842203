"""`/campaigns/{id}/import`: add contacts from a file, in four steps."""

from typing import Any

import reflex as rx

from components.bars import dot
from components.buttons import button, icon_button, link
from components.callouts import notice, problem
from components.campaign_head import campaign_page
from components.cards import card, fact, facts, key_figure, key_figures
from components.forms import field, select
from components.icons import icon
from components.page import section_header, stepper
from components.tables import plain_table
from components.uploads import bad_cells, drop_zone
from state.campaign import CampaignState
from state.import_wizard import ATTRIBUTE, TARGETS, UPLOAD, ImportWizardState

STEPS = ["File", "Mapping", "Check", "Import"]
REGIONS = [
    ("US", "United States (+1)"), ("GB", "United Kingdom (+44)"), ("DE", "Germany (+49)"), ("AT", "Austria (+43)"),
    ("CH", "Switzerland (+41)"), ("SE", "Sweden (+46)"), ("NO", "Norway (+47)"), ("DK", "Denmark (+45)"),
    ("FI", "Finland (+358)"), ("NL", "Netherlands (+31)"), ("BE", "Belgium (+32)"), ("FR", "France (+33)"),
    ("ES", "Spain (+34)"), ("PT", "Portugal (+351)"), ("IT", "Italy (+39)"), ("IE", "Ireland (+353)"),
    ("PL", "Poland (+48)"), ("CZ", "Czechia (+420)"), ("IN", "India (+91)"), ("JP", "Japan (+81)"),
    ("AU", "Australia (+61)"), ("BR", "Brazil (+55)"), ("MX", "Mexico (+52)"), ("ZA", "South Africa (+27)"),
]  # fmt: skip


def campaign_import() -> rx.Component:
    """File, Mapping, Check; the import itself is followed on the Audience tab."""
    state = ImportWizardState
    return campaign_page(
        section_header(
            "Add contacts from a file",
            "Say what each column becomes. Nothing is stored before the import step.",
            actions=[link("Cancel", CampaignState.base + "/audience", quiet=True)],
        ),
        problem(state.problem),
        rx.match(state.step, (2, _mapping()), (3, _check()), _file()),
        active="audience",
    )


def _head(number: int) -> rx.Component:
    state = ImportWizardState
    words = rx.el.span(
        icon("file-spreadsheet", 14), state.file_name, ", ", state.file_words, class_name="cx-row cx-dim"
    )
    return rx.el.div(
        stepper(STEPS, number),
        *([words] if number > 1 else []),
        class_name="cx-card-head cx-row--wrap cx-ruled",
    )


def _file() -> rx.Component:
    state = ImportWizardState
    drop = drop_zone(
        rx.el.div(
            rx.el.span(icon("upload", 20), class_name="cx-empty-icon"),
            rx.el.h2("Drop a CSV file here, or choose one"),
            rx.el.p(
                "Comma, semicolon, tab or bar; UTF-8, UTF-16 or Latin-1. Up to 1\u00a0GB. "
                "An e-mail, phone or customer id in each row says who it is about."
            ),
            rx.el.span("Choose a file", class_name="cx-btn cx-btn--solid"),
            class_name="cx-empty cx-empty--small",
        ),
        id=UPLOAD,
        label="A CSV file of contacts",
        max_size=1_100_000_000,
        on_drop=state.receive(rx.upload_files_chunk(upload_id=UPLOAD, on_upload_progress=state.set_upload_progress)),
    )
    sending = rx.el.div(
        rx.el.span(class_name="cx-spin"),
        rx.el.span(rx.cond(state.sent_words, state.sent_words, "Sending"), role="status", class_name="cx-grow"),
        button("Cancel", small=True, on_click=state.cancel_upload),
        class_name="cx-row cx-card-body",
    )
    return rx.el.section(
        _head(1),
        rx.cond(state.uploading, sending, rx.el.div(drop, padding="14px")),
        class_name="cx-card",
        aria_label="Choose a file",
    )


def _mapping() -> rx.Component:
    state = ImportWizardState
    main = rx.el.section(
        _head(2),
        rx.foreach(state.problems, lambda words: rx.el.div(notice(words), padding="12px 14px 0")),
        plain_table(
            ("Column in the file", "First values", "Becomes", "What we found"),
            rx.foreach(state.columns, _column),
            label="Columns",
        ),
        rx.el.div(
            button("Back", icon_name="arrow-left", on_click=state.back_to_file),
            rx.el.span(state.mapped_words, class_name="cx-dim cx-grow cx-num cx-wide-only"),
            button(
                rx.cond(state.checked, rx.el.span("Check ", state.rows_words, " rows"), "Check"),
                icon_name="list-checks",
                variant="solid",
                on_click=state.go_to(3),
                disabled=state.problem != "",
            ),
            class_name="cx-row cx-card-body cx-topline",
        ),
        class_name="cx-card",
    )
    return rx.el.div(main, rx.el.div(_preview(), _rules(), class_name="cx-stack"), class_name="cx-grid cx-grid--side")


def _column(one: Any) -> rx.Component:
    is_attribute = one.target.startswith(ATTRIBUTE)
    options = [
        *(rx.el.option(word, value=key) for key, word in TARGETS),
        rx.el.option(f"Attribute: {one.attribute}", value=ATTRIBUTE),
    ]
    found = rx.match(
        one.tone,
        ("ok", rx.el.span(icon("circle-check", 14, class_name="cx-tone-icon"), one.found, class_name="cx-row t-green")),
        (
            "warning",
            rx.el.span(icon("triangle-alert", 14, class_name="cx-tone-icon"), one.found, class_name="cx-row t-amber"),
        ),
        rx.el.span(rx.cond(one.found, one.found, "…"), class_name="cx-dim"),
    )
    return rx.el.tr(
        rx.el.td(one.header, class_name="cx-mono"),
        rx.el.td(
            rx.el.div(one.first, title=one.first, class_name="cx-dim cx-cut cx-first-values"),
            custom_attrs={"data-phone": "hide"},
        ),
        rx.el.td(
            rx.el.select(
                *options,
                value=rx.cond(is_attribute, ATTRIBUTE, one.target),
                on_change=lambda value: ImportWizardState.set_target(one.header, value),
                aria_label=f"What {one.header} becomes",
                class_name="cx-input cx-input--sm",
            )
        ),
        rx.el.td(found, class_name="cx-found"),
    )


def _preview() -> rx.Component:
    state = ImportWizardState
    return card(
        rx.cond(
            state.preview_problem,
            rx.el.p(state.preview_problem, class_name="cx-dim"),
            facts(rx.foreach(state.preview, lambda one: fact(one.label, one.value))),
        ),
        title=rx.fragment(
            "Row ", state.preview_at + 2, rx.cond(state.preview_problem, " is rejected", " becomes this person")
        ),
        actions=[
            icon_button("chevron-left", "Row before", on_click=state.preview_previous),
            icon_button("chevron-right", "Next row", on_click=state.preview_next),
        ],
    )


def _rules() -> rx.Component:
    state = ImportWizardState
    return card(
        field(
            "Country for numbers without +",
            select("region", REGIONS, state.region, state.set_region),
            name="region",
            help="Numbers with + keep their own country.",
        ),
        rx.el.p("Who is known already is updated: ", state.known, class_name="cx-help", margin_top="6px"),
        title="Reading rules",
    )


def _check() -> rx.Component:
    state = ImportWizardState
    figures = key_figures(
        key_figure("New contacts", state.created, mark=dot("green"), small=True),
        key_figure("Updated, already here", state.merged, mark=dot("iris"), small=True),
        key_figure("Twice in the file", state.duplicates, mark=dot("gray"), small=True),
        key_figure("Rejected", state.rejected, mark=dot("red"), small=True),
        key_figure("Values left out", state.left_out, mark=dot("amber"), small=True),
        bare=True,
    )
    bones = rx.el.div(*(rx.el.span(class_name="cx-bone") for _ in range(3)), class_name="cx-checks cx-card-body")
    return rx.fragment(
        rx.el.section(
            _head(3),
            rx.cond(state.checked, figures, bones),
            rx.cond(
                state.complete,
                rx.fragment(),
                rx.el.p("Only the first 200,000 rows were checked.", class_name="cx-card-body"),
            ),
            rx.el.div(
                button("Back", icon_name="arrow-left", on_click=state.go_to(2)),
                rx.el.span(
                    rx.cond(
                        state.checking,
                        "Checking…",
                        rx.cond(state.nothing, "No row of this file can be imported.", "Nothing is stored yet."),
                    ),
                    class_name="cx-dim cx-grow cx-num",
                    role="status",
                ),
                button(
                    "Import",
                    icon_name="download",
                    variant="solid",
                    on_click=state.start,
                    busy=state.busy,
                    disabled=~state.checked | state.nothing,  # type: ignore[arg-type]
                ),
                class_name="cx-row cx-card-body cx-topline",
            ),
            class_name="cx-card",
        ),
        _bad_lines("Rows that would be rejected", state.bad_rows, state.bad_rows_words),
        _bad_lines(
            "Values that would be left out",
            state.left_out_values,
            state.left_out_words,
            foot="Their rows are imported all the same, without these values.",
        ),
    )


def _bad_lines(title: str, rows: Any, words: Any, foot: str | None = None) -> rx.Component:
    found = card(bad_cells(rows, label=title), title=title, qualifier=words, foot=foot, flush=True)
    return rx.cond(rows, found, rx.fragment())  # type: ignore[return-value]
