"""Gateways over the REST API."""

import socket

URL = "/api/v1/gateways"
SMTP = {
    "name": "Main SMTP", "kind": "smtp", "channel": "email",
    "settings": {"host": "127.0.0.1", "port": 25, "tls": "none", "verify": True, "username": "acme",
                 "sender": "Acme <hello@acme.example>", "connections": 10},
    "secrets": {"password": "correct horse"},
    "limits": {"per_minute": None, "per_domain_per_minute": None},
    "active": True,
}  # fmt: skip


def test_a_gateway_is_made_read_changed_and_deleted(client):
    made = client.post(URL, json=SMTP)
    assert made.status_code == 201, made.text
    one = f"{URL}/{made.json()['id']}"
    read = client.get(one).json()
    assert read.keys() == SMTP.keys() | {"id", "health"}
    assert read["health"].keys() == {"state", "error", "since"}
    assert read["health"]["state"] == "ok"
    assert {name: read["settings"][name] for name in SMTP["settings"]} == SMTP["settings"]
    changed = client.patch(one, json={"limits": {"per_minute": 60}, "active": False}).json()
    assert changed["limits"] == {"per_minute": 60, "per_domain_per_minute": None}
    assert changed["active"] is False
    assert client.get(URL).json()["items"] == [changed]
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_gateways_are_searched_and_sorted(client):
    for name, channel in (("beta", "email"), ("Alpha", "sms"), ("100 %", "email")):
        assert client.post(URL, json={"name": name, "kind": "sandbox", "channel": channel}).status_code == 201

    def listed(**params):
        return [one["name"] for one in client.get(URL, params=params).json()["items"]]

    assert listed() == ["100 %", "beta", "Alpha"]
    assert listed(sort="name") == listed(sort="-name")[::-1] == ["100 %", "Alpha", "beta"]
    assert listed(sort="-id") == ["100 %", "Alpha", "beta"]
    assert (listed(q="ALPH"), listed(q="%"), listed(q="nope")) == (["Alpha"], ["100 %"], [])
    assert client.get(URL, params={"sort": "colour"}).status_code == 422


def test_a_secret_goes_in_and_never_comes_out(client, application):
    made = client.post(URL, json=SMTP)
    one = f"{URL}/{made.json()['id']}"
    answers = [made, client.get(one), client.get(URL), client.patch(one, json={"secrets": {"password": "***"}})]
    assert all("correct horse" not in answer.text for answer in answers)
    assert all(answer.json().get("secrets", {"password": "***"}) == {"password": "***"} for answer in answers)
    removed = client.patch(
        one, json={"secrets": {"password": None}, "settings": {**SMTP["settings"], "username": None}}
    )
    assert removed.json()["secrets"] == {}


def test_a_bad_field_is_named(client):
    cases = [
        ({"kind": "pigeon"}, "kind"),
        ({"settings": {**SMTP["settings"], "prot": 25}}, "settings.prot"),
        ({"settings": {**SMTP["settings"], "port": 99999}}, "settings.port"),
        ({"limits": {"per_hour": 1}}, "limits.per_hour"),
        ({"limits": {"per_minute": 0}}, "limits.per_minute"),
        ({"channel": "sms"}, "channel"),
        ({"is_demo": True}, "is_demo"),
        ({"active": "yes"}, "active"),
    ]
    for change, loc in cases:
        answer = client.post(URL, json={**SMTP, **change})
        assert answer.status_code == 422, change
        assert loc in [one["loc"] for one in answer.json()["errors"]]
    assert client.post(URL, json=SMTP).status_code == 201
    assert client.post(URL, json=SMTP).status_code == 409


def test_a_test_says_which_step_failed_and_how_to_mend_it(client):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        settings = {**SMTP["settings"], "port": taken.getsockname()[1], "username": None}
        made = client.post(URL, json={**SMTP, "settings": settings, "secrets": {}}).json()
        answer = client.post(f"{URL}/{made['id']}/test")
    assert answer.status_code == 200
    assert answer.json()["passed"] is False
    assert answer.json()["steps"][-1].keys() == {"name", "ok", "detail", "milliseconds"}
    assert answer.json()["steps"][-1]["ok"] is False


def test_the_sandbox_passes_its_test(client):
    body = {"name": "Sandbox", "kind": "sandbox_email", "channel": "email", "settings": {}}
    made = client.post(URL, json={**body, "kind": "sandbox"})
    assert made.status_code == 201, made.text
    answer = client.post(f"{URL}/{made.json()['id']}/test", json={"target": "ada@customer.example"})
    assert answer.json()["passed"] is True, answer.text
    assert client.post(f"{URL}/999/test").status_code == 404
