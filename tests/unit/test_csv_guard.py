import csv
import io
from datetime import UTC, datetime

import pytest

from cxconsole.csv_guard import guard_cell, write_csv


@pytest.mark.parametrize(
    "cell",
    ["=cmd()", "+cmd|' /C calc'!A0", "-2+3+cmd()", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "+1 (555)x"],
)
def test_a_cell_that_could_run_is_made_text(cell):
    assert guard_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "Amira", "+4670144210", "-12.5", "a=b", "x@example.com", "1-2"])
def test_a_harmless_cell_stays_as_it_is(cell):
    assert guard_cell(cell) == cell


def test_cells_that_are_no_text_are_written_as_text():
    assert guard_cell(None) == ""
    assert guard_cell(datetime(2026, 5, 19, 10, tzinfo=UTC)) == "2026-05-19T10:00:00+00:00"
    assert guard_cell(-3) == "-3"


def test_what_is_written_reads_back_also_with_line_breaks_and_quotes():
    rows = [["a,b", 'say "hi"', "two\nlines"]] * 5_000
    chunks = list(write_csv(["=x", "y", "z"], rows))
    assert len(chunks) > 1
    found = list(csv.reader(io.StringIO("".join(chunks), newline="")))
    assert found[0] == ["'=x", "y", "z"]
    assert found[1:] == rows
