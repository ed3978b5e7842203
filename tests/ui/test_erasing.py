"""Marking a field as personal on the page of sources, and erasing a customer on theirs."""

import csv
import uuid

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Console, assert_accessible
from tests.ui.test_sources import make_site, send, snippet_token


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_customer_is_erased_for_good(page: Page, console: Console, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    name = uuid.uuid4().hex[:8]
    email, source = f"{name}@mail.example", f"{name}.example"
    make_site(page, source, f"https://{source}")
    token = snippet_token(page)
    data = {"email": email, "colour": "red"}
    assert send(console, token, f"https://{source}", person=email, data=data).status_code == 202

    page.goto("/journeys/sources")
    page.get_by_role("searchbox", name="Name of a source").fill(source)
    page.get_by_role("button", name=source, exact=True).click()
    types = page.get_by_role("table", name="Event types")
    expect(types).to_contain_text("Personal email")
    page.get_by_role("button", name="Personal fields of page.viewed").click()
    dialog = page.get_by_role("dialog", name="Personal fields of page.viewed")
    expect(dialog.get_by_label("email")).to_be_checked()
    dialog.get_by_label("colour").click()
    expect(dialog.get_by_label("colour")).to_be_checked()
    assert_accessible(page)
    dialog.get_by_role("button", name="Done").click()
    expect(types).to_contain_text("Personal colour, email")

    told = httpx.get(f"{console.url}/download/events.csv", params={"source": source}).text
    [event] = csv.DictReader(told.splitlines())
    assert email in event["data"]
    number = event["person_id"]
    page.goto(f"/customers/{number}")
    expect(page.get_by_role("heading", level=1)).to_have_text(email)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Erase…").click()
    dialog = page.get_by_role("dialog", name=f"Erase {email}?")
    button = dialog.get_by_role("button", name="Erase for good")
    expect(button).to_be_disabled()
    assert_accessible(page)
    dialog.get_by_label(f"Type {number} to confirm").fill(number)
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Erased person {number}")
    expect(page.get_by_text("Erased by operator")).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text(email)
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    told = httpx.get(f"{console.url}/download/persons/{number}.json").text
    assert "page.viewed" in told and email not in told
