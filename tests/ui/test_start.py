"""Starting, stopping and losing the console."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect

from cxconsole.serve import ROOT, STAMP
from tests.ui.conftest import Console, free_port, start_console, stop_console


def test_another_port_needs_no_new_build_and_pages_work_there(browser: Browser, tmp_path: Path) -> None:
    for _ in range(2):
        process, console = start_console(tmp_path, demo="false")
        try:
            built = STAMP.stat().st_mtime
            context = browser.new_context(base_url=console.url)
            page = context.new_page()
            page.goto("/gateways")
            expect(page.get_by_role("heading", name="No gateway yet")).to_be_visible()
            page.goto("/templates")
            expect(page.get_by_role("heading", name="No templates yet")).to_be_visible()
            expect(page.get_by_role("button", name="New template")).to_have_count(1)
            page.goto("/journeys")
            expect(page.get_by_role("link", name="Put the tag on a website")).to_be_visible()
            context.close()
        finally:
            stop_console(process)
        assert process.returncode == 0
        assert STAMP.stat().st_mtime == built
    assert "front_end_build" not in console.log.read_text()


def test_it_listens_on_this_machine_alone(console: Console) -> None:
    port = int(console.url.rsplit(":", 1)[1])
    listening = {
        one.laddr.ip for one in psutil.net_connections() if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }
    assert listening == {"127.0.0.1"}


def test_another_site_may_not_speak_to_it(console: Console) -> None:
    answer = httpx.get(f"{console.url}/healthz", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    upgrade = {
        "Origin": "http://evil.example", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    refused = httpx.get(f"{console.url}/_event/?EIO=4&transport=websocket", headers=upgrade)
    assert refused.status_code in (400, 403)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_engine_in_a_child_ends_with_the_console(tmp_path: Path, number: signal.Signals) -> None:
    process, _ = start_console(tmp_path, demo="false", engine="worker")
    children = _wait_for(lambda: [one for one in psutil.Process(process.pid).children() if "worker" in one.cmdline()])
    assert len(children) == 1
    os.kill(process.pid, number)
    process.wait(30)
    _wait_for(lambda: not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE)


def test_who_follows_the_tape_holds_up_no_stop(tmp_path: Path) -> None:
    process, console = start_console(tmp_path, demo="false")
    environment = {**os.environ, "CXCONSOLE_DATA_DIR": str(tmp_path), "CXCONSOLE_DATABASE_URL": ""}
    command = [sys.executable, "-m", "cxconsole", "apikey", "create", "--name", "desk", "--scopes", "events.read"]
    key = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    address = f"{console.url}/v1/journey/streams"
    with httpx.stream("GET", address, headers={"Authorization": f"Bearer {key}"}, timeout=30) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": connected"
        process.send_signal(signal.SIGTERM)
        assert "data" not in "".join(lines)  # it ends by itself
    process.wait(30)
    told = console.log.read_text()
    assert process.returncode == 0
    assert "action=engine_stopped" in told
    assert "action=stop_forced" not in told


def test_a_lost_console_is_said_and_its_return_too(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    process, console = start_console(tmp_path, port=port, demo="false")
    context = browser.new_context(base_url=console.url)
    page = context.new_page()
    page.goto("/gateways")
    live = page.locator(".cx-live")
    expect(live).to_have_text("Live")
    stop_console(process)
    expect(live).to_have_text("Reconnecting", timeout=15_000)
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_contain_text(
        re.compile(r"Numbers below are from \d\d:\d\d:\d\d")
    )
    process, _ = start_console(tmp_path, port=port, demo="false")
    try:
        expect(live).to_have_text("Live", timeout=15_000)
        expect(page.get_by_text("Connection lost")).to_have_count(0)
        expect(page.get_by_role("heading", name="No gateway yet")).to_be_visible()
    finally:
        context.close()
        stop_console(process)


def _wait_for(what, seconds: float = 15):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.1)
    return found
