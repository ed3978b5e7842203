"""Suppressions over the REST API."""

URL = "/api/v1/suppressions"


def test_a_suppression_is_added_listed_and_removed(client):
    made = client.post(URL, json={"address": "Ada@Customer.example", "note": "by phone"})
    assert made.status_code == 201, made.text
    assert made.json()["address"] == "ada@customer.example"
    assert (made.json()["channel"], made.json()["campaign_id"], made.json()["reason"]) == (None, None, "manual")
    assert client.get(URL).json() == {"items": [made.json()], "next_cursor": None, "total": 1}
    assert client.post(URL, json={"address": "ada@customer.example"}).json()["id"] == made.json()["id"]
    one = f"{URL}/{made.json()['id']}"
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 404
    assert client.get(URL).json()["total"] == 0


def test_a_suppression_can_be_of_one_campaign_and_channel(client):
    campaign = client.post("/api/v1/campaigns", json={"name": "x"}).json()["id"]
    made = client.post(URL, json={"address": "a@customer.example", "channel": "email", "campaign_id": campaign}).json()
    assert (made["channel"], made["campaign_id"]) == ("email", campaign)
    assert client.get(URL, params={"campaign": campaign}).json()["total"] == 1
    assert client.get(URL, params={"channel": "sms"}).json()["total"] == 0
    assert client.get(URL, params={"q": "a@cust"}).json()["total"] == 1
    assert client.get(URL, params={"reason": "bounced"}).json()["total"] == 0


def test_a_bad_field_is_named(client):
    cases = [
        ({}, "address"),
        ({"address": "nobody"}, "address"),
        ({"person_id": "999"}, "person_id"),
        ({"person_id": "x"}, "person_id"),
        ({"address": "a@customer.example", "campaign_id": "CMP-999999"}, "campaign_id"),
        ({"address": "a@customer.example", "campaign_id": "1001"}, "campaign_id"),
        ({"address": "a@customer.example", "channel": "pigeon"}, "channel"),
        ({"address": "a@customer.example", "reason": "mood"}, "reason"),
        ({"address": "a@customer.example", "adress": "x"}, "adress"),
    ]
    for body, loc in cases:
        answer = client.post(URL, json=body)
        assert answer.status_code == 422, body
        assert loc in [one["loc"] for one in answer.json()["errors"]]


def test_a_file_is_imported_and_exported_again(client, application):
    text = "address,note\na@customer.example,=cmd()\nnobody,\n+14155550123,called\n"
    answer = client.post(f"{URL}/import", files={"file": ("no.csv", text)}, data={"reason": "unsubscribed"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["rows"], told["added"], told["already"], told["rejected"]) == (3, 2, 0, 1)
    assert told["first_rejected"][0]["value"] == "nobody"
    assert client.get(URL, params={"reason": "unsubscribed"}).json()["total"] == 2
    exported = client.get(f"{URL}/export.csv")
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert "'=cmd()" in exported.text
    assert "a@customer.example" in exported.text
    assert list(application.settings.import_dir.iterdir()) == []


def test_what_is_no_upload_is_refused(client, application):
    cases = [
        ({"json": {}}, 415),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
        ({"content": b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf",
          "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
        ({"files": {"other": ("x.csv", "a@b.example")}}, 422),
        ({"files": {"file": ("x.csv", "address\n")}, "data": {"typo": "x"}}, 422),
        ({"files": {"reason": (None, "manual")}}, 422),
        ({"files": [("file", ("a.csv", "x")), ("file", ("b.csv", "x"))]}, 422),
        ({"files": {"file": ("x.csv", "\0\1")}}, 400),
        ({"files": {"file": ("x.csv", "a\n")}, "data": {"reason": "x" * 2_000_000}}, 413),
    ]  # fmt: skip
    for request, status in cases:
        answer = client.post(f"{URL}/import", **request)
        assert answer.status_code == status, (request, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert list(application.settings.import_dir.iterdir()) == []


def test_a_repeated_upload_gets_the_first_answer(client):
    key = {"Idempotency-Key": "upload-1"}
    first = client.post(f"{URL}/import", files={"file": ("a.csv", "a@customer.example\n")}, headers=key)
    again = client.post(f"{URL}/import", files={"file": ("a.csv", "a@customer.example\n")}, headers=key)
    other = client.post(f"{URL}/import", files={"file": ("a.csv", "b@customer.example\n")}, headers=key)
    assert first.json()["added"] == again.json()["added"] == 1
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


def test_a_key_without_the_right_uploads_nothing(client, key_for):
    reader = key_for("suppressions.read")
    answer = client.post(f"{URL}/import", files={"file": ("a.csv", "a@customer.example\n")}, headers=reader)
    assert answer.status_code == 403
    assert client.get(f"{URL}/export.csv", headers=key_for("campaigns.read")).status_code == 403
