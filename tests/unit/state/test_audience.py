from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cxconsole.audience.sources import SourceView
from state.audience import _source_row
from state.format import Viewer

NOW = datetime(2026, 5, 19, 10, tzinfo=UTC)


def test_a_source_shows_who_it_added_whom_it_updated_and_what_was_rejected():
    source = SourceView(
        id=1, kind="manual", name="Added by hand", rows_read=1_207, created=1_004, merged=200, duplicates=0, rejected=3,
        left_out=0, contacts=1_003, created_at=NOW, last_row_at=NOW, import_id=None, state="open",
    )  # fmt: skip
    shown = _source_row(source, Viewer(zone=ZoneInfo("UTC"), now=NOW))
    assert (shown.contacts, shown.updated, shown.rejected) == ("1,003", "200", "3")
