"""`/gateways`: add, test, switch off, delete, in the browser."""

import re

from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible


def test_a_sandbox_gateway_is_added_tested_switched_off_and_deleted(page: Page) -> None:
    page.goto("/gateways")
    page.get_by_role("button", name="Add gateway").first.click()
    dialog = page.get_by_role("dialog", name="Add a gateway")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    expect(dialog.get_by_label("Channel")).to_have_count(0)
    dialog.get_by_label("Kind").select_option("sandbox")
    expect(dialog.get_by_label("Channel")).to_have_value("email")
    dialog.get_by_label("Name", exact=True).fill("Try-out")
    dialog.get_by_label("Messages a minute").fill("600")
    dialog.get_by_role("button", name="Save gateway").click()

    panel = page.get_by_role("region", name="The chosen gateway")
    expect(panel.get_by_role("heading", name="Try-out")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Try-out"))).to_contain_text("About 600 a minute")

    panel.get_by_role("button", name="Test").click()
    tested = page.get_by_role("dialog", name="Test Try-out")
    tested.get_by_label("Send a test message to").fill("amira@example.com")
    tested.get_by_role("button", name="Test").click()
    expect(tested).to_be_hidden()
    expect(panel.get_by_text("Test message accepted")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Try-out"))).to_contain_text("Passed")

    page.goto("/sandbox")
    page.get_by_role("searchbox").fill("amira@example.com")
    expect(page.get_by_role("region", name="The open message")).to_be_visible()
    page.get_by_role("button", name="Test of the gateway").first.click()
    expect(page.get_by_role("region", name="The open message")).to_contain_text("amira@example.com")

    page.goto("/gateways")
    page.get_by_role("button", name="Try-out").click()
    expect(panel.get_by_role("heading", name="Try-out")).to_be_visible()
    panel.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("row", name=re.compile("Try-out"))).to_contain_text("Off")
    panel.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete gateway").click()
    expect(page.get_by_role("row", name=re.compile("Try-out"))).to_have_count(0)


def test_a_bad_setting_says_why_as_it_is_typed(page: Page) -> None:
    page.goto("/gateways")
    page.get_by_role("button", name="Add gateway").first.click()
    dialog = page.get_by_role("dialog", name="Add a gateway")
    dialog.get_by_label("Port").fill("70000")
    expect(dialog.get_by_role("alert")).to_contain_text("less than or equal to 65535")
    dialog.get_by_label("Port").fill("25")
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_a_stored_password_is_never_sent_to_the_browser(page: Page) -> None:
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto("/gateways")
    page.get_by_role("button", name="Add gateway").first.click()
    dialog = page.get_by_role("dialog", name="Add a gateway")
    dialog.get_by_label("Name", exact=True).fill("Sealed")
    dialog.get_by_label("Server", exact=True).fill("mail.example.com")
    dialog.get_by_label("Sender").fill("Acme <hello@acme.example>")
    dialog.get_by_label("User name").fill("acme")
    dialog.get_by_label("Password").fill("opensesame-7")
    dialog.get_by_role("button", name="Save gateway").click()
    panel = page.get_by_role("region", name="The chosen gateway")
    expect(panel.get_by_role("heading", name="Sealed")).to_be_visible()
    frames.clear()
    page.reload()
    page.get_by_role("button", name="Sealed").click()
    expect(panel.get_by_role("heading", name="Sealed")).to_be_visible()
    panel.get_by_role("button", name="Edit").click()
    expect(page.get_by_role("dialog").get_by_placeholder("Set. Type to replace it")).to_be_visible()
    assert frames
    assert not any("opensesame-7" in frame for frame in frames)
