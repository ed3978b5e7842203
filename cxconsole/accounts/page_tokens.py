"""Tokens for web pages: they write events, or read one person, for a short while, from pages of the app's origins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.apps import ORIGINS, read_origins
from cxconsole.accounts.doorkeeper import ORGANIZATION
from cxconsole.accounts.shared_access import make_token
from cxconsole.accounts.vault import Vault
from cxconsole.errors import Forbidden, Invalid, NotFound
from models.system import App

LIFETIME = timedelta(minutes=15)
LONGEST = timedelta(days=1)
NAMESPACE = "web"
MAX_PERSON = 320
MAX_VIEWS = 500


@dataclass(frozen=True, kw_only=True)
class PageToken:
    """What a page may hold."""

    text: str
    expires_at: datetime


def make_person_token(
    session: Session,
    app_name: str,
    person: str,
    *,
    views: Sequence[str] = (),
    lifetime: timedelta = LIFETIME,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> PageToken:
    """A token with which pages of the app's origins read one person, and nobody else. Raises as `make_page_token`.

    It reads the events, and these profile views, without what is in a compartment: a page's visitor is nobody we know.
    """
    actor.require("events.read")
    if views:
        actor.require("profiles.read")
    if not person or len(person) > MAX_PERSON or not person.isprintable():
        raise Invalid.field("person", f"Name the person, in 1 to {MAX_PERSON} characters.")
    if len(",".join(views)) > MAX_VIEWS or any(not one or "," in one for one in views):
        raise Invalid.field("views", f"Name profile views by ids without a comma, in {MAX_VIEWS} characters in all.")
    services = ("stream", "profile") if views else ("stream",)
    return _make(session, app_name, services, "r", person, views, lifetime=lifetime, vault=vault, actor=actor, now=now)


def make_page_token(
    session: Session, app_name: str, *, lifetime: timedelta = LIFETIME, vault: Vault, actor: Actor, now: datetime
) -> PageToken:
    """A token with which pages of the app's origins send events. Raises NotFound, Invalid, Forbidden.

    Who may send events may let a page send them; but a page must not renew its own token for ever.
    """
    actor.require("events.write")
    return _make(session, app_name, ("ds",), "w", None, (), lifetime=lifetime, vault=vault, actor=actor, now=now)


def _make(
    session: Session,
    app_name: str,
    services: Sequence[str],
    letter: str,
    person: str | None,
    views: Sequence[str],
    *,
    lifetime: timedelta,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> PageToken:
    if actor.kind == "app":
        raise Forbidden("A token makes no tokens. Ask with a key of the console, or sign with the app's secret.")
    row = session.exec(select(App).where(App.name == app_name)).first()
    if row is None:
        raise NotFound(f"There is no app {app_name!r}.")
    if not read_origins(row.attributes):
        raise Invalid.field(ORIGINS, f"Say first of which origins the pages of {app_name!r} are.")
    for service in services:
        if letter not in row.services.get(service, ""):
            raise Invalid.field("services", f"The app {app_name!r} may not use the service {service!r} in this way.")
    if not timedelta() < lifetime <= LONGEST:
        raise Invalid.field("seconds", f"Use 1 to {int(LONGEST.total_seconds()):,} seconds.")
    expires_at = now + lifetime
    text = make_token(
        organization=ORGANIZATION, namespace=NAMESPACE, service=",".join(services), permission=letter,
        expires_at=expires_at, key_name=row.name, secret=vault.open(row.secret)["secret"], person=person, views=views,
    )  # fmt: skip
    return PageToken(text=text, expires_at=expires_at)


__all__ = ["LIFETIME", "LONGEST", "PageToken", "make_page_token", "make_person_token"]
