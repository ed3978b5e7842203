"""`/v1/organizations/apps`: who may sign tokens. A secret is told once, when it is made."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlmodel import Session
from starlette.responses import Response

from cxconsole import clock
from cxconsole.accounts import apps
from cxconsole.accounts.apps import AppView
from cxconsole.accounts.page_tokens import LIFETIME, LONGEST, PageToken, make_page_token, make_person_token
from cxconsole.api.journey.wire import WireCall, bad_fields, say_time, wire_route
from cxconsole.errors import FieldProblem

_PATH = "/v1/organizations/apps"


@wire_route(_PATH, "GET", "account", "r")
async def list_all(call: WireCall) -> Response:
    """All apps, without their secrets."""

    def read() -> list[dict[str, Any]]:
        with call.application.database.read() as session:
            return [_app(one) for one in apps.list_apps(session, actor=call.holder.actor)]

    return call.answer(await asyncio.to_thread(read))


@wire_route(_PATH, "POST", "account", "w")
async def create(call: WireCall) -> Response:
    """A new app: `{name, services?, attributes?}`."""
    body = await _read_object(call, {"name", "services", "attributes"})
    name, services = body.get("name"), body.get("services")
    if not isinstance(name, str):
        raise bad_fields([FieldProblem(loc="name", msg="This field is needed, as a text.")], "name")
    if services is not None and not _is_texts(services):
        raise bad_fields([FieldProblem(loc="services", msg='Use an object such as {"ds": "w"}.')], "services")
    vault = call.application.vault
    attributes = _read_attributes(body.get("attributes"))
    app, secret = await _write(
        call,
        lambda session: apps.create_app(
            session, name, services=services, attributes=attributes, vault=vault, actor=call.holder.actor,
            now=clock.now(),
        ),
    )  # fmt: skip
    return call.answer({**_app(app), "secret": secret}, status=201)


@wire_route(_PATH + "/{name}", "DELETE", "account", "w")
async def delete(call: WireCall) -> Response:
    """Remove an app; its tokens end."""
    name = call.request.path_params["name"]
    actor, now = call.holder.actor, clock.now()
    await _write(call, lambda session: apps.delete_app(session, name, actor=actor, now=now))
    return call.answer({"message": f"The app {name!r} is gone."})


@wire_route(_PATH + "/{name}/key", "PUT", "account", "w")
async def change_key(call: WireCall) -> Response:
    """A new secret; tokens signed with the old one end."""
    name = call.request.path_params["name"]
    vault, actor, now = call.application.vault, call.holder.actor, clock.now()
    app, secret = await _write(call, lambda session: apps.change_key(session, name, vault=vault, actor=actor, now=now))
    return call.answer({**_app(app), "secret": secret})


@wire_route(_PATH + "/{name}/attributes", "PUT", "account", "w")
async def change_attributes(call: WireCall) -> Response:
    """Replace what is noted of an app."""
    name = call.request.path_params["name"]
    attributes = _read_attributes(await call.read_json()) or {}
    actor, now = call.holder.actor, clock.now()
    app = await _write(call, lambda session: apps.change_attributes(session, name, attributes, actor=actor, now=now))
    return call.answer(_app(app))


@wire_route(_PATH + "/{name}/tokens", "POST", "ds", "w")
async def make_token(call: WireCall) -> Response:
    """A token for pages of an app: `{seconds?, person?, views?}`; with a person it reads that one. Ask with a key."""
    body = await _read_object(call, {"seconds", "person", "views"})
    seconds = body.get("seconds", int(LIFETIME.total_seconds()))
    if type(seconds) is not int or abs(seconds) > LONGEST.total_seconds():
        raise bad_fields([FieldProblem(loc="seconds", msg="Use a whole number, a day at most.")], "seconds")
    person = body.get("person")
    if person is not None and not isinstance(person, str):
        raise bad_fields([FieldProblem(loc="person", msg="Name the person, as a text.")], "person")
    views = body.get("views", [])
    if not isinstance(views, list) or not all(isinstance(one, str) for one in views) or (views and person is None):
        raise bad_fields([FieldProblem(loc="views", msg="Name the views of the person, as a list of ids.")], "views")
    name, vault, actor, now = call.request.path_params["name"], call.application.vault, call.holder.actor, clock.now()

    def make() -> PageToken:
        with call.application.database.read() as session:
            wish = {"lifetime": timedelta(seconds=seconds), "vault": vault, "actor": actor, "now": now}
            if person is not None:
                return make_person_token(session, name, person, views=views, **wish)
            return make_page_token(session, name, **wish)

    token = await asyncio.to_thread(make)
    return call.answer({"token": token.text, "expiresAt": say_time(token.expires_at)}, status=201)


async def _write(call: WireCall, work: Callable[[Session], Any]) -> Any:
    def run() -> Any:
        with call.application.database.write() as session:
            return work(session)

    return await asyncio.to_thread(run)


async def _read_object(call: WireCall, known: set[str]) -> dict[str, Any]:
    body = await call.read_json()
    if not isinstance(body, dict) or body.keys() - known:
        raise bad_fields([], f"Send an object with {', '.join(sorted(known))}.")
    return body


def _read_attributes(given: Any) -> dict[str, Any] | None:
    if given is not None and not isinstance(given, dict):
        raise bad_fields([FieldProblem(loc="attributes", msg="This is an object.")], "attributes")
    return given


def _is_texts(given: Any) -> bool:
    return isinstance(given, dict) and all(isinstance(value, str) for value in given.values())


def _app(app: AppView) -> dict[str, Any]:
    return {
        "name": app.name,
        "keyName": app.name,
        "services": app.services,
        "attributes": app.attributes,
        "createdAt": say_time(app.created_at),
        "keyChangedAt": say_time(app.key_changed_at),
    }


ROUTES = [list_all, create, delete, change_key, change_attributes, make_token]
