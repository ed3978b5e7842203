"""The life of an import: counts that add up, cancel, crash and resume, undo, and the runner with its children."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience import import_pace
from cxconsole.audience.import_run import run_import
from cxconsole.audience.import_runner import ImportRunner
from cxconsole.audience.imports import cancel_import, claim_import, get_import, list_sources, undo_import
from cxconsole.audience.inspect import ImportOptions, check_file, inspect_file
from cxconsole.errors import Conflict
from cxconsole.signals import Signals, topics
from models.campaign import Campaign, CampaignState
from models.comm import CommDelivery
from models.contact import CampaignContact, ContactImport, ImportState
from models.event import Event, EventType
from models.person import Identity, Person

from .conftest import check_numbers


def people_csv(rows: int, *, seed: int = 3) -> str:
    """Shuffled rows with 1 % bad ones and 1 % that name a person again."""
    rng = random.Random(seed)
    numbers = list(range(rows))
    rng.shuffle(numbers)
    lines = ["email,phone,customer_id,first_name,last_name,plan"]
    for place, n in enumerate(numbers):
        if place % 100 == 50:
            n = numbers[rng.randrange(place)]
        email = f"p{n}@@x" if place % 100 == 0 else f"p{n}@example.com"
        phone, known = ("", "") if place % 100 == 0 else (f"+4670{n:07d}", f"C{n}")
        lines.append(f"{email},{phone},{known},First{n % 97},Last{n % 499},plan{n % 3}")
    return "\n".join(lines) + "\n"


def count(database, table, *where):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


def test_the_counts_add_up_and_everything_is_written(database, campaign_id, start, run):
    view = run(start(campaign_id, people_csv(3_000)))
    assert (view.state, view.rows_read, view.rows_total, view.rejected) == ("done", 3_000, 3_000, 30)
    assert view.created + view.merged + view.duplicates + view.rejected == 3_000
    assert 25 <= view.duplicates <= 30
    assert view.contacts == view.created == count(database, CampaignContact) == count(database, Person)
    assert count(database, Identity) == 3 * view.created
    assert count(database, Event, Event.type == EventType.CONTACT_ADDED) == view.created
    assert count(database, Event, Event.type == EventType.PERSON_CREATED) == view.created
    assert view.rows_per_second and view.rows_per_second > 0


def test_the_file_goes_when_the_work_is_done(database, campaign_id, start, run):
    import_id = start(campaign_id, people_csv(10))
    with database.read() as session:
        path = Path(session.get_one(ContactImport, import_id).path)
    assert path.exists()
    run(import_id)
    assert not path.exists()


def test_the_same_file_again_updates_and_adds_nobody(database, campaign_id, start, run):
    first = run(start(campaign_id, people_csv(500)))
    again = run(start(campaign_id, people_csv(500).replace("plan1", "plan9")))
    assert (again.created, again.merged, again.rejected) == (0, first.created, first.rejected)
    assert again.duplicates == first.duplicates
    assert count(database, CampaignContact) == first.created


def test_a_person_twice_in_the_file_far_apart_is_a_duplicate_also_when_known(
    database, campaign_id, start, run, add, monkeypatch
):
    monkeypatch.setattr(import_pace, "FIRST_BLOCK", 200)
    monkeypatch.setattr(import_pace, "LARGEST_BLOCK", 4_000)
    add(campaign_id, {"email": "known@example.com"})
    rows = "".join(f"p{n}@example.com,{n}\n" for n in range(100))
    view = run(start(campaign_id, f"email,x\nknown@example.com,1\np5@example.com,0\n{rows}known@example.com,2\n"))
    assert (view.created, view.merged, view.duplicates) == (100, 1, 2)


def test_what_the_check_foretells_is_what_the_import_does(database, campaign_id, start, run, add, tmp_path):
    add(campaign_id, *({"email": f"p{n}@example.com"} for n in range(40)))
    path = tmp_path / "check.csv"
    path.write_text(people_csv(1_000))
    foretold = check_file(path, None, ImportOptions(), database, campaign_id)
    view = run(start(campaign_id, people_csv(1_000)))
    assert foretold.is_complete
    for outcome in ("created", "merged", "duplicates", "rejected"):
        assert getattr(foretold, outcome) == getattr(view, outcome), outcome
    email = foretold.columns[0]
    assert (email.column, email.target, email.filled, email.bad) == ("email", "email", 1_000, 10)
    assert email.reasons == (("Two @ signs", 10),)
    assert foretold.rejections[0][0] == 2


def test_the_check_names_the_values_that_rows_are_stored_without(database, campaign_id, tmp_path):
    path = tmp_path / "check.csv"
    path.write_text("email,phone,language\na@example.com,12,en\nb@example.com,+46701442108,klingon!\n@@,,en\n")
    foretold = check_file(path, None, ImportOptions(), database, campaign_id)
    assert (foretold.rows, foretold.rejected, foretold.left_out) == (3, 1, 2)
    found = [(number, bad.column, bad.value) for number, bad in foretold.left_out_cells]
    assert found == [(2, "phone", "12"), (3, "language", "klingon!")]
    assert all(bad.reason and bad.remedy for _, bad in foretold.left_out_cells)


def test_a_look_at_a_file_shows_what_its_columns_become(tmp_path):
    path = tmp_path / "kunder.csv"
    path.write_bytes("kundnummer;epost;mobil;förnamn;elområde\n1;a@b.se;0701442108;Åsa;SE3\n".encode("cp1252"))
    seen = inspect_file(path)
    assert (seen.delimiter, seen.encoding, seen.has_header) == (";", "cp1252", True)
    assert seen.guesses == {
        "kundnummer": "customer_id", "epost": "email", "mobil": "phone", "förnamn": "first_name",
        "elområde": "elområde",
    }  # fmt: skip
    assert seen.samples == (("1", "a@b.se", "0701442108", "Åsa", "SE3"),)
    assert seen.problems == ()


def test_a_look_at_ragged_rows_says_what_the_import_will_do_with_them(database, campaign_id, tmp_path, start, run):
    rows = "a@example.com,A\nb@example.com\nc@example.com,C,extra\nd@example.com,D,,\n,,,\ne@example.com,E\n"
    path = tmp_path / "ragged.csv"
    path.write_text("email,first_name\n" + rows)
    (words,) = inspect_file(path).problems
    assert words.startswith(
        "2 of the first 5 rows will be rejected: 1 has more cells than the 2 columns and 1 has fewer"
    )
    foretold = check_file(path, None, ImportOptions(), database, campaign_id)
    assert [(bad.value, bad.column) for _, bad in foretold.rejections] == [
        ("b@example.com", ""),
        ("c@example.com, C, extra", ""),
    ]
    assert [(one.filled, one.empty) for one in foretold.columns] == [(3, 0), (3, 0)]
    done = run(start(campaign_id, path.read_text()))
    assert (done.created, done.rejected) == (foretold.created, foretold.rejected) == (3, 2)


def test_columns_without_a_header_are_guessed_by_what_they_hold(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("a@example.com,+46701442108,Anna\nb@example.com,+46701442109,Bo\n")
    seen = inspect_file(path)
    assert not seen.has_header
    assert list(seen.guesses.values()) == ["email", "phone", "column_3"]


def test_a_queued_import_is_cancelled_at_once_and_a_running_one_after_its_block(
    database, campaign_id, start, run, now, monkeypatch
):
    queued = start(campaign_id, people_csv(50))
    with database.write() as session:
        assert cancel_import(session, queued, actor=OPERATOR, now=now).state == ImportState.CANCELLED
    monkeypatch.setattr(import_pace, "FIRST_BLOCK", 2_000)
    monkeypatch.setattr(import_pace, "LARGEST_BLOCK", 4_000)
    running = start(campaign_id, people_csv(2_000))
    with database.write() as session:
        assert claim_import(session, now=now, lease=timedelta(seconds=60)) == running
    told = []

    def cancel_at_third() -> None:
        told.append(1)
        if len(told) == 3:
            with database.write() as session:
                cancel_import(session, running, actor=OPERATOR, now=now)

    run_import(database, running, tell=cancel_at_third, should_stop=lambda: False)
    check_numbers(database)
    with database.read() as session:
        view = get_import(session, running, actor=OPERATOR, now=now)
    assert view.state == ImportState.CANCELLED
    assert 0 < view.rows_read < 2_000
    assert view.rows_read == view.created + view.merged + view.duplicates + view.rejected
    with pytest.raises(Conflict), database.write() as session:
        cancel_import(session, running, actor=OPERATOR, now=now)


def test_an_import_stops_when_its_campaign_ends(database, campaign_id, start, run):
    import_id = start(campaign_id, people_csv(50))
    with database.write() as session:
        session.get_one(Campaign, campaign_id).state = CampaignState.ENDED
    view = run(import_id)
    assert view.state == ImportState.FAILED
    assert view.error and "ended" in view.error


def test_an_import_whose_file_is_gone_says_so(database, campaign_id, start, run):
    import_id = start(campaign_id, people_csv(50))
    with database.read() as session:
        Path(session.get_one(ContactImport, import_id).path).unlink()
    view = run(import_id)
    assert (view.state, view.error) == ("failed", "The uploaded file is gone. Upload it again.")


def test_two_workers_on_one_import_count_nothing_twice(database, campaign_id, start, now, monkeypatch):
    monkeypatch.setattr(import_pace, "FIRST_BLOCK", 4_000)
    monkeypatch.setattr(import_pace, "LARGEST_BLOCK", 4_000)
    import_id = start(campaign_id, people_csv(3_000))
    with database.write() as session:
        claim_import(session, now=now, lease=timedelta(seconds=60))
    workers = [
        threading.Thread(
            target=run_import, args=(database, import_id),
            kwargs={"tell": lambda: None, "should_stop": lambda: False},
        )
        for _ in range(2)
    ]  # fmt: skip
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    check_numbers(database)
    with database.read() as session:
        view = get_import(session, import_id, actor=OPERATOR, now=now)
    assert view.state in ("done", "running")  # the one who lost the race leaves it to the other
    assert view.rows_read <= 3_000
    if view.state == "done":
        assert view.rows_read == 3_000


def test_a_place_where_it_dies_again_and_again_ends_the_import(database, campaign_id, start, run):
    import_id = start(campaign_id, people_csv(50))
    with database.write() as session:
        session.execute(update(ContactImport).values(attempts=5))
    view = run(import_id)
    assert view.state == ImportState.FAILED
    assert view.error and "same place" in view.error


def _child(database_url: str, import_id: int) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "CXCONSOLE_DATABASE_URL": database_url}
    return subprocess.Popen(
        [sys.executable, "-m", "cxconsole.audience.import_child", str(import_id)],
        env=environment, stdout=subprocess.PIPE,
    )  # fmt: skip


def test_a_killed_child_resumes_at_the_last_block_and_counts_nothing_twice(
    database, database_url, campaign_id, start, run
):
    rows = 40_000
    import_id = start(campaign_id, people_csv(rows))
    reached = []
    for blocks in (1, 2):
        with database.write() as session:
            session.execute(update(ContactImport).values(lease_until=None))
        with database.write() as session:
            assert claim_import(session, now=clock.now(), lease=timedelta(seconds=60)) == import_id
        child = _child(database_url, import_id)
        assert child.stdout is not None
        for _ in range(blocks):
            assert child.stdout.readline() == b"stored\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        check_numbers(database)
        with database.read() as session:
            work = session.get_one(ContactImport, import_id)
            reached.append(work.bytes_done)
            assert work.state == ImportState.RUNNING
    assert 0 < reached[0] < reached[1]
    with database.write() as session:
        session.execute(update(ContactImport).values(lease_until=None))
    view = run(import_id)
    assert (view.state, view.rows_read, view.rejected) == ("done", rows, rows // 100)
    assert count(database, CampaignContact) == view.created
    assert count(database, Identity) == 3 * view.created


def test_the_runner_takes_up_what_waits_tells_of_it_and_reclaims_what_was_left(
    database, database_url, campaign_id, start, now
):
    left = start(campaign_id, people_csv(200))
    with database.write() as session:  # its worker went away
        session.execute(
            update(ContactImport).values(state=ImportState.RUNNING, lease_until=clock.now() - timedelta(seconds=1))
        )
    waiting = start(campaign_id, people_csv(300, seed=4))

    async def follow() -> int:
        signals = Signals()
        heard = 0
        runner = asyncio.create_task(ImportRunner(database_url, signals).run())
        with signals.subscribe(topics.campaign(campaign_id)) as moved:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                heard += await moved.wait(0.5)
                states = await asyncio.to_thread(_states, database)
                if set(states.values()) == {ImportState.DONE}:
                    break
        runner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await runner
        return heard

    assert asyncio.run(follow()) > 0
    assert _states(database) == {left: "done", waiting: "done"}
    check_numbers(database)


def _states(database) -> dict[int, str]:
    with database.read() as session:
        return {work.id: work.state for work in session.scalars(select(ContactImport))}


def test_a_stopped_runner_leaves_its_imports_to_be_taken_up(database, database_url, campaign_id, start, now):
    import_id = start(campaign_id, people_csv(60_000))

    async def stop_early() -> None:
        signals = Signals()
        runner = asyncio.create_task(ImportRunner(database_url, signals).run())
        with signals.subscribe(topics.campaign(campaign_id)) as moved:
            assert await moved.wait(60)
        runner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await runner

    asyncio.run(stop_early())
    check_numbers(database)
    with database.read() as session:
        work = session.get_one(ContactImport, import_id)
    assert (work.state, work.lease_until) == (ImportState.RUNNING, None)
    assert 0 < work.bytes_done < work.bytes_total


def test_undo_takes_back_contacts_and_persons_that_only_it_brought(
    database, campaign_id, make_campaign, start, run, undo, add
):
    other = make_campaign("Other")
    add(campaign_id, {"email": "before@example.com"})
    add(other, {"email": "elsewhere@example.com"})
    import_id = start(
        campaign_id, "email\nbefore@example.com\nelsewhere@example.com\nnew@example.com\nalso@example.com\n"
    )
    run(import_id)
    add(other, {"email": "also@example.com"})
    view = undo(import_id)
    assert (view.state, view.contacts) == (ImportState.UNDONE, 0)
    with database.read() as session:
        emails = set(session.scalars(select(Identity.value)))
        here = set(
            session.scalars(
                select(Identity.value)
                .join(CampaignContact, CampaignContact.person_id == Identity.person_id)
                .where(CampaignContact.campaign_id == campaign_id)
            )
        )
    assert emails == {"before@example.com", "elsewhere@example.com", "also@example.com"}
    assert here == {"before@example.com"}
    assert count(database, Event, Event.type == EventType.IMPORT_UNDONE) == 1
    assert count(database, Event, Event.type == EventType.CONTACT_REMOVED) == 3


def test_undo_leaves_whom_somebody_has_written_to(database, campaign_id, start, run, undo, now):
    import_id = start(campaign_id, "email\na@example.com\nb@example.com\n")
    run(import_id)
    with database.write() as session:
        contact = session.scalars(select(CampaignContact).order_by(CampaignContact.id)).first()
        session.add(
            CommDelivery(
                request_id=1, campaign_id=campaign_id, contact_id=contact.id, person_id=contact.person_id,
                channel="email", target="a@example.com", gateway_id=1, template_version_id=1, not_before=now,
                created_at=now,
            )
        )  # fmt: skip
    assert undo(import_id).contacts == 1
    with database.read() as session:
        assert list(session.scalars(select(Identity.value))) == ["a@example.com"]


def test_undo_leaves_to_a_later_file_whom_that_one_names_too(database, campaign_id, start, run, undo):
    first = start(campaign_id, "email\na@example.com\nb@example.com\n")
    run(first)
    second = start(campaign_id, "email\na@example.com\nc@example.com\n")
    run(second)
    undo(first)
    with database.read() as session:
        assert set(session.scalars(select(Identity.value))) == {"a@example.com", "c@example.com"}
        by_import = {source.import_id: source for source in list_sources(session, campaign_id, actor=OPERATOR)}
    assert (by_import[first].contacts, by_import[second].contacts) == (0, 2)
    undo(second)
    assert count(database, Person) == count(database, CampaignContact) == 0


def test_the_id_of_somebody_who_went_is_never_given_again(database, campaign_id, start, run, undo, add):
    import_id = start(campaign_id, "email\na@example.com\n")
    run(import_id)
    with database.read() as session:
        gone = session.scalars(select(CampaignContact)).one()
    undo(import_id)
    [verdict] = add(campaign_id, {"email": "b@example.com"})
    with database.read() as session:
        contact = session.scalars(select(CampaignContact)).one()
    assert verdict.person_id > gone.person_id
    assert contact.id > gone.id


def test_an_import_is_undone_once_and_only_when_it_has_ended(database, campaign_id, start, run, undo, now):
    import_id = start(campaign_id, "email\na@example.com\n")
    with pytest.raises(Conflict), database.write() as session:
        undo_import(session, import_id, actor=OPERATOR, now=now)
    run(import_id)
    undo(import_id)
    with pytest.raises(Conflict), database.write() as session:
        undo_import(session, import_id, actor=OPERATOR, now=now)
