"""The dialogs over a campaign as a whole: create, publish with its pre-flight list, end, delete."""

from typing import Any

import reflex as rx

from components.buttons import button, text_button
from components.callouts import problem
from components.dialogs import confirm_dialog, count_line, dialog, form_dialog
from components.forms import checkbox, field, text_input
from components.icons import icon
from state.campaign_actions import CampaignActionsState as Actions


def campaign_dialogs() -> rx.Component:
    """All of them; which one is open is in the state."""
    return rx.fragment(_create(), _publish(), _end(), _delete())


def check_list(checks: Any) -> rx.Component:
    """The pre-flight list: a mark, what was found, and how to mend it. `checks` is a Var of CheckRows."""

    def mark(tone: str, name: str, word: str) -> rx.Component:
        look = icon(name, 15, class_name="cx-tone-icon")
        return rx.el.span(look, class_name=f"t-{tone}", role="img", aria_label=word, display="inline-flex")

    def line(check: Any) -> rx.Component:
        return rx.el.li(
            rx.match(
                check.verdict,
                ("ok", mark("green", "circle-check", "passes")),
                ("warning", mark("amber", "triangle-alert", "warning")),
                mark("red", "circle-x", "prevents publishing"),
            ),
            rx.el.div(
                rx.el.div(check.title, class_name="cx-strong"),
                rx.el.div(check.detail, class_name="cx-dim cx-small"),
                rx.cond(
                    (check.verdict != "ok") & (check.remedy != ""),
                    rx.el.div(rx.el.b("To mend: "), check.remedy, class_name="cx-small"),
                    rx.fragment(),
                ),
            ),
        )

    return rx.el.ul(rx.foreach(checks, line), class_name="cx-checks", aria_label="Pre-flight list")


def _create() -> rx.Component:
    return form_dialog(
        field(
            "Title",
            text_input("campaign-title", Actions.title, Actions.set_title, auto_focus=True, max_length=200),
            name="campaign-title",
            help="As your colleagues will look for it. It can be changed later.",
            error=rx.cond(Actions.dialog == "create", Actions.problem_text, ""),
        ),
        checkbox("Open on create", Actions.open_on_create, Actions.set_open_on_create),
        form_id="create-campaign",
        title="New campaign",
        sentence="Nothing is sent before you publish it.",
        do_label="Create",
        on_submit=Actions.create,
        open=Actions.dialog == "create",
        on_close=Actions.close,
    )


def _publish() -> rx.Component:
    return dialog(
        rx.cond(
            Actions.checks,
            check_list(Actions.checks),
            rx.el.div(*(rx.el.span(class_name="cx-bone") for _ in range(4)), class_name="cx-checks cx-late"),
        ),
        problem(Actions.problem_text),
        title=rx.el.span("Publish “", Actions.name, "”?"),
        sentence=rx.el.span(Actions.not_contacted, " contacts are waiting. The first messages leave within 2 seconds."),
        open=Actions.dialog == "publish",
        on_close=Actions.close,
        wide=True,
        actions=[
            button("Not yet", on_click=Actions.close),
            button(
                "Publish", icon_name="play", variant="solid", on_click=Actions.publish, disabled=Actions.cannot_publish
            ),
        ],
    )


def _counts() -> rx.Component:
    return rx.fragment(
        count_line("pause", "amber", "Will not be contacted, held for good", Actions.not_contacted),
        count_line("send", "iris", "Already on the way, cannot be called back", Actions.on_the_way),
        count_line("circle-check", "green", "Finished, stay in the reports", Actions.finished),
    )


def _end() -> rx.Component:
    return confirm_dialog(
        title=rx.el.span("End “", Actions.name, "”?"),
        sentence="It stops now, for everyone who has not been contacted.",
        counts=_counts(),
        final="An ended campaign cannot be published again. To stop for a while, unpublish it.",
        type_this=Actions.code,
        typed=Actions.typed,
        on_typed=Actions.set_typed,
        milder=rx.cond(
            Actions.is_published, text_button("Unpublish instead", on_click=Actions.unpublish_instead), rx.fragment()
        ),
        keep_label="Keep running",
        do_label="End campaign",
        on_do=Actions.end,
        open=Actions.dialog == "end",
        on_close=Actions.close,
        problem=Actions.problem_text,
    )


def _delete() -> rx.Component:
    return confirm_dialog(
        title=rx.el.span("Delete “", Actions.name, "”?"),
        sentence="The campaign goes, with its sources and contacts. The people stay.",
        counts=count_line("users", "gray", "Contacts that go with it", Actions.planned),
        final="A deleted campaign cannot be brought back. What has contacted people cannot be deleted, only ended.",
        type_this=Actions.code,
        typed=Actions.typed,
        on_typed=Actions.set_typed,
        keep_label="Keep it",
        do_label="Delete campaign",
        on_do=Actions.delete,
        open=Actions.dialog == "delete",
        on_close=Actions.close,
        problem=Actions.problem_text,
    )
