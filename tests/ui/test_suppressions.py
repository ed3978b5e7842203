"""Who must not be contacted: a file of addresses in the browser."""

import uuid
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible


def test_a_file_of_addresses_is_taken_and_what_is_no_file_is_told(page: Page, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex[:6]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"address\none-{mark}@mail.example\ntwo-{mark}@mail.example\nnobody\n", encoding="utf-8")
    bad.write_bytes("address\nÅ@mail.example\n".encode("latin-1"))
    page.goto("/suppressions")
    page.get_by_role("button", name="Upload a file…").click()
    dialog = page.get_by_role("dialog", name="Upload suppressions")
    expect(dialog.get_by_label("A file of addresses")).to_be_attached()
    page.set_input_files("input[type=file]", good)
    expect(dialog.get_by_text("2 addresses added, 0 known already. 1 row not taken; row 4")).to_be_visible()
    assert_accessible(page)
    page.set_input_files("input[type=file]", bad)
    expect(dialog.get_by_text("The file is not in UTF-8. Save it as CSV UTF-8.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("searchbox", name="Address or note").fill(mark)
    expect(page.get_by_role("table", name="Suppressions").locator("tbody tr")).to_have_count(2)
