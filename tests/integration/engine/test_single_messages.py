"""A message that no campaign asked for goes the way of all others."""

from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.comms.intake import create_request
from cxconsole.signals import topics
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.person import Person
from models.suppression import Suppression, SuppressionReason
from tests.integration.engine.world import World, mail_server, running_engine, wait_for


def test_it_is_merged_sent_once_and_stopped_for_who_is_suppressed(database, tmp_path):
    with mail_server() as server:
        world = World(database)
        template_id = world.template(subject="Order {{ order }}", html="<p>Dear {{ first_name }}</p>")
        gateway_id = world.gateway(server.port)
        world.campaign([{"template_id": template_id, "gateway_id": gateway_id}], contacts=2, published=False)
        with database.write() as session:
            ada, bo = (one.id or 0 for one in session.exec(select(Person).order_by(Person.id)).all())  # type: ignore[arg-type]
            session.add(Suppression(person_id=bo, reason=SuppressionReason.MANUAL, created_at=world.now))
        with running_engine(database, tmp_path) as application:
            for person_id in (ada, bo):
                with application.database.write() as session:
                    create_request(
                        session, person_id=person_id, template_id=template_id, gateway_id=gateway_id,
                        fields={"order": 4711}, actor=OPERATOR, now=world.now,
                    )  # fmt: skip
            application.signals.publish(topics.WORK, topics.DELIVERIES)
            wait_for(
                lambda: {row.state for row in world.all(CommDelivery)} == {DeliveryState.SENT, DeliveryState.CANCELLED}
            )
    assert len(server.got) == 1
    assert b"Order 4711" in server.bodies[0]
    assert b"Dear Name0" in server.bodies[0]
    sent, stopped = world.all(CommRequest)
    assert (sent.state, sent.reason) == (RequestState.PROCESSED, None)
    assert (stopped.state, stopped.reason) == (RequestState.OPTED_OUT, "manual")
