from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.demo.sandbox_world import drain_sandbox_receipts
from cxconsole.gateways.sandbox import inbox
from models.comm import CommDelivery, DeliveryState
from models.gateway import SandboxMessage, SandboxReceipt
from models.suppression import Suppression


@pytest.fixture
def deliver(database, now):
    """Stores a delivery in a state, with receipts planned seconds from now."""

    def make(number, state=DeliveryState.SENT, **plan):
        with database.write() as session:
            session.add(
                CommDelivery(
                    id=number, request_id=number, person_id=number, channel="email", target=f"p{number}@example.com",
                    gateway_id=1, template_version_id=1, state=state, not_before=now, created_at=now, sent_at=now,
                )
            )  # fmt: skip
            for status, seconds in plan.items():
                due = now + timedelta(seconds=seconds)
                session.add(SandboxReceipt(delivery_id=number, status=status, reason="550 5.1.1 gone", due_at=due))

    return make


def drain(database, at, limit=100) -> int:
    with database.write() as session:
        return drain_sandbox_receipts(session, now=at, limit=limit)


def read(database, number) -> CommDelivery:
    with database.read() as session:
        return session.get(CommDelivery, number)


def test_the_world_answers_when_the_time_has_come(database, deliver, now):
    deliver(1, delivered=2, opened=60)
    assert drain(database, now) == 0
    assert drain(database, now + timedelta(seconds=3)) == 1
    assert (read(database, 1).state, read(database, 1).opened_at) == ("delivered", None)
    assert drain(database, now + timedelta(seconds=61)) == 1
    assert read(database, 1).opened_at == now + timedelta(seconds=60)
    assert drain(database, now + timedelta(days=1)) == 0


def test_a_bounce_suppresses_the_address(database, deliver, now):
    deliver(1, bounced=1)
    drain(database, now + timedelta(seconds=2))
    with database.read() as session:
        assert [one.address for one in session.exec(select(Suppression))] == ["p1@example.com"]


def test_answers_wait_until_the_sending_is_written_down(database, deliver, now):
    deliver(1, DeliveryState.SENDING, delivered=0)
    later = now + timedelta(seconds=5)
    assert drain(database, later) == 0
    with database.write() as session:
        session.get(CommDelivery, 1).state = DeliveryState.SENT
    assert drain(database, later) == 1
    assert read(database, 1).state == "delivered"


def test_answers_to_what_was_deleted_are_dropped_and_the_oldest_come_first(database, deliver, now):
    deliver(1, delivered=9)
    deliver(2, delivered=1)
    with database.write() as session:
        session.add(SandboxReceipt(delivery_id=99, status="delivered", due_at=now))
    assert drain(database, now + timedelta(seconds=10), limit=2) == 2
    assert (read(database, 1).state, read(database, 2).state) == ("S", "delivered")


def test_the_inbox_keeps_the_newest(database, now, monkeypatch):
    monkeypatch.setattr(inbox, "KEPT_MESSAGES", 10)
    with database.write() as session:
        session.add_all(
            SandboxMessage(gateway_id=1, channel="email", target=f"p{number}@example.com", received_at=now)
            for number in range(25)
        )
        session.flush()
        assert [inbox.trim_sandbox_messages(session, now=now, limit=10) for _ in range(3)] == [10, 5, 0]
        assert len(session.exec(select(SandboxMessage)).all()) == 10
