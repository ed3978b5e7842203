"""`/campaigns`: every campaign, with live numbers."""

from typing import Any

import reflex as rx

from components.badges import campaign_badge
from components.bars import PROGRESS_LEGEND, campaign_bar, legend
from components.buttons import button, link, text_button
from components.callouts import empty_state, nothing_found
from components.campaign_dialogs import campaign_dialogs
from components.dialogs import menu_item, menu_line
from components.filters import add_filter, columns_button, filter_chip, filter_row, search_box, segments
from components.icons import channel_icons
from components.page import page_header
from components.tables import Column, data_table, name_link, row_menu, row_offer
from state.campaign_actions import CampaignActionsState as Actions
from state.campaigns import CREATED, CampaignsState


def campaigns() -> rx.Component:
    """The list, or what to do first."""
    new = button("New campaign", icon_name="plus", variant="solid", on_click=Actions.ask_create)
    export = button("Export CSV", icon_name="download", href="/download/campaigns.csv", download=True)
    return rx.fragment(
        page_header(
            "Campaigns",
            "Every campaign, oldest first. Live numbers.",
            actions=[
                rx.cond(CampaignsState.is_empty, rx.fragment(), export),
                rx.cond(CampaignsState.is_empty, rx.fragment(), new),
            ],
        ),
        rx.cond(CampaignsState.is_empty, _empty(), _list()),
        campaign_dialogs(),
    )


def _list() -> rx.Component:
    state = CampaignsState
    columns = _columns()
    chips = rx.fragment(
        rx.cond(state.behind_word, filter_chip("With", state.behind_word, state.drop_behind), rx.fragment()),
        rx.cond(
            state.created_word, filter_chip("Created", state.created_word, state.choose_created("")), rx.fragment()
        ),
    )
    return rx.fragment(
        filter_row(
            segments(state.segments, state.segment, state.choose_segment, label="State"),
            search_box(state.q, state.search, placeholder="Name or id"),
            chips,
            add_filter(
                *(menu_item(f"Created {word}", on_select=state.choose_created(key)) for key, word in CREATED.items())
            ),
            end=[columns_button(columns, state)],
        ),
        data_table(
            columns,
            state,
            state.rows,
            label="Campaigns",
            pick=True,
            bulk=[
                button("Unpublish", icon_name="pause", small=True, on_click=state.unpublish_picked),
                button("End…", icon_name="circle-stop", small=True, on_click=state.ask_end_picked),
            ],
            row_actions=_row_actions,
            legend=legend(*PROGRESS_LEGEND),
            nothing=nothing_found(
                "No campaign fits this search and these filters.", text_button("Show all", on_click=state.clear_filter)
            ),
        ),
    )


def _columns() -> list[Column]:
    def times(words: Any, exact: Any) -> rx.Component:
        return rx.el.time(words, title=exact, class_name="cx-dim")

    return [
        Column(
            label="Name",
            sort="name",
            bone=160,
            fixed=True,
            show=lambda row: name_link(row.name, f"/campaigns/{row.code}"),
        ),
        Column(
            label=CampaignsState.behind_word,
            sort="behind",
            numeric=True,
            when=CampaignsState.behind != "",
            show=lambda row: link(row.behind, row.behind_href),
        ),
        Column(label="Id", sort="id", phone="hide", show=lambda row: rx.el.span(row.code, class_name="cx-mono")),
        Column(label="Channels", phone="hide", bone=40, show=lambda row: channel_icons(row.channels)),
        Column(label="State", sort="state", show=lambda row: campaign_badge(row.badge)),
        Column(
            label="Created",
            sort="created_at",
            phone="hide",
            show=lambda row: rx.el.time(row.created, title=row.created_exact),
        ),
        Column(
            label="Modified", sort="updated_at", phone="hide", show=lambda row: times(row.modified, row.modified_exact)
        ),
        Column(label="Contacts", sort="contacts", numeric=True, phone="hide", show=lambda row: row.contacts),
        Column(
            label="Progress",
            sort="progress",
            phone="full",
            bone=140,
            show=lambda row: rx.cond(
                row.has_contacts, campaign_bar(row), rx.el.span("No contacts yet", class_name="cx-dim cx-small")
            ),
        ),
        Column(
            label="Last activity",
            sort="last_activity_at",
            phone="hide",
            show=lambda row: times(row.last_activity, row.last_activity_exact),
        ),
    ]


def _row_actions(row: Any) -> list[Any]:
    setup = f"/campaigns/{row.code}/setup"
    copy = f"/campaigns/new?from={row.code}"
    return [
        rx.cond(row.can_unpublish, row_offer("pause", "Unpublish", Actions.unpublish(row.code)), rx.fragment()),
        rx.cond(row.can_publish, row_offer("play", "Publish", Actions.ask_publish(row.code)), rx.fragment()),
        row_offer("pencil", "Edit", rx.redirect(setup)),
        row_offer("copy", "Clone", rx.redirect(copy)),
        row_menu(
            rx.cond(
                row.can_unpublish,
                menu_item("Unpublish", icon_name="pause", shortcut="U", on_select=Actions.unpublish(row.code)),
                rx.fragment(),
            ),
            rx.cond(
                row.can_publish,
                menu_item("Publish…", icon_name="play", shortcut="P", on_select=Actions.ask_publish(row.code)),
                rx.fragment(),
            ),
            menu_item("Edit", icon_name="pencil", shortcut="E", on_select=rx.redirect(setup)),
            menu_item("Clone", icon_name="copy", shortcut="C", on_select=rx.redirect(copy)),
            menu_item(
                "Export contacts",
                icon_name="download",
                shortcut="X",
                on_select=rx.download(url=f"/download/campaigns/{row.code}/contacts.csv"),
            ),
            menu_line(),
            rx.cond(
                row.can_end,
                menu_item("End campaign…", icon_name="circle-stop", on_select=Actions.ask_end(row.code)),
                rx.fragment(),
            ),
            menu_item("Delete…", icon_name="trash-2", danger=True, on_select=Actions.ask_delete(row.code)),
        ),
    ]


def _empty() -> rx.Component:
    return empty_state(
        "megaphone",
        "No campaigns yet",
        "A campaign contacts a list of people by e-mail or SMS, at the hours you choose, and tells who got what.",
        actions=[button("New campaign", icon_name="plus", variant="solid", on_click=Actions.ask_create)],
        steps=[
            ("Say who", "Upload a CSV file, or let your systems add contacts by REST."),
            ("Say what", "Write an e-mail with merge fields and look at it as one of your contacts."),
            ("Publish", "After a check list the first messages leave within two seconds."),
        ],
    )
