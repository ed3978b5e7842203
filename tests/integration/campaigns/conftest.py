"""What tests of campaigns start from."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.comms.templates import TemplateView, create_template
from models.campaign import CampaignProgress
from models.contact import CampaignContact, ContactStatus
from models.gateway import Gateway

MakeStep = Callable[..., dict[str, object]]


@pytest.fixture
def make_step(now: datetime) -> MakeStep:
    """Makes a template and a tested gateway, and the step that uses them."""

    def make(session: Session, *, channel: str = "email", tested: bool = True, **content: str) -> dict[str, object]:
        template = make_template(session, now, channel=channel, **content)
        gateway = Gateway(
            name="Way out", kind="sandbox", channel=channel, created_at=now, updated_at=now,
            tested_at=now if tested else None, test_passed=True if tested else None,
        )  # fmt: skip
        session.add(gateway)
        session.flush()
        return {"channel": channel, "template_id": str(template.id), "gateway_id": str(gateway.id)}

    return make


def make_template(session: Session, now: datetime, *, channel: str = "email", **content: str) -> TemplateView:
    defaults = {"text": "Hello"} if channel == "sms" else {"subject": "Hello", "html": "<p>Hello</p>"}
    return create_template(
        session, {"name": "Hello", "channel": channel, **(content or defaults)}, actor=OPERATOR, now=now
    )


@pytest.fixture
def add_contacts(now: datetime) -> Callable[..., list[CampaignContact]]:
    """Puts contacts with made-up persons into a campaign, and counts them."""

    def add(
        session: Session, campaign_id: int, count: int, *, status: str = ContactStatus.PENDING, first_person: int = 1,
        **columns: object,
    ) -> list[CampaignContact]:  # fmt: skip
        columns.setdefault("due_at", now)
        contacts = [
            CampaignContact(
                campaign_id=campaign_id, person_id=first_person + number, source_id=1, status=status, created_at=now,
                **columns,
            )
            for number in range(count)
        ]  # fmt: skip
        session.add_all(contacts)
        progress = session.get_one(CampaignProgress, campaign_id)
        setattr(progress, status, getattr(progress, status) + count)
        progress.planned += count
        session.add(progress)
        session.flush()
        return contacts

    return add
