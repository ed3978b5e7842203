"""A real server on a free port and one Chromium for all tests in a browser; one context a test.

A test fails when the page logs an error or a warning, and when the server does.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from cxconsole.serve import ROOT, build_front_end

# how long a page may take to show something: generous, since both cores may be busy with other tests
expect.set_options(timeout=15_000)

_BAD_LINE = re.compile(r" (WARNING|ERROR|CRITICAL) |Traceback|Warning:")


@dataclass(frozen=True, kw_only=True)
class Console:
    """The server under test."""

    url: str
    log: Path
    data_dir: Path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_console(data_dir: Path, *, port: int = 0, **settings: str) -> tuple[subprocess.Popen[bytes], Console]:
    """Start the console on this data folder and wait until it answers."""
    build_front_end()
    port, log = port or free_port(), data_dir / "server.log"
    environment = {
        **os.environ, "CXCONSOLE_PORT": str(port), "CXCONSOLE_DATA_DIR": str(data_dir), "CXCONSOLE_DATABASE_URL": "",
        **{f"CXCONSOLE_{name.upper()}": value for name, value in settings.items()},
    }  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cxconsole", "run"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{url}/healthz", timeout=2).raise_for_status()
            return process, Console(url=url, log=log, data_dir=data_dir)
        except httpx.HTTPError:
            time.sleep(0.05)
    process.kill()
    process.wait(30)
    raise RuntimeError(f"The console did not start:\n{log.read_text()}")


def stop_console(process: subprocess.Popen[bytes]) -> None:
    """End it as an operator would."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The console on its demo world, for the whole session."""
    process, console = start_console(tmp_path_factory.mktemp("console"))
    yield console
    stop_console(process)
    assert process.returncode == 0, console.log.read_text()


@pytest.fixture
def page(browser: Browser, console: Console) -> Iterator[Page]:
    """An empty page in a context of its own, at 1440 wide; base_url is the console."""
    yield from watch_page(browser, console)


def watch_page(browser: Browser, console: Console) -> Iterator[Page]:
    """A page whose browser and server must have nothing to complain about."""
    context = browser.new_context(base_url=console.url, viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(_line(message)) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(f"pageerror {error}"))
    start = console.log.stat().st_size
    page.set_default_timeout(15_000)
    yield page
    context.close()
    logged = console.log.read_bytes()[start:].decode()
    bad = [line for line in logged.splitlines() if _BAD_LINE.search(line)]
    assert not said, "the browser said:\n" + "\n".join(said)
    assert not bad, "the server said:\n" + logged


def _line(message: ConsoleMessage) -> str:
    return f"{message.type} {message.text} ({message.location.get('url')})"


# what is half faded in has half its contrast; a spinner turns for ever and is not waited for
_SETTLED = """() => Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null)))"""


def assert_accessible(page: Page) -> None:
    """No serious or critical finding of axe on what the page shows now."""
    expect(page.locator("tbody.cx-late")).to_have_count(0)  # skeletons have given way to rows
    page.evaluate(_SETTLED)
    results = Axe().run(page)
    bad = [found for found in results.response["violations"] if found["impact"] in ("serious", "critical")]
    told = "\n".join(
        f"{found['id']} ({found['impact']}): {found['help']}\n"
        + "\n".join(f"    {node['html'][:160]} {node.get('failureSummary', '')[:300]}" for node in found["nodes"][:4])
        for found in bad
    )
    assert not bad, told
