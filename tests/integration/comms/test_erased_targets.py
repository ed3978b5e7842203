"""Nothing goes to who was erased, nor to an address that comes back and had asked for no more."""

from collections.abc import Sequence

import pytest
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.forgetting import forget_identity
from cxconsole.audience.suppressions import add_suppression
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.comms.deliveries import retry_delivery
from cxconsole.comms.limits import RollingLimits
from cxconsole.comms.policy import Candidate, Policy, Ruling
from cxconsole.errors import Conflict
from models.comm import CommDelivery, DeliveryState
from models.suppression import hash_address

EMAIL = "Ada@mail.example"


def judge_all(session: Session, targets: Sequence[str], now) -> list[tuple[Ruling, str | None]]:
    candidates = [
        Candidate(
            id=at, request_id=at, campaign_id=None, contact_id=None, person_id=7, node=None, channel="email",
            target=target, template_version_id=1, merge={}, is_retry=False, attempts=0, possible_duplicate=False,
            contact_status=None, zone=None, consents={},
        )
        for at, target in enumerate(targets, 1)
    ]  # fmt: skip
    limits = RollingLimits(session, now=now)
    said = Policy(FlowHooks()).judge(session, candidates, gateway_id=1, per_domain=None, limits=limits, now=now)
    return [(one.ruling, one.reason) for one in said]


def judge(session: Session, target: str, now) -> tuple[Ruling, str | None]:
    [said] = judge_all(session, [target], now)
    return said


@pytest.mark.parametrize("form", [EMAIL, EMAIL.lower(), EMAIL.upper()])
def test_an_address_that_comes_back_is_known_by_its_hash(database, now, form):
    with database.write() as session:
        add_suppression(session, {"address": EMAIL, "reason": "unsubscribed"}, actor=OPERATOR, now=now)
        forget_identity(session, [7], traces=[EMAIL], now=now)
        assert judge(session, form, now) == (Ruling.STOP, "unsubscribed")
        assert judge(session, "other@mail.example", now)[0] is Ruling.PASS


def test_all_forms_of_an_address_are_known_in_one_group(database, now):
    with database.write() as session:
        add_suppression(session, {"address": EMAIL, "reason": "unsubscribed"}, actor=OPERATOR, now=now)
        forget_identity(session, [7], traces=[EMAIL], now=now)
        assert judge_all(session, [EMAIL, EMAIL.lower(), EMAIL.upper()], now) == [(Ruling.STOP, "unsubscribed")] * 3


def test_what_was_on_the_wire_is_not_tried_again(database, now):
    with database.write() as session:
        assert judge(session, hash_address(EMAIL), now) == (Ruling.STOP, "erased")
        row = CommDelivery(
            request_id=1, person_id=7, channel="email", target=hash_address(EMAIL), gateway_id=1, template_version_id=1,
            state=DeliveryState.ERROR, not_before=now, created_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        with pytest.raises(Conflict, match="erased"):
            retry_delivery(session, row.id or 0, actor=OPERATOR, now=now)
