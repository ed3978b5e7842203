"""The ways in from the web: the demo shop beside the desk, sources and their rules, the website tag, webhooks."""

import re
import uuid
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Console, assert_accessible
from tests.ui.test_desk import events

SHOP = "/demo/shop"


def make_site(page: Page, name: str, origin: str) -> None:
    """A website on the set-up page."""
    page.goto("/journeys/website")
    page.get_by_role("button", name="New website").click()
    dialog = page.get_by_role("dialog", name="New website")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Allowed origins").fill(f"{origin}/\n")
    dialog.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="I have copied it").click()
    page.get_by_label("Website").select_option(name)


def snippet_token(page: Page) -> str:
    """A token to try the site with, from its snippet."""
    page.get_by_role("button", name="Try it with a token").click()
    shown = page.get_by_role("region", name="the snippet")
    expect(shown).to_contain_text("dsWriteToken")
    return re.findall(r'dsWriteToken", "([^"]+)"', shown.inner_text())[0]


def send(console: Console, token: str, origin: str, **more) -> httpx.Response:
    """An event as a page of the site sends it."""
    event = {
        "specVersion": "1.0",
        "id": str(uuid.uuid4()),
        "type": "page.viewed",
        "person": "C-77",
        "data": {"path": "/"},
    }
    headers = {"Authorization": token, "Origin": origin}
    return httpx.post(
        f"{console.url}/v1/journey/events", json={**event, "source": urlsplit(origin).netloc, **more}, headers=headers
    )


def test_who_clicks_in_the_shop_is_seen_on_the_desk_in_another_window(page: Page) -> None:
    page.goto("/")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the demo shop").click()
    shop = opened.value
    expect(shop.get_by_text("You are anon-")).to_be_visible()
    with shop.expect_popup() as opened:
        shop.get_by_role("link", name="Watch yourself on the live desk").click()
    desk = opened.value
    expect(events(desk).filter(has_text="Page viewed")).to_be_visible()
    shop.get_by_role("button", name="Add Wall box 11 kW to the cart").click()
    expect(events(desk).first).to_contain_text("Cart added")
    expect(events(desk).first).to_contain_text("Wall box 11 kW")
    shop.get_by_role("link", name="Cart").click()
    shop.get_by_role("link", name="To the checkout").click()
    expect(shop.get_by_label("E-mail")).to_have_value(re.compile(r"\.example$"))
    email = shop.get_by_label("E-mail").input_value()
    shop.get_by_role("button", name="Go on").click()
    expect(shop.get_by_text(f"You are {email}")).to_be_visible()
    shop.get_by_role("button", name="Go on").click()
    shop.get_by_role("button", name="Order").click()
    expect(shop.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(desk.get_by_text("Order placed")).to_be_visible()
    expect(desk.get_by_role("main")).to_contain_text(email)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_components_stand_on_a_plain_page_of_another_system(page: Page, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{SHOP}/timeline")
    expect(page.get_by_role("status")).to_have_text(["Live", "Live"])
    rows, spent = page.locator("cx-timeline li"), page.locator("cx-profile dd").last
    expect(rows.first).to_be_visible()
    expect(page.locator("cx-profile dt")).to_have_text(
        ["Pages seen", "Last looked at", "In the cart", "Orders", "Spent"]
    )
    assert_accessible(page)
    heading = page.locator("cx-profile").get_by_role("heading", level=2)
    expect(heading).to_contain_text("@")
    customer = heading.inner_text()
    shop = page.context.new_page()
    shop.goto(f"{SHOP}/cart")
    shop.wait_for_function("window.cjaas && cjaas.version")
    shop.evaluate("(who) => { cjaas('identify', who); cjaas('track', 'call.asked', {about: 'solar'}); }", customer)
    expect(rows.filter(has_text="Call asked")).to_contain_text("about: solar")
    shop.evaluate("cjaas('track', 'product.viewed', {product: 'Night light'})")
    expect(page.locator("cx-profile dd").nth(1)).to_have_text("Night light")
    shop.evaluate("cjaas('track', 'order.placed', {total: 1000000})")
    expect(spent).to_have_text(re.compile(r"[1-9],\d{3},\d{3}"))
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_shop_is_for_everybody(page: Page, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    for path in ("", "/product/wallbox", "/cart", "/checkout/address", "/checkout/delivery"):
        page.goto(SHOP + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(SHOP)
    expect(page.get_by_role("button", name="Add Power meter to the cart")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("path", ["/journeys/sources", "/journeys/website", "/journeys/webhooks"])
def test_the_new_pages_are_for_everybody(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_website_is_set_up_and_the_check_turns_by_itself(page: Page, console: Console) -> None:
    origin = "https://first.example"
    make_site(page, "first", origin)
    expect(page.get_by_text("Waiting for the first event from first.example")).to_be_visible()
    expect(page.get_by_role("region", name="the snippet")).to_contain_text("/cj.js")
    assert_accessible(page)
    token = snippet_token(page)
    assert send(console, token, "https://other.example").status_code == 403
    assert send(console, token, origin).status_code == 202
    expect(page.get_by_text("Received", exact=True)).to_be_visible()
    expect(page.get_by_text("1 event of 1 type, last page.viewed")).to_be_visible()
    page.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog", name="Allowed origins")
    dialog.get_by_label("Allowed origins").fill("shop")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("is no origin")).to_be_visible()
    dialog.get_by_label("Allowed origins").fill("https://second.example")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Waiting for the first event from second.example")).to_be_visible()


def test_rules_of_a_source_set_events_aside_and_a_replay_stores_them(page: Page, console: Console) -> None:
    origin = f"https://{uuid.uuid4().hex[:8]}.example"
    source = urlsplit(origin).netloc
    make_site(page, source, origin)
    token = snippet_token(page)
    send(console, token, origin)
    page.goto("/journeys/sources")
    page.get_by_role("searchbox", name="Name of a source").fill(source)
    row = page.get_by_role("table", name="Sources").locator("tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("button", name=f"Rules of {source}").click()
    dialog = page.get_by_role("dialog", name=f"Rules of {source}")
    dialog.get_by_label("Of 100 events keep").fill("many")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Sample: use a whole number.")).to_be_visible()
    dialog.get_by_label("Of 100 events keep").fill("100")
    dialog.get_by_label("Types it may send").fill("order.placed\n")
    dialog.get_by_label("What the type or the pace does not allow").select_option("quarantine")
    assert_accessible(page)
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Only 1 type, the rest is set aside")
    assert send(console, token, origin, data={"path": "/held"}).status_code == 202
    row.get_by_role("button", name="1 set aside…").click()
    aside = page.get_by_role("dialog", name=f"Set aside from {source}")
    expect(aside.get_by_role("table")).to_contain_text("page.viewed")
    aside.get_by_role("button", name="Store them").click()
    expect(aside).to_have_count(0)
    page.get_by_role("button", name=source, exact=True).click()
    expect(page.get_by_role("table", name="Event types")).to_contain_text("path: text")
    page.goto(f"/journeys?source={source}")
    expect(page.locator("table tbody tr")).to_have_count(2)


def test_a_webhook_is_made_mapped_and_mended_in_the_browser(page: Page, console: Console) -> None:
    page.goto("/journeys/webhooks")
    page.get_by_role("button", name="New webhook").click()
    dialog = page.get_by_role("dialog", name="New webhook")
    dialog.get_by_label("Name").fill(f"crm {uuid.uuid4().hex[:6]}")
    dialog.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Nothing has come yet. Send something")).to_be_visible()
    shown = page.get_by_role("region", name="the address")
    expect(shown).to_contain_text("/hooks/")
    address = shown.inner_text().strip()
    url = console.url + urlsplit(address).path
    assert httpx.post(url, json={"who": {"mail": "ada@mail.example"}, "what": "Called"}).status_code == 422
    expect(page.get_by_text("The last payload made no event")).to_be_visible()
    payload = page.get_by_role("region", name=re.compile("Payload"))
    expect(payload).to_contain_text("ada@mail.example")
    page.get_by_label("Person").fill("$..who")
    expect(page.get_by_text("This is no path.")).to_be_visible()
    page.get_by_label("Person").fill("$.who.mail")
    page.get_by_label("Type").fill("phone.{{ what|lower }}")
    expect(page.get_by_role("region", name=re.compile("Event"))).to_contain_text('"type": "phone.called"')
    assert_accessible(page)
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_text("The mapping holds from the next payload on.")).to_be_visible()
    assert httpx.post(url, json={"who": {"mail": "ada@mail.example"}, "what": "Called"}).status_code == 202
    expect(page.get_by_text("Stored", exact=True).first).to_be_visible()
    expect(page.get_by_text("The last payload made no event")).to_have_count(0)
    page.get_by_role("button", name="New address…").click()
    page.get_by_role("dialog").get_by_role("button", name="New address").click()
    expect(page.get_by_role("region", name="the address")).not_to_have_text(address)
    assert httpx.post(url, json={}).status_code == 404
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
