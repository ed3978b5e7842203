"""Nobody is missed and nobody is written to twice unnoticed, whatever happens to the engine."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.lifecycle import publish_campaign, unpublish_campaign
from cxconsole.database import Database
from cxconsole.signals import topics
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from tests.integration.engine.world import World, mail_server, running_engine, wait_for

ROOT = Path(__file__).parents[3]
ACCOUNTING = """
SELECT p.planned, p.pending, p.in_progress, p.completed, p.failed, p.suppressed,
       p.held_unpublished + p.held_expired + p.held_ended AS held,
       (SELECT count(*) FROM campaign_contact c WHERE c.campaign_id = p.campaign_id) AS all_rows,
       (SELECT count(*) FROM campaign_contact c WHERE c.campaign_id = p.campaign_id AND status = 'pending'),
       (SELECT count(*) FROM campaign_contact c WHERE c.campaign_id = p.campaign_id AND status = 'in_progress'),
       (SELECT count(*) FROM campaign_contact c WHERE c.campaign_id = p.campaign_id AND status = 'completed'),
       (SELECT count(*) FROM campaign_contact c WHERE c.campaign_id = p.campaign_id AND status = 'held')
FROM campaign_progress p WHERE p.campaign_id = :campaign_id
"""


class Accountant:
    """Checks the accounting identity, against the rows too, again and again while a campaign runs."""

    def __init__(self, url: str, campaign_id: int) -> None:
        self.observations = 0
        self.mistakes: list[str] = []
        self._database = Database(url)
        self._campaign_id = campaign_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Accountant":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._database.dispose()

    def _run(self) -> None:
        while not self._stop.wait(0.03):
            with self._database.read() as session:
                row = session.execute(text(ACCOUNTING), {"campaign_id": self._campaign_id}).one()
            planned, *statuses = row[:7]
            self.observations += 1
            if planned != sum(statuses) or planned != row[7]:
                self.mistakes.append(f"does not add up: {tuple(row)}")
            if (row[1], row[2], row[3], row[6]) != tuple(row[8:12]):
                self.mistakes.append(f"counters and rows differ: {tuple(row)}")


@contextmanager
def worker(url: str, data_dir: Path):
    """A real engine process."""
    environment = {
        **os.environ, "CXCONSOLE_DATABASE_URL": url, "CXCONSOLE_DATA_DIR": str(data_dir), "CXCONSOLE_DEMO": "0",
        "CXCONSOLE_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "cxconsole", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def in_flight(database) -> set[int]:
    with database.read() as session:
        rows = session.execute(text("SELECT id FROM comm_delivery WHERE state = 'sending'"))
        return {row[0] for row in rows}


def assert_everyone_was_reached(world, server, campaign_id, count):
    progress = world.progress(campaign_id)
    assert (progress.planned, progress.completed) == (count, count)
    assert set(server.targets) == {f"c{number}.{campaign_id}@example.com" for number in range(count)}
    assert {contact.status for contact in world.all(CampaignContact)} == {ContactStatus.COMPLETED}


def test_five_kills_miss_nobody_and_flag_every_possible_repeat(database, database_url, tmp_path):
    world, count, seed = World(database), 1200, random.randrange(10**6)
    dice = random.Random(seed)
    doubtful: set[int] = set()
    with mail_server(delay_seconds=0.015) as server:
        gateway_id = world.gateway(server.port, connections=8)
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=count)
        with Accountant(database_url, campaign_id) as accountant:
            for _ in range(5):
                seen = len(server.got)
                with worker(database_url, tmp_path) as process:
                    wait_for(lambda seen=seen: len(server.got) > seen, seconds=20)
                    time.sleep(dice.uniform(0.0, 0.35))
                    process.kill()
                    process.wait()
                doubtful |= in_flight(database)
            assert world.progress(campaign_id).completed < count, "the kills came too late to mean anything"
            with worker(database_url, tmp_path):
                wait_for(lambda: world.progress(campaign_id).completed == count, seconds=30)
    assert_everyone_was_reached(world, server, campaign_id, count)
    deliveries = {row.id: row for row in world.all(CommDelivery)}
    repeated = {delivery_id for (_, delivery_id), times in Counter(server.got).items() if times > 1}
    assert repeated <= doubtful, f"seed {seed}"
    assert {key for key, row in deliveries.items() if row.possible_duplicate} == doubtful
    assert len({target for target, _ in server.got}) == len(deliveries) == count
    assert accountant.observations > 20
    assert accountant.mistakes == []


def test_twenty_stops_and_starts_send_no_one_twice(database, database_url, tmp_path):
    world, count = World(database), 500
    dice = random.Random(20)
    with mail_server(delay_seconds=0.01) as server, running_engine(database, tmp_path) as application:
        gateway_id = world.gateway(server.port, tested_at=clock.now(), test_passed=True)
        html = "<p>Dear {{ first_name }}</p><a href='{{ unsubscribe_url }}'>no more</a>"
        template_id = world.template(html=html)
        campaign_id = world.campaign([{"template_id": template_id, "gateway_id": gateway_id}], contacts=count)
        application.signals.publish(topics.WORK, topics.GATEWAYS)
        with Accountant(database_url, campaign_id) as accountant:
            for _ in range(20):
                time.sleep(dice.uniform(0.0, 0.12))
                for change in (unpublish_campaign, publish_campaign):
                    with database.write() as session:
                        change(session, campaign_id, actor=OPERATOR, now=clock.now())
                    application.signals.publish(topics.WORK, topics.CAMPAIGNS)
                    time.sleep(dice.uniform(0.0, 0.12))
            wait_for(lambda: world.progress(campaign_id).completed == count, seconds=30)
    assert_everyone_was_reached(world, server, campaign_id, count)
    assert max(Counter(server.targets).values()) == 1
    assert accountant.mistakes == []


def test_two_engines_at_once_send_no_one_twice(database, database_url, tmp_path):
    world, count = World(database), 600
    with mail_server(delay_seconds=0.005) as server:
        gateway_id = world.gateway(server.port)
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=count)
        with (
            Accountant(database_url, campaign_id) as accountant,
            running_engine(database, tmp_path / "one"),
            running_engine(database, tmp_path / "two"),
        ):
            wait_for(lambda: world.progress(campaign_id).completed == count, seconds=35)
    assert_everyone_was_reached(world, server, campaign_id, count)
    assert max(Counter(server.targets).values()) == 1
    assert accountant.mistakes == []


@pytest.mark.parametrize("stop", ["unpublish", "pause"])
def test_a_stop_takes_effect_within_two_seconds_also_for_what_was_claimed(database, tmp_path, stop):
    world = World(database)
    with mail_server(delay_seconds=0.3) as server, running_engine(database, tmp_path):
        gateway_id = world.gateway(server.port, connections=2)
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=60)
        wait_for(lambda: len(server.got) >= 2)
        with database.write() as session:  # no signal is raised: another process did it
            if stop == "unpublish":
                unpublish_campaign(session, campaign_id, actor=OPERATOR, now=clock.now())
            else:
                session.execute(
                    text("INSERT INTO system_flag (name, value, updated_at) VALUES ('sending_paused', '1', :now)"),
                    {"now": clock.now().replace(tzinfo=None)},
                )
        time.sleep(1.5)
        reached = len(server.got)
        time.sleep(1.5)
        assert len(server.got) == reached
        assert not in_flight(database)
    progress = world.progress(campaign_id)
    assert progress.completed == reached
    if stop == "unpublish":
        assert (progress.held_unpublished, progress.in_progress) == (60 - reached, 0)
        open_rows = [row for row in world.all(CommDelivery) if row.state == DeliveryState.AWAITING_DISTRIBUTION]
        assert open_rows == []
