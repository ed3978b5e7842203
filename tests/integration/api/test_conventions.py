"""The conventions of the REST API that hold for every resource."""

import json
from datetime import timedelta

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import create_key, revoke_key

CAMPAIGNS = "/api/v1/campaigns"


def assert_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    assert body["detail"]
    return body


def test_health_needs_no_key(stranger):
    assert stranger.get("/healthz").json() == {"status": "ok"}


def test_without_a_known_key_nothing_is_told(stranger):
    cases = [None, "Bearer", "Bearer cxk_wrong", "Basic YTpi", "Bearer ünïcode".encode(), "Bearer  "]
    for header in cases:
        headers = {} if header is None else {"Authorization": header}
        for method, url in (
            ("GET", CAMPAIGNS),
            ("POST", CAMPAIGNS),
            ("GET", f"{CAMPAIGNS}/CMP-1001"),
            ("GET", "/api/v1/jobs"),
        ):
            answer = stranger.request(method, url, headers=headers)
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_that_expired_or_was_revoked_opens_nothing(stranger, application):
    now = clock.now()
    with application.database.write() as session:
        _, expired = create_key(
            session, "old", ["all"], now - timedelta(days=1), actor=OPERATOR, now=now - timedelta(days=2)
        )
        row, revoked = create_key(session, "gone", ["all"], actor=OPERATOR, now=now)
        revoke_key(session, row.id or 0, actor=OPERATOR, now=now)
    for key in (expired, revoked):
        assert_problem(stranger.get(CAMPAIGNS, headers={"Authorization": f"Bearer {key}"}), 401)


def test_a_list_has_items_cursor_and_total(client):
    assert client.get(CAMPAIGNS).json() == {"items": [], "next_cursor": None, "total": 0}


def test_a_page_has_1_to_200_items(client):
    cases = [("1", 200), ("200", 200), ("0", 422), ("201", 422), ("-1", 422), ("x", 422)]
    for limit, status in cases:
        answer = client.get(CAMPAIGNS, params={"limit": limit})
        assert answer.status_code == status
        if status == 422:
            assert assert_problem(answer, 422)["errors"][0]["loc"] == "limit"


def test_a_page_has_50_items_unless_asked_otherwise(client):
    for number in range(51):
        client.post(CAMPAIGNS, json={"name": f"Campaign {number}"})
    first = client.get(CAMPAIGNS).json()
    assert (len(first["items"]), first["total"]) == (50, 51)
    assert len(client.get(CAMPAIGNS, params={"cursor": first["next_cursor"]}).json()["items"]) == 1


def test_a_cursor_of_another_list_is_refused(client):
    cases = ["x", "MTA", "MTAuYWJj", "MTA.YWJj", "%00", "é"]
    for cursor in cases:
        answer = client.get(CAMPAIGNS, params={"cursor": cursor})
        assert assert_problem(answer, 422)["errors"][0]["loc"] == "cursor"


def test_a_cursor_goes_with_the_filter_it_was_given_for(client):
    for name in ("a", "b", "c"):
        client.post(CAMPAIGNS, json={"name": name})
    cursor = client.get(CAMPAIGNS, params={"limit": 1, "sort": "name"}).json()["next_cursor"]
    assert client.get(CAMPAIGNS, params={"limit": 2, "sort": "name", "cursor": cursor}).status_code == 200
    assert_problem(client.get(CAMPAIGNS, params={"limit": 1, "sort": "-name", "cursor": cursor}), 422)


def test_a_parameter_that_is_not_known_or_not_possible_is_refused(client):
    cases = ["stat=published", "state=nope", "sort=nope", "sort=-", "q=%00"]
    for query in cases:
        body = assert_problem(client.get(f"{CAMPAIGNS}?{query}"), 422)
        assert body["errors"][0]["loc"] == query.split("=")[0]


def test_a_body_that_cannot_be_read_is_malformed(client):
    cases = ["{", "", "[1,]", '{"name": NaN}', '{"name": "\\ud800"}', '{"name": "\\u0000"}', "[" * 100_000]
    for text in cases:
        answer = client.post(CAMPAIGNS, content=text, headers={"Content-Type": "application/json"})
        assert_problem(answer, 400 if text else 422)


def test_bytes_that_are_no_text_are_malformed(client):
    assert_problem(
        client.post(CAMPAIGNS, content=b'{"name": "\xff"}', headers={"Content-Type": "application/json"}), 400
    )


def test_a_body_that_is_not_json_is_unsupported(client):
    cases = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
    for kind in cases:
        headers = {} if kind is None else {"Content-Type": kind}
        assert_problem(client.post(CAMPAIGNS, content=b"name=x", headers=headers), 415)


def test_a_body_of_another_shape_is_invalid(client):
    for document in ([], "text", 1, None, {"name": {"a": 1}}):
        assert_problem(client.post(CAMPAIGNS, json=document), 422)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client):
    answer = client.post(
        CAMPAIGNS, content=b"{}", headers={"Content-Type": "application/json", "Content-Length": str(17 * 1024**2)}
    )
    assert_problem(answer, 413)


def test_a_body_that_turns_out_too_large_is_refused(client):
    async def endless():
        for _ in range(20):
            yield b" " * 1024**2

    assert_problem(client.post(CAMPAIGNS, content=endless(), headers={"Content-Type": "application/json"}), 413)


def test_unknown_addresses_under_api_are_json_problems(client):
    cases = ["/api/nope", "/api/v1/nope", "/api/", "/api/v1", "/api/v1/campaigns/", f"{CAMPAIGNS}/CMP-1/nope"]
    for url in cases:
        for method in ("GET", "POST", "DELETE"):
            assert_problem(client.request(method, url), 404)


def test_what_is_not_there_is_not_found(client):
    cases = [
        f"{CAMPAIGNS}/CMP-999999",
        f"{CAMPAIGNS}/1001",
        f"{CAMPAIGNS}/CMP-0",
        f"{CAMPAIGNS}/CMP-x",
        f"{CAMPAIGNS}/CMP-{10**30}",
        f"{CAMPAIGNS}/cmp-1001",
        f"{CAMPAIGNS}/CMP-١",
        "/api/v1/templates/999",
        "/api/v1/templates/-1",
        "/api/v1/gateways/0",
        "/api/v1/deliveries/99999999999999999999",
        "/api/v1/comms/1",
        "/api/v1/comms/%00",
    ]
    for url in cases:
        assert_problem(client.get(url), 404)


def test_a_wrong_method_says_which_are_right(client):
    answer = client.put(CAMPAIGNS)
    assert_problem(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}
    assert set(client.post(f"{CAMPAIGNS}/CMP-1").headers["allow"].split(", ")) == {"GET", "PATCH", "DELETE"}


def test_answers_are_not_kept_by_caches(client):
    assert client.get(CAMPAIGNS).headers["cache-control"] == "no-store"
    assert client.get(f"{CAMPAIGNS}/CMP-1").headers["cache-control"] == "no-store"


def test_times_carry_their_offset(client):
    made = client.post(CAMPAIGNS, json={"name": "x"}).json()
    assert made["created_at"].endswith("Z")


def test_the_docs_page_loads_nothing_from_elsewhere(stranger):
    page = stranger.get("/api/docs").text
    assert "//cdn" not in page
    assert "https://" not in page
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/api/docs/files/{file}" in page
        assert stranger.get(f"/api/docs/files/{file}").status_code == 200


def test_the_description_names_the_errors_of_every_call(stranger):
    document = stranger.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert "Listing_CampaignView_" in document["components"]["schemas"]
    calls = 0
    for path, operations in document["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        for method, operation in operations.items():
            calls += 1
            statuses = set(operation["responses"])
            assert {"400", "401", "403", "422", "429"} <= statuses, path
            assert ("{" not in path) or "404" in statuses, path
            assert method == "get" or "409" in statuses, path
            assert "requestBody" not in operation or {"413", "415"} <= statuses, path
            assert operation["security"], path
            assert any(status.startswith("2") for status in statuses), path
    assert calls > 30
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    references = {part.split('"')[0] for part in text.split('"$ref": "#/components/')[1:]}
    for reference in references:
        kind, name = reference.split("/")
        assert name in document["components"][kind]
