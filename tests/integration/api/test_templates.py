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
