"""Files of identities: checked first, then done, in blocks; what cannot be taken says why."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience import identity_import_run
from cxconsole.audience.identity_conflicts import list_conflicts
from cxconsole.audience.identity_import_run import KEPT_FOR, drain_identity_imports, has_identity_imports
from cxconsole.audience.identity_imports import (
    cancel_identity_import,
    confirm_identity_import,
    get_identity_import,
    list_rejected_pairs,
    read_head,
    rejected_identities_csv,
    start_identity_import,
)
from cxconsole.audience.recognition import recognise
from cxconsole.campaigns.person_erasure import erase_person
from cxconsole.errors import Conflict, Forbidden, Invalid
from cxconsole.journey.recording import Named
from models.event import Event, EventType
from models.identity_import import IdentityImport
from models.person import Identity, Person

ANON = "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"
FILE = f"""identity,alias,kind
C-1,ada@Mail.example,
C-1,{ANON},
bob@mail.example,@bob,social_id
bob@mail.example,cleo@mail.example,
C-1,C-1,
C-1,,
C-1,=cmd(),pigeon
C-1,070,phone
C-9,C-10,
"""


@pytest.fixture
def upload(database, now, tmp_path):
    """Upload these bytes; the id of the import."""

    def start(data: str | bytes, **wish) -> int:
        path = tmp_path / wish.get("path", "names.upload")
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        actor = wish.get("actor", OPERATOR)
        head = read_head(path, actor=actor)
        with database.write() as session:
            made = start_identity_import(session, path=path, head=head, file_name="../names.csv", actor=actor, now=now)
        return made.id

    return start


@pytest.fixture
def known(database, now):
    """Ada by her customer id, Bob and Cleo by their addresses, and an anonymous browser; who is who."""
    names = ("C-1", "bob@mail.example", "cleo@mail.example", ANON)
    with database.write() as session:
        found = recognise(session, [Named(name, None, "shop") for name in names], actor="journey", now=now)
    return {name: one.person_id for name, one in zip(names, found, strict=True)}


def work(database, now) -> None:
    """Run the job until nothing is due."""
    for _ in range(1000):
        with database.write() as session:
            if not has_identity_imports(session, now):
                return
            assert drain_identity_imports(session, now=now, limit=1) == 1
    raise AssertionError("the job does not come to an end")


def read(database, import_id):
    with database.read() as session:
        return get_identity_import(session, import_id, actor=OPERATOR)


def confirm(database, import_id, now):
    with database.write() as session:
        return confirm_identity_import(session, import_id, actor=OPERATOR, now=now)


def owners(database):
    with database.read() as session:
        return dict(session.execute(select(Identity.value, Identity.person_id)).all())


def counts(view):
    return view.rows_read, view.added, view.merged, view.known, view.rejected


def test_a_check_says_what_would_happen_and_changes_nothing(database, known, upload, now):
    before = owners(database)
    import_id = upload(FILE)
    work(database, now)
    checked = read(database, import_id)
    assert (checked.state, checked.file_name) == ("checked", "names.csv")
    assert counts(checked) == (9, 3, 1, 0, 5)
    assert owners(database) == before
    with database.read() as session:
        told = [(one.row_number, one.reason) for one in list_rejected_pairs(session, import_id, actor=OPERATOR)]
        assert list_conflicts(session, actor=OPERATOR).total == 0
    assert told == [
        (5, "The two belong to different customers, who are both known by name"),
        (6, "Both names are the same"),
        (7, "No alias"),
        (8, "The kind “pigeon” is not known"),
        (9, "This is no phone number"),
    ]


def test_an_import_is_on_the_tape_and_a_check_is_not(database, known, upload, now):
    def told():
        with database.read() as session:
            events = session.scalars(select(Event).where(Event.type.startswith("import.")).order_by(Event.id)).all()
            return [(one.type, one.actor, one.data.get("state"), one.data.get("rejected")) for one in events]

    first, second = upload(FILE), upload(FILE, path="second.upload")
    work(database, now)
    assert told() == []
    confirm(database, first, now)
    work(database, now)
    confirm(database, second, now)
    with database.write() as session:
        cancel_identity_import(session, second, actor=OPERATOR, now=now)
    started = ("import.started", "operator", None, None)
    assert told() == [
        started, ("import.finished", "operator", "done", 5), started, ("import.finished", "operator", "cancelled", 0),
    ]  # fmt: skip


def test_the_import_does_what_the_check_said(database, known, upload, now):
    import_id = upload(FILE)
    work(database, now)
    checked = counts(read(database, import_id))
    confirm(database, import_id, now)
    work(database, now)
    done = read(database, import_id)
    assert (done.state, counts(done)) == ("done", checked)
    found = owners(database)
    assert found["ada@mail.example"] == found[ANON] == known["C-1"]
    assert found["@bob"] == known["bob@mail.example"] != found["cleo@mail.example"]
    assert found["C-9"] == found["C-10"]
    with database.read() as session:
        kinds = dict(session.execute(select(Identity.value, Identity.kind)).all())
        [conflict] = list_conflicts(session, actor=OPERATOR).items
        merged = session.scalars(select(Event).where(Event.type == EventType.PERSON_MERGED)).one()
        changed = session.scalars(select(Event).where(Event.type == EventType.PERSON_CHANGED)).all()
        path = session.get_one(IdentityImport, import_id).path
    assert kinds["@bob"] == "social_id"
    assert (conflict.person, conflict.other, conflict.source) == ("bob@mail.example", "cleo@mail.example", "names.csv")
    assert (merged.person_id, merged.actor) == (known["C-1"], "operator")
    assert {one.person_id: one.data["fields"] for one in changed} == {
        known["C-1"]: ["email"], known["bob@mail.example"]: ["social_id"],
    }  # fmt: skip
    assert path == ""


def test_a_file_a_second_time_says_that_all_is_known(database, known, upload, now):
    for _ in range(2):
        import_id = upload("identity,alias\nC-1,ada@mail.example\nC-1,+46701442108\n")
        work(database, now)
        confirm(database, import_id, now)
        work(database, now)
    assert counts(read(database, import_id)) == (2, 0, 0, 2, 0)


def test_rejected_rows_come_back_guarded_and_can_be_uploaded_again(database, known, upload, now):
    import_id = upload(FILE)
    work(database, now)
    with database.read() as session:
        text = "".join(rejected_identities_csv(session, import_id, actor=OPERATOR))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["identity", "alias", "kind", "row", "reason", "how to mend"]
    assert rows[4][:4] == ["C-1", "'=cmd()", "pigeon", "8"]
    again = upload(text)
    work(database, now)
    assert counts(read(database, again)) == (5, 0, 0, 0, 5)


def test_a_rejected_row_does_not_tell_who_was_erased(database, known, upload, now):
    import_id = upload("identity,alias,kind\nbob@mail.example,x,pigeon\nC-1,y,pigeon\n")
    work(database, now)
    with database.write() as session:
        erase_person(session, known["bob@mail.example"], actor=OPERATOR, now=now)
    with database.read() as session:
        told = [(one.row_number, one.identity) for one in list_rejected_pairs(session, import_id, actor=OPERATOR)]
        text = "".join(rejected_identities_csv(session, import_id, actor=OPERATOR))
    assert told == [(2, ""), (3, "C-1")]
    assert text.splitlines()[1].startswith(",,,2,")


def test_a_large_file_is_read_in_blocks_that_go_on_where_they_stopped(database, upload, now, monkeypatch):
    monkeypatch.setattr(identity_import_run, "_BLOCK_BYTES", 1_000)
    rows = "".join(f"C-{n},E-{n}\n" for n in range(500))
    import_id = upload("identity,alias\n" + rows + "C-0\n" + "C-1,E-1\n")
    work(database, now)
    checked = read(database, import_id)
    assert counts(checked) == (502, 501, 0, 0, 1)  # nothing is written, so the last row is news again
    confirm(database, import_id, now)
    with database.write() as session:
        drain_identity_imports(session, now=now, limit=1)
    assert 0 < read(database, import_id).rows_read < 502
    work(database, now)
    assert counts(read(database, import_id)) == (502, 500, 0, 1, 1)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 500
        [rejected] = list_rejected_pairs(session, import_id, actor=OPERATOR)
    assert rejected.row_number == 502


def test_other_encodings_and_delimiters_are_read(database, upload, now):
    import_id = upload("identity;alias\r\nC-1;Åsa\r\n".encode("utf-16"))
    work(database, now)
    confirm(database, import_id, now)
    work(database, now)
    assert set(owners(database)) == {"C-1", "Åsa"}


@pytest.mark.parametrize(
    ("data", "words"),
    [("", "empty"), ("C-1,C-2\nC-3,C-4\n", "a column called identity"), ("identity,alias\n", "no rows")],
)
def test_what_is_no_file_of_identities_is_refused_at_once(database, upload, data, words):
    with pytest.raises(Invalid, match=words):
        upload(data)


def test_only_what_was_checked_starts_and_only_once(database, upload, now):
    import_id = upload("identity,alias\nC-1,E-1\n")
    with pytest.raises(Conflict):
        confirm(database, import_id, now)
    work(database, now)
    confirm(database, import_id, now)
    work(database, now)
    with pytest.raises(Conflict):
        confirm(database, import_id, now)


def test_a_cancelled_or_forgotten_file_goes_and_changes_nothing(database, upload, now, tmp_path):
    path = tmp_path / "names.upload"
    import_id = upload("identity,alias\nC-1,E-1\n")
    with database.write() as session:
        cancel_identity_import(session, import_id, actor=OPERATOR, now=now)
    work(database, now)
    assert not path.exists()
    forgotten = upload("identity,alias\nC-1,E-1\n")
    work(database, now)
    assert path.exists()
    work(database, now + KEPT_FOR + timedelta(seconds=1))
    assert (read(database, forgotten).state, path.exists(), owners(database)) == ("cancelled", False, {})


def test_a_file_that_is_gone_is_told(database, upload, now, tmp_path):
    import_id = upload("identity,alias\nC-1,E-1\n")
    (tmp_path / "names.upload").unlink()
    work(database, now)
    failed = read(database, import_id)
    assert failed.state == "failed"
    assert "Upload it again" in (failed.error or "")


def test_a_file_needs_the_right_to_change_persons(database, upload):
    reader = Actor(kind="key", name="key:1", rights=frozenset({"persons.read"}))
    with pytest.raises(Forbidden):
        upload("identity,alias\nC-1,E-1\n", actor=reader)
