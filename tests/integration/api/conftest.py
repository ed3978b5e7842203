"""The real ASGI application on a database of each kind, and a client that holds a key."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from cxconsole.api.app import build_api
from cxconsole.api.front_door import FrontDoor
from cxconsole.bootstrap import Application, build_application
from cxconsole.settings import Settings
from tests.integration import serving

key_for = serving.key_for

_built: list[FastAPI] = []


def _door_to(application: Application) -> FrontDoor:
    """All calls, on this application. The API is one for all tests: its routes are the same and take long to build."""
    if not _built:
        _built.append(build_api(application))
    _built[0].state.application = application
    return FrontDoor(_built[0], application)


class ApiClient:
    """Asks the application over HTTP, on an event loop of its own, as a server would."""

    def __init__(self, application: Application, portal: BlockingPortal) -> None:
        transport = httpx.ASGITransport(app=_door_to(application))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://cx.example")
        self._portal = portal
        self.headers = self._client.headers

    def start(self, method: str, url: str, **more: Any) -> "Future[httpx.Response]":
        """Ask, and do not wait for the answer."""
        return self._portal.start_task_soon(partial(self._client.request, method, url, **more))

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Ask, and wait."""
        return self.start(method, url, **more).result(timeout=60)

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self.request("POST", url, **more)

    def put(self, url: str, **more: Any) -> httpx.Response:
        return self.request("PUT", url, **more)

    def patch(self, url: str, **more: Any) -> httpx.Response:
        return self.request("PATCH", url, **more)

    def delete(self, url: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", url, **more)


@pytest.fixture
def application(database_url: str, tmp_path: Path) -> Iterator[Application]:
    """An application on an empty database, with a data folder of its own."""
    settings = Settings(  # type: ignore[call-arg]
        database_url=database_url, data_dir=tmp_path / "files", demo=False, public_url="https://cx.example"
    )
    settings.import_dir.mkdir(parents=True)
    application = build_application(settings)
    yield application
    application.close()


@pytest.fixture
def api(application: Application) -> FrontDoor:
    """The ASGI application itself."""
    return _door_to(application)


@pytest.fixture
def stranger(application: Application) -> Iterator[ApiClient]:
    """A client without a key."""
    with start_blocking_portal() as portal:
        yield ApiClient(application, portal)


@pytest.fixture
def client(stranger: ApiClient, key_for: Callable[..., dict[str, str]]) -> ApiClient:
    """A client whose key may do everything."""
    stranger.headers.update(key_for("all"))
    return stranger
