"""The real server on a port of its own, on a database of each kind; fixtures for a folder's conftest to import."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.middleware.cors import CORSMiddleware

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import create_key
from cxconsole.api.app import build_api
from cxconsole.api.front_door import FrontDoor
from cxconsole.bootstrap import Application, build_application
from cxconsole.serve import build_server
from cxconsole.settings import Settings
from tests.integration.engine.world import free_port


@pytest.fixture
def application(database_url: str, tmp_path: Path) -> Iterator[Application]:
    """An application on an empty database of each kind."""
    port = free_port()
    settings = Settings(database_url=database_url, data_dir=tmp_path / "files", demo=False, port=port)  # type: ignore[call-arg]
    application = build_application(settings)
    yield application
    application.close()


@pytest.fixture
def console(application: Application) -> Iterator[str]:
    """The address of a server that answers as the console does, without its pages."""
    settings = application.settings
    # what is around the console's pages speaks for the console's own origins only
    inner = CORSMiddleware(
        build_api(application), allow_origins=settings.browser_origins, allow_credentials=True, allow_methods=["*"],
        allow_headers=["*"],
    )  # fmt: skip
    server = build_server(FrontDoor(inner, application), host="127.0.0.1", port=settings.port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{settings.port}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{url}/healthz", timeout=1).raise_for_status()
            break
        time.sleep(0.02)
    yield url
    loop.call_soon_threadsafe(server.stop)
    thread.join(20)
    loop.close()


@pytest.fixture
def key_for(application: Application) -> Callable[..., dict[str, str]]:
    """Headers with a new key for the given scopes."""

    def make(*scopes: str) -> dict[str, str]:
        with application.database.write() as session:
            _, plaintext = create_key(session, "test", scopes or ("all",), actor=OPERATOR, now=clock.now())
        return {"Authorization": f"Bearer {plaintext}"}

    return make
