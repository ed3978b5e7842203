"""What kind of file a person sent: its encoding, its delimiter, whether it has a header."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cxconsole.audience.column_guess import find_known_column, looks_like_phone
from cxconsole.errors import Invalid, Unsupported

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
_HEAD = 256 * 1024
_SLICES, _SLICE = 16, 64 * 1024

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "This is a ZIP or an Excel workbook (.xlsx)"),
    (b"PK\x05\x06", "This is an empty ZIP"),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel or Word document"),
    (b"%PDF", "This is a PDF"),
    (b"\x1f\x8b", "This is a gzip file"),
    (b"BZh", "This is a bzip2 file"),
    (b"7z\xbc\xaf", "This is a 7z archive"),
    (b"Rar!", "This is a RAR archive"),
    (b"\x89PNG", "This is a picture"),
    (b"GIF8", "This is a picture"),
    (b"\xff\xd8\xff", "This is a picture"),
    (b"\x7fELF", "This is a program"),
    (b"SQLite format 3", "This is a database"),
)
_SAVE = "Save the table as CSV (UTF-8) and upload that file."


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """How a file is read. `data_at` is the byte of the first row after the header, in UTF-8 for UTF-16 files."""

    encoding: str
    delimiter: str
    has_header: bool
    newline: str
    data_at: int
    headers: tuple[str, ...]
    first_row: int = 1
    """The number of the first row after the header, as a spreadsheet counts."""

    @property
    def needs_rewriting(self) -> bool:
        """Whether records can only be found after bringing the file to UTF-8 with line feeds."""
        return self.encoding.startswith("utf-16") or self.newline == "\r"

    def to_json(self) -> dict[str, Any]:
        """As kept with an import."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "CsvFormat":
        """The one that was kept."""
        return cls(**{**kept, "headers": tuple(kept["headers"])})


@dataclass(frozen=True, kw_only=True)
class Head:
    """The beginning of a file, as text, with what was found out about it."""

    format: CsvFormat
    records: list[list[str]]
    """The first rows, without the header; cells as they stand."""
    mixed: bool
    """Some lines are not in the encoding of most."""


def detect_format(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, has_header: bool | None = None
) -> Head:
    """How to read this file; what is given is not guessed. Raises Invalid or Unsupported for what is no table."""
    size = path.stat().st_size
    if size == 0:
        raise Invalid("The file is empty.")
    with path.open("rb") as file:
        head = file.read(_HEAD)
        slices = []
        for number in range(1, _SLICES) if size > _HEAD * 2 else ():
            file.seek(size * number // _SLICES)
            slices.append(file.read(_SLICE))
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise Unsupported(f"{what}, not a CSV file. {_SAVE}")
    if encoding is not None and encoding not in ENCODINGS:
        raise Invalid.field("encoding", f"Use one of {', '.join(ENCODINGS)}.")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise Invalid.field("delimiter", "The delimiter is one character, such as ; or a tab.")
    bom, encoding, mixed = _detect_encoding(head, slices, encoding)
    text = head[bom:].decode(encoding, errors="replace" if encoding.startswith("utf-16") else "surrogateescape")
    if len(head) < size:  # a character or line cut in two at the end says nothing
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    _refuse_binary(text)
    newline = "\r" if "\n" not in text and "\r" in text.rstrip("\r") else "\n"
    if newline == "\r":
        text = text.replace("\r", "\n")
    skipped, text, told = _read_separator_line(text)
    if not text.strip():
        raise Invalid("The file is empty.")
    delimiter = delimiter or told or _detect_delimiter(text)
    found = CsvFormat(
        encoding=encoding, delimiter=delimiter, has_header=bool(has_header), newline=newline, data_at=bom, headers=()
    )
    return _split_header(text, found, skipped, has_header, mixed)


def _split_header(text: str, found: CsvFormat, skipped: str, has_header: bool | None, mixed: bool) -> Head:
    lines = text.split("\n")
    blank = 0
    while not lines[blank].strip(f"\r {found.delimiter}"):
        blank += 1
    before = skipped + "".join(line + "\n" for line in lines[:blank])
    pulled = 0

    def feed() -> Any:
        nonlocal pulled
        for line in lines[blank:]:
            pulled += 1
            yield line + "\n"

    csv.field_size_limit(1 << 21)
    records: list[list[str]] = []
    header_lines = 0
    reader = csv.reader(feed(), delimiter=found.delimiter)
    while len(records) <= 200:
        try:
            record = next(reader, None)
        except csv.Error as error:  # the import will say so of that row
            if not records:
                raise Invalid(f"The first row cannot be read: {error}. {_SAVE}") from error
            record = [""] * len(records[0])
        if record is None:
            break
        header_lines = header_lines or pulled
        if record:
            records.append(record)
    first = [cell.strip() for cell in records[0]]
    if has_header is None:
        has_header = looks_like_header(first, records[1:20])
    if has_header:
        records = records[1:]
        before += "".join(line + "\n" for line in lines[blank : blank + header_lines])
    if found.needs_rewriting:
        data_at = len(before.encode("utf-8", errors="replace"))
    else:
        data_at = found.data_at + len(before.encode(found.encoding, errors="surrogateescape"))
    headers = _name_columns([_show(cell) for cell in first] if has_header else [""] * len(first))
    first_row = blank + (2 if has_header else 1)
    complete = replace(found, has_header=has_header, data_at=data_at, headers=headers, first_row=first_row)
    return Head(format=complete, records=[[_show(cell) for cell in record] for record in records], mixed=mixed)


def _show(cell: str) -> str:
    """A cell without bytes that could not be read."""
    return cell.encode("utf-8", errors="replace").decode() if not cell.isascii() else cell


def looks_like_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: it holds no address or number itself."""
    if any("@" in cell or looks_like_phone(cell) for cell in first):
        return False
    if any(find_known_column(cell) for cell in first):
        return True
    numbers = [at for at, cell in enumerate(first) if re.fullmatch(r"[-+]?[0-9][0-9.,]*", cell)]
    return not numbers and any(first) and (len(rows) > 0 or len(first) > 1)


def _name_columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Every column with a name of its own."""
    names: list[str] = []
    for at, cell in enumerate(cells, start=1):
        base = name = cell.replace("\0", "").strip()[:200] or f"column {at}"
        again = 1
        while name in names:
            again += 1
            name = f"{base} ({again})"
        names.append(name)
    return tuple(names)


def _detect_encoding(head: bytes, slices: Sequence[bytes], wanted: str | None) -> tuple[int, str, bool]:
    """(length of the byte order mark, encoding, whether some lines are in another)."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return len(mark), wanted or name, False
    if wanted is not None:
        return 0, wanted, False
    even, odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
    half = len(head[:2000]) // 2
    if half and max(even, odd) > half * 0.4 and min(even, odd) < half * 0.1:
        return 0, ("utf-16-le" if odd > even else "utf-16-be"), False
    good = bad = 0
    seen = bytearray()
    for piece in (head, *slices):
        lines = piece.split(b"\n")
        for line in lines[1:-1] if len(lines) > 2 else lines:
            if line.isascii():
                continue
            seen += bytes(byte for byte in line if byte > 127)[:200]
            try:
                line.decode()
                good += 1
            except UnicodeDecodeError:
                bad += 1
    if bad == 0:
        return 0, "utf-8", False
    if good >= bad:
        return 0, "utf-8", True
    unused = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
    return 0, ("latin-1" if unused & set(seen) else "cp1252"), good > 0


def _refuse_binary(text: str) -> None:
    strange = Counter(character for character in text if character < " " and character not in "\t\r\n\f\v")
    if sum(strange.values()) > max(20, len(text) * 0.02):
        raise Unsupported(f"This is a binary file, not a CSV file. {_SAVE}")


def _read_separator_line(text: str) -> tuple[str, str, str | None]:
    """(what was skipped, the rest, the delimiter named): Excel may begin a file with `sep=;`."""
    found = re.match(r'"?sep=(.)"?\r?\n', text)
    if found is None:
        return "", text, None
    return found[0], text[found.end() :], found[1]


def _detect_delimiter(text: str) -> str:
    """The one that cuts the first rows into the same number of cells, and into the most."""
    lines = [line + "\n" for line in text.split("\n")[:60] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            widths = [len(record) for record in csv.reader(lines, delimiter=delimiter) if record][:50]
        except csv.Error:
            continue
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        score = (count / len(widths)) * (width > 1) + min(width, 50) / 1000 + (widths[0] == width) * 0.1
        if score > best_score:
            best, best_score = delimiter, score
    return best
