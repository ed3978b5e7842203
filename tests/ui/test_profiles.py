"""Profile views: built on a page, live on the desk."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from cxconsole.database import Database
from models.person import Person
from tests.ui.conftest import Console, assert_accessible
from tests.ui.test_desk import World


@pytest.fixture
def world(console: Console) -> Iterator[World]:
    database = Database(f"sqlite:///{console.data_dir / 'cxconsole.db'}")
    yield World(database)
    database.dispose()


def open_new(page: Page) -> None:
    page.goto("/journeys")
    page.locator(".cx-page-actions").get_by_role("link", name="Profile views").click()
    page.get_by_role("link", name="New view").click()
    expect(page.get_by_label("At most")).to_have_value("100")


def attribute(page: Page, number: int):
    return page.get_by_role("list", name="Attributes").get_by_role("listitem").nth(number - 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/journeys/profiles")
    expect(page.get_by_role("link", name="Service")).to_be_visible()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Outreach").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Outreach")
    expect(page.get_by_label("Shown only when").last).to_have_value("'comm.not_sent','','Count' GTE '1'")
    expect(page.get_by_text("Messages sent, 30 days")).to_be_visible()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_view_is_built_with_a_live_preview_and_stands_on_the_desk(page: Page, world: World) -> None:
    person_id = world.make_person("Prof", email="prof@desk.example")
    world.visit(person_id, 3, 60 * 24 * 40)
    open_new(page)
    page.get_by_label("For this person").fill("prof@desk.example")
    expect(page.get_by_text("Prof Deskson")).to_be_visible()
    page.get_by_label("Name", exact=True).first.fill("Visitor")
    one = attribute(page, 1)
    one.get_by_label("Name", exact=True).fill("Visits")
    one.get_by_label("Event", exact=True).fill("page.viewed")
    preview = page.locator("section", has=page.get_by_role("heading", name="Preview"))
    expect(preview.locator("dd")).to_have_text(["1"])
    world.visit(person_id, 0)
    expect(preview.locator("dd")).to_have_text(["2"])
    one.get_by_label("Unit").select_option("none")
    expect(preview.locator("dd")).to_have_text(["3"])
    page.get_by_role("button", name="Add attribute").click()
    two = attribute(page, 2)
    two.get_by_label("Name", exact=True).fill("Last page")
    two.get_by_label("Event", exact=True).fill("page.viewed")
    two.get_by_label("Aggregation").select_option("Value")
    two.get_by_label("Field", exact=True).fill("page")
    two.get_by_label("At most").fill("1")
    expect(preview.locator("dd")).to_have_text(["3", "/prices"])
    two.get_by_role("button", name="Rule about").click()
    page.get_by_role("menuitem", name="Visits").click()
    expect(two.get_by_label("Shown only when")).to_have_value("'page.viewed','','Count' GTE 1")
    two.get_by_label("Shown only when").fill("'page.viewed','','Count' GTE 9")
    expect(preview.locator("dd")).to_have_text(["3", "never"])
    two.get_by_label("Shown only when").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()
    page.goto(f"/live?person={person_id}")
    card = page.get_by_role("region", name="Visitor")
    expect(card.locator("dd")).to_have_text(["3", "/prices"])
    world.visit(person_id, 0, page="/new")
    expect(card.locator("dd")).to_have_text(["4", "/new"])
    world.visit(person_id, 60 * 24, page="/late")
    expect(card.locator("dd")).to_have_text(["5", "/new"])
    page.goto(f"/customers/{person_id}")
    expect(page.get_by_role("region", name="Visitor").locator("dd")).to_have_text(["5", "/new"])
    page.goto("/journeys/profiles")
    row = page.locator("tr", has_text="Visitor")
    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete view").click()
    expect(row).to_have_count(0)


def test_what_is_wrong_is_said_as_it_is_typed(page: Page) -> None:
    open_new(page)
    one = attribute(page, 1)
    expect(page.get_by_text("Nothing yet")).to_be_visible()
    expect(one.get_by_role("alert")).to_have_count(0)  # nobody has written anything yet
    page.get_by_label("Name", exact=True).first.fill("Mine")
    page.get_by_role("button", name="Save").click()
    expect(one.get_by_text("event needs 1 to 120")).to_be_visible()
    one.get_by_label("Event", exact=True).fill("comm.sent")
    expect(one.get_by_text("displayName needs")).to_be_visible()
    one.get_by_label("Name", exact=True).fill("Sent")
    expect(one.get_by_role("alert")).to_have_count(0)
    one.get_by_label("At most").fill("many")
    expect(one.get_by_text("limit is a whole number from 1 to 10,000.")).to_be_visible()
    one.get_by_label("At most").fill("5")
    one.get_by_label("Aggregation").select_option("Sum")
    expect(one.get_by_text("Sum is made of double, integer")).to_be_visible()
    one.get_by_label("Aggregation").select_option("Count")
    one.get_by_label("Shown only when").fill("more than one")
    expect(one.get_by_text("At character 0: write")).to_be_visible()
    assert_accessible(page)


def test_leaving_with_unsaved_changes_asks_first(page: Page) -> None:
    page.goto("/journeys/profiles")
    page.get_by_role("link", name="Service").click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()
    page.get_by_label("Name", exact=True).first.fill("Servant")
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    said: list[str] = []

    def refuse(dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_label("Breadcrumb").get_by_role("link", name="Journeys").click()
    expect(page).to_have_url(re.compile("/profiles/edit"))
    assert said == ["Leave without saving? What you changed here will be lost."]
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("Service")
    page.get_by_label("Breadcrumb").get_by_role("link", name="Journeys").click()
    expect(page).to_have_url(re.compile("/journeys$"))


def test_the_demo_world_has_profiles_on_the_desk(page: Page, world: World) -> None:
    with world.database.read() as session:
        person_id = session.exec(select(Person.id).where(Person.is_demo).limit(1)).one()  # type: ignore[arg-type]
    page.goto(f"/live?person={person_id}")
    for name in ("Service", "Outreach"):
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
