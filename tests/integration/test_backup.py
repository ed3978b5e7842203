"""A backup is taken while others write, and what is restored is what was there at one moment."""

import io
import json
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from cxconsole import clock
from cxconsole.accounts.vault import Vault
from cxconsole.backup import BackupFailed, make_backup, restore_backup
from cxconsole.bootstrap import Application
from cxconsole.comms.gate import PAUSE_FLAG
from cxconsole.database import Database
from cxconsole.errors import CxError
from cxconsole.journey.tape import append_event
from cxconsole.settings import Settings
from cxconsole.signals import Signals
from models.campaign import Campaign
from models.event import Event, EventType
from models.migrate import find_revision, newest_revision
from models.system import SystemFlag

MakeApplication = Callable[[Database, Path], Application]


@pytest.fixture
def make_application() -> Iterator[MakeApplication]:
    made: list[Application] = []

    def make(database: Database, folder: Path, *, key: bytes = b"the right one") -> Application:
        settings = Settings(data_dir=folder, database_url=database.url)  # type: ignore[call-arg]
        made.append(Application(settings=settings, database=database, signals=Signals(), vault=Vault(key)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def running(database: Database, tmp_path: Path, make_application: MakeApplication) -> Application:
    """A console with a campaign that keeps being renamed on the Tape, and an upload that waits."""
    application = make_application(database, tmp_path / "running")
    application.settings.import_dir.mkdir(parents=True)
    (application.settings.import_dir / "1.csv").write_text("email\nada@mail.example\n")
    with database.write() as session:
        now = clock.now()
        session.add(Campaign(name="0", created_at=now, updated_at=now))
    return application


def rename(session: Session, name: str) -> None:
    """Both in one transaction, so that each picture of the database shows as many events as the name says."""
    campaign = session.exec(select(Campaign)).one()
    campaign.name = name
    append_event(session, EventType.CAMPAIGN_CHANGED, campaign_id=campaign.id, now=clock.now())


def look(database: Database) -> tuple[str, int]:
    with database.read() as session:
        events = session.execute(text("SELECT count(*) FROM event")).scalar_one()
        return session.exec(select(Campaign)).one().name, events


def test_it_is_one_picture_taken_while_others_write(running, tmp_path):
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with running.database.write() as session:
                rename(session, str(number))
            if number == 20:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    make_backup(running, tmp_path / "backup")
    stop.set()
    writer.join()
    latest = int(look(running.database)[0])
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600

    restore_backup(running, tmp_path / "backup", replace=True)
    name, events = look(running.database)
    assert 20 <= int(name) == events - 1 <= latest  # the last one says that sending was paused
    with pytest.raises(DBAPIError), running.database.write() as session:
        session.execute(text("UPDATE event SET actor = 'nobody'"))  # the Tape still refuses
    with running.database.write() as session:
        rename(session, "next")
    assert look(running.database) == ("next", events + 1)


def test_nothing_leaves_after_restoring_until_somebody_says_so(running, tmp_path):
    make_backup(running, tmp_path / "backup")
    restore_backup(running, tmp_path / "backup", replace=True)
    with running.database.read() as session:
        assert session.get_one(SystemFlag, PAUSE_FLAG).value == "1"
        assert session.exec(select(Event.type)).all() == [EventType.SENDING_PAUSED]


def test_uploads_that_wait_come_along(running, tmp_path):
    make_backup(running, tmp_path / "backup")
    upload = running.settings.import_dir / "1.csv"
    upload.unlink()
    restore_backup(running, tmp_path / "backup", replace=True)
    assert upload.read_text() == "email\nada@mail.example\n"


def test_what_was_made_by_an_older_version_is_brought_up_to_date(running, tmp_path):
    make_backup(running, tmp_path / "backup")
    with running.database.write() as session:
        session.execute(text("CREATE TABLE of_a_later_version (id INTEGER)"))
    restore_backup(running, tmp_path / "backup", replace=True)
    with running.database.read() as session:
        assert find_revision(session.connection()) == newest_revision()
    with pytest.raises(DBAPIError), running.database.read() as session:
        session.execute(text("SELECT * FROM of_a_later_version"))


def change_manifest(path: Path, **changes: object) -> Path:
    """The same backup with another manifest."""
    changed = path.with_name("changed")
    with tarfile.open(path) as old, tarfile.open(changed, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            found = content.read() if content else b""
            if member.name == "cxconsole.json":
                found = json.dumps({**json.loads(found), **changes}).encode()
                member.size = len(found)
            new.addfile(member, io.BytesIO(found))
    return changed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"revision": "9999"}, "newer cxconsole"),
        ({"format": 2}, "newer cxconsole"),
        ({"database": "oracle"}, "The backup is of oracle"),
        ({"proof": Vault(b"another").prove()}, "CXCONSOLE_SECRET_KEY"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_touched(running, tmp_path, changes, told):
    make_backup(running, tmp_path / "backup")
    with running.database.write() as session:
        rename(session, "after")
    with pytest.raises(CxError, match=told):
        restore_backup(running, change_manifest(tmp_path / "backup", **changes), replace=True)
    assert look(running.database) == ("after", 1)


def test_a_database_that_holds_something_is_replaced_only_when_told_to(running, tmp_path):
    make_backup(running, tmp_path / "backup")
    with pytest.raises(BackupFailed, match="--replace"):
        restore_backup(running, tmp_path / "backup", replace=False)


def test_nothing_is_replaced_under_a_console_that_runs(running, tmp_path, database_url):
    make_backup(running, tmp_path / "backup")
    another = Database(database_url)
    with another.write() as session:
        rename(session, "of the one that runs")
    with pytest.raises(BackupFailed, match="Stop the console"):
        restore_backup(running, tmp_path / "backup", replace=True)
    assert look(another) == ("of the one that runs", 1)
    another.dispose()


def test_a_backup_that_was_cut_short_is_refused(running, tmp_path):
    make_backup(running, tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupFailed, match=r"could not be restored|cut short"):
        restore_backup(running, tmp_path / "half", replace=True)
    assert look(running.database) == ("0", 0)


def test_a_file_that_is_there_is_not_written_over(running, tmp_path):
    (tmp_path / "backup").write_text("of another")
    with pytest.raises(BackupFailed, match="there already"):
        make_backup(running, tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "of another"


def test_a_folder_that_cannot_be_written_to_is_named_and_nothing_is_left(running, tmp_path):
    with pytest.raises(BackupFailed, match="nowhere"):
        make_backup(running, tmp_path / "nowhere" / "backup")


def test_names_that_lead_out_of_the_folder_are_refused(running, tmp_path):
    with tarfile.open(tmp_path / "evil", "w:gz") as tar:
        member = tarfile.TarInfo("../escaped")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BackupFailed, match="could not be restored"):
        restore_backup(running, tmp_path / "evil", replace=True)
    assert not list(tmp_path.rglob("escaped"))
