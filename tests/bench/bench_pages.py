"""Click to painted, in a real browser, on 1,000,000 contacts in one campaign and 1,000 campaigns.

`python tests/bench/bench_pages.py [--contacts N] [--rounds N] [--data FOLDER]`. First with nothing else going on,
then while a campaign sends at full speed to a mail sink and an import runs. The time begins with the browser's own
event and ends two frames after the rows have changed; for search it begins with the last key. Making the world takes
minutes: with --data, or CXCONSOLE_BENCH_WORLD, it is kept in that folder, and each run works on a copy.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from console import RunningConsole, add_sending_campaign, chromium, make_key, prepare, publish, running_console
from harness import mail_sink, report, spread, write_contacts_csv
from playwright.sync_api import Browser, Page
from sqlalchemy import text
from sqlmodel import select

from cxconsole import clock
from cxconsole.audience.counters import move_contacts
from cxconsole.audience.search import drain_person_search_queue
from cxconsole.bootstrap import Application
from cxconsole.demo.load import seed_contacts
from models.campaign import Campaign, CampaignProgress
from models.gateway import Gateway

BUSY_ROWS = 1_000_000
"""Enough that the import runs as long as pages are looked at."""
WORLD = os.environ.get("CXCONSOLE_BENCH_WORLD") or None
WAIT = """
() => {
  const names = () => [...document.querySelectorAll('table tbody:not([aria-hidden]) tr')]
    .map(row => [...row.querySelectorAll('td')].slice(0, 3).map(cell => cell.innerText).join('|')).join('\\n');
  const before = location.pathname + names();
  let begun = null;
  const begin = event => { begun = performance.now(); };
  for (const kind of ['click', 'input']) document.addEventListener(kind, begin, {capture: true});
  window.painted = new Promise((resolve, reject) => {
    setTimeout(() => reject(`nothing was painted: ${location.pathname}, ${begun}, ${names().slice(0, 80)}`), 15000);
    const look = () => {
      const now = names();
      if (begun === null || !now || location.pathname + now === before) return;
      watch.disconnect();
      for (const kind of ['click', 'input']) document.removeEventListener(kind, begin, {capture: true});
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - begun)));
    };
    const watch = new MutationObserver(look);
    watch.observe(document.documentElement, {subtree: true, childList: true, characterData: true, attributes: true});
  });
}
"""


def add_campaigns(application: Application, count: int) -> None:
    """So many campaigns, with names, ages and numbers that sort differently."""
    now = clock.now()
    with application.database.write() as session:
        for number in range(count):
            mixed = number * 7919 % count
            at = now - timedelta(hours=number)
            campaign = Campaign(
                name=f"{WORDS[mixed % len(WORDS)]} {mixed:04d}", state="unpublished" if number % 3 else "ended",
                created_at=at, updated_at=now - timedelta(minutes=mixed),
            )  # fmt: skip
            session.add(campaign)
            session.flush()
            session.add(CampaignProgress(campaign_id=campaign.id or 0))


WORDS = ("Spring", "Meter", "Solar", "Renewal", "Welcome", "Service", "Outage", "Arrears", "Guarantee", "Survey")


def time_it(page: Page, act: Callable[[], Any]) -> float:
    """Milliseconds from the event to the painted rows."""
    page.evaluate(WAIT)
    act()
    return float(page.evaluate("window.painted"))


def look_at_campaigns(page: Page, _: str, rounds: int) -> dict[str, list[float]]:
    """The list of campaigns."""
    times: dict[str, list[float]] = defaultdict(list)
    rail = page.get_by_role("navigation").first
    words = tuple(word for word in WORDS if word != min(WORDS))  # by name, that one shows what was there before
    for number in range(rounds):
        rail.get_by_role("link", name="Home", exact=True).click()
        page.get_by_role("heading", name="Home").first.wait_for()
        times["list"].append(time_it(page, rail.get_by_role("link", name="Campaigns", exact=True).click))
        _work_the_table(page, times, sort=("Name", "Modified", "Created")[number % 3], words=words, number=number)
        segments = page.get_by_role("group").first
        for word in ("Ended", "All"):  # what is chosen stays chosen, so each round puts it back
            times["filter"].append(time_it(page, segments.get_by_role("button", name=word).click))
    return times


def look_at_contacts(page: Page, address: str, rounds: int) -> dict[str, list[float]]:
    """The contacts of the large campaign."""
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        page.goto(address)
        tabs = page.get_by_role("link", name="Contacts", exact=True)
        tabs.wait_for()
        times["list"].append(time_it(page, tabs.click))
        _work_the_table(page, times, sort=("Name", "E-mail", "Status")[number % 3], words=NAMES, number=number)
        status = page.get_by_role("combobox", name="Status")
        for value in ("suppressed", ""):
            times["filter"].append(time_it(page, partial(status.select_option, value)))
    return times


NAMES = ("jennifer", "andersson", "williams", "johanna", "marie", "thomas", "jennifer williams", ".1200@mail")


def _work_the_table(
    page: Page, times: dict[str, list[float]], *, sort: str, words: tuple[str, ...], number: int
) -> None:
    times["sort"].append(time_it(page, page.get_by_role("button", name=sort, exact=True).first.click))
    times["next_page"].append(time_it(page, page.get_by_role("button", name="Next", exact=True).click))
    box = page.locator("input[data-cx=seek]").first
    box.focus()
    times["search"].append(time_it(page, lambda: page.keyboard.insert_text(words[number % len(words)])))
    time_it(page, lambda: box.fill(""))


@contextmanager
def busy(console: RunningConsole, application: Application, folder: Path, sending: int, key: str) -> Iterator[None]:
    """A campaign sends at full speed, and a file is uploaded and imported."""
    path = write_contacts_csv(folder / "busy.csv", BUSY_ROWS, start=50_000_000)
    with httpx.Client(base_url=console.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as api:
        made = api.post("/api/v1/campaigns", json={"name": "Import of the bench"}).raise_for_status().json()
        with path.open("rb") as file:
            api.post(f"/api/v1/campaigns/{made['id']}/imports", files={"file": file}).raise_for_status()
    publish(application, sending)
    yield


def index_persons(application: Application) -> None:
    """Bring search up to date before anything is measured."""
    count = 1
    while count:
        with application.database.write() as session:
            count = drain_person_search_queue(session, now=clock.now(), limit=20_000)


def suppress_some(application: Application, campaign_id: int) -> None:
    """One contact in twenty, so that a filter has something to find."""
    with application.database.write() as session:
        done: Any = session.execute(
            text(
                "UPDATE campaign_contact SET status = 'suppressed', reason = 'unsubscribed', due_at = NULL"
                " WHERE campaign_id = :id AND id % 20 = 0"
            ),
            {"id": campaign_id},
        )
        move_contacts(session, campaign_id, {"pending": -done.rowcount, "suppressed": done.rowcount})


def make_world(folder: Path, contacts: int) -> tuple[int, int]:
    """The large campaign and the one that sends."""
    application = prepare(folder)
    large = seed_contacts(application, contacts)
    suppress_some(application, large)
    add_campaigns(application, 1000)
    sending = add_sending_campaign(
        application, contacts=min(contacts, 200_000), kind="smtp",
        settings={"host": "127.0.0.1", "port": 1, "tls": "none", "sender": "Bench <bench@sender.example>"},
    )  # fmt: skip
    index_persons(application)
    application.database.dispose()
    return large, sending


def point_gateways_to(application: Application, port: int) -> None:
    """The sink of this run."""
    with application.database.write() as session:
        for gateway in session.exec(select(Gateway)):
            gateway.settings = {**gateway.settings, "port": port}


def take_world(folder: Path, kept: Path | None, contacts: int) -> tuple[int, int]:
    """A world in this folder, new or copied from where it is kept."""
    if kept is None:
        return make_world(folder, contacts)
    note = kept / f"world-{contacts}.json"
    if not note.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(make_world(kept, contacts)))
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    os.sync()  # else the first who writes waits until all of the copy is on the disk
    large, sending = json.loads(note.read_text())
    return large, sending


def measure(console: RunningConsole, browser: Browser, large: int, rounds: int, *, state: str) -> None:
    """One line for each list and action."""
    lists = (("campaigns", look_at_campaigns, "/campaigns"), ("contacts", look_at_contacts, f"/campaigns/CMP-{large}"))
    for name, look, address in lists:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(20_000)
        page.goto(console.url + address)
        for action, times in look(page, console.url + address, rounds).items():
            limit = 250 if state == "busy" else 500 if action == "search" else 150
            found = spread(times)
            report(
                f"pages_{name}_{action}_{state}", **found, limit_p95_ms=limit, ratio_to_limit=found["p95_ms"] / limit,
                load_average=os.getloadavg()[0],
            )  # fmt: skip
        page.close()


@contextmanager
def told(application: Application, name: str) -> Iterator[None]:
    """One line that says how much was sent and imported meanwhile."""
    before, begun = _work_done(application), time.monotonic()
    yield
    seconds = time.monotonic() - begun
    sent, rows = (after - so_far for after, so_far in zip(_work_done(application), before, strict=True))
    report(name, seconds=seconds, sent_a_second=sent / seconds, imported_a_second=rows / seconds)


def _work_done(application: Application) -> tuple[int, int]:
    with application.database.read() as session:
        sent = session.execute(text("SELECT coalesce(sum(sent), 0) FROM campaign_channel")).scalar_one()
        rows = session.execute(text("SELECT coalesce(sum(rows_read), 0) FROM contact_source WHERE kind = 'file'"))
        return sent, rows.scalar_one()


def main() -> None:
    """Both lists, idle and busy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--data", type=Path, default=WORLD, help="where the world is kept")
    parser.add_argument("--state", choices=("idle", "busy", "both"), default="both")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, mail_sink() as port, chromium() as browser:
        folder = Path(name)
        large, sending = take_world(folder, given.data, given.contacts)
        application = prepare(folder)
        point_gateways_to(application, port)
        key = make_key(folder)
        with running_console(folder, outgoing_allow="127.0.0.1") as console:
            if given.state != "busy":
                measure(console, browser, large, given.rounds, state="idle")
            if given.state != "idle":
                with busy(console, application, folder, sending, key), told(application, "pages_busy"):
                    measure(console, browser, large, given.rounds, state="busy")
            report("pages_server", memory_mb=console.memory_mb(), contacts=given.contacts)
        application.database.dispose()


if __name__ == "__main__":
    main()
