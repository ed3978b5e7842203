"""`/journeys/website`: the browser tag on a company's own pages."""

from typing import Any

import reflex as rx

from components.buttons import button, link
from components.callouts import empty_state, notice
from components.cards import bullets, card
from components.dialogs import dialog, form_dialog
from components.forms import field, text_area, text_input
from components.journey_tabs import journey_tabs
from components.page import page_header
from components.trails import code_block
from state.website import WebsiteState


def website() -> rx.Component:
    """The steps for the chosen site, and the check beside them."""
    state = WebsiteState
    new = button("New website", icon_name="plus", variant="solid", on_click=state.ask_create)
    is_empty = state.loaded & (state.rows.length() == 0)  # type: ignore[attr-defined]
    return rx.fragment(
        page_header(
            "Website tag",
            "A few lines in your pages put what visitors do onto the Tape, and into the live desk.",
            actions=[rx.cond(is_empty, rx.fragment(), new)],
        ),
        journey_tabs("website"),
        rx.cond(
            is_empty,
            empty_state(
                "code-xml",
                "No website yet",
                "Name the site and its address. Only pages of that address can send events with its tokens.",
                actions=[new],
                steps=[
                    ("Name it", "The console makes an app with a secret that your server keeps."),
                    ("Paste the lines", "Into the head of each page. The script is 6 kB and never blocks."),
                    ("Watch it arrive", "This page says so the moment the first event is there."),
                ],
            ),
            rx.el.div(rx.el.div(_steps(), class_name="cx-stack"), _beside(), class_name="cx-grid cx-grid--side"),
        ),
        _edit("create", "New website", state.create, "Make it"),
        _edit("change", "Allowed origins", state.change, "Save"),
        _made(),
    )


def _steps() -> rx.Component:
    state = WebsiteState
    return rx.fragment(
        card(
            code_block(state.snippet, label="the snippet"),
            title="Paste this into the head of each page",
            actions=[button("Try it with a token", small=True, on_click=state.try_it)],
            foot=rx.cond(
                state.try_words,
                state.try_words,
                "The tag asks your own server, at /cjaas-token, for a token and for the next one before it ends.",
            ),
        ),
        card(
            bullets(
                rx.el.li(
                    rx.el.code('cjaas("identify", "ada@mail.example", "Ada")'), ": who it is; what was anonymous joins."
                ),
                rx.el.li(
                    rx.el.code('cjaas("track", "cart.added", { sku: "A-17", price: 129 })'),
                    ": anything else that happens.",
                ),
                rx.el.li(
                    rx.el.code('cjaas("listen_all", ".buy", "buy.clicked", "click", ["data-sku"])'),
                    ": without a line in your own scripts.",
                ),
                rx.el.li(
                    rx.el.code('cjaas("option", "CONSENT", true)'),
                    ": nothing is kept or sent before ",
                    rx.el.code('cjaas("consent", true)'),
                    ".",
                ),
            ),
            title="What else it does",
        ),
    )


def _beside() -> rx.Component:
    state = WebsiteState
    return rx.el.div(
        rx.cond(
            state.check.has_come,
            notice(
                "Received",
                rx.el.span(state.check.words, title=state.check.exact),
                tone="green",
                icon_name="circle-check",
                actions=[link("See them", state.check.href)],
            ),
            notice("Nothing has come yet", state.check.words, tone="iris", icon_name="radio"),
        ),
        card(
            rx.el.div(
                field(
                    "Website",
                    rx.el.select(
                        rx.foreach(state.rows, lambda one: rx.el.option(one.name, value=one.name)),
                        id="site",
                        name="site",
                        value=state.chosen,
                        on_change=state.choose,
                        class_name="cx-input",
                    ),
                    name="site",
                ),
                rx.el.div(
                    rx.el.div("Allowed origins", class_name="cx-strong"),
                    rx.el.div(state.origins_words, class_name="cx-mono cx-wrap", style={"white-space": "pre-line"}),
                ),
                class_name="cx-form",
            ),
            title="Whose pages",
            actions=[button("Change…", small=True, on_click=state.ask_change)],
            foot="A token that is used from elsewhere is refused.",
        ),
        class_name="cx-stack",
        custom_attrs={"aria-live": "polite"},
    )


def _edit(kind: str, title: str, on_submit: Any, word: str) -> rx.Component:
    state = WebsiteState
    form = f"{kind}-site"
    name = field(
        "Name",
        text_input("site-name", state.name, state.edit("name"), auto_focus=True, max_length=120),
        name="site-name",
        help="Such as shop. It is also the name of the key that signs tokens.",
    )
    return form_dialog(
        *([name] if kind == "create" else []),
        field(
            "Allowed origins",
            text_area(f"{kind}-origins", state.given, state.edit("given"), rows=3, placeholder="https://shop.example"),
            name=f"{kind}-origins",
            help="One a line: https, the name, and the port if there is one; no path.",
        ),
        form_id=form,
        title=title,
        sentence="Only pages of these addresses can send events.",
        problem=state.problem_text,
        do_label=word,
        on_submit=on_submit,
        open=state.dialog == kind,
        on_close=state.close,
    )


def _made() -> rx.Component:
    state = WebsiteState
    return dialog(
        code_block(state.secret, label="the secret"),
        title="Copy the secret now",
        sentence="It is not shown again. Your server signs tokens with it; it never belongs into a page.",
        open=state.dialog == "made",
        on_close=state.close,
        actions=[button("I have copied it", variant="solid", on_click=state.close)],
    )
