"""The conventions of the REST API that hold for every resource."""


def test_health_needs_no_key(stranger):
    assert stranger.get("/healthz").json() == {"status": "ok"}
    assert stranger.get("/readyz").json() == {"status": "ok", "checks": {"database": "ok", "schema": "ok"}}


def test_without_a_key_nothing_is_told(stranger):
    answer = stranger.get("/api/v1/campaigns")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json().keys() == {"type", "title", "status", "detail", "errors"}


def test_a_list_has_items_cursor_and_total(client):
    assert client.get("/api/v1/campaigns").json() == {"items": [], "next_cursor": None, "total": 0}


def test_unknown_addresses_under_api_are_json_problems(client):
    for address in ("/api/nope", "/api/v1/nope", "/api/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404


def test_a_wrong_method_says_which_are_right(client):
    answer = client.put("/api/v1/campaigns")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_docs_page_loads_nothing_from_elsewhere(stranger):
    page = stranger.get("/api/docs").text
    assert "//cdn" not in page
    assert "https://" not in page
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/api/docs/files/{file}" in page
        assert stranger.get(f"/api/docs/files/{file}").status_code == 200
    assert stranger.get("/api/openapi.json").json()["openapi"].startswith("3.")
