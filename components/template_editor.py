"""The editor of one template: text left, what the person gets right."""

from typing import Any

import reflex as rx

from components.badges import badge
from components.buttons import button
from components.callouts import nothing_found, notice
from components.callouts import problem as problem_line
from components.cards import card
from components.dialogs import dialog, menu, menu_item
from components.forms import field, form_row, segmented, select, text_input
from components.icons import icon
from state.template_editor import TemplateEditorState

SHOWN = [("desktop", "Desktop"), ("phone", "Phone"), ("text", "Text")]


def template_editor() -> rx.Component:
    """Fields and preview side by side, the save bar below."""
    state = TemplateEditorState
    return rx.cond(
        state.loaded,
        rx.fragment(
            rx.cond(
                state.stale,
                notice(
                    "This template has changed elsewhere",
                    state.stale,
                    actions=[button("Load theirs", on_click=state.discard)],
                ),
                rx.fragment(),
            ),
            rx.el.div(_text(), rx.el.div(_preview(), _check(), class_name="cx-stack"), class_name="cx-grid cx-grid--2"),
            _save_bar(),
            _test_dialog(),
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _text() -> rx.Component:
    state = TemplateEditorState
    email = rx.fragment(
        field(
            "Subject",
            text_input("subject", state.form["subject"], state.edit("subject"), debounce=300),
            name="subject",
        ),
        field(
            "HTML",
            rx.debounce_input(
                rx.el.textarea(
                    id="html",
                    value=state.form["html"],
                    on_change=state.edit("html"),
                    rows=20,
                    spell_check=False,
                    class_name="cx-input cx-input--mono",
                ),
                debounce_timeout=400,
            ),
            name="html",
            help="{{ first_name | default('there') }} falls back to “there”; {{ unsubscribe_url }} lets people leave.",
        ),
    )
    text_help = rx.cond(state.channel == "email", "Empty: made from the HTML.", state.segments_words)
    return card(
        form_row(
            field("Name", text_input("name", state.form["name"], state.edit("name")), name="name"),
            field("Language", text_input("language", state.form["language"], state.edit("language")), name="language"),
        ),
        rx.cond(state.channel == "email", email, rx.fragment()),
        field(
            "Text",
            rx.debounce_input(
                rx.el.textarea(
                    id="text",
                    value=state.form["text"],
                    on_change=state.edit("text"),
                    rows=rx.cond(state.channel == "email", 5, 8),
                    class_name="cx-input cx-input--mono",
                ),
                debounce_timeout=400,
            ),
            name="text",
            help=text_help,
        ),
        problem_line(state.problem_text),
        title="Content",
        actions=[_picker()],
    )


def _picker() -> rx.Component:
    def entry(one: Any) -> rx.Component:
        return menu_item(
            rx.el.span(
                rx.el.span(one.name, class_name="cx-mono cx-grow"),
                rx.el.span(one.sample, class_name="cx-dim cx-small cx-cut"),
                class_name="cx-row cx-picked",
            ),
            # at the cursor of the field that was used last; its change event brings it into the state
            on_select=rx.call_script(f"cxInsert({one.insert.to(str).to_string()})"),
        )

    trigger = button("Merge field", icon_name="braces", small=True)
    return menu(trigger, rx.foreach(TemplateEditorState.fields, entry))


def _preview() -> rx.Component:
    state = TemplateEditorState
    frame = rx.el.iframe(
        src_doc=state.preview_html,
        sandbox="",
        title="Preview",
        class_name=rx.cond(state.shown == "phone", "cx-frame cx-frame--phone", "cx-frame"),
    )
    text = rx.el.pre(
        state.preview_text, class_name="cx-frame cx-frame--text", tab_index=0, aria_label="Preview as text"
    )
    bubble = rx.el.div(rx.el.p(state.preview_text, class_name="cx-bubble"), class_name="cx-panel-part cx-mail cx-sms")
    return card(
        field(
            "As this person",
            rx.debounce_input(
                rx.el.input(
                    id="preview-as",
                    value=state.contact_q,
                    on_change=state.choose_contact,
                    placeholder="E-mail, phone or customer id; empty: the first contact",
                    class_name="cx-input",
                ),
                debounce_timeout=400,
            ),
            name="preview-as",
            help=state.contact_name,
        ),
        rx.cond(
            state.preview_problem,
            nothing_found(state.preview_problem),
            rx.fragment(
                rx.cond(
                    state.preview_subject,
                    rx.el.p(
                        rx.el.span("Subject ", class_name="cx-dim"), rx.el.b(state.preview_subject), margin_top="10px"
                    ),
                    rx.fragment(),
                ),
                rx.match(
                    state.channel,
                    ("sms", bubble),
                    rx.cond((state.shown == "text") | (state.preview_html == ""), text, frame),
                ),
            ),
        ),
        title="Preview",
        actions=[
            rx.cond(
                state.channel == "email",
                segmented(SHOWN, state.shown, state.show, label="Preview as", small=True),
                rx.fragment(),
            )
        ],
    )


def _check() -> rx.Component:
    state = TemplateEditorState

    def line(one: Any) -> rx.Component:
        mark = rx.cond(
            one.severity == "error",
            rx.el.span(icon("circle-x", 15, class_name="cx-tone-icon"), class_name="t-red"),
            rx.el.span(icon("triangle-alert", 15, class_name="cx-tone-icon"), class_name="t-amber"),
        )
        return rx.el.li(
            mark,
            rx.el.div(
                rx.el.div(one.detail, class_name="cx-strong"),
                rx.cond(one.remedy, rx.el.div(rx.el.b("To mend: "), one.remedy, class_name="cx-small"), rx.fragment()),
            ),
        )

    return card(
        rx.cond(
            state.findings,
            rx.el.ul(rx.foreach(state.findings, line), class_name="cx-checks"),
            rx.el.p("All merge fields have a value or a fall-back, and the links are in order.", class_name="cx-dim"),
        ),
        rx.cond(state.dead_links, rx.el.ul(rx.foreach(state.dead_links, line), class_name="cx-checks"), rx.fragment()),
        rx.cond(state.links_words, rx.el.p(state.links_words, role="status", class_name="cx-dim"), rx.fragment()),
        title="Check",
        actions=[
            rx.cond(
                state.channel == "email",
                button("Try the links", icon_name="link", small=True, on_click=state.try_links, busy=state.links_busy),
                rx.fragment(),
            ),
            rx.cond(
                state.findings,
                rx.fragment(),
                badge("In order", "green", "circle-check"),
            ),
        ],
    )


def _save_bar() -> rx.Component:
    state = TemplateEditorState
    return rx.el.div(
        rx.el.span(
            rx.cond(state.is_dirty, "There are unsaved changes.", "All changes are saved."),
            class_name="cx-dim cx-grow",
            role="status",
        ),
        button("Test send…", icon_name="send", on_click=state.ask_test),
        button("Discard changes", on_click=state.discard, disabled=~state.is_dirty),
        button("Save", variant="solid", on_click=state.save, busy=state.busy, disabled=~state.is_dirty),
        class_name="cx-save-bar",
    )


def _test_dialog() -> rx.Component:
    state = TemplateEditorState
    return dialog(
        rx.el.form(
            field(
                "Gateway",
                select("test-gateway", state.gateways, state.test_gateway, state.set_test_gateway),
                name="test-gateway",
            ),
            field(
                rx.cond(state.channel == "email", "E-mail address", "Phone number"),
                text_input("test-target", state.test_target, state.set_test_target, auto_focus=True),
                name="test-target",
                help="It gets what is in the editor now, as the person of the preview would.",
            ),
            problem_line(state.test_problem),
            rx.cond(
                state.test_words,
                rx.el.p(icon("circle-check", 15), state.test_words, role="status", class_name="cx-row t-green"),
                rx.fragment(),
            ),
            on_submit=state.send_test,
            class_name="cx-form",
            id="test-send",
        ),
        title="Test send",
        sentence="One message, outside the campaign. Nobody's history is touched.",
        open=state.test_open,
        on_close=state.close_test,
        actions=[
            button("Close", on_click=state.close_test),
            button("Send", variant="solid", type="submit", form="test-send", busy=state.test_busy),
        ],
    )
