"""Import: a million shuffled rows, complete with persons, identities, places in the campaign and the Tape.

`python tests/bench/bench_import.py [--rows N] [--database-url URL ...] [--skip-peers]`. Without a URL: a new
SQLite file, and a new PostgreSQL database when CXCONSOLE_TEST_DATABASE_URL is set. The import runs as it does
in the product, in its child process; beside it in the same run a bare Python loop, before and after, because
the machine is not the same from one minute to the next.
"""

import argparse
import csv
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

import psutil
from harness import BENCH, ROOT, report, write_contacts_csv
from sqlalchemy.engine import make_url
from yardsticks import bare_import

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.import_child import NICENESS
from cxconsole.audience.import_chunk import LEASE
from cxconsole.audience.imports import ImportView, claim_import, get_import, start_import
from cxconsole.database import Database
from models.campaign import Campaign, CampaignProgress
from models.contact import ImportState
from models.migrate import migrate

POSTGRES_URL = os.environ.get("CXCONSOLE_TEST_DATABASE_URL", "")


@contextmanager
def new_database(folder: Path, url: str) -> Iterator[Database]:
    """An empty, migrated database: the SQLite file of this URL, or a new one on its PostgreSQL server."""
    parsed = make_url(url)
    name = f"cxconsole_bench_{uuid.uuid4().hex[:8]}"
    if parsed.get_backend_name() == "sqlite":
        database = Database(f"sqlite:///{folder / name}.db")
    else:
        import psycopg

        admin_url = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        database = Database(parsed.set(database=name).render_as_string(hide_password=False))
    try:
        migrate(database)
        yield database
    finally:
        database.dispose()
        if not database.is_sqlite:
            with psycopg.connect(admin_url, autocommit=True) as admin:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def import_once(database: Database, source: Path, campaign_id: int) -> tuple[ImportView, float, dict[str, float]]:
    """Import a copy of the file in a child process: what became of it, seconds, and the child's memory in MB."""
    copy = source.with_suffix(".upload")
    shutil.copy(source, copy)
    with database.write() as session:
        work = start_import(
            session, campaign_id, path=copy, file_name=source.name, mapping=None, actor=OPERATOR, now=clock.now()
        )
        import_id = work.id or 0
    with database.write() as session:
        claim_import(session, now=clock.now(), lease=LEASE)
    environment = {**os.environ, "CXCONSOLE_DATABASE_URL": database.url, "PYTHONPATH": str(ROOT)}
    begun = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "cxconsole.audience.import_child", str(import_id)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    process = psutil.Process(child.pid)
    assert child.stdout is not None
    sizes: list[float] = []
    while child.stdout.readline():  # one line a stored block
        try:
            info = process.memory_full_info()
            sizes.append(info.uss / 1e6)
        except psutil.Error:
            break
    _, _, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = 0
    cpu = (usage.ru_utime + usage.ru_stime) * 1e6
    with database.read() as session:
        view = get_import(session, import_id, actor=OPERATOR, now=clock.now())
    assert view.state == ImportState.DONE, view.error
    assert view.rows_read == view.created + view.merged + view.duplicates + view.rejected
    return view, seconds, {"first_block_mb": sizes[0], "peak_mb": max(sizes), "cpu_us": cpu}


def make_campaign(database: Database) -> int:
    """A campaign to import into."""
    now = clock.now()
    with database.write() as session:
        campaign = Campaign(name="Bench", created_at=now, updated_at=now)
        session.add(campaign)
        session.flush()
        assert campaign.id is not None
        session.add(CampaignProgress(campaign_id=campaign.id))
        return campaign.id


def measure_sqlite_shell(source: Path, folder: Path) -> float | None:
    """Rows a second of `sqlite3 .import` into a table without an index; None where there is no shell."""
    shell = shutil.which("sqlite3")
    if shell is None:
        return None
    target = folder / "shell.db"
    begun = time.perf_counter()
    subprocess.run([shell, str(target), f".import --csv {source} contact"], check=True)
    seconds = time.perf_counter() - begun
    with sqlite3.connect(target) as connection:
        count = connection.execute("SELECT COUNT(*) FROM contact").fetchone()[0]
    target.unlink()
    return count / seconds


def measure_import_export() -> float | None:
    """Rows a second of django-import-export on 20,000 rows; None when it is not installed."""
    script = BENCH / "yardsticks" / "django_import_export.py"
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    import json

    return json.loads(done.stdout.splitlines()[-1])["rows_per_second"]


def measure(url: str, rows: int, files: tuple[Path, Path], folder: Path, peers: dict[str, float | None]) -> None:
    """The first and the second million, with the bare loop around them."""
    with new_database(folder, url) as database:
        campaign_id = make_campaign(database)
        bare = [bare_import.measure(files[0], rows)]
        first, first_seconds, memory = import_once(database, files[0], campaign_id)
        bare.append(bare_import.measure(files[0], rows))
        second, second_seconds, later = import_once(database, files[1], campaign_id)
    loop = mean(bare)
    speed = rows / first_seconds
    report(
        "import", database="sqlite" if database.is_sqlite else "postgresql", rows=rows, rows_per_second=speed,
        bare_loop_rows_per_second=loop, bare_loop_runs=[round(run) for run in bare], ratio_to_bare_loop=speed / loop,
        **{f"ratio_to_{name}": speed / peer for name, peer in peers.items() if peer},
        second_costs=second_seconds / first_seconds, cpu_us_per_row=memory["cpu_us"] / rows,
        second_cpu_us_per_row=later["cpu_us"] / rows, created=first.created, duplicates=first.duplicates,
        merged=first.merged, rejected=first.rejected, second_created=second.created,
        memory_first_block_mb=memory["first_block_mb"], memory_peak_mb=max(memory["peak_mb"], later["peak_mb"]),
        memory_growth_mb=max(memory["peak_mb"], later["peak_mb"]) - memory["first_block_mb"],
    )  # fmt: skip


def main() -> None:
    """Print one JSON line per yardstick and per database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database-url", action="append", default=[])
    parser.add_argument("--skip-peers", action="store_true", help="leave sqlite3 and django-import-export out")
    options = parser.parse_args()
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)  # the loop gets no more of a busy machine than the import does
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        first = write_contacts_csv(folder / "first.csv", options.rows)
        second = write_contacts_csv(folder / "second.csv", options.rows, seed=8, start=options.rows)
        with first.open(newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == options.rows + 1
        peers: dict[str, float | None] = {}
        if not options.skip_peers:
            peers = {"sqlite3_import": measure_sqlite_shell(first, folder), "import_export": measure_import_export()}
            for name, speed in peers.items():
                report(f"yardstick_{name}", rows_per_second=speed)
        urls = options.database_url or ["sqlite://", *([POSTGRES_URL] if POSTGRES_URL else [])]
        for url in urls:
            measure(url, options.rows, (first, second), folder, peers)


if __name__ == "__main__":
    main()
