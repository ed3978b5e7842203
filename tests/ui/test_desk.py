"""The agent's desk, the customer page and the event explorer on the demo world."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from cxconsole import clock
from cxconsole.database import Database
from cxconsole.journey.tape import append_events
from models.person import Identity, Person
from tests.ui.conftest import Console, assert_accessible


class World:
    """The console's own database, written to as another system would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._count = 0

    def make_person(self, name: str, **identities: str) -> int:
        """A person of this test's own."""
        now = clock.now()
        with self.database.write() as session:
            person = Person(first_name=name, last_name="Deskson", created_at=now, updated_at=now)
            session.add(person)
            session.flush()
            for kind, value in identities.items():
                session.add(Identity(person_id=person.id, kind=kind, value=value, created_at=now))
            return person.id or 0

    def visit(self, person_id: int, *ages_in_minutes: int, page: str = "/prices") -> None:
        """Page views of a person, so many minutes ago."""
        rows = []
        for age in ages_in_minutes:
            self._count += 1
            rows.append(
                {
                    "source": f"shop-{person_id}", "event_id": str(self._count), "type": "page.viewed",
                    "person_id": person_id, "time": clock.now() - timedelta(minutes=age), "data": {"page": page},
                }
            )  # fmt: skip
        with self.database.write() as session:
            append_events(session, rows)


@pytest.fixture
def world(console: Console) -> Iterator[World]:
    database = Database(f"sqlite:///{console.data_dir / 'cxconsole.db'}")
    yield World(database)
    database.dispose()


def events(page: Page):
    return page.locator(".cx-timeline > li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_is_accessible_and_fits_a_phone(page: Page, world: World, scheme: str) -> None:
    person_id = world.make_person("Axe", email=f"axe-{scheme}@desk.example")
    world.visit(person_id, 1, 90, 60 * 26)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/live")
    expect(page.get_by_role("heading", name="Moved last")).to_be_visible()
    assert_accessible(page)
    page.goto(f"/live?person={person_id}")
    expect(events(page)).to_have_count(3)
    events(page).first.get_by_role("button").click()
    expect(page.get_by_label("Data of the event")).to_contain_text("/prices")
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("tab", name="Profile").click()
    expect(page.get_by_role("heading", name="Identities")).to_be_visible()
    page.get_by_role("button", name="Back to the list").click()
    expect(page.get_by_role("searchbox", name="Find a customer")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Note", exact=True).click()
    expect(page.get_by_role("dialog", name="Add a note")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("path", ["/customers", "/customers/{id}", "/journeys"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_other_pages_are_accessible_and_fit_a_phone(page: Page, world: World, path: str, scheme: str) -> None:
    with world.database.read() as session:
        person_id = session.exec(select(Person.id).where(Person.is_demo).limit(1)).one()  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.format(id=person_id))
    expect(page.locator(".cx-timeline > li, table tbody tr").first).to_be_visible()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("writing", ["pop@desk.example", "+14155550142", "(415) 555-0142", "D-4711"])
def test_a_telephony_client_opens_the_customer_who_calls(page: Page, world: World, writing: str) -> None:
    with world.database.read() as session:
        known = session.exec(select(Identity).where(Identity.value == "D-4711")).first()
    if known is None:
        world.make_person("Pop", email="pop@desk.example", phone="+14155550142", customer_id="D-4711")
    page.goto(f"/live?identity={writing}")
    expect(page.get_by_role("heading", name="Pop Deskson")).to_be_visible()


def test_an_identity_of_nobody_says_so(page: Page) -> None:
    page.goto("/live?identity=nobody@nowhere.example")
    expect(page.get_by_text("Nobody is known by “nobody@nowhere.example”")).to_be_visible()
    page.goto("/live?person=99999999")
    expect(page.get_by_text("There is no person 99999999.")).to_be_visible()


def test_a_customer_is_found_by_name_and_several_stay_on_the_desk(page: Page, world: World) -> None:
    ids = [world.make_person(name, customer_id=f"K-{name}") for name in ("Asta", "Bodil")]
    world.visit(ids[0], 3)
    page.goto("/live")
    for name in ("Asta", "Bodil"):
        page.get_by_role("searchbox", name="Find a customer").fill(f"K-{name}")
        page.get_by_role("button", name=re.compile(f"^{name} Deskson")).first.click()
        expect(page.get_by_role("heading", name=f"{name} Deskson")).to_be_visible()
    expect(page.get_by_text("With you, 2")).to_be_visible()
    world.visit(ids[0], 0, 0)
    row = page.locator(".cx-desk-item", has_text="Asta")
    expect(row.locator(".cx-count-dot")).to_have_text("2")
    page.reload()
    expect(page.get_by_text("With you, 2")).to_be_visible()
    row.get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Asta Deskson")).to_be_visible()
    expect(events(page)).to_have_count(3)
    row.get_by_role("button", name="Take Asta Deskson off the desk").click()
    expect(page.get_by_text("With you, 1")).to_be_visible()


def test_what_happens_is_shown_as_it_happens_and_held_while_somebody_reads(page: Page, world: World) -> None:
    person_id = world.make_person("Live")
    world.visit(person_id, *range(5, 125))
    page.goto(f"/live?person={person_id}")
    expect(events(page).first).to_be_visible()
    world.visit(person_id, 0, page="/new")
    expect(events(page).first).to_contain_text("/new")
    page.wait_for_function(  # older ones come as the end is reached
        """() => {
            const box = document.querySelector(".cx-history");
            box.scrollTo(0, box.scrollHeight);
            return box.innerText.includes("This is the beginning.");
        }""",
        polling=200,
    )
    expect(events(page)).to_have_count(121)
    world.visit(person_id, 0, 0, page="/newer")
    pill = page.get_by_role("button", name="2 new events")
    expect(pill).to_be_visible()
    expect(events(page)).to_have_count(121)
    pill.click()
    expect(events(page)).to_have_count(123)
    expect(events(page).first).to_be_in_viewport()
    page.get_by_role("button", name="Live", exact=True).click()
    world.visit(person_id, 0, page="/held")
    expect(page.get_by_role("button", name="1 new event")).to_be_visible()
    page.get_by_role("button", name="Live", exact=True).click()
    expect(events(page).first).to_contain_text("/held")


def test_a_note_is_seen_by_others_at_once_and_can_be_erased(page: Page, world: World) -> None:
    person_id = world.make_person("Noted")
    other = page.context.new_page()
    for one in (page, other):
        one.goto(f"/live?person={person_id}")
        expect(one.get_by_text("Nothing has happened yet.")).to_be_visible()
    page.get_by_role("button", name="Note", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a note")
    dialog.get_by_role("button", name="Add note").click()
    expect(dialog.get_by_text("Write something first.")).to_be_visible()
    dialog.get_by_label("Note").fill("Moves to Umeå in May")
    dialog.get_by_role("button", name="Add note").click()
    for one in (page, other):
        expect(events(one).first).to_contain_text("Moves to Umeå in May")
    page.get_by_role("button", name="Note by operator", exact=True).click()
    page.get_by_role("button", name="Erase the text…").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase the text").click()
    expect(events(page).first).to_contain_text("A note was erased")
    expect(page.get_by_text("Moves to Umeå in May")).to_have_count(0)


def test_a_follow_up_is_planned_and_done(page: Page, world: World) -> None:
    person_id = world.make_person("Later")
    page.goto(f"/customers/{person_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Later Deskson")
    page.get_by_role("button", name="Follow-up", exact=True).click()
    dialog = page.get_by_role("dialog", name="Plan a follow-up")
    dialog.get_by_label("What is to be done").fill("Call about the move")
    dialog.get_by_label("When").fill("2020-01-01T10:00")
    dialog.get_by_role("button", name="Plan").click()
    expect(dialog.get_by_text("Choose a time that is still to come.")).to_be_visible()
    dialog.get_by_label("When").fill("2099-01-01T10:00")
    dialog.get_by_role("button", name="Plan").click()
    planned = page.get_by_role("region", name="Follow-ups")
    expect(planned).to_contain_text("Call about the move")
    planned.get_by_role("button", name="Done").click()
    expect(planned).to_contain_text("None planned.")
    expect(events(page).first).to_contain_text("Followed up: Call about the move")


def test_a_timeline_is_narrowed_to_one_kind(page: Page, world: World) -> None:
    person_id = world.make_person("Narrow")
    world.visit(person_id, 1, 2)
    page.goto(f"/live?person={person_id}")
    expect(events(page)).to_have_count(2)
    page.get_by_role("button", name="E-mail", exact=True).click()
    expect(page.get_by_text("Nothing of this kind.")).to_be_visible()
    page.get_by_role("button", name="Web and other systems").click()
    expect(events(page)).to_have_count(2)


def test_a_customer_to_whom_much_happens_makes_no_long_list(page: Page, world: World) -> None:
    person_id = world.make_person("Busy", email="busy@desk.example")
    world.visit(person_id, 5, page="/start")
    page.goto(f"/live?person={person_id}")
    expect(events(page)).to_have_count(1)
    for number in range(6):
        world.visit(person_id, *[0] * 45, page=f"/round/{number}")
        expect(events(page).first).to_contain_text(f"/round/{number}")
    expect(events(page)).to_have_count(50 + 45)  # the fifth round was one too many: it began anew with a page
    page.locator(".cx-history").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(events(page).filter(has_text="/round/2")).not_to_have_count(0)


def test_the_customer_page_says_why_and_search_and_trail_lead_there(page: Page) -> None:
    page.goto("/campaigns/CMP-1009/contacts?status=completed")
    page.locator("table tbody tr a.cx-row-link").first.click()
    page.locator(".cx-page-actions").get_by_role("link", name="Open customer").click()
    expect(page).to_have_url(re.compile(r"/customers/\d+"))
    expect(page.get_by_role("table", name="Why this person was, or was not, contacted")).to_contain_text("E-mail")
    expect(events(page).first).to_be_visible()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile(r"\w"))  # until it is known who it is, a blank keeps its height
    name = heading.inner_text()
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Search people and campaigns").fill(name)
    page.locator(".cx-palette-list a", has_text=name).first.click()
    expect(page).to_have_url(re.compile(r"/customers/\d+"))


def test_the_explorer_searches_and_exports(page: Page, world: World) -> None:
    person_id = world.make_person("Explored", customer_id="X-1")
    world.visit(person_id, 1, 2, page="/odd-page")
    page.goto("/journeys")
    rows = page.locator("table tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_label("Source").fill(f"shop-{person_id}")
    expect(rows).to_have_count(2)
    page.get_by_label("Data field").fill("page")
    page.get_by_label("Value").fill("/odd-page")
    page.get_by_label("Type").fill("page.*")
    page.get_by_label("Customer").fill("X-1")
    expect(page.get_by_role("link", name="Export CSV")).to_have_attribute("href", re.compile("person_id=.*value="))
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button", name="Page viewed").click()
    expect(page.get_by_label("Data of the event")).to_contain_text("/odd-page")
    with page.expect_download() as told:
        page.get_by_role("link", name="Export CSV").click()
    assert len(told.value.path().read_text().splitlines()) == 3
    page.get_by_label("Value").fill("/even-page")
    expect(page.get_by_text("No event fits this search.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_role("button", name="Newer")).to_be_enabled()
