"""The head of every page of one campaign: where you are, its state, what can be done, the tabs."""

from typing import Any

import reflex as rx

from components.badges import campaign_badge
from components.buttons import button, icon_button
from components.callouts import empty_state
from components.campaign_dialogs import campaign_dialogs
from components.dialogs import menu, menu_item, menu_line
from components.page import page_header, page_tabs
from state.campaign import CampaignState
from state.campaign_actions import CampaignActionsState as Actions

TABS = (
    ("overview", "", "Overview"), ("setup", "/setup", "Setup"), ("audience", "/audience", "Audience"),
    ("contacts", "/contacts", "Contacts"), ("flow", "/flow", "Flow"), ("content", "/content", "Content"),
)  # fmt: skip


def campaign_page(*content: Any, active: str) -> rx.Component:
    """A page of one campaign: head, tabs, content; or what to do when there is no such campaign."""
    tabs = [(key, CampaignState.base + path, word) for key, path, word in TABS]
    return rx.cond(
        CampaignState.missing,
        empty_state(
            "megaphone",
            CampaignState.missing,
            "It may have been deleted, or its id mistyped.",
            actions=[button("All campaigns", variant="solid", href="/campaigns")],
            page=True,
        ),
        rx.fragment(
            page_header(
                rx.cond(CampaignState.loaded, CampaignState.name, "\u00a0"),
                CampaignState.sentence,
                crumbs=[("Campaigns", "/campaigns")],
                here=CampaignState.code,
                badge=rx.cond(CampaignState.loaded, campaign_badge(CampaignState.badge), rx.fragment()),
                # which of them there are is known when it is read; none may jump away under a finger
                actions=[rx.cond(CampaignState.loaded, rx.fragment(*_actions()), rx.fragment())],
            ),
            page_tabs(*tabs, active=active, ready=CampaignState.code != "", label="Parts of this campaign"),
            *content,
            campaign_dialogs(),
        ),
    )  # type: ignore[return-value]


def _actions() -> list[Any]:
    code = CampaignState.code
    state = CampaignState.badge
    clone = button("Clone", icon_name="copy", href=f"/campaigns/new?from={code}")
    publish = button("Publish…", icon_name="play", variant="solid", on_click=Actions.ask_publish(code))
    unpublish = button("Unpublish", icon_name="pause", on_click=Actions.unpublish(code))
    more = menu(
        icon_button("ellipsis", "More actions", boxed=True),
        rx.cond(
            state != "ended",
            menu_item("End campaign…", icon_name="circle-stop", on_select=Actions.ask_end(code)),
            rx.fragment(),
        ),
        rx.cond(state != "ended", menu_line(), rx.fragment()),
        menu_item("Delete…", icon_name="trash-2", danger=True, on_select=Actions.ask_delete(code)),
    )
    main = rx.match(state, ("published", unpublish), ("ended", rx.fragment()), publish)
    return [clone, main, more]
