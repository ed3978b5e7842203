"""A console that is told to stop ends, whatever still waits in it."""

import subprocess
import sys

STUCK = """
import threading, time
from cxconsole.serve import leave_after

def wait_for_nobody():
    time.sleep(600)

threading.Thread(target=wait_for_nobody).start()
leave_after(0.2)
"""


def test_a_thread_that_never_ends_holds_nobody_up_and_is_named():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "action=stop_forced" in done.stderr
    assert "wait_for_nobody" in done.stderr
