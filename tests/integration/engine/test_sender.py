"""Verdicts of gateways, and what becomes of messages."""

import time
from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.comms import lane
from cxconsole.comms.limits import campaign_scope, domain_scope, gateway_scope
from models.campaign import CampaignChannel, TrafficMinute
from models.comm import CommDelivery, CommRequest, DeliveryState, RateUsage, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import Event
from models.gateway import Gateway, GatewayHealth
from models.suppression import Suppression
from tests.integration.engine.world import World, free_port, mail_server, running_engine, wait_for


def send_one(database, tmp_path, server, *, until, template=None, **gateway):
    """One contact's mail; the world, once `until(delivery)` holds."""
    world = World(database)
    template_id = world.template(**(template or {}))
    step = {"template_id": template_id, "gateway_id": world.gateway(server.port, **gateway)}
    world.campaign([step], contacts=1)
    with running_engine(database, tmp_path):
        wait_for(lambda: any(until(row) for row in world.all(CommDelivery)))
    return world


def types(world):
    return [event.type for event in world.all(Event)]


def test_a_permanent_no_fails_the_contact_with_the_servers_words(database, tmp_path):
    with mail_server(answer=lambda _: "550 5.1.1 No such user") as server:
        world = send_one(database, tmp_path, server, until=lambda row: row.state == DeliveryState.ERROR)
    (delivery,), (request,), (contact,) = world.all(CommDelivery), world.all(CommRequest), world.all(CampaignContact)
    assert "550 5.1.1 No such user" in delivery.reason
    assert (request.state, request.reason) == (RequestState.ERROR, delivery.reason)
    assert (contact.status, contact.reason) == (ContactStatus.FAILED, delivery.reason)
    assert types(world) == ["comm.requested", "comm.failed", "contact.failed"]
    with database.read() as session:
        assert session.exec(select(CampaignChannel.failed)).one() == 1
        assert session.exec(select(TrafficMinute.failed)).one() == 1


def test_a_temporary_no_waits_and_uses_up_an_attempt(database, tmp_path):
    with mail_server(answer=lambda _: "452 4.2.2 Mailbox full") as server:
        world = send_one(database, tmp_path, server, until=lambda row: row.state == DeliveryState.RETRY)
    (delivery,), (contact,) = world.all(CommDelivery), world.all(CampaignContact)
    assert delivery.attempts == 1
    assert delivery.not_before > clock.now() + timedelta(seconds=10)
    assert contact.status == ContactStatus.IN_PROGRESS


def test_a_server_that_asks_to_slow_down_is_given_time_and_half_the_pace(database, tmp_path):
    with mail_server(answer=lambda _: "451 4.7.1 Too many messages") as server:
        world = send_one(database, tmp_path, server, until=lambda row: row.state == DeliveryState.RETRY)
        (gateway,) = world.all(Gateway)
    assert world.all(CommDelivery)[0].attempts == 0
    assert (gateway.health, bool(gateway.slowed_to_per_minute)) == (GatewayHealth.DEGRADED, True)
    assert "gateway.slowed" in types(world)


def test_a_missing_field_fails_that_one_delivery_and_names_the_field(database, tmp_path):
    with mail_server() as server:
        world = World(database)
        step = {
            "template_id": world.template(html="<p>{% if first_name == 'Name1' %}{{ contract }}{% endif %}</p>"),
            "gateway_id": world.gateway(server.port),
        }
        campaign_id = world.campaign([step], contacts=3)
        with running_engine(database, tmp_path):
            # both numbers of one moment: someone may go from the one to the other between two reads
            wait_for(lambda: (now := world.progress(campaign_id)).in_progress + now.pending == 0)
    progress = world.progress(campaign_id)
    assert (progress.completed, progress.failed) == (2, 1)
    (failed,) = [row for row in world.all(CommDelivery) if row.state == DeliveryState.ERROR]
    assert "contract" in failed.reason


def test_a_gateway_that_is_down_opens_its_circuit_and_recovers_by_itself(database, tmp_path):
    world, port = World(database), free_port()
    gateway_id = world.gateway(port, connections=2)
    campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=12)
    with running_engine(database, tmp_path) as application:
        wait_for(lambda: world.all(Gateway)[0].health == GatewayHealth.OPEN)
        wait_for(lambda: not any(row.state == DeliveryState.SENDING for row in world.all(CommDelivery)))
        assert all(row.attempts == 0 for row in world.all(CommDelivery))
        assert f"127.0.0.1:{port} refused" in world.all(Gateway)[0].health_error
        with mail_server(port=port) as server:
            with database.write() as session:  # the pauses are over
                session.get(Gateway, gateway_id).health_retry_at = clock.now()
                for row in session.exec(select(CommDelivery)):
                    row.not_before = clock.now()
            application.signals.publish("work")
            wait_for(lambda: world.progress(campaign_id).completed == 12)
            wait_for(lambda: world.all(Gateway)[0].health == GatewayHealth.OK)
    assert [kind for kind in types(world) if kind.startswith("gateway.")] == ["gateway.stopped", "gateway.recovered"]
    assert len(server.got) == 12


def test_a_message_that_is_taken_outdoes_a_failed_test_and_one_that_is_not_does_not(database, tmp_path):
    failed = {"tested_at": clock.now(), "test_passed": False, "test_steps": [{"name": "Connected", "ok": False}]}
    with mail_server(answer=lambda _: "550 5.1.1 No such user") as server:
        send_one(database, tmp_path, server, until=lambda row: row.state == DeliveryState.ERROR, **failed)
    world = World(database)
    (gateway,) = world.all(Gateway)
    assert (gateway.test_passed, gateway.tested_at) == (False, failed["tested_at"])
    with mail_server(port=server.port) as server:
        world.campaign([{"template_id": world.template(), "gateway_id": gateway.id}], contacts=1)
        with running_engine(database, tmp_path):
            wait_for(lambda: world.all(Gateway)[0].test_passed)
    (gateway,) = world.all(Gateway)
    assert gateway.tested_at > failed["tested_at"] and [one["ok"] for one in gateway.test_steps] == [True]


def test_who_is_suppressed_gets_nothing_and_the_trail_says_why(database, tmp_path):
    world = World(database)
    with mail_server() as server:
        gateway_id = world.gateway(server.port)
        campaign_id = world.campaign(
            [{"template_id": world.template(), "gateway_id": gateway_id}], contacts=3, published=False
        )
        with database.write() as session:
            session.add(Suppression(
                address=f"c1.{campaign_id}@example.com", channel="email", reason="unsubscribed", created_at=world.now
            ))  # fmt: skip
        world.set_state(campaign_id, "published")
        with running_engine(database, tmp_path):
            wait_for(lambda: world.progress(campaign_id).completed == 2)
            wait_for(lambda: world.progress(campaign_id).suppressed == 1)
    (stopped,) = [row for row in world.all(CommDelivery) if row.state == DeliveryState.CANCELLED]
    assert stopped.checks["suppression"] == "stop"
    assert "consent" not in stopped.checks
    assert [row.reason for row in world.all(CommRequest) if row.state == RequestState.OPTED_OUT] == ["unsubscribed"]
    assert f"c1.{campaign_id}@example.com" not in server.targets


def test_an_unsubscription_stops_what_is_queued_behind_a_slow_server(database, tmp_path):
    world = World(database)
    with mail_server(delay_seconds=0.4) as server, running_engine(database, tmp_path) as application:
        gateway_id = world.gateway(server.port, connections=1)
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=6)
        wait_for(lambda: server.got)
        with database.write() as session:
            session.add(Suppression(
                address=f"c5.{campaign_id}@example.com", channel=None, reason="unsubscribed", created_at=world.now
            ))  # fmt: skip
        application.signals.publish("suppressions")
        wait_for(lambda: world.progress(campaign_id).completed == 5)
        wait_for(lambda: world.progress(campaign_id).suppressed == 1)
    assert f"c5.{campaign_id}@example.com" not in server.targets


@pytest.mark.parametrize("of", ["gateway", "campaign", "domain"])
def test_a_limit_that_is_used_up_lets_nothing_out_also_after_a_restart(database, tmp_path, of):
    world = World(database)

    def waiting():
        return [row for row in world.all(CommDelivery) if row.state == DeliveryState.AWAITING_DISTRIBUTION]

    limits = {"gateway": {"per_minute": 7}, "domain": {"per_domain_per_minute": 7}, "campaign": {}}[of]
    with mail_server() as server:
        gateway_id = world.gateway(server.port, **limits)
        more = {"per_minute": 7} if of == "campaign" else {}
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": gateway_id}], contacts=14, **more)
        scope = {"gateway": gateway_scope(gateway_id), "domain": domain_scope(gateway_id, "example.com"),
                 "campaign": campaign_scope(campaign_id)}[of]  # fmt: skip
        with database.write() as session:
            session.add(RateUsage(scope=scope, second=int(clock.now().timestamp()), used=7))
        with running_engine(database, tmp_path):
            wait_for(lambda: world.progress(campaign_id).in_progress == 14)
            wait_for(lambda: of == "gateway" or sum("wait" in row.checks.values() for row in waiting()) == 14)
    assert server.got == []
    assert len(waiting()) == 14
    if of != "gateway":
        assert all(row.checks[of if of == "campaign" else "gateway"] == "wait" for row in waiting())
        assert all(row.not_before > clock.now() + timedelta(seconds=20) for row in waiting())


@pytest.mark.parametrize("of", ["gateway", "campaign", "domain"])
def test_a_limit_is_spread_over_its_minute(database, tmp_path, of):
    world = World(database)
    limits = {"gateway": {"per_minute": 240}, "domain": {"per_domain_per_minute": 240}, "campaign": {}}[of]
    with mail_server() as server:
        step = {"template_id": world.template(), "gateway_id": world.gateway(server.port, **limits)}
        more = {"per_minute": 240} if of == "campaign" else {}
        campaign_id = world.campaign([step], contacts=30, **more)
        with running_engine(database, tmp_path):
            wait_for(lambda: world.progress(campaign_id).completed == 30)
    assert len(set(server.targets)) == 30
    # four a second after a first burst of 20, so the last is more than a second behind the first
    assert sorted(server.times)[-1] - sorted(server.times)[0] > 1


def test_a_person_gets_no_more_than_the_cap_allows_over_all_campaigns(database, tmp_path):
    world = World(database)
    with mail_server() as server:
        gateway_id = world.gateway(server.port)
        step = {"template_id": world.template(), "gateway_id": gateway_id}
        campaign_id = world.campaign(
            [step, {**step, "delay": "PT0S"}], contacts=2, per_person_count=1, per_person_window="P7D"
        )
        with running_engine(database, tmp_path):
            wait_for(lambda: sum(row.checks.get("frequency_cap") == "wait" for row in world.all(CommDelivery)) == 2)
    assert len(server.got) == 2
    assert world.progress(campaign_id).in_progress == 2
    assert world.all(CommDelivery)[-1].not_before > clock.now() + timedelta(days=6)


def test_a_stop_waits_a_bounded_time_for_a_slow_server_and_nobody_is_missed(database, tmp_path, monkeypatch):
    monkeypatch.setattr(lane, "STOP_SECONDS", 0.3)
    world = World(database)
    contacts = 12
    with mail_server(delay_seconds=60) as server:
        step = {"template_id": world.template(), "gateway_id": world.gateway(server.port, connections=4)}
        campaign_id = world.campaign([step], contacts=contacts)
        with running_engine(database, tmp_path / "first"):
            wait_for(lambda: server.begun == 4)
            begun = time.monotonic()
        assert time.monotonic() - begun < 8, "sending to a server that takes a minute, the engine must not take one"
        left = world.all(CommDelivery)
        assert not [row for row in left if row.state == "sending"]
        doubtful = [row for row in left if row.possible_duplicate]
        assert (len(doubtful), {row.attempts for row in doubtful}) == (4, {0})
        server.delay_seconds = 0
        with running_engine(database, tmp_path / "second"):
            wait_for(lambda: world.progress(campaign_id).completed == contacts)
    assert len(set(server.targets)) == contacts
    assert len(server.targets) == contacts, "the slow server had taken none of the first four"
