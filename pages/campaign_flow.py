"""`/campaigns/{id}/flow`: what is said, over which way, in which order, after which wait."""

from typing import Any

import reflex as rx

from components.buttons import button, icon_button, link
from components.callouts import empty_state, notice
from components.campaign_head import campaign_page
from components.cards import card
from components.forms import field, form_row, number_input, select
from components.icons import channel_word
from state.campaign import CampaignState
from state.flow import FlowState

UNLESS = [
    ("", "Always"),
    ("opened", "Only if the one before was not opened"),
    ("clicked", "Only if the one before was not clicked"),
    ("delivered", "Only if the one before was not delivered"),
    ("sent", "Only if the one before was not sent"),
]
UNITS = [("minutes", "minutes"), ("hours", "hours"), ("days", "days")]
CHANNELS = [("email", "E-mail"), ("sms", "SMS")]


def campaign_flow() -> rx.Component:
    """The steps, one under the other."""
    return campaign_page(
        rx.cond(
            FlowState.stale,
            notice(
                "This campaign has changed elsewhere",
                FlowState.stale,
                actions=[button("Load theirs", on_click=FlowState.load)],
            ),
            rx.fragment(),
        ),
        rx.cond(
            FlowState.loaded & (FlowState.steps.length() == 0),  # type: ignore[attr-defined]
            _empty(),
            rx.el.div(
                rx.el.ol(rx.foreach(FlowState.steps, _step), class_name="cx-flow", aria_label="Steps"),
                button("Add step", icon_name="plus", on_click=FlowState.add, disabled=FlowState.is_ended),
                class_name="cx-stack cx-narrow",
            ),
        ),
        rx.cond(FlowState.loaded, _save_bar(), rx.fragment()),
        active="flow",
    )


def _empty() -> rx.Component:
    return empty_state(
        "route",
        "No step yet",
        "A step sends one message over one channel. A second one can follow later, only to those it is meant for.",
        actions=[button("Add the first step", icon_name="plus", variant="solid", on_click=FlowState.add)],
    )


def _step(step: Any) -> rx.Component:
    is_first = step.number == 1
    title = rx.fragment("Step ", step.number, ", ", channel_word(step.channel))
    return rx.el.li(
        rx.cond(is_first, rx.fragment(), _wait(step)),
        card(
            form_row(
                _choice(step, "channel", "Channel", CHANNELS),
                _choice(step, "template_id", "Template", FlowState.templates[step.channel], empty="Choose a template"),
                _choice(step, "gateway_id", "Gateway", FlowState.gateways[step.channel], empty="Choose a gateway"),
            ),
            rx.cond(step.problem, rx.el.div(step.problem, class_name="cx-error", role="alert"), rx.fragment()),
            title=title,
            actions=[
                rx.cond(
                    step.template_id,
                    link("Edit content", f"{CampaignState.base}/content?template={step.template_id}"),
                    rx.fragment(),
                ),
                rx.cond(
                    is_first,
                    rx.fragment(),
                    icon_button("arrow-up", "Earlier", on_click=FlowState.move_up(step.number)),
                ),
                icon_button("trash-2", "Remove step", on_click=FlowState.remove(step.number)),
            ],
        ),
    )


def _wait(step: Any) -> rx.Component:
    name = f"step-{step.number}"
    return rx.el.div(
        form_row(
            field(
                "Wait",
                number_input(f"{name}-amount", step.amount, FlowState.edit(step.number, "amount")),
                name=f"{name}-amount",
            ),
            _choice(step, "unit", "Unit", UNITS),
            _choice(step, "unless", "Then send", UNLESS),
        ),
        rx.el.p("Who has no address for the step before goes on at once, without the wait.", class_name="cx-help"),
        class_name="cx-wait",
    )


def _choice(step: Any, name: str, label: str, options: Any, empty: str = "") -> rx.Component:
    id_ = f"step-{step.number}-{name}"
    change = FlowState.edit(step.number, name)
    if isinstance(options, list):
        control = select(id_, options, getattr(step, name), change)
    else:
        control = rx.el.select(
            rx.el.option(empty, value=""),
            rx.foreach(options, lambda one: rx.el.option(one.word, value=one.value)),
            id=id_,
            value=getattr(step, name),
            on_change=change,
            class_name="cx-input",
        )
    return field(label, control, name=id_)


def _save_bar() -> rx.Component:
    return rx.el.div(
        rx.el.span(
            rx.cond(FlowState.is_dirty, "There are unsaved changes.", "All changes are saved."),
            class_name="cx-dim cx-grow",
            role="status",
        ),
        button("Discard changes", on_click=FlowState.load, disabled=~FlowState.is_dirty),
        button(
            "Save",
            variant="solid",
            on_click=FlowState.save,
            busy=FlowState.busy,
            disabled=~FlowState.is_dirty | FlowState.is_ended,
        ),
        class_name="cx-save-bar",
    )
