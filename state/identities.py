"""Files of identities: upload one, see what it would do, do it."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.identity_imports import (
    IdentityImportView,
    RejectedPair,
    cancel_identity_import,
    confirm_identity_import,
    list_identity_imports,
    list_rejected_pairs,
    read_head,
    start_identity_import,
)
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.signals import topics
from models.identity_import import IdentityImportState
from state import format as show
from state.follow import follow_read
from state.session import current_actor, problem, read, write
from state.uploads import receive_file

UPLOAD = "identities"
MOST_BYTES = 200_000_000
_MOVING = (IdentityImportState.CHECKING, IdentityImportState.RUNNING)
Found = tuple[tuple[IdentityImportView, ...], dict[int, tuple[RejectedPair, ...]]]


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that was not taken."""

    row: str
    identity: str
    alias: str
    kind: str
    why: str
    mend: str


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """A file, ready to be shown. `words` says what came of it; the links are empty where there is nothing."""

    id: int
    name: str
    state: str
    percent: int
    words: str
    error: str
    at: show.Moment
    actor: str
    rejected: tuple[RejectedRow, ...]
    rejected_words: str
    rejected_href: str
    is_moving: bool


class IdentitiesState(rx.State):
    """`/journeys/identities`."""

    files: list[FileRow] = []
    loaded: bool = False
    uploading: bool = False
    problem_text: str = ""

    @rx.event
    async def load(self):
        """The latest files."""
        self.problem_text = ""
        self._show(await read(self, read_files))

    @rx.event(background=True)
    async def follow(self):
        """Counts move while a file is read."""
        async for found in follow_read(self, read_files, names=(topics.IMPORTS,)):
            async with self:
                self._show(found)

    @rx.event(background=True)
    async def receive(self, chunks: rx.UploadChunkIterator):  # type: ignore[name-defined]
        """Take a file; it is checked in the background."""
        actor = current_actor(self)
        async with self:
            self.uploading, self.problem_text = True, ""
        path, kept, trouble = get_application().settings.import_dir / f"{uuid4().hex}.upload", False, ""
        try:
            name = await receive_file(chunks, path, most_bytes=MOST_BYTES)
            head = await asyncio.to_thread(read_head, path, actor=actor)
            await write(self, start_identity_import, path=path, head=head, file_name=name, announces=(topics.IMPORTS,))
            kept = True
        except CxError as error:
            trouble = error.detail
        finally:
            if not kept:
                path.unlink(missing_ok=True)
        async with self:
            self.uploading, self.problem_text = False, trouble
            self._show(await read(self, read_files))

    @rx.event
    async def start(self, import_id: int):
        """Do what the check has shown."""
        return await self._steer(confirm_identity_import, import_id)

    @rx.event
    async def cancel(self, import_id: int):
        """Stop it."""
        return await self._steer(cancel_identity_import, import_id)

    async def _steer(self, service, import_id: int):
        try:
            await write(self, service, int(import_id), announces=(topics.IMPORTS,))
        except CxError as error:
            return problem(error)
        self._show(await read(self, read_files))
        return None

    def _show(self, found: Found) -> None:
        view = show.viewer_of(self)
        files = [_row(one, found[1].get(one.id, ()), view) for one in found[0]]
        if files != self.files:
            self.files = files
        self.loaded = True


def read_files(session: Session, *, actor: Actor) -> Found:
    """The latest files, and the first rejected rows of each."""
    files = list_identity_imports(session, actor=actor)
    return files, {one.id: list_rejected_pairs(session, one.id, actor=actor) for one in files[:1] if one.rejected}


def _row(one: IdentityImportView, rejected: tuple[RejectedPair, ...], view: show.Viewer) -> FileRow:
    is_check = one.state in (IdentityImportState.CHECKING, IdentityImportState.CHECKED)
    added, brought = ("would add", "would bring") if is_check else ("added", "brought")
    words = (
        f"{show.plural(one.rows_read, 'row')}: {show.number(one.added)} {added} a name, "
        f"{show.number(one.merged)} {brought} an anonymous past, {show.number(one.known)} known already, "
        f"{show.number(one.rejected)} rejected"
    )
    return FileRow(
        id=one.id,
        name=one.file_name,
        state=one.state,
        percent=round(100 * one.bytes_done / one.bytes_total) if one.bytes_total else 0,
        words=words,
        error=one.error or "",
        at=show.moment_of(view, one.created_at),
        actor=one.actor,
        rejected=tuple(_rejected(row) for row in rejected),
        rejected_words=_count_words(len(rejected), one.rejected),
        rejected_href=f"/download/identity-imports/{one.id}/rejected.csv" if one.rejected else "",
        is_moving=one.state in _MOVING,
    )


def _count_words(shown: int, rejected: int) -> str:
    if not shown:
        return ""
    words = show.plural(rejected, "rejected row")
    return words if shown == rejected else f"The first {shown} of {words}"


def _rejected(one: RejectedPair) -> RejectedRow:
    return RejectedRow(
        row=str(one.row_number),
        identity=one.identity,
        alias=one.alias,
        kind=one.kind,
        why=one.reason,
        mend=one.remedy,
    )
