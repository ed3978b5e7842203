"""One campaign, one contact, one mail, through the whole pipeline."""

import time

from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import Event
from tests.integration.engine.world import World, mail_server, running_engine, wait_for


def test_a_published_campaign_reaches_its_contact_within_two_seconds(database, tmp_path):
    world = World(database)
    with mail_server() as server, running_engine(database, tmp_path) as application:
        campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": world.gateway(server.port)}])
        begun = time.monotonic()
        application.signals.publish("work", "gateways")
        wait_for(lambda: server.got, seconds=5)
        assert time.monotonic() - begun < 2
        wait_for(lambda: world.progress(campaign_id).completed == 1, seconds=5)
    (delivery,) = world.all(CommDelivery)
    assert server.got == [(f"c0.{campaign_id}@example.com", delivery.id)]
    assert b"Subject: Hello Name0" in server.bodies[0]
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 1)
    assert set(delivery.checks.values()) >= {"pass"}
    (request,) = world.all(CommRequest)
    assert request.state == RequestState.PROCESSED
    (contact,) = world.all(CampaignContact)
    assert contact.status == ContactStatus.COMPLETED
    kinds = [event.type for event in world.all(Event)]
    assert kinds == ["comm.requested", "comm.sent", "contact.completed"]
