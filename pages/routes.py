"""The route map: every page, and which of them stand in the rail. Add yours to PAGES."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.shell import NavItem, shell
from pages.campaign_audience import campaign_audience
from pages.campaign_contacts import campaign_contacts
from pages.campaign_flow import campaign_flow
from pages.campaign_import import campaign_import
from pages.campaign_overview import campaign_overview
from pages.campaign_setup import campaign_copy, campaign_setup
from pages.campaigns import campaigns
from pages.conflicts import conflicts
from pages.contact_trail import contact_trail
from pages.customer import customer
from pages.customers import customers
from pages.gateways import gateways
from pages.home import home
from pages.identities import identities
from pages.journeys import journeys
from pages.keys import keys
from pages.live import live
from pages.nowhere import nowhere
from pages.profiles import profile, profiles
from pages.sandbox import sandbox
from pages.sources import sources
from pages.suppressions import suppressions
from pages.templates import campaign_content, template, templates
from pages.webhook import webhook
from pages.webhooks import webhooks
from pages.website import website
from state.audience import AudienceState
from state.campaign import CampaignState
from state.campaign_actions import CampaignActionsState
from state.campaigns import CampaignsState
from state.conflicts import ConflictsState
from state.contacts import ContactsState
from state.customer import CustomerState
from state.customers import CustomersState
from state.flow import FlowState
from state.gateways import GatewaysState
from state.home import HomeState
from state.identities import IdentitiesState
from state.import_wizard import ImportWizardState
from state.journeys import JourneysState
from state.keys import KeysState
from state.live import LiveState
from state.overview import OverviewState
from state.profile_editor import ProfileEditorState
from state.profiles import ProfilesState
from state.sandbox import SandboxState
from state.setup import SetupState
from state.shell import ShellState
from state.sources import SourcesState
from state.suppressions import SuppressionsState
from state.template_editor import TemplateEditorState
from state.templates import TemplatesState
from state.trail import TrailState
from state.webhook import WebhookState
from state.webhooks import WebhooksState
from state.website import WebsiteState


@dataclass(frozen=True, kw_only=True)
class Page:
    """One route. `show` returns the page without the shell; `nav` is the href of its entry in the rail.

    `on_load` runs at each visit, after the shell's own: first `load`, then
    `follow` for what is live.
    """

    route: str
    title: str
    show: Callable[[], rx.Component]
    nav: str
    on_load: tuple[Any, ...] = ()


NAV = (
    NavItem(word="Home", icon_name="layout-dashboard", href="/"),
    NavItem(word="Live desk", icon_name="radio", href="/live"),
    NavItem(word="Campaigns", icon_name="megaphone", href="/campaigns", group="Outreach"),
    NavItem(word="Templates", icon_name="layout-template", href="/templates", group="Outreach"),
    NavItem(word="Customers", icon_name="users", href="/customers", group="Customers"),
    NavItem(word="Journeys", icon_name="route", href="/journeys", group="Customers"),
    NavItem(word="Profile views", icon_name="id-card", href="/journeys/profiles", group="Customers"),
    NavItem(word="Gateways", icon_name="plug", href="/gateways", group="Engine"),
    NavItem(word="Sandbox inbox", icon_name="inbox", href="/sandbox", group="Engine"),
    NavItem(word="Suppressions", icon_name="shield-off", href="/suppressions", group="Admin"),
    NavItem(word="Keys", icon_name="key-round", href="/keys", group="Admin"),
)


def _campaign_page(
    tail: str,
    title: str,
    show: Callable[[], rx.Component],
    state: Any,
    *,
    live: bool = True,
    also: tuple[Any, ...] = (),
) -> Page:
    events = (CampaignState.load, CampaignState.follow, state.load, *((state.follow,) if live else ()), *also)
    return Page(route=f"/campaigns/[campaign]{tail}", title=title, show=show, nav="/campaigns", on_load=events)


PAGES: tuple[Page, ...] = (
    Page(route="/", title="Home", show=home, nav="/", on_load=(HomeState.load, HomeState.follow)),
    Page(
        route="/live",
        title="Live desk",
        show=live,
        nav="/live",
        on_load=(LiveState.load, LiveState.follow, LiveState.follow_recent),
    ),
    Page(
        route="/campaigns",
        title="Campaigns",
        show=campaigns,
        nav="/campaigns",
        on_load=(CampaignsState.load, CampaignsState.follow),
    ),
    Page(
        route="/campaigns/new",
        title="Copy of a campaign",
        show=campaign_copy,
        nav="/campaigns",
        on_load=(SetupState.load_copy,),
    ),
    _campaign_page(
        "",
        "Campaign",
        campaign_overview,
        OverviewState,
        also=(OverviewState.follow_slowly, OverviewState.follow_checks),
    ),
    _campaign_page("/setup", "Setup", campaign_setup, SetupState),
    _campaign_page("/audience", "Audience", campaign_audience, AudienceState),
    _campaign_page("/import", "Add contacts from a file", campaign_import, ImportWizardState, live=False),
    _campaign_page("/contacts", "Contacts", campaign_contacts, ContactsState),
    _campaign_page("/contacts/[contact]", "Contact", contact_trail, TrailState),
    _campaign_page("/flow", "Flow", campaign_flow, FlowState, live=False),
    _campaign_page("/content", "Content", campaign_content, TemplateEditorState, live=False),
    Page(route="/templates", title="Templates", show=templates, nav="/templates", on_load=(TemplatesState.load,)),
    Page(
        route="/templates/[template]",
        title="Template",
        show=template,
        nav="/templates",
        on_load=(TemplateEditorState.load,),
    ),
    Page(route="/customers", title="Customers", show=customers, nav="/customers", on_load=(CustomersState.load,)),
    Page(
        route="/customers/[person]",
        title="Customer",
        show=customer,
        nav="/customers",
        on_load=(CustomerState.load, CustomerState.follow),
    ),
    Page(
        route="/journeys",
        title="Journeys",
        show=journeys,
        nav="/journeys",
        on_load=(JourneysState.load, JourneysState.follow),
    ),
    Page(
        route="/journeys/profiles",
        title="Profile views",
        show=profiles,
        nav="/journeys/profiles",
        on_load=(ProfilesState.load,),
    ),
    Page(
        route="/journeys/profiles/edit",
        title="Profile view",
        show=profile,
        nav="/journeys/profiles",
        on_load=(ProfileEditorState.load, ProfileEditorState.follow),
    ),
    Page(
        route="/journeys/sources",
        title="Sources",
        show=sources,
        nav="/journeys",
        on_load=(SourcesState.load, SourcesState.follow),
    ),
    Page(
        route="/journeys/website",
        title="Website tag",
        show=website,
        nav="/journeys",
        on_load=(WebsiteState.load, WebsiteState.follow),
    ),
    Page(
        route="/journeys/webhooks",
        title="Webhooks",
        show=webhooks,
        nav="/journeys",
        on_load=(WebhooksState.load, WebhooksState.follow),
    ),
    Page(
        route="/journeys/webhooks/[hook]",
        title="Webhook",
        show=webhook,
        nav="/journeys",
        on_load=(WebhookState.load, WebhookState.follow),
    ),
    Page(
        route="/journeys/conflicts",
        title="Identity conflicts",
        show=conflicts,
        nav="/journeys",
        on_load=(ConflictsState.load, ConflictsState.follow),
    ),
    Page(
        route="/journeys/identities",
        title="Import identities",
        show=identities,
        nav="/journeys",
        on_load=(IdentitiesState.load, IdentitiesState.follow),
    ),
    Page(
        route="/suppressions",
        title="Suppressions",
        show=suppressions,
        nav="/suppressions",
        on_load=(SuppressionsState.load, SuppressionsState.follow),
    ),
    Page(route="/keys", title="Keys", show=keys, nav="/keys", on_load=(KeysState.load,)),
    Page(
        route="/gateways",
        title="Gateways",
        show=gateways,
        nav="/gateways",
        on_load=(GatewaysState.load, GatewaysState.follow),
    ),
    Page(
        route="/sandbox",
        title="Sandbox inbox",
        show=sandbox,
        nav="/sandbox",
        on_load=(SandboxState.load, SandboxState.follow),
    ),
)


def add_pages(app: rx.App) -> None:
    """Add every page to the app, with the shell around it, and the one for addresses that are none."""
    app.add_page(lambda: shell(nowhere(), nav=NAV, active=""), route="404", title="Not found · cxconsole")
    for page in PAGES:
        app.add_page(
            _around(page),
            route=page.route,
            title=f"{page.title} · cxconsole",
            on_load=[ShellState.enter, *page.on_load, CampaignActionsState.arrive],
        )


def _around(page: Page) -> Callable[[], rx.Component]:
    return lambda: shell(page.show(), nav=NAV, active=page.nav)
