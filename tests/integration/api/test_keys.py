"""Keys: made on the command line, kept as a hash, recognised by their prefix."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import RIGHTS, create_key, describe_right, find_key, list_keys, revoke_key
from cxconsole.database import Database
from cxconsole.errors import Forbidden, Invalid, NotFound
from models.event import Event, EventType
from models.system import ApiKey

ROOT = Path(__file__).resolve().parents[3]


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CXCONSOLE_DATA_DIR": str(folder), "CXCONSOLE_DATABASE_URL": ""}
    return subprocess.run(
        [sys.executable, "-m", "cxconsole", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_the_command_prints_the_key_and_nothing_else_on_a_fresh_folder(tmp_path):
    folder = tmp_path / "fresh" / "data"
    done = run_command(folder, "apikey", "create", "--name", "crm", "--scopes", "all")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"cxk_[A-Za-z0-9_-]{43}\n", done.stdout)
    database = Database(f"sqlite:///{folder / 'cxconsole.db'}")
    with database.read() as session:
        actor = find_key(session, done.stdout.strip(), now=clock.now())
        assert actor is not None
        assert actor.rights == {"*"}
        assert session.exec(select(Event.type)).all() == [EventType.KEY_CREATED]
    database.dispose()
    listed = run_command(folder, "apikey", "list")
    assert done.stdout.strip() not in listed.stdout
    assert "crm" in listed.stdout


def test_the_command_says_what_is_wrong(tmp_path):
    done = run_command(tmp_path, "apikey", "create", "--name", "crm", "--scopes", "campaigns.fly")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "campaigns.fly" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_a_hash_of_the_key_is_kept(database, now):
    with database.write() as session:
        row, plaintext = create_key(session, "crm", ["campaigns.read", "contacts.*"], actor=OPERATOR, now=now)
        assert plaintext not in str(row.model_dump())
        assert plaintext.startswith(row.prefix)
        assert len(row.prefix) < 12
        actor = find_key(session, plaintext, now=now)
        assert actor is not None
        actor.require("campaigns.read")
        actor.require("contacts.export")
        with pytest.raises(Forbidden):
            actor.require("campaigns.edit")
        assert find_key(session, plaintext + "x", now=now) is None


def test_a_revoked_key_is_listed_and_opens_nothing(database, now):
    with database.write() as session:
        row, plaintext = create_key(session, "crm", ["all"], actor=OPERATOR, now=now)
        revoke_key(session, row.id or 0, actor=OPERATOR, now=now)
        revoke_key(session, row.id or 0, actor=OPERATOR, now=now)
        assert find_key(session, plaintext, now=now) is None
        assert [one.revoked_at for one in list_keys(session, actor=OPERATOR)] == [now]
        events = session.exec(select(Event.type)).all()
        assert events == [EventType.KEY_CREATED, EventType.KEY_REVOKED]
        with pytest.raises(NotFound):
            revoke_key(session, 999, actor=OPERATOR, now=now)


def test_a_name_a_scope_and_an_end_must_make_sense(database, now):
    with database.write() as session:
        for name, scopes, expires_at in (
            ("", ["all"], None),
            ("x", [], None),
            ("x", ["nope"], None),
            ("x", ["all"], now),
        ):
            with pytest.raises(Invalid):
                create_key(session, name, scopes, expires_at, actor=OPERATOR, now=now)
        assert session.exec(select(ApiKey)).all() == []


def test_the_last_use_of_a_key_is_noted(client, application):
    client.get("/api/v1/campaigns")
    with application.database.read() as session:
        assert session.exec(select(ApiKey)).one().last_used_at is not None


def test_a_large_campaign_is_made_on_the_command_line(tmp_path):
    done = run_command(tmp_path, "seed", "--contacts", "50")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "CMP-1001\n"
    assert run_command(tmp_path, "seed").returncode != 0, "the database is not empty"
    assert run_command(tmp_path, "seed", "--contacts", "0").returncode != 0


def test_each_right_says_what_it_allows():
    known = [f"{area}.{verb}" for area, verbs in RIGHTS.items() for verb in verbs]
    said = [describe_right(right) for right in known]
    assert len(set(said)) == len(known)
    assert all("." not in words for words in said)
    assert describe_right("keys.*") == describe_right("keys.edit")
    assert "Everything" in describe_right("*")
