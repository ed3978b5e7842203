"""Work that keeps a processor busy runs in a process of its own, so that pages stay quick."""

import asyncio
import ctypes
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")
NICENESS = 10

_HEAPS = 2
_M_ARENA_MAX = -8
"""The name of that setting in glibc's malloc.h."""


def share_heaps() -> None:
    """Let the threads of this process share their heaps; call it before the first of them.

    glibc gives a heap to each of the first sixteen threads on two processors, and what one frees no other takes: a long
    campaign then holds some 60 MB more, and goes on growing. Elsewhere there is nothing to set.
    """
    setting = getattr(ctypes.CDLL(None), "mallopt", None)
    if setting is not None:
        setting(_M_ARENA_MAX, _HEAPS)


@cache
def _pool() -> ProcessPoolExecutor:
    # spawned, not forked: a fork of a process with threads can hang
    return ProcessPoolExecutor(
        max_workers=1, mp_context=multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(NICENESS,)
    )


async def run_apart(work: Callable[..., Result], *args: Any) -> Result:
    """What `work` answers, a function of a module with arguments that can be pickled. Its errors are raised here."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), work, *args)
