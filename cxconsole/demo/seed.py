"""Fills an empty database with the demo world: the same one for the same moment."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlmodel import Session, select

from cxconsole import clock
from cxconsole.accounts.vault import Vault
from cxconsole.audience.csv_format import CsvFormat
from cxconsole.campaigns.flow import Step, graph_of
from cxconsole.database import Database
from cxconsole.demo.bulk import moment, next_key
from cxconsole.demo.doubles import write_conflicts
from cxconsole.demo.history import Keys, Ledger, PlayedStep, Player
from cxconsole.demo.people import DemoPerson, Population
from cxconsole.demo.schedule import send_times
from cxconsole.demo.store import write_gateways, write_ledger, write_persons, write_templates
from cxconsole.demo.views import write_views
from cxconsole.demo.world import CAMPAIGNS, DemoCampaign, Fate
from cxconsole.durations import format_duration
from models.campaign import WEEKDAYS, Campaign, CampaignState, Flow
from models.comm import CommDelivery, CommRequest
from models.contact import CampaignContact, ContactImport, ContactSource, ContactStatus, HoldReason, ImportState
from models.event import EventType
from models.gateway import Gateway
from models.person import Person
from models.system import SystemFlag
from models.template import Template

SEED = 20260519
SEEDED_FLAG = "demo_seeded"
DEMO_CONTACTS = 3000
ACTOR = "demo"


class Wiring(Protocol):
    """What the seed needs of the application."""

    @property
    def database(self) -> Database:
        """Where the rows go."""
        ...

    @property
    def vault(self) -> Vault:
        """What seals the gateways' secrets."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What all campaigns of the world share."""

    now: datetime
    persons: list[tuple[int, DemoPerson]]
    gateways: dict[str, int]
    versions: dict[str, tuple[int, int]]
    ledger: Ledger
    keys: Keys


_FILE_FORMAT = CsvFormat(
    encoding="utf-8", delimiter=",", has_header=True, newline="\n", data_at=0,
    headers=("customer_id", "email", "phone", "first_name", "last_name"),
)  # fmt: skip


def seed_demo(
    application: Wiring, *, contacts: int = DEMO_CONTACTS, seed: int = SEED, now: datetime | None = None
) -> bool:
    """Seed the demo world, unless there is already something in the database. True when it was seeded."""
    now = now or clock.now()
    with application.database.write() as session:
        if not is_empty(session):
            return False
        rng = random.Random(seed)  # noqa: S311 - the same world at every start
        people = Population(seed=seed).make(contacts, now=now, known_for_days=(30, 400))
        stage = Stage(
            now=now, persons=write_persons(session, people), gateways=write_gateways(session, application.vault, now),
            versions=write_templates(session, now), ledger=Ledger(),
            keys=Keys(*(next_key(session, model) for model in (CampaignContact, CommRequest, CommDelivery))),
        )  # fmt: skip
        for person_id, person in stage.persons:
            stage.ledger.note(EventType.PERSON_CREATED, person.created_at, person_id=person_id, actor=ACTOR)
        ids = [_play_campaign(session, stage, plan, random.Random(rng.random())) for plan in CAMPAIGNS]  # noqa: S311
        write_ledger(session, stage.ledger, ids)
        write_views(session, now)
        write_conflicts(session, stage.persons, now)
        session.add(SystemFlag(name=SEEDED_FLAG, value=moment(now) or "", updated_at=now))
    return True


def is_empty(session: Session) -> bool:
    """Whether nobody has put anything in yet; a world that was seeded and removed is not seeded again."""
    if session.get(SystemFlag, SEEDED_FLAG) is not None:
        return False
    return all(session.exec(select(model).limit(1)).first() is None for model in (Campaign, Person, Gateway, Template))


def _play_campaign(session: Session, stage: Stage, plan: DemoCampaign, rng: random.Random) -> int:
    campaign = _write_campaign(session, stage, plan)
    campaign_id, added_at = campaign.id or 0, campaign.created_at + timedelta(minutes=20)
    chosen = _choose(stage, plan, rng)
    stage.ledger.note(EventType.CAMPAIGN_CREATED, campaign.created_at, campaign_id=campaign_id, actor="operator")
    if chosen:
        source_id = _write_source(session, plan, campaign_id, len(chosen), added_at)
        player = Player(
            stage.ledger, stage.keys, rng, campaign_id=campaign_id, plan=plan, steps=_played_steps(stage, plan),
            source_id=source_id, added_at=added_at, now=stage.now,
        )  # fmt: skip
        _play_contacts(stage, plan, campaign, player, chosen, added_at)
    last = stage.ledger.last_activity.get(campaign_id)
    _settle_times(stage, plan, campaign, last)
    campaign.last_activity_at = last or (added_at if chosen else None)
    session.add(campaign)
    return campaign_id


def _choose(stage: Stage, plan: DemoCampaign, rng: random.Random) -> list[tuple[int, DemoPerson]]:
    """A share of all persons, oldest first; for text messages, those who have a number and a few who have none."""
    only_phones = bool(plan.steps) and all(step.channel == "sms" for step in plan.steps)
    fitting = [one for one in stage.persons if not only_phones or one[1].phone or rng.random() < 0.02]
    count = min(len(fitting), round(plan.share * len(stage.persons)))
    return sorted(rng.sample(fitting, count), key=lambda one: one[0])


def _play_contacts(
    stage: Stage, plan: DemoCampaign, campaign: Campaign, player: Player, persons: list[tuple[int, DemoPerson]],
    added_at: datetime,
) -> None:  # fmt: skip
    due, times = round(plan.done * len(persons)), iter(())
    if plan.fate in (Fate.NEW, Fate.CLOSED):
        due = 0
    elif campaign.published_at:
        times = send_times(plan, start=campaign.published_at)
    status, hold = HOLDS.get(plan.fate, (ContactStatus.PENDING, None))
    for place, (person_id, person) in enumerate(persons):
        at = next(times, None) if place < due else None
        if at is not None and at <= stage.now:
            player.contact(person_id, person, at=at)
        else:
            player.wait(person_id, due_at=added_at, status=status, hold_reason=hold)


HOLDS: dict[Fate, tuple[ContactStatus, HoldReason]] = {
    Fate.PAUSED: (ContactStatus.HELD, HoldReason.UNPUBLISHED),
    Fate.EXPIRED: (ContactStatus.HELD, HoldReason.EXPIRED),
    Fate.ABORTED: (ContactStatus.HELD, HoldReason.ENDED),
    Fate.ENDED: (ContactStatus.HELD, HoldReason.ENDED),
}


def _write_campaign(session: Session, stage: Stage, plan: DemoCampaign) -> Campaign:
    created_at = stage.now - timedelta(days=plan.created_days)
    published_at = None if plan.published_days is None else stage.now - timedelta(days=plan.published_days)
    campaign = Campaign(
        name=plan.name, description=plan.description, is_demo=True, time_zone=plan.time_zone,
        state=CampaignState.UNPUBLISHED, window_start=plan.window[0], window_end=plan.window[1],
        window_in_zone_of=plan.zone_of, per_minute=plan.limit_per_minute,
        per_person_count=plan.per_person[0] if plan.per_person else None,
        per_person_window=plan.per_person[1] if plan.per_person else None,
        flow_version=1, first_published_at=published_at, published_at=published_at, created_at=created_at,
        updated_at=published_at or created_at,
    )  # fmt: skip
    if plan.fate is Fate.CLOSED:
        # three days of the week that are neither today nor tomorrow, whatever the time zone
        campaign.window_days = [WEEKDAYS[(stage.now.weekday() + ahead) % 7] for ahead in (2, 3, 4)]
    session.add(campaign)
    session.flush()
    session.add(Flow(campaign_id=campaign.id or 0, version=1, graph=_graph(stage, plan), created_at=created_at))
    return campaign


def _settle_times(stage: Stage, plan: DemoCampaign, campaign: Campaign, last: datetime | None) -> None:
    """The state, and when it was reached; the events say who did it."""
    ledger, campaign_id = stage.ledger, campaign.id
    if campaign.published_at is None:
        return
    ledger.note(EventType.CAMPAIGN_PUBLISHED, campaign.published_at, campaign_id=campaign_id, actor="operator")
    stopped_at = min((last or campaign.published_at) + timedelta(minutes=9), stage.now)
    campaign.state = CampaignState.PUBLISHED
    if plan.fate is Fate.EXPIRED:
        campaign.starts_at, campaign.ends_at = campaign.published_at - timedelta(hours=1), stopped_at
    elif plan.fate is Fate.PAUSED:
        campaign.state = CampaignState.UNPUBLISHED
        campaign.updated_at = stopped_at
        ledger.note(EventType.CAMPAIGN_UNPUBLISHED, stopped_at, campaign_id=campaign_id, actor="operator")
    elif plan.fate in (Fate.ENDED, Fate.ABORTED):
        campaign.state = CampaignState.ENDED
        campaign.ended_at = campaign.updated_at = stopped_at
        ledger.note(EventType.CAMPAIGN_ENDED, stopped_at, campaign_id=campaign_id, actor="operator")


def _graph(stage: Stage, plan: DemoCampaign) -> dict[str, Any]:
    return graph_of([
        Step(
            id=f"s{place}", channel=step.channel, template_id=stage.versions[step.template][0],
            gateway_id=stage.gateways[step.channel], delay=format_duration(timedelta(minutes=step.delay_minutes)),
            only_if_not=step.unless,
        )
        for place, step in enumerate(plan.steps, 1)
    ])  # fmt: skip


def _played_steps(stage: Stage, plan: DemoCampaign) -> list[PlayedStep]:
    return [
        PlayedStep(
            node=f"s{place}", plan=step, gateway_id=stage.gateways[step.channel],
            version_id=stage.versions[step.template][1],
        )
        for place, step in enumerate(plan.steps, 1)
    ]  # fmt: skip


def _write_source(session: Session, plan: DemoCampaign, campaign_id: int, count: int, at: datetime) -> int:
    kind, name = plan.source
    source = ContactSource(
        campaign_id=campaign_id, kind=kind, name=name, rows_read=count, created=count, contacts=count,
        created_at=at - timedelta(seconds=4), last_row_at=at,
    )  # fmt: skip
    session.add(source)
    session.flush()
    if kind == "file":
        size = count * 118
        session.add(ContactImport(
            source_id=source.id or 0, campaign_id=campaign_id, state=ImportState.DONE, file_name=name, path="",
            mapping={}, options={"format": _FILE_FORMAT.to_json()},
            bytes_done=size, bytes_total=size, rows_total=count, actor="operator",
            started_at=source.created_at, finished_at=at, created_at=source.created_at,
        ))  # fmt: skip
    return source.id or 0
