"""Uploads by multipart/form-data: the file goes to a folder piece by piece and is never whole in memory."""

import asyncio
import hashlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar

from fastapi import Depends, Request, Response
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from cxconsole.api.body import limited_stream
from cxconsole.api.route import IDEMPOTENCY_HEADER, ApiRoute, Handler, answer_once
from cxconsole.bootstrap import Application
from cxconsole.errors import Invalid, Malformed, TooLarge, Unsupported

MAX_FILE_BYTES = 4 * 1024**3
MAX_FIELD_BYTES = 1024 * 1024
MAX_PARTS = 20
_PIECE = 1024 * 1024


@dataclass(kw_only=True)
class Upload:
    """What was sent. `path` is our own name of the file, `file_name` the sender's; `sha256` is of all parts."""

    path: Path
    file_name: str = ""
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    sha256: str = ""
    kept: bool = False
    """Set by the call when the file is to stay."""


class UploadRoute(ApiRoute):
    """A call with a file. It arrives before the call begins and goes away after it, unless the call keeps it."""

    parts: ClassVar[frozenset[str]] = frozenset()
    """The text parts that may come with the part `file`."""
    right: ClassVar[str]
    """Asked for before anything is received."""

    async def serve_body(self, request: Request, inner: Handler, application: Application) -> Response:
        """Receive the parts, then answer."""
        request.state.actor.require(self.right)
        upload = await receive_upload(request, application.settings.import_dir, parts=self.parts)
        request.state.upload = upload

        async def call() -> Response:
            return await inner(request)

        try:
            if IDEMPOTENCY_HEADER in request.headers:
                return await answer_once(request, application, upload.sha256, call)
            return await call()
        finally:
            if not upload.kept:
                await asyncio.to_thread(upload.path.unlink, missing_ok=True)


def upload_route(*, right: str, parts: frozenset[str]) -> type[UploadRoute]:
    """The class of a call with a file, for those with this right."""
    return type("UploadRoute", (UploadRoute,), {"right": right, "parts": parts})


def _get_upload(request: Request) -> Upload:
    return request.state.upload


Uploaded = Annotated[Upload, Depends(_get_upload)]


def describe_parts(parts: dict[str, str]) -> dict[str, Any]:
    """The body of such a call, for the API's description: the parts by name, with what each is."""
    fields: dict[str, Any] = {"file": {"type": "string", "format": "binary", "description": "A CSV file."}}
    fields |= {name: {"type": "string", "description": text} for name, text in parts.items()}
    schema = {"type": "object", "required": ["file"], "properties": fields, "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def receive_upload(request: Request, folder: Path, *, parts: frozenset[str]) -> Upload:
    """Receive one file, named `file`, and the text parts; nothing of it stays when this raises.

    Raises Unsupported, Malformed, TooLarge, or Invalid for parts that are missing or not known.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise Unsupported("This takes multipart/form-data with a part called `file`.")
    if not options.get(b"boundary"):
        raise Malformed("The Content-Type names no boundary between the parts.")
    upload = Upload(path=folder / f"{uuid.uuid4().hex}.upload")
    try:
        await _receive(request, upload, options[b"boundary"], parts)
    except BaseException:
        await asyncio.to_thread(upload.path.unlink, missing_ok=True)
        raise
    return upload


async def _receive(request: Request, upload: Upload, boundary: bytes, fields: frozenset[str]) -> None:
    with await asyncio.to_thread(_create, upload.path) as file:
        reader = _Reader(upload, file, fields)
        parser = MultipartParser(boundary, reader.callbacks())
        try:
            async for chunk in limited_stream(request, MAX_FILE_BYTES):
                parser.write(chunk)
                if len(reader.waiting) >= _PIECE:
                    await asyncio.to_thread(reader.write_out)
        except MultipartParseError as error:
            raise Malformed(f"The parts of the body cannot be told apart: {error}.") from None
        await asyncio.to_thread(reader.write_out)
        reader.finish()


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    return path.open("wb")


class _Reader:
    """Takes what the parser finds. File bytes wait here until there are enough to be worth a write."""

    def __init__(self, upload: Upload, file: BinaryIO, fields: frozenset[str]) -> None:
        self.waiting = bytearray()
        self._upload = upload
        self._file = file
        self._fields = fields
        self._hash = hashlib.sha256()
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text = bytearray()
        self._parts = 0
        self._seen_file = self._ended = False

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open_part,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def write_out(self) -> None:
        """Write what waits; called off the event loop."""
        self._file.write(self.waiting)
        self._hash.update(self.waiting)
        self._upload.size += len(self.waiting)
        self.waiting.clear()

    def finish(self) -> None:
        """Check that everything was there."""
        if not self._ended:
            raise Malformed("The body ends in the middle of a part.")
        if not self._seen_file:
            raise Invalid.field("file", "There is no part called `file`.")
        for name in sorted(self._upload.fields):
            self._hash.update(f"\0{name}\0{self._upload.fields[name]}".encode())
        self._upload.sha256 = self._hash.hexdigest()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Malformed(f"There are more than {MAX_PARTS} parts.")
        self._headers = {}

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        if len(self._header_value) > 10_000:
            raise Malformed("A header of a part is too long.")

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _open_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        self._text = bytearray()
        if self._name == "file":
            if self._seen_file:
                raise Invalid.field("file", "Send one file at a time.")
            self._seen_file = True
            self._upload.file_name = _clean_name(options.get(b"filename", b"").decode(errors="replace"))
        elif self._name not in self._fields:
            raise Invalid.field(self._name or "body", "This part is not known.")

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self.waiting += data[start:end]
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise TooLarge(f"The part `{self._name}` is longer than 1 MB.")

    def _end_part(self) -> None:
        if self._name != "file":
            try:
                self._upload.fields[self._name] = self._text.decode()
            except UnicodeDecodeError:
                raise Invalid.field(self._name, "This part is not UTF-8.") from None

    def _end(self) -> None:
        self._ended = True


def _clean_name(name: str) -> str:
    """The last part of the name as the sender wrote it, fit to be shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:255] or "file.csv"
