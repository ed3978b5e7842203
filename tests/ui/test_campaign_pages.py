"""The campaign pages on the demo world, as a campaign manager uses them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible

RUNNING = "CMP-1009"


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("/campaigns", "Campaigns"),
        (f"/campaigns/{RUNNING}", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/setup", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/flow", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/audience", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/import", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/contacts", "Spring tariff change"),
        (f"/campaigns/{RUNNING}/content", "Spring tariff change"),
        ("/templates", "Templates"),
        ("/templates/1", "Spring tariff change"),
        ("/campaigns/new?from=CMP-1009", "Spring tariff change"),
        ("/suppressions", "Suppressions"),
        ("/keys", "Keys"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_is_accessible_and_fits_a_phone(page: Page, path: str, head: str, scheme: str):
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_contain_text(head)
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_list_sorts_searches_and_filters_by_state(page: Page):
    page.goto("/campaigns")
    rows = page.locator("table tbody tr")
    expect(rows.first).to_contain_text("CMP-1001")
    page.get_by_role("button", name="Created").click()
    expect(rows.first).not_to_contain_text("CMP-1001")
    page.get_by_placeholder("Name or id").fill("solar")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Solar club invitation")
    page.get_by_placeholder("Name or id").fill("no such campaign")
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name=re.compile("^Ended")).click()
    expect(rows).to_have_count(3)


def test_numbers_move_by_themselves(page: Page):
    page.goto(f"/campaigns/{RUNNING}")
    funnel = page.get_by_role("table", name="Live funnel")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    before = funnel.inner_text()
    page.wait_for_function(
        "before => document.querySelector('table[aria-label=\"Live funnel\"]').innerText !== before",
        arg=before,
        timeout=60_000,
    )
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_number_opens_the_people_behind_it(page: Page):
    page.goto(f"/campaigns/{RUNNING}")
    page.locator("a.cx-figure", has_text="Suppressed").click()
    expect(page).to_have_url(re.compile(r"/contacts/?\?status=suppressed"))
    expect(page.locator("table tbody tr").first).to_contain_text("Suppressed")


def test_all_contacts_that_match_are_changed_at_once(page: Page):
    page.goto("/campaigns/CMP-1010/contacts")
    page.get_by_role("checkbox", name="Select all on this page").click()  # the server ticks it
    page.get_by_role("button", name=re.compile("^Select all ")).click()
    expect(page.get_by_role("button", name=re.compile("^Select all "))).to_have_count(0)
    page.get_by_role("button", name="Edit…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"Change [\d,]+ contacts"))
    count = re.findall(r"Change ([\d,]+) contacts", dialog.inner_text())[0]
    dialog.get_by_label("New value").fill("sv")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text(f"{count} contacts updated.", exact=True)).to_be_visible()
    expect(dialog).to_have_count(0)


def test_a_number_of_the_first_page_opens_the_campaigns_behind_it(page: Page):
    page.goto("/")
    page.locator("a.cx-figure", has_text="Held").click()
    expect(page).to_have_url(re.compile(r"/campaigns/?\?behind=held"))
    rows = page.get_by_role("table", name="Campaigns").locator("tbody tr")
    expect(page.get_by_role("button", name="Held", exact=True)).to_be_visible()
    expect(rows).to_have_count(2)
    assert_accessible(page)
    rows.filter(has_text="Heat pump offer").get_by_role("link", name=re.compile(r"^[\d,]+$")).click()
    expect(page).to_have_url(re.compile(r"/contacts\?status=held"))
    page.go_back()
    page.get_by_role("button", name="Remove filter With").click()
    expect(rows).to_have_count(10)


def test_a_figure_of_the_queue_opens_exactly_its_people(page: Page):
    page.goto("/campaigns?behind=queue")
    row = page.get_by_role("table", name="Campaigns").locator("tbody tr", has_text="Service survey, week 20")
    row.get_by_role("link", name="900").click()
    expect(page.get_by_text("Conditions")).to_be_visible()
    expect(page.get_by_text("900 here.")).to_be_visible()


def test_columns_are_chosen_and_stay_chosen(page: Page):
    page.goto("/campaigns")
    head = page.get_by_role("table", name="Campaigns").locator("thead")
    expect(head).to_contain_text("Modified")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Modified").click()
    expect(head).not_to_contain_text("Modified")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Templates").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Templates")
    page.get_by_role("link", name="Campaigns").click()
    expect(head).to_contain_text("Created")
    expect(head).not_to_contain_text("Modified")


def test_campaigns_can_be_filtered_by_when_they_were_created(page: Page):
    page.goto("/campaigns")
    rows = page.locator("table tbody tr")
    expect(rows).to_have_count(10)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("menuitem", name="Created in 7 days").click()
    expect(page.get_by_role("button", name="Remove filter Created")).to_be_visible()
    expect(rows.first).to_contain_text("Heat pump offer")


def test_the_contacts_of_a_campaign_are_exported_from_its_row(page: Page):
    page.goto("/campaigns")
    page.get_by_role("row", name=re.compile("CMP-1002")).get_by_role("button", name="More actions").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export contacts").click()
    assert download.value.suggested_filename == "CMP-1002-contacts.csv"
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 601


def test_an_invalid_window_is_told_as_typed_and_cannot_be_saved(page: Page):
    page.goto("/campaigns/CMP-1010/setup")
    page.get_by_label("To", exact=True).first.fill("25:99")
    expect(page.get_by_text("Write a time of the 24 h clock")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()


def test_unsaved_changes_are_guarded(page: Page):
    page.goto("/campaigns/CMP-1010/setup")
    page.get_by_label("Name", exact=True).fill("Autumn check-up, changed")
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="Flow").click()
    expect(page).to_have_url(re.compile("/setup/?$"))
    assert asked, "leaving was not asked about"
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()


def test_unsaved_changes_are_guarded_from_back(page: Page):
    page.goto("/campaigns/CMP-1010")
    page.get_by_role("link", name="Setup").click()
    page.get_by_label("Name", exact=True).fill("Autumn check-up, changed")
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.evaluate("void history.back()")
    page.wait_for_timeout(500)
    expect(page).to_have_url(re.compile("/setup/?$"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("Autumn check-up, changed")
    assert asked, "going back was not asked about"
    page.once("dialog", lambda dialog: dialog.accept())
    page.evaluate("void history.back()")
    expect(page).to_have_url(re.compile(r"/CMP-1010/?$"))
    page.evaluate("void history.forward()")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Autumn check-up")


def test_a_long_name_does_not_widen_the_page(page: Page):
    page.goto("/campaigns")
    page.get_by_role("button", name="New campaign").first.click()
    page.get_by_label("Title").fill("X" * 200)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("XXX")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_links_that_lead_nowhere_are_found_when_tried(page: Page):
    page.goto("/templates")
    page.get_by_role("link", name="Heat pump offer").click()
    page.get_by_label("HTML").fill('<p><a href="http://203.0.113.7/gone">Here</a> {{ unsubscribe_url }}</p>')
    expect(page.frame_locator("iframe[title=Preview]").get_by_role("link", name="Here")).to_be_visible()
    page.get_by_role("button", name="Try the links").click()
    expect(page.get_by_text("The link “http://203.0.113.7/gone” does not work")).to_be_visible()
    page.get_by_label("HTML").fill("<p>Nothing to follow. {{ unsubscribe_url }}</p>")
    expect(page.get_by_text("does not work")).to_have_count(0)
    page.get_by_role("button", name="Try the links").click()
    expect(page.get_by_text("There is no link to try.")).to_be_visible()
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()


def test_two_people_do_not_overwrite_each_other(page: Page):
    page.goto("/campaigns/CMP-1010/setup")
    other = page.context.new_page()
    other.goto("/campaigns/CMP-1010/setup")
    page.get_by_label("Queue").fill("mine")
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    other.get_by_label("Queue").fill("theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("All changes are saved.")).to_be_visible()
    expect(page.get_by_text("This campaign has changed elsewhere")).to_be_visible()
    page.get_by_role("button", name="Load theirs").click()
    expect(page.get_by_label("Queue")).to_have_value("theirs")


def test_the_check_of_a_file_lists_what_is_rejected_and_what_is_left_out(page: Page, tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text("email,phone\na@example.com,12\nb@@example.com,\nc@example.com,+46701442108\n")
    page.goto("/campaigns/CMP-1010/import")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Check 3 rows").click()
    expect(page.get_by_role("table", name="Rows that would be rejected")).to_contain_text("b@@example.com")
    left_out = page.get_by_role("table", name="Values that would be left out")
    expect(left_out.get_by_role("row")).to_have_count(2)
    expect(left_out).to_contain_text("Too short for a US number")
    assert_accessible(page)


def test_a_file_of_which_no_row_is_good_cannot_be_imported(page: Page, tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text("email,first_name\n")
    page.goto("/campaigns/CMP-1010/import")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Check 0 rows").click()
    expect(page.get_by_text("No row of this file can be imported.")).to_be_visible()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()


def test_a_template_that_cannot_be_read_is_not_in_order(page: Page):
    page.goto("/templates/1")
    expect(page.get_by_text("In order", exact=True)).to_be_visible()
    page.get_by_label("Subject").fill("Hello {{ first_name")
    expect(page.get_by_text("The subject cannot be read.")).to_be_visible()
    expect(page.get_by_text("In order", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()


def test_a_clone_exists_only_after_saving(page: Page):
    page.goto("/campaigns/CMP-1001")
    page.get_by_role("link", name="Clone").click()
    expect(page.get_by_text("Nothing exists until you save it.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Contract renewal, second go")
    page.get_by_role("button", name="Save the copy").click()
    expect(page).to_have_url(re.compile(r"/campaigns/CMP-10\d\d/setup"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Contract renewal, second go")
    page.evaluate("void history.back()")
    expect(page).to_have_url(re.compile(r"/campaigns/CMP-1001/?$"))


def test_ending_asks_for_the_id_and_is_final(page: Page):
    page.goto("/campaigns")
    page.get_by_role("button", name="New campaign").click()
    page.get_by_label("Title").fill("To be ended")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("To be ended")
    code = re.search(r"CMP-\d+", page.url).group()  # type: ignore[union-attr]
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="End campaign…").click()
    end = page.get_by_role("button", name="End campaign")
    expect(end).to_be_disabled()
    page.get_by_label(re.compile("Type")).fill(code)
    end.click()
    expect(page.get_by_text("Ended", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Publish…")).to_have_count(0)


def test_a_key_is_shown_once(page: Page):
    page.goto("/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name", exact=True).fill("CRM")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    expect(page.get_by_role("checkbox", name="Add contacts to campaigns")).to_be_checked()
    assert_accessible(page)
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_label("API key", exact=True)).to_contain_text("cxk_")
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row", name=re.compile("CRM"))).to_contain_text("contacts.edit")
    page.reload()
    expect(page.get_by_role("cell", name="CRM")).to_be_visible()
    expect(page.get_by_label("API key", exact=True)).to_have_count(0)


def test_a_letter_chooses_from_an_open_menu(page: Page):
    page.goto("/campaigns")
    page.get_by_role("button", name="More actions").first.click()
    expect(page.get_by_role("menuitem", name="Edit")).to_be_visible()
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile(r"/campaigns/CMP-1001/setup"))


def test_a_dialog_left_open_does_not_follow_to_the_next_page(page: Page):
    page.goto("/campaigns")
    page.get_by_role("button", name="New campaign").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto(f"/campaigns/{RUNNING}/contacts")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Spring tariff change")
    expect(page.get_by_role("dialog")).to_have_count(0)
