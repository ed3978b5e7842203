"""Who sits at this machine: until people can sign in, the local operator is who may use the pages."""

import ipaddress

from cxconsole.accounts.actor import OPERATOR, Actor


def actor_of(client_ip: str) -> Actor | None:
    """Who speaks from this address; None for nobody we know."""
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return OPERATOR if (mapped or address).is_loopback else None
