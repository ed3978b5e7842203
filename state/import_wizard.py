"""Add contacts from a file: File, Mapping, Check, Import. Nothing is stored before the last step."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import reflex as rx

from cxconsole.audience.csv_reader import fit_record
from cxconsole.audience.dry_run import dry_run
from cxconsole.audience.imports import start_import
from cxconsole.audience.inspect import DryRun, FileInspection, ImportOptions, inspect_file
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.rows import BadCell
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.processes import run_apart
from cxconsole.signals import topics
from state import format as show
from state.route import campaign_id_of
from state.session import current_actor, write

UPLOAD = "contacts"
ATTRIBUTE = "attribute:"
TARGETS = (
    ("email", "Identity: e-mail"), ("phone", "Identity: phone"), ("customer_id", "Identity: customer id"),
    ("first_name", "First name"), ("last_name", "Last name"), ("language", "Language"), ("time_zone", "Time zone"),
    ("preferred_channel", "Preferred channel"), ("external_ref", "External reference"), ("", "Leave out"),
)  # fmt: skip
_KNOWN = {key for key, _ in TARGETS}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
PREVIEW_ROWS = 20
EXAMPLES = 20


@dataclass(frozen=True)
class ColumnRow:
    """A column of the file: what it becomes, and what the check found. `tone` is ok, warning or none."""

    header: str
    first: str
    target: str
    attribute: str
    found: str
    tone: str


@dataclass(frozen=True)
class Fact:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True)
class BadLine:
    """A row that would be rejected, or a value that its row would be stored without."""

    row: str
    column: str
    value: str
    why: str
    mend: str


class ImportWizardState(rx.State):
    """The steps. The file waits in the import folder under a name of our own until the import takes it over."""

    step: int = 1
    uploading: bool = False
    sent_words: str = ""
    file_name: str = ""
    file_words: str = ""
    problems: list[str] = []
    problem: str = ""
    columns: list[ColumnRow] = []
    region: str = "US"
    preview_at: int = 0
    preview: list[Fact] = []
    preview_problem: str = ""
    checking: bool = False
    checked: bool = False
    nothing: bool = False  # the check found no row that can be imported
    rows_words: str = ""
    created: str = "0"
    merged: str = "0"
    duplicates: str = "0"
    rejected: str = "0"
    left_out: str = "0"
    known: str = ""
    complete: bool = True
    bad_rows: list[BadLine] = []
    bad_rows_words: str = ""
    left_out_values: list[BadLine] = []
    left_out_words: str = ""
    busy: bool = False
    _path: str = ""
    _samples: list[list[str]] = []
    _run: int = 0

    @rx.var
    def mapped_words(self) -> str:
        """ "9 columns, 8 mapped, 1 left out"."""
        out = sum(1 for one in self.columns if not one.target)
        return f"{show.plural(len(self.columns), 'column')}, {len(self.columns) - out} mapped, {out} left out"

    @rx.event
    def load(self):
        """Begin with an empty hand; a file that was left behind goes."""
        self._forget()

    @rx.event
    def set_upload_progress(self, progress: dict[str, float | int | bool | None]):
        """How much the browser has sent."""
        share = float(progress.get("progress") or 0)
        self.sent_words = f"{share * 100:.0f}% sent" if share < 1 else "Looking at the file"

    @rx.event(background=True)
    async def receive(self, chunks: rx.UploadChunkIterator):  # type: ignore[name-defined]
        """Write the upload to disk piece by piece; it is never whole in memory."""
        current_actor(self)
        path = get_application().settings.import_dir / f"{uuid4().hex}.upload"
        async with self:
            self._forget()
            self.uploading = True
        name, size, told = "", 0, 0.0
        file = await asyncio.to_thread(path.open, "wb")
        try:
            async for chunk in chunks:
                name = name or chunk.filename
                await asyncio.to_thread(file.write, chunk.data)
                size += len(chunk.data)
                if time.monotonic() - told > 0.25:
                    told = time.monotonic()
                    async with self:
                        self.sent_words = f"{show.size(size)} received"
        except asyncio.CancelledError:
            path.unlink(missing_ok=True)
            raise
        finally:
            file.close()
        found = await self._look_at(path, Path(name).name[:200] or "contacts.csv")
        return ImportWizardState.check if found else None  # the mapping step shows what a check finds

    @rx.event
    def cancel_upload(self):
        """Stop sending."""
        self.uploading = False
        return rx.cancel_upload(UPLOAD)

    @rx.event
    async def set_region(self, value: str):
        """The country for numbers without +."""
        self.region, self.checked = value, False
        self._show_preview()
        return ImportWizardState.check

    @rx.event
    async def set_target(self, header: str, value: str):
        """What a column becomes."""
        if value not in _KNOWN and value != ATTRIBUTE:
            return None
        self.columns = [
            replace(one, target=ATTRIBUTE + one.attribute if value == ATTRIBUTE else value, found="", tone="none")
            if one.header == header
            else one
            for one in self.columns
        ]
        self.checked = False
        self._show_preview()
        return ImportWizardState.check

    @rx.event
    def preview_next(self):
        """The next row as a person."""
        self.preview_at = min(self.preview_at + 1, max(0, len(self._samples) - 1))
        self._show_preview()

    @rx.event
    def preview_previous(self):
        """The row before as a person."""
        self.preview_at = max(0, self.preview_at - 1)
        self._show_preview()

    @rx.event
    def go_to(self, step: int):
        """Back and forth between the steps that are open."""
        if 1 <= step <= 3 and (step == 1 or self._path):
            self.step = step

    @rx.event
    def back_to_file(self):
        """Choose another file."""
        self._forget()

    @rx.event(background=True)
    async def check(self):
        """Read the file as the import would, in a process of its own, and say what was found."""
        async with self:
            if not self._path:
                return
            self._run += 1
            run, path, mapping, region = self._run, self._path, self._mapping(), self.region
            campaign_id = campaign_id_of(self)
            self.checking, self.problem = True, ""
        try:
            found = await run_apart(dry_run, get_application().database.url, path, mapping, region, campaign_id)
            problem = ""
        except CxError as error:
            found, problem = None, error.detail
        async with self:
            if run != self._run:  # another mapping was chosen meanwhile; its own check follows
                return
            self.checking, self.problem = False, problem
            if found is not None:
                self._show_findings(found)

    @rx.event
    async def start(self):
        """Hand the file to the import; it goes on by itself, also when this page is left."""
        self.busy = True
        try:
            campaign_id = campaign_id_of(self)
            await write(
                self,
                start_import,
                campaign_id,
                path=Path(self._path),
                file_name=self.file_name,
                mapping=self._mapping(),
                options=ImportOptions(default_region=self.region),
                announces=(topics.IMPORTS, topics.CAMPAIGNS, topics.campaign(campaign_id)),
            )
        except CxError as error:
            self.problem = error.detail
            return None
        finally:
            self.busy = False
        self._path = ""
        self._forget()
        return rx.redirect(f"/campaigns/CMP-{campaign_id}/audience")

    async def _look_at(self, path: Path, name: str) -> bool:
        try:
            found = await run_apart(inspect_file, path)
            problem = ""
        except CxError as error:
            found, problem = None, error.detail
            await asyncio.to_thread(path.unlink, missing_ok=True)
        async with self:
            self.uploading = False
            self.problem = problem
            if found is not None:
                self._show_file(found, path, name)
        return found is not None

    def _show_file(self, found: FileInspection, path: Path, name: str) -> None:
        self._path, self.file_name, self.step = str(path), name, 2
        head = "with" if found.has_header else "without"
        delimiter = _DELIMITERS.get(found.delimiter, found.delimiter)
        self.file_words = f"{show.size(found.size)}, {found.encoding}, {delimiter}, {head} header"
        self.problems = list(found.problems)
        self._samples = [list(row) for row in found.samples[:PREVIEW_ROWS]]
        fitting = [row for row in found.samples if len(row) == len(found.headers)]
        self.columns = [
            ColumnRow(
                header=header,
                first=", ".join(row[at] for row in fitting[:3] if row[at])[:60],
                target=_target(found.guesses.get(header)),
                attribute=_attribute(header, found.guesses.get(header)),
                found="",
                tone="none",
            )
            for at, header in enumerate(found.headers)
        ]
        self.preview_at = 0
        self._show_preview()

    def _mapping(self) -> dict[str, str | None]:
        return {one.header: one.target.removeprefix(ATTRIBUTE) or None for one in self.columns}

    def _show_preview(self) -> None:
        row = self._samples[self.preview_at] if self._samples else []
        bad = fit_record(row, len(self.columns)) if row else row
        self.preview_problem = f"{bad.reason}. {bad.remedy}." if isinstance(bad, BadCell) else ""
        words = dict(TARGETS)
        self.preview = [
            Fact(
                words.get(one.target, one.attribute).removeprefix("Identity: ").capitalize(),
                self._as_stored(one, row[at]),
            )
            for at, one in enumerate(self.columns)
            if one.target and row and not self.preview_problem
        ]

    def _as_stored(self, column: ColumnRow, raw: str) -> str:
        phone = normalise_phone(raw, self.region) if column.target == "phone" and raw.strip() else raw
        return show.address(phone) or "empty" if isinstance(phone, str) else f"{raw} (left out)"

    def _show_findings(self, found: DryRun) -> None:
        self.checked, self.complete = True, found.is_complete
        self.nothing = found.is_complete and not found.created and not found.merged
        self.rows_words = show.number(found.rows)
        self.created, self.merged = show.number(found.created), show.number(found.merged)
        self.duplicates, self.rejected = show.number(found.duplicates), show.number(found.rejected)
        self.left_out = show.number(found.left_out)
        self.known = show.plural(found.known_persons, "person is known", "people are known")
        by_name = {one.column: one for one in found.columns}
        self.columns = [_with_finding(one, by_name.get(one.header), found.rows) for one in self.columns]
        self.bad_rows, self.bad_rows_words = _examples(found.rejections, found.rejected)
        self.left_out_values, self.left_out_words = _examples(found.left_out_cells, found.left_out)

    def _forget(self) -> None:
        if self._path:
            Path(self._path).unlink(missing_ok=True)
        self.reset()


def _examples(found: Sequence[tuple[int, BadCell]], count: int) -> tuple[list[BadLine], str]:
    """The first of them, and how many there are."""
    shown = [
        BadLine(show.number(number), bad.column, bad.value[:80] or "(empty)", bad.reason, bad.remedy)
        for number, bad in found[:EXAMPLES]
    ]
    more = f", the first {EXAMPLES} are shown" if count > EXAMPLES else ""
    return shown, f"{show.number(count)}{more}"


def _target(guess: str | None) -> str:
    if guess is None:
        return ""
    return guess if guess in _KNOWN else ATTRIBUTE + guess


def _attribute(header: str, guess: str | None) -> str:
    return guess if guess and guess not in _KNOWN else header.strip().lower().replace(" ", "_")


def _with_finding(one: ColumnRow, found, rows: int) -> ColumnRow:
    if found is None or not one.target:
        return replace(one, found="kept in the file only", tone="none")
    if found.bad:
        reason = found.reasons[0][0] if found.reasons else "not valid"
        return replace(
            one, found=f"{show.number(found.bad)} not valid: {reason[:1].lower()}{reason[1:]}", tone="warning"
        )
    if one.target in ("email", "phone", "customer_id"):
        empty = f", {show.number(found.empty)} empty" if found.empty else ""
        return replace(one, found=f"{show.number(found.filled)} valid{empty}", tone="ok")
    if found.different <= 12 and rows > 24:
        return replace(one, found=show.plural(found.different, "value"), tone="ok")
    return replace(one, found=f"{show.number(found.filled)} filled", tone="ok")
