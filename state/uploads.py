"""Uploads of pages: pieces go to disk as they come, never whole in memory."""

import asyncio
from pathlib import Path

import reflex as rx

from cxconsole.errors import TooLarge
from state.format import size as show_size


async def receive_file(chunks: rx.UploadChunkIterator, path: Path, *, most_bytes: int) -> str:  # type: ignore[name-defined]
    """Write what is sent to this path; the name people gave it. The caller removes it. Raises TooLarge."""
    name, size = "", 0
    with await asyncio.to_thread(path.open, "wb") as file:
        async for chunk in chunks:
            name = name or chunk.filename
            size += len(chunk.data)
            if size <= most_bytes:
                await asyncio.to_thread(file.write, chunk.data)
    if size > most_bytes:
        raise TooLarge(f"This file is larger than {show_size(most_bytes)}. Split it, or use the REST API.")
    return name
