"""The demo shop: a small web shop of the demo world, whose pages carry the browser tag."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.apps import ORIGINS, OWN_PAGES, create_app
from cxconsole.accounts.vault import Vault
from cxconsole.demo.remove import SHOP_APP, has_demo
from models.person import Identity, IdentityKind, Person
from models.system import App

FOLDER = Path(__file__).parent / "shop"
SERVICES = {"ds": "w", "stream": "r", "profile": "r"}
_SHOWN_CUSTOMER = 12


@cache
def read_products() -> list[dict[str, Any]]:
    """What the shop sells."""
    return json.loads((FOLDER / "products.json").read_text(encoding="utf-8"))


def is_open(session: Session) -> bool:
    """Whether there is a demo world for it."""
    return has_demo(session)


def has_app(session: Session) -> bool:
    """Whether the shop's app is there, with all that it needs."""
    return session.exec(select(App.services).where(App.name == SHOP_APP)).first() == SERVICES


def open_app(session: Session, *, vault: Vault, actor: Actor, now: Any) -> None:
    """Make the app whose tokens the shop's pages hold; one of an earlier version is given what it lacks."""
    known = session.exec(select(App).where(App.name == SHOP_APP)).first()
    if known is not None:
        known.services = SERVICES
        session.add(known)
        return
    attributes = {ORIGINS: [OWN_PAGES], "note": "The demo shop; it goes with the demo data."}
    create_app(session, SHOP_APP, services=SERVICES, attributes=attributes, vault=vault, actor=actor, now=now)


def find_customers(session: Session, count: int) -> list[str]:
    """E-mail addresses of demo customers, the first ones."""
    # by person, and only then by kind: a database may hold a million addresses
    people = list(session.exec(select(Person.id).where(Person.is_demo).order_by(col(Person.id)).limit(2 * count)))
    known = session.exec(select(Identity).where(col(Identity.person_id).in_(people)).order_by(col(Identity.person_id)))
    return [one.value for one in known if one.kind == IdentityKind.EMAIL and one.is_primary][:count]


def suggest_customer(session: Session) -> str:
    """Who a newcomer may pretend to be."""
    found = find_customers(session, _SHOWN_CUSTOMER)
    return found[-1] if found else ""


__all__ = ["FOLDER", "find_customers", "has_app", "is_open", "open_app", "read_products", "suggest_customer"]
