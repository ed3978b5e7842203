"""Operations over the REST API."""

URL = "/api/v1/jobs"


def test_jobs_are_listed_paused_resumed_and_run(client):
    listed = client.get(URL).json()
    names = [one["name"] for one in listed["items"]]
    assert "settle_holds" in names
    assert listed["items"][0].keys() == {
        "name", "paused", "every_seconds", "last_run_at", "picked_up", "runs", "errors", "last_error",
    }  # fmt: skip
    assert client.post(f"{URL}/settle_holds/pause").json()["paused"] is True
    assert client.post(f"{URL}/settle_holds/run").status_code == 409
    paused = [one["name"] for one in client.get(URL).json()["items"] if one["paused"]]
    assert paused == ["settle_holds"]
    assert client.post(f"{URL}/settle_holds/resume").json()["paused"] is False
    assert client.post(f"{URL}/settle_holds/run").json() == {"name": "settle_holds", "picked_up": 0}


def test_an_unknown_job_is_not_found(client):
    for verb in ("pause", "resume", "run"):
        assert client.post(f"{URL}/nope/{verb}").status_code == 404
    assert client.post(f"{URL}/settle_holds/stop").status_code == 404


def test_steering_jobs_needs_its_own_right(client, key_for):
    assert client.get(URL, headers=key_for("jobs.read")).status_code == 200
    assert client.post(f"{URL}/settle_holds/pause", headers=key_for("jobs.read")).status_code == 403
