"""`/gateways`: the ways out of the house, by channel, with health, limits and a test."""

from typing import Any

import reflex as rx

from components.badges import badge, gateway_badge
from components.bars import stacked_bar
from components.buttons import button, text_button
from components.callouts import empty_state, notice
from components.cards import bullets
from components.charts import Series, area_chart
from components.dialogs import confirm_dialog, dialog
from components.forms import field, text_input
from components.gateway_form import gateway_form
from components.icons import channel_icon, channel_word, icon
from components.page import page_header
from components.tables import name_button
from state.gateway_form import GatewayFormState
from state.gateways import GatewaysState

LOOKS = {"pass": ("green", "circle-check"), "slow": ("amber", "triangle-alert"), "fail": ("red", "circle-x")}


def gateways() -> rx.Component:
    """The list, and the chosen one beside it."""
    state = GatewaysState
    has_any = state.loading | (state.chosen != 0)
    add = button("Add gateway", icon_name="plus", variant="solid", on_click=GatewayFormState.add("email"))
    return rx.fragment(
        page_header(
            "Gateways",
            state.sentence,
            actions=[
                button("Sandbox inbox", icon_name="inbox", href="/sandbox"),
                rx.cond(has_any, add, rx.fragment()),
            ],
        ),
        rx.cond(
            has_any,
            rx.el.div(
                _table(), rx.cond(state.chosen != 0, _panel(), rx.fragment()), class_name="cx-grid cx-grid--panel"
            ),
            empty_state(
                "plug",
                "No gateway yet",
                "A gateway is a way out of the house: a mail server, a vendor's interface, or a sandbox to try things.",
                actions=[add],
                steps=[
                    ("Choose a kind", "SMTP for e-mail, HTTP for a vendor's SMS, or the sandbox."),
                    ("Test it", "Each step says what was found, or how to mend it."),
                    ("Use it in a campaign", "Its limits hold for all campaigns together."),
                ],
            ),
        ),
        gateway_form(),
        _test_dialog(),
        _delete_dialog(),
    )


def _table() -> rx.Component:
    heads = ("Gateway", "Health", "Limit in plain words", "Used now", "Last test")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*(rx.el.th(word, scope="col") for word in heads))),
        rx.foreach(GatewaysState.groups, _group),
        class_name="cx-table cx-table--stack",
        aria_label="Gateways",
    )
    return rx.el.section(rx.el.div(table, class_name="cx-scroll"), class_name="cx-card")


def _group(group: Any) -> rx.Component:
    none_yet = rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(
                    "No ", channel_word(group.channel), " gateway. Steps that use it wait until there is one.",
                    class_name="cx-dim",
                ),
                button("Add gateway", icon_name="plus", small=True, on_click=GatewayFormState.add(group.channel)),
                class_name="cx-row cx-row--apart",
            ),
            col_span=5,
            custom_attrs={"data-phone": "full"},
        )
    )  # fmt: skip
    head = rx.el.th(
        rx.el.span(channel_icon(group.channel, 14), channel_word(group.channel)), col_span=5, scope="rowgroup"
    )
    return rx.el.tbody(
        rx.el.tr(head, class_name="cx-group"),
        rx.cond(group.rows.length() > 0, rx.foreach(group.rows, _row), none_yet),
    )


def _row(row: Any) -> rx.Component:
    def used(tone: str) -> rx.Component:
        return rx.el.div(
            rx.el.div(
                rx.el.span(row.used),
                rx.el.span(row.share_words, class_name="cx-dim"),
                class_name="cx-row cx-row--apart cx-small",
            ),
            stacked_bar((tone, row.share), label=f"{row.used} {row.share_words}", thin=True),
            class_name="cx-used",
        )

    return rx.el.tr(
        rx.el.td(
            rx.el.div(name_button(row.name, GatewaysState.choose(row.id)), title=row.name, class_name="cx-name-cut")
        ),
        rx.el.td(gateway_badge(row.badge)),
        rx.el.td(row.limits, custom_attrs={"data-phone": "full"}),
        rx.el.td(rx.cond(row.tone == "amber", used("amber"), used("iris")), custom_attrs={"data-phone": "full"}),
        rx.el.td(
            rx.el.span(
                _test_mark(row.test),
                row.test_words,
                rx.el.span(row.test_when, title=row.test_exact, class_name="cx-dim"),
                class_name="cx-row",
            ),
            class_name="cx-small",
            custom_attrs={"data-phone": "hide"},
        ),
        custom_attrs={"data-selected": rx.cond(GatewaysState.chosen == row.id, "true", "false")},
    )


def _test_mark(look: Any, size: int = 15) -> rx.Component:
    cases = (
        (key, rx.el.span(icon(name, size, class_name="cx-tone-icon"), class_name=f"t-{tone}", display="inline-flex"))
        for key, (tone, name) in LOOKS.items()
    )
    return rx.match(look, *cases, rx.el.span(icon("minus", size), class_name="cx-dim", display="inline-flex"))  # type: ignore[return-value]


def _panel() -> rx.Component:
    panel: Any = GatewaysState.panel
    return rx.el.section(
        _panel_head(panel),
        rx.cond(panel.trouble, rx.el.div(_trouble(panel), padding="12px 14px 0"), rx.fragment()),
        _last_hour(panel),
        _last_test(panel),
        _limits(panel),
        rx.el.div(
            text_button(rx.cond(panel.active, "Switch off", "Switch on"), on_click=GatewaysState.switch, quiet=True),
            text_button("Delete…", on_click=GatewaysState.ask_delete, quiet=True),
            class_name="cx-panel-part cx-row cx-row--apart",
        ),
        class_name="cx-card",
        aria_label="The chosen gateway",
    )


def _panel_head(panel: Any) -> rx.Component:
    return rx.el.div(
        rx.el.h2(panel.name, class_name="cx-h2 cx-cut"),
        gateway_badge(panel.badge),
        rx.el.div(class_name="cx-grow"),
        button("Edit", icon_name="pencil", small=True, on_click=GatewayFormState.edit(panel.id)),
        button(
            "Test", icon_name="flask-conical", small=True, variant="solid", on_click=GatewaysState.ask_test,
            busy=GatewaysState.testing,
        ),
        class_name="cx-card-head cx-panel-head",
    )  # fmt: skip


def _trouble(panel: Any) -> rx.Component:
    return rx.match(  # type: ignore[return-value]
        panel.badge,
        ("stopped", notice(panel.trouble, panel.trouble_text, tone="red", icon_name="unplug")),
        ("failing", notice(panel.trouble, panel.trouble_text, tone="red", icon_name="circle-x")),
        ("slowed", notice(panel.trouble, panel.trouble_text, icon_name="gauge")),
        ("off", notice(panel.trouble, panel.trouble_text, tone="gray", icon_name="power")),
        rx.fragment(),
    )


def _last_hour(panel: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h3("Sent a minute, last hour", class_name="cx-h3"),
            rx.el.span(panel.sent_now, class_name="cx-bold"),
            class_name="cx-row cx-row--apart",
        ),
        area_chart(
            GatewaysState.points,
            [Series(key="sent", word="Sent")],
            summary=f"{panel.sent_now} messages in the last minute",
            height=96,
            y_ticks=3,
            x_interval=58,
            y_width=30,
        ),
        class_name="cx-panel-part cx-stack",
    )


def _last_test(panel: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h3(panel.test_title, class_name="cx-h3"),
            rx.match(
                panel.test,
                *((key, badge(panel.test_words, tone, name)) for key, (tone, name) in LOOKS.items()),
                badge("Not tested", "gray", "minus"),
            ),
            class_name="cx-row cx-row--apart",
        ),
        rx.cond(
            GatewaysState.steps.length() > 0,  # type: ignore[attr-defined]
            rx.el.ul(rx.foreach(GatewaysState.steps, _step), class_name="cx-test-steps"),
            rx.el.p("A test tries each step on the way to a delivery.", class_name="cx-dim"),
        ),
        class_name="cx-panel-part",
    )


def _limits(panel: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h3("Limits", class_name="cx-h3"),
            rx.el.button(
                "Change", type="button", on_click=GatewayFormState.edit(panel.id), class_name="cx-link",
                aria_label="Change limits",
            ),
            class_name="cx-row cx-row--apart",
        ),
        bullets(rx.foreach(GatewaysState.limits, lambda words: rx.el.li(words))),
        class_name="cx-panel-part",
    )  # fmt: skip


def _step(step: Any) -> rx.Component:
    return rx.el.li(
        _test_mark(step.look),
        rx.el.span(rx.el.span(step.name), rx.el.span(step.detail, class_name="cx-two"), class_name="cx-grow"),
        rx.el.span(step.took, class_name="cx-dim cx-small"),
    )


def _test_dialog() -> rx.Component:
    state = GatewaysState
    email = state.panel.channel == "email"
    return dialog(
        field(
            "Send a test message to",
            text_input(
                "test-target", state.test_target, state.set_test_target,
                placeholder=rx.cond(email, "name@example.com", "+46 70 144 21 08"),
            ),
            name="test-target",
            help="Empty tries everything but the message.",
        ),
        title=f"Test {state.panel.name}",
        sentence="Tries each step on the way to a delivery, and says what was found.",
        open=state.test_dialog,
        on_close=state.close_test,
        actions=[
            button("Cancel", on_click=state.close_test),
            button("Test", variant="solid", on_click=state.test, busy=state.testing),
        ],
    )  # fmt: skip


def _delete_dialog() -> rx.Component:
    state = GatewaysState
    return confirm_dialog(
        title=f"Delete {state.panel.name}?",
        sentence="Its settings and secrets go. What was sent through it stays in the reports.",
        final="A deleted gateway cannot be brought back. To stop for a while, switch it off.",
        keep_label="Keep it",
        do_label="Delete gateway",
        on_do=state.delete,
        open=state.delete_dialog,
        on_close=state.keep,
        problem=state.delete_problem,
    )
