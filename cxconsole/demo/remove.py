"""Takes the demo world out again, and nothing else. The Tape stays: it holds ids only.

It is done in parts of a moment each, because the demo can have been seeded with a million contacts and other
writers wait behind each part. Whoever is interrupted begins again and finds what is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, select, update
from sqlmodel import Session, SQLModel

from cxconsole.accounts.actor import Actor
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.search import queue_persons, read_keys
from cxconsole.database import Database
from cxconsole.demo.seed import SEEDED_FLAG
from cxconsole.journey.cloud_event import OWN_SOURCE
from cxconsole.journey.recording import ACTOR
from models.activity import Note, ScheduledActivity
from models.campaign import Campaign, CampaignChannel, CampaignProgress, CampaignState, Flow, TrafficMinute
from models.comm import CommDelivery, CommRequest
from models.contact import CampaignContact, ContactImport, ContactSource, RejectedRow
from models.event import Event, EventType
from models.gateway import Gateway, SandboxMessage, SandboxReceipt
from models.journey import EventSource, EventTypeSeen, IdentityConflict, PersonalField, QuarantinedEvent
from models.person import Identity, Person, PersonKey, PersonMerge
from models.profile import ProfileView
from models.suppression import Suppression
from models.system import App, SystemFlag
from models.template import Template, TemplateVersion

CHUNK = 1_000
"""Rows a part: a fraction of a second."""
SHOP_APP = SHOP_SOURCE = "demo-shop"
"""The name under which the demo shop's pages send events, and which these events bear."""


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


def remove_demo(database: Database, *, actor: Actor, now: datetime) -> RemovedDemo:
    """Remove all demo rows. What a campaign of your own uses stays and is no longer marked as demo."""
    for right in ("campaigns.edit", "contacts.edit", "templates.edit", "gateways.edit", "suppressions.edit"):
        actor.require(right)
    with database.write() as session:
        session.merge(SystemFlag(name=SEEDED_FLAG, value="removed", updated_at=now))  # from now on nobody comes by
        campaigns = _stop_campaigns(session, now)
        _claim_shoppers(session)
    _remove_rows_of_campaigns(database)
    with database.write() as session:
        _remove_campaigns(session)
    persons, kept = _remove_persons(database)
    with database.read() as session:
        gateways, templates = _find_used(session)
    with database.write() as session:
        kept += _keep(session, Gateway, gateways) + _keep(session, Template, templates)
        return _remove_rest(session, campaigns=campaigns, persons=persons, kept=kept)


def _demo(model: type[SQLModel]) -> Select[Any]:
    return select(_c(model).id).where(_c(model).is_demo)


def _stop_campaigns(session: Session, now: datetime) -> int:
    """Nothing more is sent; without their counters no job has anything to settle while their contacts go."""
    _remove(session, CampaignProgress, _c(CampaignProgress).campaign_id.in_(_demo(Campaign)))
    ended = {"state": CampaignState.ENDED, "ended_at": now}
    return session.execute(update(Campaign).where(_c(Campaign).is_demo).values(**ended)).rowcount  # type: ignore[attr-defined]


def _remove_rows_of_campaigns(database: Database) -> None:
    deliveries = select(_c(CommDelivery).id).where(_c(CommDelivery).campaign_id.in_(_demo(Campaign)))
    for model in (SandboxReceipt, SandboxMessage):
        _remove_in_parts(database, model, _c(model).delivery_id.in_(deliveries))
    sources = select(_c(ContactSource).id).where(_c(ContactSource).campaign_id.in_(_demo(Campaign)))
    _remove_in_parts(database, RejectedRow, _c(RejectedRow).source_id.in_(sources))
    for model in (CommDelivery, CommRequest, CampaignContact):
        _remove_in_parts(database, model, _c(model).campaign_id.in_(_demo(Campaign)))


def _remove_campaigns(session: Session) -> None:
    """With the rows of them that are few, or came while the many went."""
    for model in (
        CommDelivery, CampaignContact, ContactImport, ContactSource, CampaignProgress, CampaignChannel, TrafficMinute,
        Flow,
    ):  # fmt: skip
        _remove(session, model, _c(model).campaign_id.in_(_demo(Campaign)))
    _remove(session, Campaign, _c(Campaign).is_demo)


def _remove_persons(database: Database) -> tuple[int, int]:
    """How many went, and how many stayed because a campaign of your own knows them."""
    unused = select(_c(Person).id).where(_c(Person).is_demo, ~_is_used())
    _remove_in_parts(database, CommRequest, _c(CommRequest).person_id.in_(unused))
    kept = 0

    def remove(session: Session, ids: Sequence[int]) -> int:
        nonlocal kept
        lock_identities(session)
        used = select(_c(Person).id).where(_c(Person).id.in_(ids), _is_used())
        kept += _keep(session, Person, set(session.execute(used).scalars()))
        gone = session.execute(_demo(Person).where(_c(Person).id.in_(ids))).scalars().all()
        of_them = (
            Identity, CommDelivery, Suppression, Note, ScheduledActivity, PersonKey, PersonMerge, IdentityConflict,
        )  # fmt: skip
        for model in of_them:
            _remove(session, model, _c(model).person_id.in_(gone))
        queue_persons(session, gone)  # so that search forgets them, too
        return _remove(session, Person, _c(Person).id.in_(gone))

    return _in_parts(database, _demo(Person), remove), kept


def _is_used() -> ColumnElement[bool]:
    """Whether a campaign has the person, or has written to them."""
    in_campaigns = exists().where(_c(CampaignContact).person_id == _c(Person).id)
    in_comms = exists().where(_c(CommDelivery).person_id == _c(Person).id, _c(CommDelivery).campaign_id.is_not(None))
    return in_campaigns | in_comms


def _find_used(session: Session) -> tuple[set[int], set[int]]:
    """The gateways and the templates that campaigns use, or have used."""
    templates, gateways = set(), set()
    for graph in session.execute(select(_c(Flow).graph)).scalars():
        templates |= {node.get("template_id") for node in graph.get("nodes", ())}
        gateways |= {node.get("gateway_id") for node in graph.get("nodes", ())}
    gateways |= set(session.execute(select(_c(CommDelivery).gateway_id).distinct()).scalars())
    used = select(_c(CommDelivery).template_version_id).distinct()
    templates |= set(
        session.execute(select(_c(TemplateVersion).template_id).where(_c(TemplateVersion).id.in_(used))).scalars()
    )
    return gateways - {None}, templates - {None}


def _keep(session: Session, model: type[SQLModel], ids: set[int]) -> int:
    """Hand over to its user what is in use."""
    mine = update(model).where(_c(model).is_demo, _c(model).id.in_(ids)).values(is_demo=False)
    return session.execute(mine.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


def _claim_shoppers(session: Session) -> None:
    """Who came to be by the demo shop alone is of the demo: the persons behind its anonymous browsers."""
    events = select(_c(Event).person_id).where(_c(Event).source == SHOP_SOURCE, _c(Event).event_id.is_not(None))
    mine = _c(Event).person_id == _c(Person).id
    by_event = exists().where(mine, _c(Event).type == EventType.PERSON_CREATED, _c(Event).actor == ACTOR)
    elsewhere = exists().where(mine, _c(Event).source.not_in([SHOP_SOURCE, OWN_SOURCE]))
    claimed = update(Person).where(_c(Person).id.in_(events), by_event, ~elsewhere).values(is_demo=True)
    session.execute(claimed.execution_options(synchronize_session=False))


def _remove_rest(session: Session, *, campaigns: int, persons: int, kept: int) -> RemovedDemo:
    for model, name in ((App, SHOP_APP), (EventSource, SHOP_SOURCE)):
        _remove(session, model, _c(model).name == name)
    for model in (EventTypeSeen, PersonalField, QuarantinedEvent):
        _remove(session, model, _c(model).source == SHOP_SOURCE)
    suppressions = _remove(session, Suppression, _c(Suppression).is_demo)
    for model in (SandboxMessage, TrafficMinute):
        _remove(session, model, _c(model).gateway_id.in_(_demo(Gateway)))
    gateways = _remove(session, Gateway, _c(Gateway).is_demo)
    _remove(session, TemplateVersion, _c(TemplateVersion).template_id.in_(_demo(Template)))
    templates = _remove(session, Template, _c(Template).is_demo)
    _remove(session, ProfileView, _c(ProfileView).is_demo)
    return RemovedDemo(
        campaigns=campaigns, persons=persons, templates=templates, gateways=gateways, suppressions=suppressions,
        kept=kept,
    )  # fmt: skip


def _remove_in_parts(database: Database, model: type[SQLModel], which: ColumnElement[bool]) -> None:
    key = _c(model).id
    _in_parts(database, select(key).where(which), lambda session, ids: _remove(session, model, key.in_(ids)))


def _in_parts(database: Database, found: Select[Any], remove: Callable[[Session, Sequence[int]], int]) -> int:
    """`remove` what is found by reading, so that a long look holds up nobody who writes; the sum of its counts."""
    with database.read() as session:
        ids = read_keys(session, found)
    count = 0
    for start in range(0, len(ids), CHUNK):
        with database.write() as session:
            count += remove(session, ids[start : start + CHUNK])
    return count


def _remove(session: Session, model: type[SQLModel], which: ColumnElement[bool]) -> int:
    return session.execute(delete(model).where(which).execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


def _c(model: type[SQLModel]) -> Any:
    """The table's columns, as the query builder sees them."""
    return model
