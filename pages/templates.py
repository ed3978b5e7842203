"""`/templates`: what is said; `/templates/{id}`: one of them; and the Content tab of a campaign."""

import reflex as rx

from components.buttons import button, text_button
from components.callouts import empty_state, nothing_found
from components.campaign_head import campaign_page
from components.dialogs import confirm_dialog, form_dialog, menu_item
from components.filters import filter_row, search_box
from components.forms import field, segmented, select, text_input
from components.icons import channel_icon, channel_word
from components.page import page_header
from components.tables import Column, data_table, name_link, row_menu
from components.template_editor import template_editor
from state.campaign import CampaignState
from state.template_editor import TemplateEditorState
from state.templates import TemplatesState

CHANNELS = [("email", "E-mail"), ("sms", "SMS")]


def templates() -> rx.Component:
    """The list."""
    state = TemplatesState
    new = button("New template", icon_name="plus", variant="solid", on_click=state.ask_create)
    return rx.fragment(
        page_header(
            "Templates",
            "What is said, per channel and language. Each save is a version; what was sent stays as it was.",
            actions=[rx.cond(state.is_empty, rx.fragment(), new)],
        ),
        rx.cond(
            state.is_empty,
            empty_state(
                "layout-template",
                "No templates yet",
                "A template is an e-mail or an SMS with fields that are filled for each person.",
                actions=[new],
                steps=[
                    ("Write it", "Pick merge fields, and say what stands where a person has none."),
                    ("Look at it as a person", "On a desktop, on a phone and as plain text."),
                    ("Use it in a campaign", "The check before publishing finds what is missing."),
                ],
            ),
            _list(),
        ),
        _create(),
        confirm_dialog(
            title=rx.el.span("Delete “", state.chosen_name, "”?"),
            sentence="A template that a campaign uses cannot be deleted.",
            final="What was sent with it can still be shown.",
            keep_label="Keep it",
            do_label="Delete template",
            on_do=state.delete,
            open=state.dialog == "delete",
            on_close=state.close,
            problem=state.problem_text,
        ),
    )


def _list() -> rx.Component:
    state = TemplatesState
    return rx.fragment(
        filter_row(
            segmented([("", "All"), *CHANNELS], state.channel, state.choose_channel, label="Channel"),
            search_box(state.q, state.search, placeholder="Name"),
        ),
        data_table(
            [
                Column(label="Name", bone=160, show=lambda row: name_link(row.name, f"/templates/{row.id}")),
                Column(
                    label="Channel",
                    show=lambda row: rx.el.span(
                        channel_icon(row.channel, 15), channel_word(row.channel), class_name="cx-row"
                    ),
                ),
                Column(label="Language", phone="hide", show=lambda row: row.language),
                Column(
                    label="Begins with",
                    phone="full",
                    bone=200,
                    show=lambda row: rx.el.div(
                        row.subject, title=row.subject, class_name="cx-dim cx-mono cx-cut cx-begins"
                    ),
                ),
                Column(label="Version", numeric=True, phone="hide", show=lambda row: row.version),
                Column(
                    label="Modified",
                    phone="hide",
                    show=lambda row: rx.el.time(row.modified, title=row.modified_exact, class_name="cx-dim"),
                ),
            ],
            state,
            state.rows,
            label="Templates",
            row_actions=lambda row: [
                row_menu(
                    menu_item("Edit", icon_name="pencil", on_select=rx.redirect(f"/templates/{row.id}")),
                    menu_item(
                        "Delete…", icon_name="trash-2", danger=True, on_select=state.ask_delete(row.id, row.name)
                    ),
                )
            ],
            nothing=nothing_found("No template fits.", text_button("Show all", on_click=state.clear_filter)),
        ),
    )


def _create() -> rx.Component:
    state = TemplatesState
    return form_dialog(
        field(
            "Name",
            text_input("template-name", state.name, state.set_name, auto_focus=True, max_length=200),
            name="template-name",
        ),
        field(
            "Channel",
            select("template-channel", CHANNELS, state.new_channel, state.set_new_channel),
            name="template-channel",
            help="It stays; make another template for another channel.",
        ),
        form_id="create-template",
        title="New template",
        sentence="It begins with a greeting and, for e-mail, a way to unsubscribe.",
        problem=state.problem_text,
        do_label="Create",
        on_submit=state.create,
        open=state.dialog == "create",
        on_close=state.close,
    )


def template() -> rx.Component:
    """One template."""
    state = TemplateEditorState
    return rx.cond(
        state.missing,
        empty_state(
            "layout-template",
            state.missing,
            "It may have been deleted.",
            actions=[button("All templates", variant="solid", href="/templates")],
        ),
        rx.fragment(
            page_header(
                rx.cond(state.loaded, state.form["name"], "\u00a0"),
                rx.cond(
                    state.used_by,
                    rx.el.span("Used by ", state.used_by.join(", ")),  # type: ignore[attr-defined]
                    "Not used by a campaign yet.",
                ),
                crumbs=[("Templates", "/templates")],
            ),
            template_editor(),
        ),
    )  # type: ignore[return-value]


def campaign_content() -> rx.Component:
    """The Content tab: the templates of the campaign's steps, previewed as its contacts."""
    state = TemplateEditorState
    return campaign_page(
        rx.cond(
            state.choices.length() > 1,  # type: ignore[attr-defined]
            filter_row(
                select(
                    "content-template",
                    state.choices,
                    state.template_id,
                    state.choose_template,
                    aria_label="Template",
                    class_name="cx-input--auto",
                )
            ),
            rx.fragment(),
        ),
        rx.cond(
            state.template_id,
            template_editor(),
            empty_state(
                "file-pen-line",
                "No content yet",
                "Content belongs to a step. Add one in Flow and choose a template for it, or write a new template.",
                actions=[
                    button("Add a step", icon_name="plus", variant="solid", href=CampaignState.base + "/flow"),
                    button("Templates", icon_name="layout-template", href="/templates"),
                ],
            ),
        ),
        active="content",
    )
