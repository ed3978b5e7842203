"""`/campaigns/{id}/contacts`: who is in the campaign, and what became of each."""

from typing import Any

import reflex as rx

from components.badges import contact_badge, delivery_badge
from components.buttons import button, icon_button, text_button
from components.callouts import nothing_found
from components.callouts import problem as problem_line
from components.campaign_head import campaign_page
from components.dialogs import confirm_dialog, count_line, dialog, form_dialog, menu_item
from components.filters import add_filter, columns_button, filter_chip, filter_row, search_box
from components.forms import field, form_row, segmented, select, text_input
from components.icons import channel_word
from components.page import section_header
from components.tables import Column, data_table, name_link, two_lines
from state.campaign import CampaignState
from state.contacts import ContactsState

STATUSES = [
    ("", "Any status"), ("pending", "Pending"), ("in_progress", "In progress"), ("completed", "Completed"),
    ("failed", "Failed"), ("suppressed", "Suppressed"), ("held", "Held"),
]  # fmt: skip
DELIVERIES = (
    ("sent", "Sent"), ("delivered", "Delivered"), ("opened", "Opened"), ("clicked", "Clicked"),
    ("bounced", "Bounced"), ("failed", "Failed"), ("unsubscribed", "Unsubscribed"), ("none", "No message"),
)  # fmt: skip
FIELDS = [
    ("email", "E-mail"), ("phone", "Phone"), ("customer_id", "Customer id"), ("first_name", "First name"),
    ("last_name", "Last name"), ("language", "Language"), ("time_zone", "Time zone"), ("status", "Status"),
    ("reason", "Reason"), ("created_at", "Added"), ("last_activity_at", "Last activity"),
]  # fmt: skip
OPS = [
    ("contains", "contains"), ("eq", "is"), ("ne", "is not"), ("starts", "starts with"), ("gt", "is above"),
    ("lt", "is below"), ("empty", "is empty"), ("filled", "is filled"),
]  # fmt: skip
EDIT_FIELDS = [
    ("language", "Language"), ("time_zone", "Time zone"), ("first_name", "First name"), ("last_name", "Last name"),
    ("preferred_channel", "Preferred channel"), ("external_ref", "External reference"),
]  # fmt: skip
ADD_FIELDS = (
    ("email", "E-mail"), ("phone", "Phone"), ("customer_id", "Customer id"), ("first_name", "First name"),
    ("last_name", "Last name"), ("language", "Language"),
)  # fmt: skip


def campaign_contacts() -> rx.Component:
    """The list with its filter and its dialogs."""
    state = ContactsState
    columns = _columns()
    return campaign_page(
        section_header(
            "Contacts",
            rx.el.span(state.total_words, " here. Each number of the overview leads to its people."),
            actions=[
                button("Export CSV", icon_name="download", href=state.export_href, download=True),
                rx.cond(
                    CampaignState.badge == "ended",
                    rx.fragment(),
                    button("Add contact", icon_name="plus", variant="solid", on_click=state.ask_add),
                ),
            ],
        ),
        _filters(columns),
        data_table(
            columns,
            state,
            state.rows,
            label="Contacts",
            pick=True,
            bulk=[
                button("Edit…", icon_name="pencil", small=True, on_click=state.ask_edit),
                button("Retry", icon_name="rotate-cw", small=True, on_click=state.retry),
                button("Remove…", icon_name="trash-2", small=True, on_click=state.ask_remove),
            ],
            row_actions=lambda row: [
                icon_button("user", "Open customer", href=f"/customers/{row.person}", class_name="cx-row-offer")
            ],
            nothing=rx.cond(
                state.is_filtered,
                nothing_found("No contact fits this filter.", text_button("Show all", on_click=state.clear_filter)),
                nothing_found(
                    "No contacts yet.", button("Add contacts", variant="solid", href=CampaignState.base + "/audience")
                ),
            ),
        ),
        _filter_dialog(),
        _add_dialog(),
        _edit_dialog(),
        _remove_dialog(),
        active="contacts",
    )


def _filters(columns: list[Column]) -> rx.Component:
    state = ContactsState
    deliveries = [
        menu_item(
            f"{word} {said.lower()}" if key != "none" else f"No {word.replace('E-', 'e-')} yet",
            on_select=state.choose_delivery(channel, key),
        )
        for channel, word in (("email", "E-mail"), ("sms", "SMS"))
        for key, said in DELIVERIES
    ]
    chips = rx.fragment(
        rx.foreach(
            state.delivery_chips,
            lambda one: filter_chip(channel_word(one[0]), one[1], state.choose_delivery(one[0], "")),
        ),
        rx.cond(state.hold, filter_chip("Held because", state.hold, state.drop("hold")), rx.fragment()),
        rx.cond(state.source, filter_chip("Source", state.source, state.drop("source")), rx.fragment()),
        rx.cond(
            state.conditions,
            filter_chip("Conditions", state.conditions.length(), state.drop("conditions")),  # type: ignore[attr-defined]
            rx.fragment(),
        ),
    )
    status = rx.el.select(
        *(rx.el.option(word, value=key) for key, word in STATUSES),
        value=state.status,
        on_change=state.choose_status,
        aria_label="Status",
        class_name="cx-input cx-input--auto",
    )
    return filter_row(
        search_box(state.q, state.search, placeholder="Any field", wide=True),
        status,
        chips,
        add_filter(menu_item("Conditions…", icon_name="list-filter", on_select=state.ask_filter), *deliveries),
        end=[
            rx.cond(state.is_filtered, text_button("Show all", on_click=state.clear_filter), rx.fragment()),
            columns_button(columns, state),
        ],
    )


def _columns() -> list[Column]:
    def word(value: Any) -> rx.Component:
        return rx.cond(value, delivery_badge(value), rx.el.span("none", class_name="cx-dim cx-small"))

    return [
        Column(
            label="Name",
            sort="last_name",
            bone=150,
            fixed=True,
            show=lambda row: two_lines(name_link(row.name, f"{CampaignState.base}/contacts/{row.id}"), row.customer_id),
        ),
        Column(label="E-mail", sort="email", phone="full", bone=160, show=lambda row: row.email),
        Column(label="Phone", sort="phone", phone="hide", show=lambda row: row.phone),
        Column(
            label="Status",
            sort="status",
            show=lambda row: rx.el.div(
                contact_badge(row.status),
                rx.cond(row.why, rx.el.div(row.why, class_name="cx-two cx-cut", title=row.why), rx.fragment()),
            ),
        ),
        Column(label="E-mail state", phone="hide", show=lambda row: word(row.email_word)),
        Column(label="SMS state", phone="hide", show=lambda row: word(row.sms_word)),
        Column(
            label="Source", sort="source", phone="hide", show=lambda row: rx.el.span(row.source, class_name="cx-dim")
        ),
        Column(
            label="Last activity",
            sort="last_activity_at",
            phone="hide",
            show=lambda row: rx.el.time(row.last_activity, title=row.last_activity_exact, class_name="cx-dim"),
        ),
        Column(
            label="Added",
            sort="created_at",
            phone="hide",
            show=lambda row: rx.el.time(row.added, title=row.added_exact, class_name="cx-dim"),
        ),
    ]


def _filter_dialog() -> rx.Component:
    state = ContactsState

    def line(one: Any, index: Any) -> rx.Component:
        def part(name: str, control: rx.Component, label: str) -> rx.Component:
            return field(label, control, name=f"condition-{name}")

        return rx.el.div(
            form_row(
                part(
                    "field", select("condition-field", FIELDS, one.field, state.edit_condition(index, "field")), "Field"
                ),
                part("op", select("condition-op", OPS, one.op, state.edit_condition(index, "op")), "Is"),
                part("value", text_input("condition-value", one.value, state.edit_condition(index, "value")), "Value"),
            ),
            icon_button("x", "Remove condition", on_click=state.remove_condition(index)),
            class_name="cx-row cx-condition",
        )

    return dialog(
        segmented(
            [("and", "All must hold"), ("or", "Any may hold")], state.join, state.set_join, label="How they join"
        ),
        rx.foreach(state.draft, line),
        text_button("Add condition", on_click=state.add_condition),
        problem_line(state.problems["filter"]),
        title="Conditions",
        sentence="Contacts are shown that fit these, and the rest of the filter.",
        open=state.dialog == "filter",
        on_close=state.close,
        wide=True,
        actions=[
            button("Cancel", on_click=state.close),
            button("Show contacts", variant="solid", on_click=state.apply_filter),
        ],
    )


def _add_dialog() -> rx.Component:
    state = ContactsState
    return form_dialog(
        *(
            field(word, text_input(f"add-{name}", state.form[name], state.edit_form(name)), name=f"add-{name}")
            for name, word in ADD_FIELDS
        ),
        form_id="add-contact",
        title="Add contact",
        sentence="At least one of e-mail, phone and customer id. Who is known already is updated.",
        problem=state.problems["add"],
        do_label="Add contact",
        on_submit=state.add,
        open=state.dialog == "add",
        on_close=state.close,
    )


def _edit_dialog() -> rx.Component:
    state = ContactsState
    return dialog(
        form_row(
            field(
                "Field",
                select("bulk-field", EDIT_FIELDS, state.form["field"], state.edit_form("field")),
                name="bulk-field",
            ),
            field(
                "New value",
                text_input("bulk-value", state.form["value"], state.edit_form("value")),
                name="bulk-value",
                help="Empty clears it.",
            ),
        ),
        problem_line(state.problems["edit"]),
        title=rx.el.span("Change ", state.picked_words, " contacts"),
        sentence="The field is changed on the person, so every campaign sees it.",
        open=state.dialog == "edit",
        on_close=state.close,
        actions=[
            button("Cancel", on_click=state.close),
            button("Change", variant="solid", on_click=state.apply_edit, busy=state.busy),
        ],
    )


def _remove_dialog() -> rx.Component:
    state = ContactsState
    return confirm_dialog(
        title="Remove from this campaign?",
        sentence="They will not be contacted by it. The people and their history stay.",
        counts=count_line("users", "gray", "Contacts that go", state.picked_words),
        final="Who has a message on the way stays until it is through.",
        do_label="Remove contacts",
        on_do=state.remove,
        open=state.dialog == "remove",
        on_close=state.close,
        problem=state.problems["remove"],
        busy=state.busy,
    )
