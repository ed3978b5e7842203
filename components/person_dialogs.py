"""The popups of a person: a note, a follow-up, erasing a note."""

from typing import Any

import reflex as rx

from components.dialogs import confirm_dialog, form_dialog
from components.forms import field, form_row, moment_field, select, text_area, text_input

CHANNELS = [("voice", "Call"), ("email", "E-mail"), ("sms", "SMS"), ("letter", "Letter"), ("push", "Push")]


def person_dialogs(state: Any) -> rx.Component:
    """For a page whose state is a `state.person.PersonState`."""
    return rx.fragment(_note(state), _follow_up(state), _erase(state))


def _note(state: Any) -> rx.Component:
    return form_dialog(
        field(
            "Note",
            text_area("note_text", state.note_text, state.edit("note_text"), rows=5, auto_focus=True),
            name="note_text",
            help="Everybody who may see this customer reads it. Its text can be erased later.",
        ),
        form_id="add-note",
        title="Add a note",
        sentence=rx.el.span("About ", state.card.name, "."),
        problem=state.problem_text,
        do_label="Add note",
        on_submit=state.add_note,
        open=state.dialog == "note",
        on_close=state.close,
    )


def _follow_up(state: Any) -> rx.Component:
    return form_dialog(
        field(
            "What is to be done",
            text_input("subject", state.subject, state.edit("subject"), auto_focus=True),
            name="subject",
        ),
        form_row(
            field("How", select("channel", CHANNELS, state.channel, state.edit("channel")), name="channel"),
            field("When", moment_field("due", state.due, state.edit("due")), name="due"),
        ),
        form_id="plan-follow-up",
        title="Plan a follow-up",
        sentence=rx.el.span("With ", state.card.name, ". It stands on the card until somebody has done it."),
        problem=state.problem_text,
        do_label="Plan",
        on_submit=state.plan,
        open=state.dialog == "follow_up",
        on_close=state.close,
    )


def _erase(state: Any) -> rx.Component:
    return confirm_dialog(
        title="Erase this note?",
        sentence="The text goes. The timeline still says that there was a note, when, and by whom.",
        final="An erased text cannot be brought back.",
        keep_label="Keep it",
        do_label="Erase the text",
        on_do=state.erase_note,
        open=state.dialog == "erase",
        on_close=state.close,
        problem=state.problem_text,
    )
