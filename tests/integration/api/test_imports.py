"""Imports over the REST API: the real upload, and the real work in a child process."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxconsole.audience.import_runner import ImportRunner

SPEC_FIELDS = {
    "id", "campaign_id", "state", "file_name", "bytes_done", "bytes_total", "rows_read", "created", "merged",
    "duplicates", "rejected", "started_at", "finished_at", "error",
}  # fmt: skip
FILE = (
    "E-mail;Given;Plan;Secret\n" + "".join(f"p{n}@customer.example;P{n};gold;x\n" for n in range(30)) + "nobody;X;;\n"
)
MAPPING = {"E-mail": "email", "Given": "first_name", "Secret": None}


@pytest.fixture
def campaign(client) -> str:
    return client.post("/api/v1/campaigns", json={"name": "Spring"}).json()["id"]


@pytest.fixture
def worker(application) -> Iterator[None]:
    """The part of the engine that works on imports."""
    loop = asyncio.new_event_loop()
    runner = ImportRunner(application.settings.resolved_database_url, application.signals)
    task = loop.create_task(runner.run())

    def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    loop.call_soon_threadsafe(task.cancel)
    thread.join(30)


def upload(client, campaign, text=FILE, *, name="people.csv", data=None, **more):
    return client.post(
        f"/api/v1/campaigns/{campaign}/imports", files={"file": (name, text, "text/csv")}, data=data or {}, **more
    )


def wait_for(client, import_id, *states):
    for _ in range(600):
        view = client.get(f"/api/v1/imports/{import_id}").json()
        if view["state"] in states:
            return view
        time.sleep(0.05)
    raise AssertionError(f"still {view['state']}")


def test_a_file_is_taken_read_in_the_background_and_its_rejected_rows_come_back(client, campaign, application, worker):
    options = {"default_region": "SE", "has_header": True, "delimiter": None, "encoding": None}
    answer = upload(client, campaign, data={"mapping": json.dumps(MAPPING), "options": json.dumps(options)})
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == {"id"}
    view = wait_for(client, answer.json()["id"], "done", "failed")
    assert view.keys() == SPEC_FIELDS
    assert (view["state"], view["campaign_id"], view["file_name"], view["error"]) == (
        "done",
        campaign,
        "people.csv",
        None,
    )
    assert (view["rows_read"], view["created"], view["rejected"]) == (31, 30, 1)
    assert view["created"] + view["merged"] + view["duplicates"] + view["rejected"] == view["rows_read"]
    assert view["bytes_done"] == view["bytes_total"] == len(FILE)
    seventh = json.dumps({"field": "email", "op": "eq", "value": "p7@customer.example"})
    contact = client.get(f"/api/v1/campaigns/{campaign}/contacts", params={"filter": seventh}).json()["items"][0]
    assert (contact["first_name"], contact["attributes"]) == ("P7", {"Plan": "gold"})
    rejected = client.get(f"/api/v1/imports/{view['id']}/rejected.csv")
    assert rejected.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(rejected.text.splitlines()) == 2
    assert "nobody" in rejected.text.splitlines()[1]
    sources = client.get(f"/api/v1/campaigns/{campaign}/sources").json()
    assert sources["total"] == 1
    assert (sources["items"][0]["kind"], sources["items"][0]["contacts"]) == ("file", 30)
    assert sources["items"][0]["import_id"] == view["id"]

    undone = client.post(f"/api/v1/imports/{view['id']}/undo")
    assert undone.status_code == 200
    wait_for(client, view["id"], "undone")
    assert client.get(f"/api/v1/campaigns/{campaign}").json()["contacts"] == 0
    assert client.post(f"/api/v1/imports/{view['id']}/undo").status_code == 409


def test_an_import_that_waits_is_cancelled_once(client, campaign):
    import_id = upload(client, campaign).json()["id"]
    assert client.get(f"/api/v1/imports/{import_id}").json()["state"] == "queued"
    assert client.post(f"/api/v1/imports/{import_id}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/v1/imports/{import_id}/cancel").status_code == 409


def test_what_cannot_be_imported_is_refused_and_leaves_no_file(client, campaign, application):
    cases = [
        ({"data": {"mapping": "{"}}, 422, "mapping"),
        ({"data": {"mapping": "[]"}}, 422, "mapping"),
        ({"data": {"mapping": '{"E-mail": 7}'}}, 422, "mapping.E-mail"),
        ({"data": {"options": '{"delimeter": ";"}'}}, 422, "options.delimeter"),
        ({"data": {"options": '{"has_header": "yes"}'}}, 422, "options.has_header"),
        ({"data": {"options": '{"default_region": "XX"}'}}, 422, "default_region"),
        ({"data": {"typo": "{}"}}, 422, "typo"),
        ({"text": "plan\ngold\n"}, 422, None),
        ({"text": "email\n"}, 422, None),
        ({"text": ""}, 422, None),
    ]
    for arguments, status, loc in cases:
        answer = upload(client, campaign, **arguments)
        assert answer.status_code == status, (arguments, answer.text)
        if loc:
            assert loc in [one["loc"] for one in answer.json()["errors"]], answer.text
    assert upload(client, campaign, b"PK\x03\x04" + bytes(2000)).status_code in (415, 422)
    assert upload(client, "CMP-999999").status_code == 404
    assert client.post(f"/api/v1/campaigns/{campaign}/imports", json={}).status_code == 415
    client.post(f"/api/v1/campaigns/{campaign}/end")
    assert upload(client, campaign).status_code == 409
    assert list(application.settings.import_dir.iterdir()) == []


def test_a_path_in_the_name_of_a_file_leads_nowhere(client, campaign, application):
    import_id = upload(client, campaign, name="../../etc/passwd").json()["id"]
    assert client.get(f"/api/v1/imports/{import_id}").json()["file_name"] == "passwd"
    [file] = application.settings.import_dir.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_repeated_upload_is_one_import(client, campaign, application):
    key = {"Idempotency-Key": "file-1"}
    first = upload(client, campaign, headers=key)
    again = upload(client, campaign, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert client.get(f"/api/v1/campaigns/{campaign}/sources").json()["total"] == 1
    assert len(list(application.settings.import_dir.iterdir())) == 1


def test_a_large_upload_is_never_whole_in_memory(client, campaign, application):
    size = 64 * 1024**2
    peak = 0

    async def body():
        nonlocal peak
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\nemail\n'
        for number in range(size // (64 * 1024)):
            rows = b"".join(b"p%d@customer.example\n" % (number * 4096 + n) for n in range(4096))
            yield rows[: 64 * 1024 - 1] + b"\n"  # the last row is cut, as any file may be
            peak = max(peak, rss())
        yield b"\r\n--b--\r\n"

    before = rss()
    url = f"/api/v1/campaigns/{campaign}/imports"
    answer = client.post(url, content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 202, answer.text
    assert client.get(f"/api/v1/imports/{answer.json()['id']}").json()["bytes_total"] >= size
    assert peak - before < 20 * 1024**2


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_importing_needs_the_right_before_anything_is_sent(client, campaign, key_for):
    assert upload(client, campaign, headers=key_for("contacts.read")).status_code == 403
    import_id = upload(client, campaign).json()["id"]
    assert client.get(f"/api/v1/imports/{import_id}/rejected.csv", headers=key_for("contacts.read")).status_code == 403
    assert client.get(f"/api/v1/imports/{import_id}", headers=key_for("contacts.read")).status_code == 200
    assert client.get("/api/v1/imports/999/rejected.csv").status_code == 404


def test_a_dry_run_says_what_would_happen_and_changes_nothing(client, campaign, application):
    client.post(f"/api/v1/campaigns/{campaign}/contacts", json=[{"email": "p1@customer.example"}])
    options = {"dry_run": True, "delimiter": ";"}
    answer = upload(client, campaign, data={"mapping": json.dumps(MAPPING), "options": json.dumps(options)})
    assert answer.status_code == 202, answer.text
    view = client.get(f"/api/v1/imports/{answer.json()['id']}").json()
    assert view.keys() == SPEC_FIELDS
    assert (view["id"], view["state"], view["campaign_id"]) == (answer.json()["id"], "done", campaign)
    assert (view["rows_read"], view["created"], view["merged"], view["rejected"]) == (31, 29, 1, 1)
    assert client.get(f"/api/v1/campaigns/{campaign}").json()["contacts"] == 1
    assert [one["kind"] for one in client.get(f"/api/v1/campaigns/{campaign}/sources").json()["items"]] == ["rest"]
    assert list(application.settings.import_dir.iterdir()) == []
    assert client.post(f"/api/v1/imports/{view['id']}/undo").status_code == 404
    assert client.get("/api/v1/imports/dry-999").status_code == 404
    wrong = {"dry_run": True, "delimiter": "??"}
    assert upload(client, campaign, data={"options": json.dumps(wrong)}).status_code == 422
