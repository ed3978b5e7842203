"""From a CSV to delivered mail, in a real browser against a real mail server."""

import csv
import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Recorder
from tests.ui.conftest import assert_accessible

ROWS, BAD = 1_000, 30


def test_from_a_file_to_delivered_mail(page: Page, mail_server: tuple[Recorder, int], tmp_path: Path) -> None:
    recorder, port = mail_server
    good = write_contacts(tmp_path / "customers.csv")
    add_gateway(page, port)
    template = write_content(page)
    code = create_campaign(page)
    upload(page, code, tmp_path / "customers.csv")
    download_rejected(page, tmp_path)
    choose_flow(page, code, template)
    preview_and_test(page, code, recorder)
    publish(page, code)
    wait_until(lambda: len(recorder.counts()) > 100, "a hundred mails have arrived")
    unpublish_and_stop(page, recorder)
    publish(page, code)
    wait_until(lambda: len(recorder.counts()) == len(good) + 1, "everyone has their mail", seconds=90)
    numbers_moved_without_reload(page)
    assert recorder.counts() == dict.fromkeys([*good, "me@acme.example"], 1), "each got exactly one"
    mail = recorder.mail_to(good[6])
    assert mail["Subject"] == "Hello Ann7"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    read_trail(page, code, good[6])
    end(page, code)


def write_contacts(path: Path) -> list[str]:
    """A file with semicolons and German heads; the addresses of the rows that can be stored."""
    good: list[str] = []
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["E-Mail", "Vorname", "Nachname", "Ort"])
        for number in range(ROWS):
            if number % 33 == 5 and number < 33 * BAD:
                out.writerow([f"bad@@{number}.example", "X", "Y", "Z"])
                continue
            address = f"ann{number}@customers.example"
            good.append(address)
            out.writerow([address, f"Ann{number}", "O'Neill; Sons", 'Köln "Süd"\n2. Zeile'])
    assert len(good) == ROWS - BAD
    return good


def add_gateway(page: Page, port: int) -> None:
    page.goto("/gateways")
    page.get_by_role("button", name="Add gateway").first.click()
    dialog = page.get_by_role("dialog", name="Add a gateway")
    dialog.get_by_label("Name", exact=True).fill("House SMTP")
    dialog.get_by_label("Server", exact=True).fill("127.0.0.1")
    dialog.get_by_label("Port").fill(str(port))
    dialog.get_by_label("Encryption").select_option("none")
    dialog.get_by_label("Sender").fill("Acme <hello@acme.example>")
    dialog.get_by_label("Connections at once").fill("2")
    dialog.get_by_role("button", name="Save gateway").click()
    panel = page.get_by_role("region", name="The chosen gateway")
    panel.get_by_role("button", name="Test").click()
    page.get_by_role("dialog", name="Test House SMTP").get_by_role("button", name="Test").click()
    expect(panel.get_by_text("Connected").first).to_be_visible()
    assert_accessible(page)


def write_content(page: Page) -> str:
    page.goto("/templates")
    page.get_by_role("button", name="New template").first.click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Spring mail")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile(r"/templates/\d+"))
    page.get_by_label("Subject").fill("Hello {{ first_name }}")
    page.get_by_label("HTML").fill(
        "<p>Dear {{ first_name | default('customer') }}, from {{ Ort | default('home') }}.</p>"
        '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
    )
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()
    assert_accessible(page)
    return "Spring mail"


def create_campaign(page: Page) -> str:
    page.goto("/campaigns")
    page.get_by_role("button", name="New campaign").first.click()
    page.get_by_label("Title").fill("Spring offer")
    assert_accessible(page)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Spring offer")
    match = re.search(r"CMP-\d+", page.url)
    assert match
    return match.group()


def upload(page: Page, code: str, path: Path) -> None:
    page.goto(f"/campaigns/{code}/import")
    expect(page.get_by_text("Drop a CSV file here")).to_be_visible()
    page.set_input_files("input[type=file]", path)
    expect(page.get_by_role("row", name=re.compile("E-Mail"))).to_be_visible(timeout=30_000)
    expect(page.get_by_label("What E-Mail becomes")).to_have_value("email")
    expect(page.get_by_label("What Ort becomes")).to_have_value("attribute:")
    assert_accessible(page)
    page.get_by_role("button", name=re.compile("^Check")).click()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled(timeout=30_000)
    expect(page.locator(".cx-figure", has_text="New contacts")).to_contain_text("970")
    expect(page.locator(".cx-figure", has_text="Rejected")).to_contain_text("30")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page).to_have_url(re.compile("/audience"))
    expect(page.locator(".cx-figure", has_text="New contacts")).to_contain_text("970", timeout=30_000)
    expect(page.get_by_text("970 contacts from 1 source.")).to_be_visible()


def download_rejected(page: Page, folder: Path) -> None:
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    path = folder / "rejected.csv"
    download.value.save_as(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == BAD
    assert rows[0]["reason"] == "Two @ signs"


def choose_flow(page: Page, code: str, template: str) -> None:
    page.goto(f"/campaigns/{code}/flow")
    page.get_by_role("button", name="Add the first step").click()
    page.get_by_label("Template").select_option(label=template)
    page.get_by_label("Gateway").select_option(label="House SMTP")
    assert_accessible(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()


def preview_and_test(page: Page, code: str, recorder: Recorder) -> None:
    page.goto(f"/campaigns/{code}/content")
    page.get_by_label("As this person").fill("ann12@customers.example")
    expect(page.get_by_text("Hello Ann12")).to_be_visible()
    frame = page.frame_locator("iframe[title=Preview]")
    expect(frame.get_by_text("Dear Ann12, from Köln")).to_be_visible()
    page.get_by_role("radio", name="Text").click()
    expect(page.get_by_label("Preview as text")).to_contain_text("Dear Ann12")
    assert_accessible(page)
    page.get_by_role("button", name="Test send…").click()
    page.get_by_label("E-mail address").fill("me@acme.example")
    page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Accepted for me@acme.example")).to_be_visible()
    assert recorder.mail_to("me@acme.example")["Subject"] == "Hello Ann12"
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def publish(page: Page, code: str) -> None:
    if f"/campaigns/{code}" != page.url.rstrip("/")[-len(f"/campaigns/{code}") :]:
        page.goto(f"/campaigns/{code}")
    page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Pre-flight list")).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("button", name="Unpublish")).to_be_visible()


def unpublish_and_stop(page: Page, recorder: Recorder) -> None:
    page.get_by_role("button", name="Unpublish").click()
    expect(page.get_by_text("Unpublished, paused")).to_be_visible()
    time.sleep(2)  # the promise: nothing leaves later than this
    stopped_at = sum(recorder.counts().values())
    time.sleep(2)
    assert sum(recorder.counts().values()) == stopped_at
    assert stopped_at < ROWS - BAD, "the stop came too late to show anything"
    held = page.locator("a.cx-figure", has_text="Held").locator(".cx-figure-value")
    expect(held).to_contain_text(re.compile(r"^[1-9]"))
    assert_accessible(page)


def numbers_moved_without_reload(page: Page) -> None:
    expect(page.locator("a.cx-figure", has_text="Completed").locator(".cx-figure-value")).to_contain_text("970")
    expect(page.locator("a.cx-figure", has_text="Pending").locator(".cx-figure-value")).to_contain_text(
        re.compile("^0")
    )
    expect(page.get_by_role("table", name="Live funnel")).to_contain_text("970")


def read_trail(page: Page, code: str, address: str) -> None:
    page.get_by_role("link", name=re.compile("Completed")).first.click()
    expect(page).to_have_url(re.compile("status=completed"))
    page.get_by_placeholder("Any field").fill(address)
    expect(page.locator("table tbody tr")).to_have_count(1)
    assert_accessible(page)
    page.get_by_role("link", name="Ann7").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann7")
    expect(page.get_by_text("accepted → sent")).to_be_visible()
    assert_accessible(page)


def end(page: Page, code: str) -> None:
    page.goto(f"/campaigns/{code}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="End campaign…").click()
    page.get_by_label(re.compile("Type")).fill(code)
    page.get_by_role("button", name="End campaign").click()
    expect(page.get_by_text("Ended", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Publish…")).to_have_count(0)


def wait_until(done: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain until {what}"
        time.sleep(0.05)
