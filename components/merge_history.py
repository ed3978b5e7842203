"""Who was merged into a customer, and the way back."""

from typing import Any

import reflex as rx

from components.buttons import text_button, to
from components.dialogs import confirm_dialog, form_dialog
from components.filters import SEARCH_PAUSE_MS
from components.forms import field, segmented, text_input
from components.person_card import side_part
from components.trails import moment


def merge_history(state: Any) -> rx.Component:
    """The merges of a customer, the latest first, and the way to another one; for a state.merges.MergesState."""
    return side_part(
        "Merge history",
        rx.fragment(
            rx.cond(
                state.merges,
                rx.foreach(state.merges, lambda one: _merge(state, one)),
                rx.el.p("Was never merged.", class_name="cx-dim cx-small"),
            ),
            rx.cond(
                state.card.erased,
                rx.fragment(),
                rx.el.div(text_button("Merge with another customer…", on_click=state.ask_merge), padding_top="6px"),
            ),
        ),
    )


def merge_dialogs(state: Any) -> rx.Component:
    """Merging, and undoing it."""
    return rx.fragment(_merge_dialog(state), _undo_dialog(state))


def _merge_dialog(state: Any) -> rx.Component:
    def hit(one: Any) -> rx.Component:
        return rx.el.button(
            rx.el.span(one.name, class_name="cx-strong cx-cut"),
            rx.el.span(one.hint, class_name="cx-dim cx-small cx-cut"),
            type="button",
            on_click=state.choose_other(one.id),
            aria_pressed=state.other == one.id,
            class_name=rx.cond(state.other == one.id, "cx-btn cx-btn--soft", "cx-btn"),
        )

    return form_dialog(
        field(
            "The other customer",
            text_input("other", state.other_q, state.find_other, debounce=SEARCH_PAUSE_MS, auto_focus=True),
            name="other",
            help="An address, a number, an id or a name.",
        ),
        rx.el.div(rx.foreach(state.hits, hit), class_name="cx-stack", role="group", aria_label="Who it may be"),
        rx.el.div(
            segmented(
                [("this", "This customer stays"), ("other", "The other one stays")],
                state.stays,
                state.choose_stays,
                label="Who stays",
            ),
            padding_top="12px",
        ),
        form_id="merge-customer",
        title="Merge with another customer",
        sentence="Who stays takes over addresses, places in campaigns, messages, notes and history. It can be undone.",
        problem=state.problem_text,
        do_label="Merge them",
        on_submit=state.merge,
        open=state.dialog == "merge",
        on_close=state.close,
    )


def _undo_dialog(state: Any) -> rx.Component:
    return confirm_dialog(
        title="Undo this merge?",
        sentence=rx.el.span(
            state.undoing_name,
            " becomes a customer of their own again, with the addresses, places in campaigns, messages, notes, "
            "follow-ups and suppressions that came along.",
        ),
        final="What happened while they were one stays here. A message that the merge stopped is not sent by itself.",
        keep_label="Leave them one",
        do_label="Undo the merge",
        on_do=state.undo_merge,
        open=state.dialog == "undo_merge",
        on_close=state.close,
        problem=state.problem_text,
    )


def _merge(state: Any, one: Any) -> rx.Component:
    name = rx.cond(one.href, to(one.href, one.name, class_name="cx-strong cx-quiet-link"), rx.el.span(one.name))
    return rx.el.div(
        rx.el.div(
            rx.el.div(name, class_name="cx-strong cx-cut", title=one.came),
            rx.el.div("Merged ", moment(one.at), " by ", one.actor, class_name="cx-small cx-dim"),
            rx.cond(one.undone, rx.el.div(one.undone, class_name="cx-small cx-dim"), rx.fragment()),
            rx.cond(one.refusal, rx.el.div(one.refusal, class_name="cx-small cx-dim cx-wrap"), rx.fragment()),
            class_name="cx-grow",
        ),
        rx.cond(
            (one.undone == "") & (one.refusal == ""),
            text_button(
                "Undo…",
                on_click=state.ask_undo(one.id),
                custom_attrs={"aria-label": "Undo the merge of " + one.name},
            ),
            rx.fragment(),
        ),
        class_name="cx-side-line",
    )
