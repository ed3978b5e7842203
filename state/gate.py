"""Who may raise events at all.

The browser can call any handler with any arguments, whatever page it shows: pages guard nothing,
this does. It sees each event before its handler and lets none pass that it does not know to be
allowed. Until people can sign in, the one who may is the local operator: who sits at this machine.
"""

import reflex as rx
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, StateUpdate
from reflex_base.event import Event

from cxconsole.accounts.local import actor_of

_REFUSE = Event(name="_redirect", payload={"path": "/refused.html", "external": True, "popup": False, "replace": True})


class Gate(Middleware):
    """Deny by default. Must be the first middleware: hydration itself tells what a state holds."""

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        """None lets the event pass; an update is the answer instead."""
        root = state._get_root_state()
        if actor_of(root.router.session.client_ip):
            return None
        root.reset()
        root._clean()
        return StateUpdate(events=[_REFUSE])
