"""`/campaigns/{id}/setup`, and `/campaigns/new?from=...` for a copy that is not saved yet."""

from typing import Any

import reflex as rx

from components.buttons import button
from components.callouts import empty_state, notice
from components.campaign_head import campaign_page
from components.cards import card
from components.forms import (
    checkbox,
    field,
    form_row,
    moment_field,
    number_input,
    select,
    text_area,
    text_input,
    time_field,
)
from components.page import page_header
from state.setup import ZONES, SetupState

DAYS = (
    ("mon", "Mon"), ("tue", "Tue"), ("wed", "Wed"), ("thu", "Thu"), ("fri", "Fri"), ("sat", "Sat"), ("sun", "Sun"),
)  # fmt: skip
MODES = (
    ("progressive", "Progressive", "Works today: the next contact when there is room for it."),
    ("predictive", "Predictive", "Comes with voice; chosen now, it has no effect yet."),
    ("preview", "Preview", "Comes with voice; chosen now, it has no effect yet."),
    ("manual", "Manual", "Comes with voice; chosen now, it has no effect yet."),
)


def campaign_setup() -> rx.Component:
    """The Setup tab."""
    return campaign_page(_form(), active="setup")


def campaign_copy() -> rx.Component:
    """The edit view of a copy."""
    return rx.cond(
        SetupState.missing,
        empty_state(
            "copy",
            SetupState.missing,
            "Choose the campaign to copy from the list.",
            actions=[
                button("All campaigns", variant="solid", href="/campaigns"),
            ],
        ),
        rx.fragment(
            page_header(
                rx.cond(SetupState.loaded, SetupState.form["name"], "\u00a0"),
                rx.el.span("A copy of ", SetupState.copy_of, ". Nothing exists until you save it."),
                crumbs=[("Campaigns", "/campaigns"), (SetupState.copy_of, f"/campaigns/{SetupState.copy_of}")],
                here=rx.el.span("Copy", class_name="cx-here"),
            ),
            _form(),
        ),
    )  # type: ignore[return-value]


def _form() -> rx.Component:
    return rx.cond(
        SetupState.loaded,
        rx.fragment(
            _stale(),
            rx.el.datalist(*(rx.el.option(value=zone) for zone in ZONES), id="zones"),
            rx.el.div(
                rx.el.div(_basics(), _when(), class_name="cx-stack"),
                rx.el.div(_validity(), _limits(), _voice(), class_name="cx-stack"),
                class_name="cx-grid cx-grid--2",
            ),
            _save_bar(),
        ),
        rx.el.div(rx.el.span(class_name="cx-bone"), class_name="cx-late"),
    )  # type: ignore[return-value]


def _text(name: str, label: str, control: Any = text_input, help: Any = None, **props: Any) -> rx.Component:
    edit = SetupState.edit(name)
    error = SetupState.problems[name]
    box = control(f"setup-{name}", SetupState.form[name], edit, **props)
    return field(label, box, name=f"setup-{name}", help=help, error=error)


def _stale() -> rx.Component:
    return rx.cond(
        SetupState.stale,
        notice(
            "This campaign has changed elsewhere",
            SetupState.stale,
            actions=[button("Load theirs", on_click=SetupState.load)],
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _basics() -> rx.Component:
    return card(
        _text("name", "Name", max_length=200),
        _text("description", "Description", text_area, rows=3, help="Its first line stands under the name."),
        title="What it is",
    )


def _when() -> rx.Component:
    days = rx.el.fieldset(
        rx.el.legend("Weekdays"),
        rx.el.div(
            *(
                checkbox(word, SetupState.days.contains(day), lambda _on, day=day: SetupState.toggle_day(day))  # type: ignore[attr-defined]
                for day, word in DAYS
            ),
            class_name="cx-row cx-row--wrap",
        ),
        rx.cond(
            SetupState.problems["days"],
            rx.el.div(SetupState.problems["days"], class_name="cx-error", role="alert"),
            rx.fragment(),
        ),
        class_name="cx-field",
    )
    over = SetupState.form["start"] > SetupState.form["end"]
    return card(
        _text("time_zone", "Time zone", list="zones", help="Times below are in this zone."),
        form_row(
            _text("start", "From", time_field),
            _text("end", "To", time_field, help=rx.cond(over, "Runs over midnight.", "24:00 ends the day.")),
        ),
        days,
        field(
            "Whose clock",
            select(
                "setup-in_zone_of",
                [("campaign", "The campaign's time zone"), ("person", "Each person's own time zone")],
                SetupState.form["in_zone_of"],
                SetupState.edit("in_zone_of"),
            ),
            name="setup-in_zone_of",
            help="A person without a time zone is contacted by the campaign's.",
        ),
        title="Execution window",
        qualifier="when messages may leave",
    )


def _validity() -> rx.Component:
    return card(
        form_row(
            _text("starts_at", "From", moment_field, help="Empty: from publishing on."),
            _text("ends_at", "To", moment_field, help="Empty: until it is ended."),
        ),
        title="Validity period",
        qualifier="who is not contacted by its end is held",
    )


def _limits() -> rx.Component:
    return card(
        _text("per_minute", "Messages a minute, at most", number_input, help="Empty: as fast as the gateways."),
        form_row(
            _text("person_count", "To one person, at most", number_input, help="Empty: no limit."),
            _text("person_days", "In so many days", help="Over all campaigns, in a rolling window."),
        ),
        title="Limits",
    )


def _voice() -> rx.Component:
    modes = rx.el.fieldset(
        rx.el.legend("Dialing modes"),
        *(
            rx.el.div(
                checkbox(word, SetupState.modes.contains(mode), lambda _on, mode=mode: SetupState.toggle_mode(mode)),  # type: ignore[attr-defined]
                rx.el.div(words, class_name="cx-help"),
            )
            for mode, word, words in MODES
        ),
        class_name="cx-field",
    )
    return card(modes, _text("queue_id", "Queue", help="Who handles what comes back; empty for none."), title="Voice")


def _save_bar() -> rx.Component:
    label = rx.cond(SetupState.is_copy, "Save the copy", "Save")
    return rx.el.div(
        rx.el.span(
            rx.cond(
                SetupState.is_ended,
                "This campaign has ended; its setup is kept as it was.",
                rx.cond(SetupState.is_dirty, "There are unsaved changes.", "All changes are saved."),
            ),
            class_name="cx-dim cx-grow",
            role="status",
        ),
        rx.cond(
            SetupState.is_copy,
            button("Discard the copy", href="/campaigns"),
            button("Discard changes", on_click=SetupState.discard, disabled=~SetupState.is_dirty),
        ),
        button(
            label,
            variant="solid",
            on_click=SetupState.save,
            busy=SetupState.busy,
            disabled=~SetupState.is_dirty | SetupState.has_problems | SetupState.is_ended,
        ),
        class_name="cx-save-bar",
    )
