"""How pages call services: in a thread, as whoever looks at the page, at the time it is."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import reflex as rx
from sqlmodel import Session

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.accounts.local import actor_of
from cxconsole.bootstrap import get_application
from cxconsole.campaigns.contact_filter import Selection
from cxconsole.campaigns.contact_selection import change_in_chunks
from cxconsole.database import GivenUp
from cxconsole.errors import CxError, Forbidden

Result = TypeVar("Result")


def current_actor(state: rx.State) -> Actor:
    """Who looks at the page of this state. Raises Forbidden for nobody we know."""
    actor = actor_of(state.router.session.client_ip)
    if actor is None:
        raise Forbidden("Nobody known is asking.")
    return actor


async def read(state: rx.State, service: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
    """What a service answers on a reading session. `actor`, `now`, `vault`, `profiles` are added where wanted."""
    return await read_as(current_actor(state), service, *args, **kwargs)


async def read_as(actor: Actor, service: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
    """As `read`, for whom we know already. When the asking is cancelled, so is the read."""
    given_up = GivenUp()

    def run() -> Result:
        with get_application().database.read_until(given_up) as session:
            return _call(service, session, actor, *args, **kwargs)

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        # a thread of its own: those of the pages may all be at such reads
        threading.Thread(target=given_up.now, name="give-up", daemon=True).start()
        raise


async def write(
    state: rx.State, service: Callable[..., Result], /, *args: Any, announces: Sequence[str] = (), **kwargs: Any
) -> Result:
    """What a service answers in a transaction of its own; afterwards its topics are announced."""

    def run() -> Result:
        with get_application().database.write() as session:
            return _call(service, session, actor, *args, **kwargs)

    actor = current_actor(state)
    result = await asyncio.to_thread(run)
    get_application().signals.publish(*announces)
    return result


async def change_contacts(
    state: rx.State,
    service: Callable[..., int],
    campaign_id: int,
    selection: Selection,
    /,
    *args: Any,
    announces: Sequence[str] = (),
) -> int:
    """What a service changed of any number of contacts, in transactions of a moment each, so that nobody waits."""

    def change(session: Session, part: Selection) -> int:
        return _call(service, session, actor, campaign_id, part, *args)

    actor = current_actor(state)
    count = await asyncio.to_thread(change_in_chunks, get_application().database, campaign_id, selection, change)
    get_application().signals.publish(*announces)
    return count


def _call(service: Callable[..., Result], session: Session, actor: Actor, /, *args: Any, **kwargs: Any) -> Result:
    names = _parameters(service)
    if "actor" in names:
        kwargs["actor"] = actor
    if "now" in names and "now" not in kwargs:
        kwargs["now"] = clock.now()
    if "vault" in names:
        kwargs["vault"] = get_application().vault
    if "profiles" in names:
        kwargs["profiles"] = get_application().profiles
    return service(session, *args, **kwargs)


@cache
def _parameters(service: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(service).parameters)


def problem(error: CxError) -> Any:
    """A toast that says what could not be done, and how to mend it."""
    return rx.toast.error(error.detail, duration=8000, close_button=True)
