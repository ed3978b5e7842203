"""What a process sets for itself."""

import platform
import subprocess
import sys

import pytest

COUNT_HEAPS = """
import ctypes, threading
from cxconsole.processes import share_heaps

if {share}:
    share_heaps()
libc, all_there = ctypes.CDLL(None), threading.Barrier(8)
libc.malloc.restype = ctypes.c_void_p

def take():
    all_there.wait()
    libc.malloc(100_000)
    all_there.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
"""


def count_heaps(*, share: bool) -> int:
    code = COUNT_HEAPS.format(share=share)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.count(
        "<heap nr="
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_threads_share_two_heaps():
    assert count_heaps(share=False) > 2
    assert count_heaps(share=True) <= 2
