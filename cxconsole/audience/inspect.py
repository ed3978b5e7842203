"""A look at a file before it is imported: what it is, what its columns become, what the import would do."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.audience.bulk import slices
from cxconsole.audience.column_guess import attribute_name, find_known_column, guess_columns
from cxconsole.audience.contacts_intake import check_region
from cxconsole.audience.csv_format import CsvFormat, Head, detect_format
from cxconsole.audience.csv_reader import CsvReader, fit_record, read_blocks, rewrite_plain
from cxconsole.audience.grouping import Unions, identities_of
from cxconsole.audience.rows import KNOWN_COLUMNS, BadCell, ParsedRow, RowPlan, is_blank
from cxconsole.database import Database
from cxconsole.errors import FieldProblem, Invalid
from models.contact import CampaignContact
from models.person import Identity

REJECTED_HEADERS = ("row", "column", "value", "reason", "remedy")
"""The first columns of a download of rejected rows; left out when such a file comes back mended."""
CHECKED_ROWS = 200_000
_EXAMPLES = 100
"""So many rejected rows are told one by one, and so many values left out."""


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read a file. None means: find out."""

    default_region: str = "US"
    has_header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileInspection:
    """What a file is. `guesses` says what each header would become (None: left out).

    `samples` are its first rows; one that has more or fewer cells than there are headers would be rejected.
    """

    delimiter: str
    encoding: str
    has_header: bool
    headers: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    guesses: dict[str, str | None]
    size: int
    rows_estimated: int
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ColumnFinding:
    """What the check found in one column."""

    column: str
    target: str | None
    filled: int
    empty: int
    different: int
    """Up to 1,001; more are not told apart."""
    bad: int
    reasons: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What an import would do. The four outcomes add up to `rows`."""

    rows: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    known_persons: int
    left_out: int
    is_complete: bool
    """False when only the first rows of a large file were checked."""
    columns: tuple[ColumnFinding, ...]
    rejections: tuple[tuple[int, BadCell], ...]
    """The first of the rejected rows: (row number, what is wrong)."""
    left_out_cells: tuple[tuple[int, BadCell], ...]
    """The first of the values that their rows would be stored without."""


def inspect_file(path: Path, *, options: ImportOptions | None = None) -> FileInspection:
    """Look at the beginning of a file. Raises Invalid or Unsupported when it is no table."""
    options = options or ImportOptions()
    head = _detect(path, options)
    found, size = head.format, path.stat().st_size
    guesses = guess_targets(head)
    average = sum(sum(map(len, row)) + len(row) for row in head.records) / max(1, len(head.records))
    per_character = 2 if found.encoding.startswith("utf-16") else 1
    return FileInspection(
        delimiter=found.delimiter, encoding=found.encoding, has_header=found.has_header, headers=found.headers,
        samples=tuple(tuple(cell[:200] for cell in _trim(record, head)) for record in head.records[:20]),
        guesses=guesses, size=size,
        rows_estimated=len(head.records) if size < 256 * 1024 else int(size / max(1, average * per_character)),
        problems=tuple(_problems(head, guesses)),
    )  # fmt: skip


def _detect(path: Path, options: ImportOptions) -> Head:
    return detect_format(path, encoding=options.encoding, delimiter=options.delimiter, has_header=options.has_header)


def guess_targets(head: Head) -> dict[str, str | None]:
    """What each header would become."""
    headers = head.format.headers
    samples = [_fit(record, len(headers)) for record in head.records[:50]]
    guesses: dict[str, str | None] = dict(
        zip(headers, guess_columns(headers, samples, has_header=head.format.has_header), strict=True)
    )
    if headers[: len(REJECTED_HEADERS)] == REJECTED_HEADERS:
        guesses |= dict.fromkeys(REJECTED_HEADERS, None)
    return guesses


def _fit(record: Sequence[str], width: int) -> list[str]:
    return [*record[:width], *([""] * (width - len(record)))]


def _trim(record: list[str], head: Head) -> list[str]:
    row = fit_record(record, len(head.format.headers))
    return record if isinstance(row, BadCell) else row


def _problems(head: Head, guesses: Mapping[str, str | None]) -> Iterator[str]:
    if not head.records:
        yield "The file has a header and no rows."
    if head.mixed:
        yield "Some lines are in another encoding than the rest; they would be rejected."
    twice = [name for name in head.format.headers if name.endswith(")") and name.rpartition(" (")[0] in guesses]
    if twice:
        yield f"Several columns have the same name; the later ones are shown as {', '.join(map(repr, twice))}."
    if not {"email", "phone", "customer_id"} & set(guesses.values()):
        yield "No column looks like an e-mail, phone or customer id. Say which one tells who a row is about."
    width = len(head.format.headers)
    widths = [len(_trim(record, head)) for record in head.records if not is_blank(record)]
    more, fewer = sum(have > width for have in widths), sum(have < width for have in widths)
    if more or fewer:
        kinds = ((more, f"more cells than the {width} columns"), (fewer, f"fewer cells than the {width} columns"))
        found = " and ".join(f"{count} {'has' if count == 1 else 'have'} {words}" for count, words in kinds if count)
        yield (
            f"{more + fewer} of the first {len(widths)} rows will be rejected: {found}. The others are imported. "
            "The check names each rejected row and how to mend it."
        )


def choose_targets(head: Head, mapping: Mapping[str, str | None] | None) -> list[str | None]:
    """What each column becomes: as mapped, else a known column it is named after, else an attribute.

    Without any mapping all are guessed. Raises Invalid for a header that the file does not have.
    """
    guesses = guess_targets(head)
    if not mapping:
        return [guesses[header] for header in head.format.headers]
    unknown = [header for header in mapping if header not in guesses]
    if unknown:
        errors = [FieldProblem(loc=f"mapping.{header}", msg="The file has no such column.") for header in unknown]
        raise Invalid(f"The file has no column called {unknown[0]!r}.", errors=errors)
    targets: list[str | None] = []
    for header in head.format.headers:
        if header in mapping:
            target = mapping[header]
            targets.append(target.strip()[:200] or None if target else None)
        else:
            known = find_known_column(header)
            named = known if known == header.strip().lower() and known not in mapping.values() else None
            targets.append(named or attribute_name(header))
    return targets


def make_plan(found: CsvFormat, targets: Sequence[str | None], region: str) -> RowPlan:
    """The way from cells to persons. Raises Invalid when no column tells who a row is about."""
    check_region(region)
    plan = RowPlan(found.headers, targets, default_region=region)
    if not plan.has_identity:
        raise Invalid.field("mapping", "Map at least one column to email, phone or customer_id.")
    twice = [name for name, count in Counter(targets).items() if count > 1 and name in KNOWN_COLUMNS[2:]]
    if twice:
        raise Invalid.field("mapping", f"Two columns become {twice[0]}; keep one of them.")
    return plan


@contextmanager
def open_reader(path: Path, found: CsvFormat) -> Iterator[CsvReader]:
    """A reader of a file, for as long as the block runs; a rewritten copy goes afterwards."""
    if not found.needs_rewriting:
        yield CsvReader(path, found)
        return
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = Path(folder) / "plain.csv"
        rewrite_plain(path, plain, found)
        yield CsvReader(plain, found)


@dataclass(kw_only=True)
class _Tally:
    """What the check counts of one column."""

    filled: int = 0
    bad: int = 0
    values: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


def check_file(
    path: Path,
    mapping: Mapping[str, str | None] | None,
    options: ImportOptions,
    database: Database,
    campaign_id: int,
    *,
    most_rows: int = CHECKED_ROWS,
) -> DryRun:
    """Read a file as the import would, and change nothing. Uses the processor: run it apart from the pages."""
    head = _detect(path, options)
    targets = choose_targets(head, mapping)
    plan = make_plan(head.format, targets, options.default_region)
    tallies = [_Tally() for _ in targets]
    parsed: list[ParsedRow] = []
    rejections: list[tuple[int, BadCell]] = []
    left_out_cells: list[tuple[int, BadCell]] = []
    rejected = left_out = unread = 0
    is_complete = True
    with open_reader(path, head.format) as reader:
        for block in read_blocks(reader, head.format):
            rejections += [(bad.number, bad.problem) for bad in block.bad if len(rejections) < _EXAMPLES]
            rejected += len(block.bad)
            unread += len(block.bad)  # they have no cells, so none that is empty
            for number, cells in zip(block.numbers, block.cells, strict=True):
                outcome = plan.parse(cells)
                if isinstance(outcome, BadCell) and is_blank(cells):
                    continue
                _count_cells(tallies, head.format.headers, cells, outcome)
                if isinstance(outcome, ParsedRow):
                    parsed.append(outcome)
                    left_out += len(outcome.left_out)
                    if outcome.left_out and len(left_out_cells) < _EXAMPLES:
                        left_out_cells += [(number, bad) for bad in outcome.left_out]
                else:
                    rejected += 1
                    if len(rejections) < _EXAMPLES:
                        rejections.append((number, outcome))
            if len(parsed) + rejected >= most_rows:
                is_complete = block.end >= reader.size
                break
    with database.read() as session:
        foreseen = _foresee(session, parsed, campaign_id)
    return DryRun(
        rows=len(parsed) + rejected, rejected=rejected, left_out=left_out, is_complete=is_complete,
        rejections=tuple(sorted(rejections, key=lambda rejection: rejection[0])),
        left_out_cells=tuple(left_out_cells),
        columns=tuple(
            ColumnFinding(
                column=name, target=target, filled=tally.filled, empty=len(parsed) + rejected - unread - tally.filled,
                different=len(tally.values), bad=tally.bad, reasons=tuple(tally.reasons.most_common(5)),
                examples=tuple(tally.examples),
            )
            for name, target, tally in zip(head.format.headers, targets, tallies, strict=True)
        ),
        **foreseen,
    )  # fmt: skip


def _count_cells(
    tallies: Sequence[_Tally], headers: Sequence[str], cells: Sequence[str], outcome: ParsedRow | BadCell
) -> None:
    for tally, cell in zip(tallies, cells, strict=True):
        if cell and not cell.isspace():
            tally.filled += 1
            if len(tally.values) <= 1_000:
                tally.values.add(cell)
    for problem in outcome.left_out if isinstance(outcome, ParsedRow) else (outcome,):
        if problem.column in headers:
            tally = tallies[headers.index(problem.column)]
            tally.bad += 1
            tally.reasons[problem.reason] += 1
            if len(tally.examples) < 3:
                tally.examples.append(problem.value[:100])


def _foresee(session: Session, parsed: Sequence[ParsedRow], campaign_id: int) -> dict[str, Any]:
    """Who of these rows is known, in the campaign, or in the file twice."""
    wanted = sorted({identity for row in parsed for identity in identities_of(row)})
    person_of: dict[tuple[str, str], int] = {}
    for kind in sorted({kind for kind, _ in wanted}):
        for values in slices([value for found, value in wanted if found == kind]):
            rows = select(Identity.value, Identity.person_id).where(  # type: ignore[call-overload]
                col(Identity.kind) == kind, col(Identity.value).in_(values)
            )
            person_of.update({(kind, value): person_id for value, person_id in session.execute(rows)})
    members: set[int] = set()
    for ids in slices(sorted(set(person_of.values()))):
        places = select(CampaignContact.person_id).where(  # type: ignore[call-overload]
            col(CampaignContact.campaign_id) == campaign_id, col(CampaignContact.person_id).in_(ids)
        )
        members |= set(session.scalars(places))
    unions = Unions()
    for at, row in enumerate(parsed):
        for identity in identities_of(row):
            unions.join(("person", person_of[identity]) if identity in person_of else identity, at)
    member_groups = {unions.find(("person", person_id)) for person_id in members}
    groups = {unions.find(at) for at in range(len(parsed))}
    merged = len(groups & member_groups)
    return {
        "created": len(groups) - merged, "merged": merged, "duplicates": len(parsed) - len(groups),
        "known_persons": len(set(person_of.values())),
    }  # fmt: skip
