"""Apps: systems and pages that sign their own tokens for the journey contract."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.shared_access import SERVICES, Token
from cxconsole.accounts.vault import Vault
from cxconsole.driver import dump
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.system import App

MAX_NAME = 120
_MAX_ATTRIBUTES = 10_000
_PERMISSIONS = ("r", "w", "rw")
ORIGINS = "allowedOrigins"
"""The attribute that binds the tokens of an app to the pages of some origins."""
OWN_PAGES = "self"
"""In place of an origin: the console's own pages, wherever it is reached."""
MOST_ORIGINS = 50
_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?"
)
_RIGHTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ds", "w"): ("events.write",),
    ("tape", "r"): ("events.read",),
    ("stream", "r"): ("events.read",),
    ("profile", "r"): ("profiles.read",),
    ("profile", "w"): ("profiles.read", "profiles.edit"),
    ("idmt", "r"): ("persons.read",),
    ("idmt", "w"): ("persons.edit",),
    ("account", "r"): ("keys.edit",),
    ("account", "w"): ("keys.edit",),
}
"""What a token may do, said as the rights of the console."""
_OF_ONE_PERSON = ("stream", "tape", "profile")


@dataclass(frozen=True, kw_only=True)
class AppView:
    """An app as people see it: everything but the secret."""

    id: int
    name: str
    services: Mapping[str, str]
    attributes: Mapping[str, Any]
    created_at: datetime
    key_changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a good token, for what, and until when."""

    actor: Actor
    organization: str
    expires_at: datetime | None
    grants: frozenset[tuple[str, str]] | None
    """(service, r or w) of a token; None for a key of the console, where the rights alone decide."""
    origins: frozenset[str] | None = None
    """From pages of which origins the token may be used; None when that does not matter."""
    person: str | None = None
    """The one person whom the token reads; None for everybody."""
    views: frozenset[str] = frozenset()
    """Which profile views a token for one person reads."""

    def require_person(self, name: str | None) -> None:
        """Raise Forbidden when the token is for another person than the one of this name, or than everybody (None)."""
        if self.person is not None and self.person != name:
            raise Forbidden("This token is for another person.")

    def require_view(self, key: str) -> None:
        """Raise Forbidden when the token is for one person, and not for this view."""
        if self.person is not None and key not in self.views:
            raise Forbidden("This token is not for this view.")

    def require(self, service: str, letters: str, *, also: str = "") -> None:
        """Raise Forbidden unless this is for reading (r) or writing (w) with the service, or for one of both (rw).

        `also` names another service that will do.
        """
        wanted = {(one, letter) for one in (service, also) for letter in letters}
        if self.grants is not None and not wanted & self.grants:
            raise Forbidden(f"This needs a token for ss={service} with sp={letters[0]}.")
        if self.person is not None and (service not in _OF_ONE_PERSON or letters != "r"):
            raise Forbidden("This token reads one person, and does nothing else.")
        for right in _RIGHTS.get((service, letters[0]), ()):
            self.actor.require(right)


def create_app(
    session: Session,
    name: str,
    *,
    services: Mapping[str, str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> tuple[AppView, str]:
    """A new app and its secret, which is told this once. Raises Invalid, Conflict when the name is taken."""
    actor.require("keys.edit")
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable() or any(mark in name for mark in "&=/?#%"):
        raise Invalid.field("name", f"Use 1 to {MAX_NAME} characters, none of & = / ? # %.")
    if _find(session, name) is not None:
        raise Conflict(f"There is an app {name!r} already.")
    secret = secrets.token_urlsafe(32)
    row = App(
        name=name,
        secret=vault.seal({"secret": secret}),
        services=_check_services(services if services is not None else dict.fromkeys(SERVICES, "rw")),
        attributes=_check_attributes(attributes or {}),
        created_at=now,
        key_changed_at=now,
    )
    session.add(row)
    session.flush()
    data = {"app_id": row.id, "services": row.services}
    append_event(session, EventType.KEY_CREATED, now=now, actor=actor.name, data=data)
    return _view(row), secret


def list_apps(session: Session, *, actor: Actor) -> list[AppView]:
    """All apps, by name."""
    actor.require("keys.edit")
    return [_view(row) for row in session.exec(select(App).order_by(col(App.name)))]


def change_key(session: Session, name: str, *, vault: Vault, actor: Actor, now: datetime) -> tuple[AppView, str]:
    """A new secret; tokens signed with the old one end at once. Raises NotFound."""
    actor.require("keys.edit")
    row = _get(session, name)
    secret = secrets.token_urlsafe(32)
    row.secret = vault.seal({"secret": secret})
    row.key_changed_at = now
    session.add(row)
    append_event(session, EventType.KEY_REVOKED, now=now, actor=actor.name, data={"app_id": row.id})
    append_event(session, EventType.KEY_CREATED, now=now, actor=actor.name, data={"app_id": row.id})
    return _view(row), secret


def change_attributes(
    session: Session, name: str, attributes: Mapping[str, Any], *, actor: Actor, now: datetime
) -> AppView:
    """Replace what is noted of an app. Raises NotFound, Invalid."""
    actor.require("keys.edit")
    row = _get(session, name)
    row.attributes = _check_attributes(attributes)
    session.add(row)
    append_event(session, EventType.KEY_CHANGED, now=now, actor=actor.name, data={"app_id": row.id})
    return _view(row)


def delete_app(session: Session, name: str, *, actor: Actor, now: datetime) -> None:
    """Remove an app; its tokens end at once. Raises NotFound."""
    actor.require("keys.edit")
    row = _get(session, name)
    session.delete(row)
    append_event(session, EventType.KEY_REVOKED, now=now, actor=actor.name, data={"app_id": row.id})


def check_token(session: Session, token: Token, *, vault: Vault, now: datetime) -> Holder:
    """Who holds this token. Raises Forbidden for a wrong signature, an expired one, or more than its app may."""
    row = _find(session, token.key_name)
    if row is None or not token.is_signed_with(vault.open(row.secret)["secret"]):
        raise Forbidden("The token's signature is wrong, or its key is not known.")
    if token.expires_at <= now:
        raise Forbidden("The token has expired.")
    if token.permission not in _PERMISSIONS:
        raise Forbidden("The token's permission sp is none of r, w, rw.")
    for service in token.services:
        if not set(token.permission) <= set(row.services.get(service, "")):
            raise Forbidden(f"The app {row.name!r} may not use the service {service!r} in this way.")
    grants = frozenset((service, letter) for service in token.services for letter in token.permission)
    rights = frozenset(right for grant in grants for right in _RIGHTS.get(grant, ()))
    actor = Actor(kind="app", name=f"app:{row.id}", rights=rights)
    return Holder(
        actor=actor, organization=token.organization, expires_at=token.expires_at, grants=grants,
        origins=read_origins(row.attributes),
        person=token.person, views=token.views,
    )  # fmt: skip


def read_origins(attributes: Mapping[str, Any]) -> frozenset[str] | None:
    """Whose pages an app is for; None for one that is no page's."""
    given = attributes.get(ORIGINS)
    return frozenset(map(str, given)) if isinstance(given, list) else None


def list_origins(session: Session) -> frozenset[str]:
    """The origins of all pages that may send events."""
    return frozenset().union(*(read_origins(row) or () for row in session.exec(select(App.attributes))))


def _check_services(services: Mapping[str, str]) -> dict[str, str]:
    for service, permission in services.items():
        if service not in SERVICES or permission not in _PERMISSIONS:
            raise Invalid.field("services", f"Use {', '.join(SERVICES)}, each with r, w or rw.")
    return dict(services)


def _check_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    if len(dump(attributes)) > _MAX_ATTRIBUTES:
        raise Invalid.field("attributes", f"These are longer than {_MAX_ATTRIBUTES:,} characters.")
    if ORIGINS in attributes:
        _check_origins(attributes[ORIGINS])
    return dict(attributes)


def _check_origins(given: Any) -> None:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_ORIGINS:
        raise Invalid.field(ORIGINS, f"Use a list of 1 to {MOST_ORIGINS} origins, such as https://shop.example.")
    for one in given:
        if one != OWN_PAGES and not (isinstance(one, str) and _ORIGIN.fullmatch(one)):
            raise Invalid.field(ORIGINS, f"{str(one)[:100]!r} is no origin. Write https://shop.example, with no path.")


def _find(session: Session, name: str) -> App | None:
    return session.exec(select(App).where(App.name == name)).first()


def _get(session: Session, name: str) -> App:
    row = _find(session, name)
    if row is None:
        raise NotFound(f"There is no app {name!r}.")
    return row


def _view(row: App) -> AppView:
    return AppView(
        id=row.id or 0,
        name=row.name,
        services=row.services,
        attributes=row.attributes,
        created_at=row.created_at,
        key_changed_at=row.key_changed_at,
    )


__all__ = [
    "ORIGINS", "OWN_PAGES", "AppView", "Holder", "change_attributes", "change_key", "check_token", "create_app",
    "delete_app", "list_apps", "list_origins", "read_origins",
]  # fmt: skip
