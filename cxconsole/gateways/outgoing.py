"""The guard before addresses that a user typed: nothing private is reached unless the operator allows it.

The name is resolved here and the address that was checked is the one that is connected to, so a name
server that changes its mind in between gains nothing.
"""

import asyncio
import ipaddress
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
import idna

from cxconsole.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REMEMBER_SECONDS = 30.0
_RESOLVE_SECONDS = 10.0
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutgoingRefused(Exception):
    """The address must not be reached; the text says why and how to mend it."""


class NameNotFound(Exception):
    """The name server knows no address for it."""


@dataclass(frozen=True, kw_only=True)
class PinnedUrl:
    """A URL that goes to a checked address, while the server still hears and proves its name."""

    url: httpx.URL
    headers: dict[str, str]
    extensions: dict[str, str]
    address: str


class OutgoingGuard:
    """Decides which addresses may be reached, from the settings of the console."""

    def __init__(self, settings: Settings) -> None:
        self._loopback = settings.host in _LOOPBACK_NAMES
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._known: dict[tuple[str, int], tuple[float, str]] = {}
        for entry in filter(None, (one.strip().lower() for one in settings.outgoing_allow.split(","))):
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry)

    async def pin(self, url: httpx.URL) -> PinnedUrl:
        """The URL with its name replaced by a checked address. Raises OutgoingRefused or NameNotFound."""
        if url.scheme not in ("http", "https") or not url.host:
            raise OutgoingRefused("Only http and https addresses with a host can be reached.")
        if url.userinfo:
            raise OutgoingRefused("Put user name and password into a header, not into the address.")
        host = url.raw_host.decode("ascii").strip("[]").rstrip(".").lower()
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await self.find_address(host, port)
        return PinnedUrl(
            url=url.copy_with(host=address),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": host} if url.scheme == "https" else {},
            address=address,
        )

    async def find_address(self, host: str, port: int) -> str:
        """The first address of a name that may be reached. Remembered for 30 seconds."""
        known = self._known.get((host, port))
        if known and known[0] > time.monotonic():
            return known[1]
        found = await self._resolve(host, port)
        allowed = [one for one in found if host in self._names or self._may_reach(one)]
        if not allowed:
            raise OutgoingRefused(
                f"{host} is {found[0]}, an address inside a private network. If it is meant to be reached, let the "
                "operator add it to CXCONSOLE_OUTGOING_ALLOW."
            )
        if len(self._known) > 1000:
            self._known.clear()
        self._known[host, port] = (time.monotonic() + _REMEMBER_SECONDS, str(allowed[0]))
        return str(allowed[0])

    def _may_reach(self, address: Address) -> bool:
        if any(address in network for network in self._networks if network.version == address.version):
            return True
        if inner := _address_within(address):
            return self._may_reach(inner)
        if address.is_loopback:
            return self._loopback
        return address.is_global and not (address.is_multicast or address.is_reserved)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        with suppress(ValueError):  # a name is not an address
            return [ipaddress.ip_address(host)]
        try:
            name = host if host.isascii() else idna.encode(host, uts46=True).decode()
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise NameNotFound(f"The name {host} was not answered in time. Check this machine's name server.") from None
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise NameNotFound(f"The name {host} was not found ({words}). Check its spelling.") from None
        # a link-local IPv6 address comes with its zone ("fe80::1%eth0")
        return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _address_within(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, by mapping, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
