"""What the address of a page says."""

import reflex as rx

from cxconsole.errors import NotFound


def route_arg(state: rx.State, name: str) -> str:
    """A part of the path (`/campaigns/[campaign]`) or of the query (`?from=...`); empty when it is not there."""
    return str(state.rx_router_page.params.get(name, ""))


def campaign_id_of(state: rx.State) -> int:
    """The campaign of this address: `CMP-1001` → 1001. Raises NotFound."""
    return parse_campaign_code(route_arg(state, "campaign"))


def campaign_to_follow(state: rx.State) -> int | None:
    """As `campaign_id_of`, None for an address without one. A `follow` may begin before its `load` has ended,
    so it cannot ask what that found."""
    try:
        return campaign_id_of(state)
    except NotFound:
        return None


def parse_campaign_code(code: str) -> int:
    """`CMP-1001` → 1001. Raises NotFound for what cannot be one."""
    digits = code.upper().removeprefix("CMP-")
    if not (digits.isascii() and digits.isdigit()):
        raise NotFound(f"There is no campaign {code or 'without an id'}.")
    return int(digits)
