"""`/journeys/webhooks/{id}`: one webhook, mapped in the browser."""

from typing import Any

import reflex as rx

from components.badges import Looks, status_badge
from components.buttons import button
from components.callouts import error_callout, nothing_found
from components.callouts import problem as problem_line
from components.cards import card, fact, facts
from components.dialogs import confirm_dialog
from components.forms import field, form_row, text_area, text_input
from components.page import page_header
from components.trails import code_block, moment
from pages.webhooks import LOOKS
from state.webhook import WebhookState

PAYLOADS: Looks = {
    "stored": ("Stored", "green", "circle-check"),
    "duplicate": ("Known already", "gray", "copy"),
    "held": ("Held by the source's rules", "amber", "pause"),
    "failed": ("Failed", "red", "circle-alert"),
}
RULES = (
    ("type", "Type", "order.placed, or shop.{{ action }}"),
    ("person", "Person", "$.customer.email"),
    ("previously", "Previously", "$.visitor_id"),
    ("time", "Time", "$.created_at"),
    ("id", "Id", "$.event_id"),
)


def webhook() -> rx.Component:
    """One webhook: the mapping at the left, what it makes of the last payloads at the right."""
    state = WebhookState
    hook = state.hook
    return rx.fragment(
        page_header(
            hook.name,
            rx.el.span("Events come with the source ", rx.el.b(hook.source), "."),
            crumbs=[("Journeys", "/journeys"), ("Webhooks", "/journeys/webhooks")],
            here=hook.id,
            badge=status_badge(LOOKS, hook.state),
            actions=[
                button("Delete…", icon_name="trash-2", on_click=state.ask("delete")),
                button(
                    rx.cond(hook.state == "paused", "Open again", "Pause"),
                    on_click=state.switch,
                ),
                button(
                    "Save mapping",
                    variant="solid",
                    on_click=state.save,
                    disabled=rx.cond(state.changed, False, True),
                ),
            ],
        ),
        problem_line(state.problem_text),
        rx.cond(
            hook.state == "failing",
            error_callout(
                "The last payload made no event",
                why=hook.problem,
                mend="change the mapping until it fits what came, save it, and let the other system send again.",
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.el.div(_mapping(), _address(), _signature(), class_name="cx-stack"),
            _payloads(),
            class_name="cx-grid cx-grid--2",
        ),
        confirm_dialog(
            title="Make a new address?",
            sentence="What is sent to the old one is refused from now on. Payloads and counts stay.",
            final="The old address cannot be brought back.",
            keep_label="Keep it",
            do_label="New address",
            on_do=state.renew,
            open=state.dialog == "renew",
            on_close=state.close,
        ),
        confirm_dialog(
            title=rx.el.span("Delete “", hook.name, "”?"),
            sentence="Its address and its last payloads go. Its events stay on the Tape.",
            final="A deleted webhook cannot be brought back.",
            keep_label="Keep it",
            do_label="Delete webhook",
            on_do=state.delete,
            open=state.dialog == "delete",
            on_close=state.close,
        ),
    )


def _mapping() -> rx.Component:
    state = WebhookState
    return card(
        rx.el.div(
            *(
                field(
                    label,
                    text_input(
                        f"rule-{name}", state.rules[name], state.edit(name), mono=True, debounce=250, placeholder=hint
                    ),
                    name=f"rule-{name}",
                    help=_HELP.get(name),
                )
                for name, label, hint in RULES
            ),
            field(
                "Data",
                text_area("rule-data", state.rules["data"], state.edit("data"), rows=5, placeholder="$"),
                name="rule-data",
                help='$ is the whole payload. Or an object, such as {"total": "$.order.total"}.',
            ),
            problem_line(state.mapping_problem),
            class_name="cx-form",
        ),
        title="Mapping",
        qualifier="tried at once on what came",
        foot="A path ($.items[0].sku), an expression ({{ first|upper }}), or a plain text.",
    )


_HELP = {
    "person": "An e-mail address, a phone number with +, or a customer id.",
    "previously": "By which name the person went before, if any.",
    "time": "With its offset, or seconds since 1970. Empty: when it comes.",
    "id": "The same id counts once. Empty: the same body counts once.",
}


def _address() -> rx.Component:
    state = WebhookState
    hook = state.hook
    return card(
        code_block(state.address, label="the address"),
        facts(fact("Received", hook.received), fact("Stored", hook.stored), fact("Failed", hook.failed)),
        title="Address",
        qualifier="POST, JSON, 512 kB at most",
        actions=[button("New address…", small=True, on_click=state.ask("renew"))],
        foot="Who knows the address can send. It is a secret.",
    )


def _signature() -> rx.Component:
    state = WebhookState
    return card(
        rx.el.form(
            form_row(
                field(
                    "Header",
                    text_input("hook-header", state.header, state.set_header, placeholder="X-Hub-Signature-256"),
                    name="hook-header",
                    help="Empty: no signature is asked for.",
                ),
                field(
                    "Secret",
                    text_input(
                        "hook-secret",
                        state.signing_secret,
                        state.set_signing_secret,
                        type="password",
                        auto_complete="off",
                    ),
                    name="hook-secret",
                    help="Write-only. Empty: as it was.",
                ),
            ),
            rx.el.div(button("Save", small=True, type="submit")),
            on_submit=state.save_signature,
            class_name="cx-form",
        ),
        title="Signature",
        qualifier="HMAC-SHA256 of the body, hex or base64",
    )


def _payloads() -> rx.Component:
    state = WebhookState

    def row(one: Any) -> rx.Component:
        return rx.el.article(
            rx.el.div(
                status_badge(PAYLOADS, one.status),
                rx.el.span(moment(one.received), class_name="cx-dim"),
                class_name="cx-row",
            ),
            problem_line(one.problem),
            rx.el.pre(
                one.payload, class_name="cx-event-data", tab_index=0, role="region", aria_label="Payload " + one.id
            ),
            rx.cond(
                one.event,
                rx.fragment(
                    rx.el.p("It becomes", class_name="cx-dim cx-small"),
                    rx.el.pre(
                        one.event, class_name="cx-event-data", tab_index=0, role="region", aria_label="Event " + one.id
                    ),
                ),
                rx.fragment(),
            ),
            rx.cond(
                one.event_problem,
                rx.el.p("With the mapping beside: ", one.event_problem, class_name="cx-dim cx-small"),
                rx.fragment(),
            ),
            class_name="cx-stack",
            padding="12px 14px",
            border_bottom="1px solid var(--cx-line)",
        )

    return card(
        rx.cond(
            state.payloads.length() > 0,  # type: ignore[attr-defined]
            rx.el.div(rx.foreach(state.payloads, row)),
            rx.cond(
                state.hook.id,  # before the page is loaded nobody knows
                nothing_found("Nothing has come yet. Send something to the address; it appears here by itself."),
                rx.fragment(),
            ),
        ),
        title="Last payloads",
        qualifier="20 at most; long ones are shortened, what looks like a secret is hidden",
        flush=True,
    )
