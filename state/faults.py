"""What happens when a handler raises: what people can act on is said, the rest is logged and said to be ours."""

import logging

import reflex as rx
from reflex.event import EventSpec

from cxconsole.errors import CxError
from state.session import problem

log = logging.getLogger("cxconsole.pages")


def tell_fault(exception: Exception) -> EventSpec:
    """A toast for what escaped from a handler."""
    if isinstance(exception, CxError):
        return problem(exception)
    log.error("action=page_failed error=%s", type(exception).__name__, exc_info=exception)
    return rx.toast.error(
        "This did not work, and it is the console's fault. The server's log says more. Load the page again.",
        duration=10000,
        close_button=True,
    )
