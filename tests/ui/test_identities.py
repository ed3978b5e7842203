"""Who is who, decided by people: conflicts side by side, the undoing of a merge, files of identities."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cxconsole import clock
from cxconsole.audience.recognition import recognise
from cxconsole.database import Database
from cxconsole.journey.recording import Named
from tests.ui.conftest import Console, assert_accessible


class World:
    """The console's own database, to which events come."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.mark = uuid.uuid4().hex[:6]

    def name(self, person: str, previously: str | None = None) -> int:
        """An event by this name; whom it is about."""
        named = [Named(self.of(person), self.of(previously) if previously else None, f"shop-{self.mark}")]
        with self.database.write() as session:
            [found] = recognise(session, named, actor="journey", now=clock.now())
        return found.person_id

    def of(self, name: str) -> str:
        """A name of this test's own."""
        return f"{name}-{self.mark}@mail.example"

    def clash(self, one: str, other: str) -> tuple[int, int]:
        """Two who are known by name, and an event that says they are one."""
        ids = self.name(one), self.name(other)
        self.name(one, previously=other)
        return ids


@pytest.fixture
def world(console: Console) -> Iterator[World]:
    database = Database(f"sqlite:///{console.data_dir / 'cxconsole.db'}")
    yield World(database)
    database.dispose()


def open_conflict(page: Page, world: World, one: str, other: str) -> None:
    """The list, with this pair side by side."""
    page.goto("/journeys/conflicts")
    page.get_by_role("button", name=f"{world.of(one)} and {world.of(other)}").click()
    expect(page.get_by_role("region", name=world.of(other), exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_for_everybody_and_fit_a_phone(page: Page, world: World, scheme) -> None:
    world.clash("ada", "bob")
    page.emulate_media(color_scheme=scheme)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        open_conflict(page, world, "ada", "bob")
        for tab in page.get_by_role("navigation", name="Parts of Journeys").get_by_role("link").all():
            expect(tab).to_be_in_viewport(ratio=1)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto("/journeys/identities")
        expect(page.get_by_label("A file of identities")).to_be_attached()
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_conflict_appears_by_itself_and_a_merge_of_it_is_undone(page: Page, world: World) -> None:
    page.goto("/journeys/conflicts")
    expect(page.get_by_role("heading", name="Identity conflicts")).to_be_visible()
    _, bob = world.clash("ada", "bob")
    page.get_by_role("button", name=f"{world.of('ada')} and {world.of('bob')}").click()
    side = page.get_by_role("region", name=world.of("ada"), exact=True)
    expect(side.get_by_text("Last seen")).to_be_visible()
    side.get_by_role("button", name=f"Merge into {world.of('ada')}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"takes over what {world.of('bob')} has")
    assert_accessible(page)
    dialog.get_by_role("button", name="Merge them").click()
    expect(page.get_by_text("They are one customer now.")).to_be_visible()
    expect(page.get_by_role("button", name=world.of("ada"))).to_have_count(0)
    page.get_by_role("group", name="Which conflicts").get_by_role("button", name="Decided").click()
    expect(page.get_by_role("table", name="Identity conflicts")).to_contain_text("Merged")

    page.goto(f"/customers/{bob}")
    history = page.get_by_role("region", name="Merge history")
    expect(history).to_contain_text(world.of("bob"))
    history.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("dialog", name="Undo this merge?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_text("They are two again.")).to_be_visible()
    expect(history).to_contain_text("Undone")
    history.get_by_role("link", name=world.of("bob")).click()
    expect(page.get_by_role("heading", level=1, name=world.of("bob"))).to_be_visible()
    expect(page.get_by_role("region", name="Identities")).not_to_contain_text(world.of("ada"))
    expect(page.get_by_text("Merge undone").first).to_be_visible()


def test_two_customers_are_merged_from_the_page_of_one(page: Page, world: World) -> None:
    kim, lea = world.name("kim"), world.name("lea")
    page.goto(f"/customers/{kim}")
    page.get_by_role("region", name="Merge history").get_by_role("button", name="Merge with another").click()
    dialog = page.get_by_role("dialog", name="Merge with another customer")
    dialog.get_by_role("button", name="Merge them").click()
    expect(dialog.get_by_text("Choose the other customer.")).to_be_visible()
    dialog.get_by_label("The other customer").fill(world.of("lea"))
    dialog.get_by_role("button", name=world.of("lea")).click()
    dialog.get_by_role("radio", name="The other one stays").click()
    expect(dialog.get_by_role("button", name=world.of("lea"))).to_have_attribute("aria-pressed", "true")
    assert_accessible(page)
    dialog.get_by_role("button", name="Merge them").click()
    expect(page.get_by_text("They are one customer now.")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name=world.of("lea"))).to_be_visible()
    expect(page.get_by_role("region", name="Merge history")).to_contain_text(world.of("kim"))
    page.goto(f"/customers/{lea}")
    expect(page.get_by_role("region", name="Identities")).to_contain_text(world.of("kim"))


def test_who_is_kept_apart_leaves_the_list(page: Page, world: World) -> None:
    world.clash("eva", "fay")
    open_conflict(page, world, "eva", "fay")
    page.get_by_role("button", name="Keep them apart").click()
    expect(page.get_by_text("They stay two")).to_be_visible()
    expect(page.get_by_role("button", name=f"{world.of('eva')} and {world.of('fay')}")).to_have_count(0)


def test_the_only_name_cannot_move_and_another_can(page: Page, world: World) -> None:
    world.clash("gus", "hal")
    open_conflict(page, world, "gus", "hal")
    page.get_by_role("button", name=f"Move the name here: {world.of('hal')}").click()
    expect(page.get_by_text("This is the only name of that person")).to_be_visible()
    world.name("more", previously="hal")
    page.get_by_role("button", name=f"Move the name here: {world.of('hal')}").click()
    expect(page.get_by_text("The name has moved.")).to_be_visible()


def test_a_file_is_checked_first_and_imported_when_told(page: Page, world: World, tmp_path: Path) -> None:
    world.clash("ivy", "joe")
    file = tmp_path / f"names-{world.mark}.csv"
    file.write_text(
        f"identity,alias\n{world.of('ivy')},{world.of('new')}\n{world.of('ivy')},{world.of('joe')}\n", encoding="utf-8"
    )
    page.goto("/journeys/identities")
    expect(page.get_by_label("A file of identities")).to_be_attached()
    page.set_input_files("input[type=file]", file)
    expect(page.get_by_text("2 rows: 1 would add a name")).to_be_visible()
    expect(page.get_by_text("Checked, nothing changed yet")).to_be_visible()
    expect(page.get_by_role("table", name="Rejected rows")).to_contain_text("Decide on the page Identity conflicts")
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows").first.click()
    assert world.of("joe") in download.value.path().read_text(encoding="utf-8")
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("2 rows: 1 added a name")).to_be_visible()
    expect(page.get_by_text("Imported", exact=True).first).to_be_visible()
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    page.set_input_files("input[type=file]", wrong)
    expect(page.get_by_text("The file needs a column called identity and one called alias.")).to_be_visible()
