"""The console starts, and the browser reaches it wherever it listens."""

from playwright.sync_api import Page, expect


def test_home_opens(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
