"""The ready-made curl command of a campaign's page: a shell runs it as it stands, and the API takes what it sends."""

import json
import subprocess

from cxconsole.audience.rest_example import curl_example

SHOW = 'curl() { for argument in "$@"; do printf "%s\\0" "$argument"; done; }\n'


def run_in_shell(command: str, **environment: str) -> list[str]:
    done = subprocess.run(["bash", "-c", SHOW + command], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def test_the_command_is_the_campaigns_own_and_the_api_takes_it(client):
    campaign = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()["id"]
    key = client.headers["authorization"].removeprefix("Bearer ")
    command = curl_example(
        int(campaign[4:]), ["email", "first_name", "plan"], "http://cx.example/", "$CXCONSOLE_API_KEY"
    )
    assert key not in command
    _, method, url, _, authorization, _, kind, _, body = run_in_shell(command, CXCONSOLE_API_KEY=key)
    headers = dict(one.split(": ", 1) for one in (authorization, kind))
    answer = client.request(method, url, content=body, headers=headers)
    assert answer.status_code == 207
    assert answer.json()[0]["status"] == "created"
    row = client.get(f"/api/v1/campaigns/{campaign}/contacts").json()["items"][0]
    assert (row["first_name"], row["attributes"]) == ("Ada", {"plan": "<plan>"})


def test_no_name_of_a_field_escapes_into_the_shell():
    names = ["it's", '"; touch /tmp/x; "', "$(id)", "`id`", "a\nb", "a\\b"]
    hint = 'k"$(id)`id`\\'
    *_, authorization, _, kind, _, body = run_in_shell(curl_example(1001, names, "http://127.0.0.1:3000", hint))
    assert authorization == f"Authorization: Bearer {hint}"
    assert kind == "Content-Type: application/json"
    assert json.loads(body)[0].keys() == {"email", *names}
