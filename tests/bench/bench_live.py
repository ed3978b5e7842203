"""From a row being written to its number on an open page, with 30 pages open, and what an open page costs.

A campaign sends through the sandbox at a steady pace. Each number that appears under "sent" is matched with
the moment at which that delivery's row says it was sent, which is a little before its transaction is committed.
"""

import asyncio
import os
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from console import (
    LightPages,
    RunningConsole,
    add_sending_campaign,
    chromium,
    prepare,
    publish,
    record_hello,
    running_console,
)
from harness import report, spread
from playwright.sync_api import Page
from sqlalchemy import text

from cxconsole.bootstrap import Application

PAGES = 30
SECONDS = 20
STEADY = {"keep_messages": False, "latency_seconds": 0.25, "concurrency": 1}
WATCH = """
() => {
  window.seen = [];
  let last = null;
  const look = () => {
    const rows = [...document.querySelectorAll('table[aria-label="Live funnel"] tbody tr')];
    const row = rows.find(one => one.innerText.includes('E-mail'));
    const number = row && /[0-9][0-9,]*/.exec(row.innerText);
    if (!number || number[0] === last) return;
    last = number[0];
    const value = parseInt(last.replaceAll(',', ''));
    requestAnimationFrame(() => window.seen.push([value, performance.timeOrigin + performance.now()]));
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


def main() -> None:
    """Measure with one page open, then with all of them."""
    with tempfile.TemporaryDirectory() as folder:
        application = prepare(Path(folder))
        campaign_id = add_sending_campaign(application, contacts=5000, settings=STEADY)
        with running_console(Path(folder)) as console, chromium() as browser:
            publish(application, campaign_id)
            address = f"{console.url}/campaigns/CMP-{campaign_id}"
            hello = record_hello(browser, address)
            alone = _cpu_share(console)
            page = browser.new_page()
            page.goto(address)
            page.get_by_role("table", name="Live funnel").wait_for()
            with _LightPages(console.url, hello, PAGES - 1) as light:
                page.evaluate(WATCH)
                share = _cpu_share(console)
                latencies = _latencies(application, campaign_id, page)
                updates = light.received
        application.database.dispose()
    found = spread(latencies)
    report(
        "live", pages=PAGES, **found, limit_p95_ms=500, ratio_to_limit=found["p95_ms"] / 500,
        updates_to_light_pages=updates,
        cpu_percent_without_pages=100 * alone, cpu_percent_with_pages=100 * share,
        cpu_percent_a_page=100 * (share - alone) / PAGES, limit_cpu_percent_a_page=0.5,
        cpu_ratio_to_limit=100 * (share - alone) / PAGES / 0.5, load_average=os.getloadavg()[0],
    )  # fmt: skip


def _cpu_share(console: RunningConsole) -> float:
    """The share of one core that the server took over some seconds."""
    begun, used = time.monotonic(), console.cpu_seconds()
    time.sleep(SECONDS)
    return (console.cpu_seconds() - used) / (time.monotonic() - begun)


def _latencies(application: Application, campaign_id: int, page: Page) -> list[float]:
    with application.database.read() as session:
        rows = session.execute(
            text("SELECT sent_at FROM comm_delivery WHERE campaign_id = :id AND sent_at IS NOT NULL ORDER BY sent_at"),
            {"id": campaign_id},
        ).scalars()
        sent = [datetime.fromisoformat(f"{at}+00:00").timestamp() * 1000 for at in rows]
    found = [shown_at - sent[number - 1] for number, shown_at in page.evaluate("window.seen") if number <= len(sent)]
    assert found, "no number moved on the page"
    return found[1:]  # the first was there already


class _LightPages:
    """So many light pages on a loop and thread of their own."""

    def __init__(self, url: str, hello: str, count: int) -> None:
        self._pages, self._count = LightPages(url, hello), count
        self._loop = asyncio.new_event_loop()
        self._opened = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> LightPages:
        self._thread.start()
        assert self._opened.wait(60), "the light pages did not open"
        return self._pages

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        ready = asyncio.Event()

        async def main() -> None:
            self._task = asyncio.create_task(self._pages.run(self._count, ready))
            await ready.wait()
            self._opened.set()
            await asyncio.gather(self._task, return_exceptions=True)

        self._loop.run_until_complete(main())


if __name__ == "__main__":
    sys.exit(main())
