"""Blocks of a file: whatever the block size, the same records at the same places."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cxconsole.audience.csv_format import detect_format
from cxconsole.audience.csv_reader import CsvReader, read_blocks
from cxconsole.audience.grouping import group_rows
from cxconsole.audience.rows import ParsedRow

_CELL = st.text("ab,;\"\n é-'", max_size=12)


def _read(data: bytes, size: int) -> list[tuple[int, list[str]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(data)
        found = detect_format(path, encoding="utf-8", delimiter=",", has_header=True).format
        records, end = [], found.data_at
        for block in read_blocks(CsvReader(path, found), found, size=size):
            assert end < block.end <= len(data)
            assert len(block.cells) + len(block.bad) <= block.records
            records += list(zip(block.numbers, block.cells, strict=True))
            end = block.end
        assert end == len(data)
        return records


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=12), st.integers(8, 200))
@settings(max_examples=200, deadline=None)
def test_every_size_of_block_finds_the_records_that_were_written(rows, size):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["email", "note"], *rows])
    assert _read(buffer.getvalue().encode(), size) == list(enumerate(rows, start=2))


@given(st.binary(max_size=300), st.integers(8, 100))
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_the_reader_gets_to_the_end(data, size):
    for _, cells in _read(b"email,note\na@example.com,x\n" + data, size):
        assert len(cells) == 2


def _row(email=None, phone=None, customer_id=None) -> ParsedRow:
    return ParsedRow(email, phone, customer_id, None, None, None, None, None, None, "{}")


@given(
    st.lists(
        st.tuples(
            st.none() | st.sampled_from("abcdefgh").map("{}@x.se".format),
            st.none() | st.sampled_from("abcdefgh").map("+{}".format),
            st.none() | st.sampled_from("abcdefgh"),
        ).filter(any),
        max_size=14,
    )
)
def test_rows_are_one_group_when_a_chain_of_shared_identities_ties_them(rows):
    batch = group_rows([_row(*row) for row in rows])
    expected = list(range(len(rows)))
    for _ in rows:  # the slow, plain way: pass the smallest number on until nothing moves
        for one, first in enumerate(rows):
            for other, second in enumerate(rows):
                if any(a is not None and a == b for a, b in zip(first, second, strict=True)):
                    expected[one] = expected[other] = min(expected[one], expected[other])
    assert list(batch.group_of) == expected
    assert sorted(batch.groups) == sorted(set(expected))
