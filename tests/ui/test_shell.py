"""The shell around every page: search, keys, theme, the narrow rail, the sheet on phones, the lost connection."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible

PAGES = ["/", "/campaigns", "/gateways", "/sandbox"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_accessible(page: Page, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_ctrl_k_finds_campaigns_and_opens_one(page: Page) -> None:
    page.goto("/gateways")
    expect(page.get_by_role("heading", name="Gateways", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    box = page.get_by_role("textbox", name="Search people and campaigns")
    expect(box).to_be_focused()
    box.fill("spring")
    page.get_by_role("link", name=re.compile("Spring tariff change")).click()
    expect(page).to_have_url(re.compile("/campaigns/CMP-"))


def test_question_mark_shows_the_keys_and_esc_hides_them(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_chosen_theme_and_rail_are_kept(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.get_by_role("button", name="Narrow or widen the menu").click()
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    expect(page.get_by_role("link", name="Gateways").first).to_be_visible()
    expect(page.locator(".cx-rail")).to_have_css("width", re.compile(r"^[1-5]?\d(\.\d+)?px"))


def test_the_rail_is_a_sheet_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    expect(page.locator(".cx-rail")).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator(".cx-nav").get_by_role("link", name="Gateways").click()
    expect(page.get_by_role("heading", name="Gateways", level=1)).to_be_visible()
    expect(page.locator(".cx-rail")).to_be_hidden()


def test_times_are_in_the_zone_of_the_reader(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text(re.compile(r"What is running now\. \w+day \d+ \w+, \d\d:\d\d, "))).to_be_visible()
