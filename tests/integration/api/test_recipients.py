"""What recipients reach from a message, without a key."""

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.comms.links import Links
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.suppression import Suppression


@pytest.fixture
def links(application):
    return Links.build(application.settings, application.vault)


@pytest.fixture
def delivery_id(application):
    """A message to Ada that was sent."""
    now = clock.now()
    with application.database.write() as session:
        request = CommRequest(
            trigger_kind="api", person_id=1, state=RequestState.PROCESSED, created_at=now, updated_at=now
        )
        session.add(request)
        session.flush()
        delivery = CommDelivery(
            request_id=request.id or 0, person_id=1, channel="email", target="ada@customer.example", gateway_id=1,
            template_version_id=1, state=DeliveryState.SENT, not_before=now, created_at=now, sent_at=now,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        return delivery.id


def path_of(url: str) -> str:
    return url.removeprefix("https://cx.example")


def read(application) -> tuple[CommDelivery, list[Suppression]]:
    with application.database.read() as session:
        return session.exec(select(CommDelivery)).one(), list(session.exec(select(Suppression)).all())


def test_looking_at_the_page_changes_nothing(stranger, application, links, delivery_id):
    url = path_of(links.unsubscribe_url(delivery_id))
    for method in ("GET", "HEAD", "GET"):
        answer = stranger.request(method, url)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "no-store" in answer.headers["cache-control"]
    assert '<form method="post">' in answer.text
    assert "ada@customer.example" not in answer.text
    delivery, suppressions = read(application)
    assert delivery.unsubscribed_at is None
    assert delivery.opened_at is None
    assert suppressions == []


@pytest.mark.parametrize("body", [{"List-Unsubscribe": "One-Click"}, {}])
def test_one_post_unsubscribes_by_mail_program_and_by_button(stranger, application, links, delivery_id, body):
    url = path_of(links.unsubscribe_url(delivery_id))
    for _ in range(2):
        answer = stranger.post(url, data=body)
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
    delivery, suppressions = read(application)
    assert delivery.unsubscribed_at is not None
    assert [(one.address, one.channel, one.reason) for one in suppressions] == [
        ("ada@customer.example", "email", "unsubscribed")
    ]
    assert "You are unsubscribed" in stranger.get(url).text


def test_the_pixel_notes_the_opening_and_comes_for_any_token(stranger, application, links, delivery_id):
    for url in (path_of(links.open_url(delivery_id)), "/o/made-up.gif"):
        answer = stranger.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/gif"
        assert answer.content.startswith(b"GIF89a")
    assert read(application)[0].opened_at is not None


def test_a_click_is_noted_and_leads_on(stranger, application, links, delivery_id):
    address = "https://shop.example/spring?a=1&b=ü#top"
    answer = stranger.get(path_of(links.click_url(delivery_id, address)))
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://shop.example/spring?a=1&b=")
    assert read(application)[0].clicked_at is not None


def test_a_click_leads_nowhere_but_where_it_was_signed_for(stranger, application, links, delivery_id):
    token = path_of(links.click_url(delivery_id, "https://shop.example/")).split("?")[0]
    for query in ("?u=https%3A%2F%2Fevil.example%2F", "", "?u=", "?u=javascript%3Aalert(1)"):
        answer = stranger.get(token + query)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    assert read(application)[0].clicked_at is None


def test_a_token_that_is_not_ours_is_not_found(stranger, application, links, delivery_id):
    opened = path_of(links.open_url(delivery_id)).removeprefix("/o/").removesuffix(".gif")
    for token in ("x", "AAAA", opened, "%00", "a" * 500, "ü"):
        for method in ("GET", "POST"):
            assert stranger.request(method, f"/u/{token}").status_code == 404
    assert read(application)[1] == []
