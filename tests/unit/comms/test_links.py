import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.accounts.vault import Vault
from cxconsole.comms.links import CLICK, OPEN, UNSUBSCRIBE, Links, is_web_address
from cxconsole.errors import NotFound
from cxconsole.settings import Settings

LINKS = Links(base_url="https://mail.example.com", key=b"k" * 32, tracks=True)


def token_of(url):
    return url.removeprefix(LINKS.base_url).split("?")[0].rsplit("/", 1)[1].removesuffix(".gif")


@given(delivery_id=st.integers(min_value=0, max_value=2**62))
def test_a_token_leads_back_to_its_delivery(delivery_id):
    assert LINKS.read_token(UNSUBSCRIBE, token_of(LINKS.unsubscribe_url(delivery_id))) == delivery_id
    assert LINKS.read_token(OPEN, token_of(LINKS.open_url(delivery_id))) == delivery_id
    address = "https://shop.example.com/?a=1&b=ü"
    assert LINKS.read_token(CLICK, token_of(LINKS.click_url(delivery_id, address)), address) == delivery_id


@given(token=st.text(max_size=60))
def test_a_made_up_token_leads_nowhere(token):
    with pytest.raises(NotFound):
        LINKS.read_token(UNSUBSCRIBE, token)


def test_a_token_serves_one_use_only():
    with pytest.raises(NotFound):
        LINKS.read_token(UNSUBSCRIBE, token_of(LINKS.open_url(7)))


def test_a_click_leads_nowhere_but_where_it_was_made_for():
    token = token_of(LINKS.click_url(7, "https://shop.example.com/"))
    with pytest.raises(NotFound):
        LINKS.read_token(CLICK, token, "https://evil.example.com/")


def test_another_key_reads_nothing():
    other = Links(base_url=LINKS.base_url, key=b"o" * 32)
    with pytest.raises(NotFound):
        other.read_token(OPEN, token_of(LINKS.open_url(7)))


def test_links_to_the_web_are_led_over_the_console_and_others_left_alone():
    html = (
        f'<body><a class="x" href="https://shop.example.com/?a=1&amp;b=2">Shop</a> <a href="mailto:a@example.com">m</a>'
        f'<a href="{LINKS.unsubscribe_url(7)}">Out</a><img src="https://cdn.example.com/a.png"></body>'
    )
    tracked = LINKS.track(html, 7)
    assert f'<a class="x" href="{LINKS.click_url(7, "https://shop.example.com/?a=1&b=2")}">Shop</a>' in tracked
    assert 'href="mailto:a@example.com"' in tracked
    assert f'href="{LINKS.unsubscribe_url(7)}"' in tracked
    assert 'src="https://cdn.example.com/a.png"' in tracked
    assert tracked.index(LINKS.open_url(7)) < tracked.index("</body>")


def test_nothing_is_tracked_while_recipients_cannot_reach_the_console():
    vault = Vault(b"key")
    private = Links.build(Settings(public_url=""), vault)
    assert private.track('<a href="https://x.example/">x</a>', 7) == '<a href="https://x.example/">x</a>'
    assert Links.build(Settings(public_url="https://mail.example.com/"), vault).tracks


@pytest.mark.parametrize(
    ("address", "fit"),
    [
        ("https://example.com/a?b=c", True),
        ("http://example.com", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.com/", False),
        ("https:///example.com", False),
        ("https://exa\\mple.com/", False),
        ("https://example.com/\r\nSet-Cookie: a=b", False),
        ("https://[::1", False),
        ("https://example.com/" + "a" * 3000, False),
    ],
)
def test_only_web_addresses_are_redirected_to(address, fit):
    assert is_web_address(address) is fit
