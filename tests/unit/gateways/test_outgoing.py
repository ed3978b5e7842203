import asyncio

import httpx
import pytest

from cxconsole.gateways.outgoing import NameNotFound, OutgoingGuard, OutgoingRefused
from cxconsole.settings import Settings


def find(name, **settings):
    return asyncio.run(OutgoingGuard(Settings(**settings)).find_address(name, 443))


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::1", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_in_every_disguise(address):
    with pytest.raises(OutgoingRefused, match="CXCONSOLE_OUTGOING_ALLOW"):
        find(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:5db8:d822"])
def test_public_addresses_are_reached(address):
    assert find(address) == address


def test_loopback_is_reached_only_while_the_console_listens_on_it_alone():
    assert find("127.0.0.1", host="127.0.0.1") == "127.0.0.1"
    assert find("localhost", host="localhost") in ("127.0.0.1", "::1")
    for host in ("0.0.0.0", "::", "192.168.1.5"):
        with pytest.raises(OutgoingRefused):
            find("127.0.0.1", host=host)


def test_the_operator_allows_names_and_networks():
    allow = {"host": "0.0.0.0", "outgoing_allow": "localhost, 10.0.0.0/8"}
    assert find("10.1.2.3", **allow) == "10.1.2.3"
    assert find("localhost", **allow) in ("127.0.0.1", "::1")
    with pytest.raises(OutgoingRefused):
        find("192.168.1.1", **allow)


def test_an_unknown_name_is_named():
    with pytest.raises(NameNotFound, match=r"nowhere\.invalid"):
        find("nowhere.invalid")


def test_the_address_is_pinned_and_the_name_still_told():
    pinned = asyncio.run(OutgoingGuard(Settings()).pin(httpx.URL("https://localhost:8443/a?b=c")))
    assert str(pinned.url) in ("https://127.0.0.1:8443/a?b=c", "https://[::1]:8443/a?b=c")
    assert pinned.headers == {"Host": "localhost:8443"}
    assert pinned.extensions == {"sni_hostname": "localhost"}


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "https://user:pass@example.com/"])
def test_other_schemes_and_hidden_passwords_are_refused(url):
    with pytest.raises(OutgoingRefused):
        asyncio.run(OutgoingGuard(Settings()).pin(httpx.URL(url)))
