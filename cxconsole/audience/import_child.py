"""One import in a process of its own: `python -m cxconsole.audience.import_child IMPORT_ID`.

Reading a file keeps a processor busy for minutes, which in the console's own process would be felt in every
page. Started by `import_runner.py`, with the database in CXCONSOLE_DATABASE_URL; prints one line per stored block.
"""

import gc
import logging
import os
import signal
import sys

from sqlmodel import select

from cxconsole import LOG_FORMAT
from cxconsole.audience.import_pace import tune_writer
from cxconsole.audience.import_run import run_import
from cxconsole.audience.import_undo import run_undo
from cxconsole.database import Database
from models.contact import ContactImport, ImportState

NICENESS = 10


class _Stop:
    """Whether to stop after the block at hand: asked to, or the parent has gone."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self._asked = True

    def __call__(self) -> bool:
        return self._asked or os.getppid() != self._parent


def main(import_id: int) -> None:
    """Work on one claimed import until it ends."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    logging.basicConfig(level=os.environ.get("CXCONSOLE_LOG_LEVEL", "INFO"), format=LOG_FORMAT, stream=sys.stderr)
    stop = _Stop()
    database = Database(os.environ["CXCONSOLE_DATABASE_URL"])
    tune_writer(database)
    gc.freeze()
    gc.set_threshold(200_000)  # rows hold no cycles, and looking for some in a block of them takes a tenth of the time
    sys.setswitchinterval(0.0005)  # the thread that waits for the database gets its turn sooner
    try:
        with database.read() as session:
            state = session.exec(select(ContactImport.state).where(ContactImport.id == import_id)).first()
        work = run_undo if state == ImportState.UNDOING else run_import
        work(database, import_id, tell=_tell, should_stop=stop)
    finally:
        database.dispose()


def _tell() -> None:
    try:
        print("stored", flush=True)
    except BrokenPipeError:
        # the parent has gone; stdout is given up so that the interpreter does not complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main(int(sys.argv[1]))
