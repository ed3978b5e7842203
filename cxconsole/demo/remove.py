"""Takes the demo world out again, and nothing else. The Tape stays: it holds ids only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlmodel import Session, SQLModel

from cxconsole.accounts.actor import Actor
from cxconsole.demo.seed import SEEDED_FLAG
from models.activity import Note, ScheduledActivity
from models.campaign import Campaign, CampaignChannel, CampaignProgress, Flow, TrafficMinute
from models.comm import CommDelivery, CommRequest
from models.contact import CampaignContact, ContactImport, ContactSource, RejectedRow
from models.gateway import Gateway, SandboxMessage, SandboxReceipt
from models.person import Identity, Person, PersonSearchQueue
from models.suppression import Suppression
from models.system import SystemFlag
from models.template import Template, TemplateVersion


@dataclass(frozen=True, kw_only=True)
class RemovedDemo:
    """How many went. `kept` counts demo persons, templates and gateways that real campaigns use; they are yours now."""

    campaigns: int
    persons: int
    templates: int
    gateways: int
    suppressions: int
    kept: int


def has_demo(session: Session) -> bool:
    """Whether anything of the demo world is still there."""
    return any(
        session.execute(select(exists().where(_c(model).is_demo))).scalar()
        for model in (Campaign, Person, Template, Gateway)
    )


def remove_demo(session: Session, *, actor: Actor, now: datetime) -> RemovedDemo:
    """Remove all demo rows. What a campaign of your own uses stays and is no longer marked as demo."""
    for right in ("campaigns.edit", "contacts.edit", "templates.edit", "gateways.edit", "suppressions.edit"):
        actor.require(right)
    campaigns = _remove_campaigns(session)
    kept = _keep_what_is_used(session)
    persons = _remove_persons(session)
    suppressions = _remove(session, Suppression, _c(Suppression).is_demo)
    demo_gateways = select(_c(Gateway).id).where(_c(Gateway).is_demo)
    for model in (SandboxMessage, TrafficMinute):
        _remove(session, model, _c(model).gateway_id.in_(demo_gateways))
    gateways = _remove(session, Gateway, _c(Gateway).is_demo)
    demo_templates = select(_c(Template).id).where(_c(Template).is_demo)
    _remove(session, TemplateVersion, _c(TemplateVersion).template_id.in_(demo_templates))
    templates = _remove(session, Template, _c(Template).is_demo)
    session.merge(SystemFlag(name=SEEDED_FLAG, value="removed", updated_at=now))
    return RemovedDemo(
        campaigns=campaigns, persons=persons, templates=templates, gateways=gateways, suppressions=suppressions,
        kept=kept,
    )  # fmt: skip


def _remove_campaigns(session: Session) -> int:
    """The campaigns with all rows that belong to them."""
    demo = select(_c(Campaign).id).where(_c(Campaign).is_demo)
    deliveries = select(_c(CommDelivery).id).where(_c(CommDelivery).campaign_id.in_(demo))
    for model in (SandboxReceipt, SandboxMessage):
        _remove(session, model, _c(model).delivery_id.in_(deliveries))
    sources = select(_c(ContactSource).id).where(_c(ContactSource).campaign_id.in_(demo))
    _remove(session, RejectedRow, _c(RejectedRow).source_id.in_(sources))
    for model in (
        CommDelivery, CommRequest, CampaignContact, ContactImport, ContactSource, CampaignProgress, CampaignChannel,
        TrafficMinute, Flow,
    ):  # fmt: skip
        _remove(session, model, _c(model).campaign_id.in_(demo))
    return _remove(session, Campaign, _c(Campaign).is_demo)


def _keep_what_is_used(session: Session) -> int:
    """Hand over to its user what is in use in campaigns that are not of the demo world."""
    templates, gateways = set(), set()
    for graph in session.execute(select(_c(Flow).graph)).scalars():
        templates |= {node.get("template_id") for node in graph.get("nodes", ())}
        gateways |= {node.get("gateway_id") for node in graph.get("nodes", ())}
    gateways |= set(session.execute(select(_c(CommDelivery).gateway_id).distinct()).scalars())
    used = select(_c(CommDelivery).template_version_id).distinct()
    templates |= set(
        session.execute(select(_c(TemplateVersion).template_id).where(_c(TemplateVersion).id.in_(used))).scalars()
    )
    in_campaigns = exists().where(_c(CampaignContact).person_id == _c(Person).id)
    in_comms = exists().where(_c(CommDelivery).person_id == _c(Person).id, _c(CommDelivery).campaign_id.is_not(None))
    used_by: list[tuple[type[SQLModel], ColumnElement[bool]]] = [
        (Template, _c(Template).id.in_(templates)),
        (Gateway, _c(Gateway).id.in_(gateways)),
        (Person, in_campaigns | in_comms),
    ]
    kept = 0
    for model, is_used in used_by:
        kept += session.execute(update(model).where(_c(model).is_demo, is_used).values(is_demo=False)).rowcount  # type: ignore[attr-defined]
    return kept


def _remove_persons(session: Session) -> int:
    demo = select(_c(Person).id).where(_c(Person).is_demo)
    session.execute(insert(PersonSearchQueue).from_select(["person_id"], demo))  # so that search forgets them, too
    for model in (Identity, CommDelivery, CommRequest, Suppression, Note, ScheduledActivity):
        _remove(session, model, _c(model).person_id.in_(demo))
    return _remove(session, Person, _c(Person).is_demo)


def _remove(session: Session, model: type[SQLModel], which: ColumnElement[bool]) -> int:
    return session.execute(delete(model).where(which).execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


def _c(model: type[SQLModel]) -> Any:
    """The table's columns, as the query builder sees them."""
    return model
