"""Reads a CSV file of any size in blocks that end where a record ends.

The end of a block is a byte of the file, so an import can be taken up there again. Damage costs the rows it
is in: a line in another encoding, a quote that is never closed, a line without end.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cxconsole.audience.csv_format import CsvFormat
from cxconsole.audience.rows import BadCell, is_blank

LONGEST_RECORD = 1 << 20
_MOST_LINES = 2_000
_TOO_LONG = ("The line is longer than 1 MB", "Check the file for a missing line break or quote")
_OPEN_QUOTE = ("A quote is opened and not closed", "Close it, or write it twice within a quoted cell")
_ENCODING_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1"}


@dataclass(frozen=True, kw_only=True)
class BadRecord:
    """A record that cannot be cut into cells."""

    number: int
    raw: list[str]
    problem: BadCell


@dataclass(kw_only=True)
class Block:
    """Consecutive records. `end` is the byte after the last one."""

    end: int
    records: int = 0
    """All of them: good, bad and blank."""
    cells: list[list[str]] = field(default_factory=list)
    numbers: Sequence[int] = ()
    """The row number of each of `cells`, as a spreadsheet counts."""
    bad: list[BadRecord] = field(default_factory=list)


def rewrite_plain(source: Path, target: Path, found: CsvFormat) -> None:
    """The same table in UTF-8 with line feeds, for files in which record ends cannot be seen in the bytes."""
    with (
        source.open(encoding=found.encoding, errors="replace", newline="") as reading,
        target.open("w", encoding="utf-8", newline="") as writing,
    ):
        first = True
        while piece := reading.read(1 << 20):
            if first:
                piece, first = piece.removeprefix("\ufeff"), False
            writing.write(piece.replace("\r", "\n") if found.newline == "\r" else piece)


def fit_record(record: list[str], width: int) -> list[str] | BadCell:
    """A record as a row of the table, without surplus cells that are empty; or why it is none."""
    have = len(record)
    if have > width and is_blank(record[width:]):
        return record[:width]
    if have == width:
        return record
    reason, remedy = f"{have} cells where the header has {width}", "Put cells that hold the delimiter in quotes"
    if have < width:
        reason = f"Only {have} {'cell' if have == 1 else 'cells'} where the header has {width}"
        remedy = "Add the missing cells"
    return BadCell("", ", ".join(record)[:500], reason, remedy)


class CsvReader:
    """The records of one file. `path` is the rewritten file where the format needs that."""

    def __init__(self, path: Path, found: CsvFormat) -> None:
        csv.field_size_limit(LONGEST_RECORD * 2)
        self._path = path
        self._encoding = "utf-8" if found.needs_rewriting else found.encoding
        self._delimiter = found.delimiter
        self._width = len(found.headers)
        self.size = path.stat().st_size

    def read_block(self, start: int, size: int, *, first_number: int) -> Block:
        """Records from byte `start` on, about `size` bytes of them; none when the file has ended."""
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(size)
            if len(data) == size:
                cut = data.rfind(b"\n") + 1
                if cut == 0:
                    rest, complete = _read_line(file, LONGEST_RECORD)
                    if not complete:
                        return self._skip_line(file, data, first_number)
                    data += rest
                else:
                    data = data[:cut]
                file.seek(start + len(data))
            return self._parse(data, start, file, first_number)

    def _skip_line(self, file: BinaryIO, data: bytes, number: int) -> Block:
        while True:
            _, complete = _read_line(file, LONGEST_RECORD)
            if complete:
                break
        problem = BadCell("", "", *_TOO_LONG)
        raw = [data[:500].decode(self._encoding, errors="replace").replace("\0", "")]
        return Block(end=file.tell(), records=1, bad=[BadRecord(number=number, raw=raw, problem=problem)])

    def _parse(self, data: bytes, start: int, file: BinaryIO, first: int) -> Block:
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError:
            text = None
        if text is not None and b"\0" not in data:
            block = self._parse_clean(text, start + len(data), first)
            if block is not None:
                return block
        return _Careful(self._encoding, self._delimiter, self._width, data, start, file, first).parse()

    def _parse_clean(self, text: str, end: int, first: int) -> Block | None:
        """The quick way, for a block in which every line is a record of the right width; None when it is not."""
        lines = io.StringIO(text, newline="\n")
        try:
            if '"' in text:
                listed = list(lines)
                if any(line.count('"') & 1 for line in listed):
                    return None
                cells = list(csv.reader(listed, delimiter=self._delimiter))
                if len(cells) != len(listed):
                    return None
            else:
                cells = list(csv.reader(lines, delimiter=self._delimiter))
        except csv.Error:
            return None
        if any(len(row) != self._width for row in cells):
            return None
        return Block(end=end, records=len(cells), cells=cells, numbers=range(first, first + len(cells)))


def _read_line(file: BinaryIO, most: int) -> tuple[bytes, bool]:
    """Up to `most` bytes of the line, and whether that was all of it."""
    line = file.readline(most)
    return line, len(line) < most or line.endswith(b"\n")


class _Careful:
    """The slow way, record by record, for a block that holds something out of the ordinary."""

    def __init__(
        self, encoding: str, delimiter: str, width: int, data: bytes, start: int, file: BinaryIO, first: int
    ) -> None:
        self._encoding = encoding
        self._delimiter = delimiter
        self._width = width
        self._lines = _split_lines(data)
        self._file = file
        self._end = start + len(data)
        self._first = first
        self._cells: list[list[str]] = []
        self._numbers: list[int] = []
        self._bad: list[BadRecord] = []

    def parse(self) -> Block:
        """All records that begin in the block; the last one may end after it."""
        at = records = 0
        while at < len(self._lines):
            used = self._read_record(at, self._first + records)
            at += used
            records += 1
        return Block(end=self._end, records=records, cells=self._cells, numbers=self._numbers, bad=self._bad)

    def _read_record(self, at: int, number: int) -> int:
        """Take the record that begins at this line; how many lines it has."""
        raw = self._lines[at]
        line = self._decode(raw)
        if line is None:
            name = _ENCODING_NAMES.get(self._encoding, self._encoding)
            self._reject(number, raw, f"Not written in {name} like the rest", "Save the whole file as UTF-8")
            return 1
        if "\0" in line:
            self._reject(number, raw, "Holds a NUL character", "The file may be damaged: export it again")
            return 1
        if len(raw) > LONGEST_RECORD:
            self._reject(number, raw, *_TOO_LONG)
            return 1
        record, is_open = self._cut([line])
        if is_open:
            return self._read_long_record(at, number, line)
        self._take(number, record, raw)
        return 1

    def _read_long_record(self, at: int, number: int, line: str) -> int:
        """A quoted cell goes on over line ends, or its quote is never closed: then only this line is lost."""
        lines, size, quotes, tries = [line], len(line), line.count('"'), 0
        while len(lines) < _MOST_LINES and size < LONGEST_RECORD:
            raw = self._line(at + len(lines))
            following = self._decode(raw) if raw else None
            if following is None or "\0" in following:
                break
            lines.append(following)
            size += len(following)
            quotes += following.count('"')
            if quotes % 2 == 0:
                record, is_open = self._cut(lines)
                if not is_open and len(record or ()) == self._width:
                    self._take(number, record, self._lines[at])
                    return len(lines)
                tries += 1
                if not is_open or tries == 20:  # each try reads the record again
                    break
        self._reject(number, self._lines[at], *_OPEN_QUOTE)
        return 1

    def _line(self, at: int) -> bytes:
        """A line of the block or, when a record goes on, of the file after it; empty at the end."""
        if at == len(self._lines):
            line = self._file.readline(LONGEST_RECORD)
            if not line:
                return b""
            self._end += len(line)
            self._lines.append(line)
        return self._lines[at]

    def _decode(self, raw: bytes) -> str | None:
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError:
            return None

    def _cut(self, lines: Sequence[str]) -> tuple[list[str] | None, bool]:
        """The cells of one record, and whether it ends inside a quoted cell. None when it cannot be read."""
        try:
            next(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None, True
        try:
            return next(csv.reader(lines, delimiter=self._delimiter)), False
        except csv.Error:
            return None, False

    def _take(self, number: int, record: list[str] | None, raw: bytes) -> None:
        if record is None:
            self._reject(number, raw, "A line break in the middle of the row", "Put the cell in quotes")
            return
        if len(record) != self._width and is_blank(record):
            return
        row = fit_record(record, self._width)
        if isinstance(row, BadCell):
            self._bad.append(BadRecord(number=number, raw=record, problem=row))
            return
        self._cells.append(row)
        self._numbers.append(number)

    def _reject(self, number: int, raw: bytes, reason: str, remedy: str) -> None:
        text = raw[:20_000].decode(self._encoding, errors="replace").replace("\0", "\ufffd").rstrip("\r\n")
        cells = text.split(self._delimiter)
        self._bad.append(BadRecord(number=number, raw=cells, problem=BadCell("", text[:500], reason, remedy)))


def _split_lines(data: bytes) -> list[bytes]:
    """Lines that end in a line feed; a lone carriage return is part of its line."""
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def read_blocks(reader: CsvReader, found: CsvFormat, *, size: int = 256 * 1024) -> Iterator[Block]:
    """All blocks of a file, one after the other."""
    at, number = found.data_at, found.first_row
    while True:
        block = reader.read_block(at, size, first_number=number)
        if block.end == at:
            return
        yield block
        at, number = block.end, number + block.records
