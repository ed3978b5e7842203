"""What a start that finds everything done leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

from cxconsole.serve import ROOT

START = """
import sys
from cxconsole.serve import get_application, prepare_data
prepare_data(get_application())
import cxconsole.cxconsole
print(*sys.modules)
"""


def test_a_second_start_loads_nothing_that_only_the_first_needs(tmp_path: Path) -> None:
    first, second = (_load(tmp_path) for _ in range(2))
    only_first = {"alembic", "faker"}
    assert only_first <= first
    assert not second & {*only_first, "psycopg"}


def _load(folder: Path) -> set[str]:
    environment = {**os.environ, "CXCONSOLE_DATA_DIR": str(folder), "CXCONSOLE_DATABASE_URL": "", "CXCONSOLE_DEMO": "1"}
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return set(done.stdout.split())
