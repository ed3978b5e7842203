"""Templates over the REST API."""

URL = "/api/v1/templates"
MAIL = {
    "name": "Spring mail", "channel": "email", "language": "en",
    "subject": "Hello {{ first_name | default('there') }}", "html": "<p>...</p>", "text": None,
}  # fmt: skip


def test_a_template_is_made_read_changed_and_deleted(client):
    made = client.post(URL, json=MAIL)
    assert made.status_code == 201, made.text
    one = f"{URL}/{made.json()['id']}"
    assert made.headers["location"] == one
    assert {name: client.get(one).json()[name] for name in MAIL} == MAIL
    changed = client.patch(one, json={"subject": "Hi"}).json()
    assert (changed["subject"], changed["html"], changed["version"]) == ("Hi", MAIL["html"], 2)
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert client.get(URL).json()["total"] == 0


def test_templates_are_listed_by_name_and_filtered_by_channel(client):
    client.post(URL, json={**MAIL, "name": "B"})
    client.post(URL, json={"name": "A", "channel": "sms", "text": "Hi"})
    assert [one["name"] for one in client.get(URL).json()["items"]] == ["A", "B"]
    assert [one["name"] for one in client.get(URL, params={"channel": "sms"}).json()["items"]] == ["A"]
    assert [one["name"] for one in client.get(URL, params={"q": "b"}).json()["items"]] == ["B"]
    for sort, names in (("-name", ["B", "A"]), ("created_at", ["B", "A"]), ("-id", ["A", "B"])):
        assert [one["name"] for one in client.get(URL, params={"sort": sort}).json()["items"]] == names
    assert client.get(URL, params={"sort": "colour"}).status_code == 422


def test_a_bad_field_is_named(client):
    cases = [
        ({"name": ""}, "name"),
        ({"channel": "pigeon"}, "channel"),
        ({"html": "{% for %}"}, "html"),
        ({"subject": "{{"}, "subject"),
        ({"nmae": "typo"}, "nmae"),
        ({"html": 7}, "html"),
    ]
    for change, loc in cases:
        answer = client.post(URL, json={**MAIL, **change})
        assert answer.status_code == 422, change
        assert answer.json()["errors"][0]["loc"] == loc


def test_an_old_version_is_a_conflict(client):
    made = client.post(URL, json=MAIL).json()
    one = f"{URL}/{made['id']}"
    assert client.patch(one, json={"subject": "A", "version": 1}).status_code == 200
    assert client.patch(one, json={"subject": "B", "version": 1}).status_code == 409


def test_a_preview_shows_one_person_and_what_is_missing(client):
    campaign = client.post("/api/v1/campaigns", json={"name": "x"}).json()["id"]
    rows = [{"email": "ada@customer.example", "first_name": "Ada"}]
    person = client.post(f"/api/v1/campaigns/{campaign}/contacts", json=rows).json()[0]["person_id"]
    made = client.post(URL, json={**MAIL, "html": "<p>{{ first_name }} {{ plan }}</p>"}).json()
    shown = client.post(f"{URL}/{made['id']}/preview", json={"person_id": person})
    assert shown.status_code == 200, shown.text
    assert (shown.json()["subject"], shown.json()["person_id"]) == ("Hello Ada", person)
    assert "Ada" in shown.json()["html"]
    assert shown.json()["missing"] == ["plan"]
    assert {"missing_field", "no_unsubscribe"} <= {one["kind"] for one in shown.json()["findings"]}
    assert client.post(f"{URL}/{made['id']}/preview").status_code == 200
    for body in ({"person_id": "999999"}, {"person_id": "x"}, {"persn_id": person}):
        assert client.post(f"{URL}/{made['id']}/preview", json=body).status_code == 422
    assert client.post(f"{URL}/999/preview").status_code == 404


def test_a_test_send_reaches_its_target_and_is_counted_nowhere(client):
    gateway = client.post("/api/v1/gateways", json={"name": "S", "kind": "sandbox", "channel": "email"}).json()["id"]
    made = client.post(URL, json=MAIL).json()
    url = f"{URL}/{made['id']}/test-send"
    answer = client.post(url, json={"gateway_id": gateway, "target": "me@acme.example"})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"sent", "detail", "milliseconds"}
    assert answer.json()["sent"] is True
    assert client.get("/api/v1/deliveries").json()["total"] == 0
    cases = [
        ({"gateway_id": gateway, "target": "nobody"}, "target"),
        ({"gateway_id": "x", "target": "me@acme.example"}, "gateway_id"),
        ({"gateway_id": gateway}, "target"),
    ]
    for body, loc in cases:
        refused = client.post(url, json=body)
        assert refused.status_code == 422, body
        assert refused.json()["errors"][0]["loc"] == loc
