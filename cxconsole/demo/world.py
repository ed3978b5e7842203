"""The campaigns of the demo world, as data: one in every state a campaign can be in."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """How a demo campaign stands at the first look."""

    NEW = "new"  # unpublished, never published
    PAUSED = "paused"  # unpublished after a while: the rest is held
    RUNNING = "running"  # published, sending now
    CLOSED = "closed"  # published, its window is closed today
    EXPIRED = "expired"  # published, its validity period has ended: the rest is held
    FINISHED = "finished"  # published, everyone is done
    ENDED = "ended"  # ended when everyone was done
    ABORTED = "aborted"  # ended half-way: the rest is held for good


@dataclass(frozen=True, kw_only=True)
class DemoStep:
    """One message of a flow; `template` is a key of content.TEMPLATES."""

    channel: str
    template: str
    delay_minutes: int = 0
    unless: str | None = None


@dataclass(frozen=True, kw_only=True)
class DemoCampaign:
    """One campaign. `share` is its part of all demo persons, `done` the part that was sent before it stopped."""

    key: str
    name: str
    description: str
    fate: Fate
    share: float
    created_days: float
    published_days: float | None = None
    done: float = 1.0
    per_minute: float = 6
    limit_per_minute: int | None = None
    steps: tuple[DemoStep, ...] = ()
    source: tuple[str, str] = ("file", "customers.csv")
    window: tuple[str, str] = ("00:00", "24:00")
    time_zone: str = "Europe/Stockholm"
    zone_of: str = "campaign"
    per_person: tuple[int, str] | None = None


def _mail(template: str) -> tuple[DemoStep, ...]:
    return (DemoStep(channel="email", template=template),)


def _text(template: str) -> tuple[DemoStep, ...]:
    return (DemoStep(channel="sms", template=template),)


CAMPAIGNS = (
    DemoCampaign(
        key="renewal", name="Contract renewal, homes", fate=Fate.ENDED, share=0.74, created_days=29,
        published_days=27.2,
        description="Everyone whose contract ends next month keeps the price for two more years.",
        steps=_mail("renewal"), source=("file", "contracts-ending.csv"), per_minute=4, window=("09:00", "17:30"),
    ),
    DemoCampaign(
        key="outage", name="District heating outage", fate=Fate.ENDED, share=0.2, created_days=21.5,
        published_days=21.1,
        description="Warns the homes of one district of a morning without heating.",
        steps=_text("outage_sms"), source=("file", "district-4.csv"), per_minute=30, window=("08:00", "20:00"),
    ),
    DemoCampaign(
        key="meter", name="Meter reading reminder", fate=Fate.FINISHED, share=0.5, created_days=17, published_days=15.3,
        description="A short reminder to read the meter by Sunday.",
        steps=_text("meter_sms"), source=("rest", "REST endpoint"), per_minute=1.5, window=("08:00", "20:00"),
    ),
    DemoCampaign(
        key="solar", name="Solar club invitation", fate=Fate.EXPIRED, share=0.5, created_days=13, published_days=11.4,
        description="Invites homes with a good roof to the solar club. Its validity period has ended.",
        steps=_mail("solar"), source=("file", "roofs-2026.csv"), per_minute=1.6, done=0.78, window=("09:00", "20:00"),
        zone_of="person",
    ),
    DemoCampaign(
        key="arrears", name="Arrears, second notice", fate=Fate.ABORTED, share=0.16, created_days=9, published_days=8.2,
        description="Ended half-way, because the bank had mixed up the payments.",
        steps=_mail("renewal"), source=("manual", "Added by hand"), per_minute=2, done=0.55, window=("09:00", "17:30"),
    ),
    DemoCampaign(
        key="heat_pump", name="Heat pump offer", fate=Fate.PAUSED, share=0.6, created_days=6.5, published_days=5.1,
        description="A free visit and a fixed price. Paused while the fitters are fully booked.",
        steps=_mail("heat_pump"), source=("file", "detached-houses.csv"), per_minute=1.2, done=0.36,
        window=("09:00", "17:30"), per_person=(2, "P7D"),
    ),
    DemoCampaign(
        key="survey", name="Service survey, week 20", fate=Fate.CLOSED, share=0.3, created_days=3, published_days=1.6,
        description="One question to everyone who talked to us. It waits for its days of the week.",
        steps=_mail("survey"), source=("rest", "REST endpoint"), window=("09:00", "17:30"),
    ),
    DemoCampaign(
        key="welcome", name="Welcome, new customers", fate=Fate.FINISHED, share=0.9, created_days=2.8,
        published_days=23 / 24, description="Greets everyone who signed up this week and asks one question.",
        steps=_mail("survey"), source=("rest", "REST endpoint"), per_minute=2.3,
    ),
    DemoCampaign(
        key="tariff", name="Spring tariff change", fate=Fate.RUNNING, share=1.0, created_days=2.2,
        published_days=34 / 1440,
        description="Tells all customers about the price from 1 July, by e-mail; by SMS those who have no e-mail or "
        "did not open it.",
        steps=(DemoStep(channel="email", template="tariff"),
               DemoStep(channel="sms", template="tariff_sms", delay_minutes=10, unless="opened")),
        source=("file", "all-customers.csv"), per_minute=25, limit_per_minute=40,
    ),
    DemoCampaign(
        key="reading", name="Autumn check-up", fate=Fate.NEW, share=0.08, created_days=0.9,
        description="Ready to go: look at its pre-flight list and publish it.",
        steps=_mail("survey"), source=("file", "check-up.csv"), limit_per_minute=60,
    ),
    DemoCampaign(
        key="guarantee", name="Price guarantee follow-up", fate=Fate.NEW, share=0, created_days=0.2,
        description="", source=("manual", "Added by hand"),
    ),
)  # fmt: skip

RUNNING_KEY = "tariff"
