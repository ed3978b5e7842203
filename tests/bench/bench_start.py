"""How long from `run` to the first answer of /healthz: a start that need not build, also on another port."""

import tempfile
from pathlib import Path
from statistics import median

from console import prepare, running_console
from harness import report

from cxconsole.demo.seed import seed_demo


def main() -> None:
    """Five starts on one database with the demo world; each on another port than the one before."""
    with tempfile.TemporaryDirectory() as folder:
        application = prepare(Path(folder))
        seed_demo(application)
        application.database.dispose()
        seconds = []
        for _ in range(5):
            with running_console(Path(folder)) as console:
                seconds.append(console.started_in_seconds)
                memory = console.memory_mb()
        report(
            "start_again", median_seconds=median(seconds), worst_seconds=max(seconds), memory_mb=memory, limit_seconds=5
        )


if __name__ == "__main__":
    main()
