"""The customers of the demo world: made up, the same ones at every start.

Addresses end in `.example` and telephone numbers are from ranges kept for fiction, so that a demo
person sent to by mistake through a real gateway is nobody.
"""

import random
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Land:
    """Where some of the persons live. `phones` are patterns whose x stand for digits."""

    locale: str
    language: str
    share: int
    zones: tuple[tuple[str, tuple[str, ...]], ...]


# The patterns: North America 555-01xx, the German and Swedish regulators' numbers for film and television.
LANDS = (
    Land(locale="en_US", language="en", share=30, zones=(
        ("America/New_York", ("+121255501xx", "+120255501xx", "+130555501xx", "+161755501xx", "+140455501xx")),
        ("America/Chicago", ("+131255501xx", "+121455501xx", "+171355501xx", "+160855501xx")),
        ("America/Denver", ("+130355501xx", "+180155501xx")),
        ("America/Los_Angeles", ("+121355501xx", "+120655501xx", "+141555501xx", "+150355501xx")),
    )),
    Land(locale="en_CA", language="en", share=10, zones=(
        ("America/Toronto", ("+141655501xx", "+161355501xx")), ("America/Vancouver", ("+160455501xx",)),
    )),
    Land(locale="sv_SE", language="sv", share=12, zones=(("Europe/Stockholm", ("+467017406xx",)),)),
    Land(locale="de_DE", language="de", share=14, zones=(("Europe/Berlin", ("+4917139200xx",)),)),
    Land(locale="en_GB", language="en", share=8, zones=(("Europe/London", ()),)),
    Land(locale="fr_FR", language="fr", share=6, zones=(("Europe/Paris", ()),)),
    Land(locale="es_ES", language="es", share=4, zones=(("Europe/Madrid", ()),)),
    Land(locale="it_IT", language="it", share=3, zones=(("Europe/Rome", ()),)),
    Land(locale="nl_NL", language="nl", share=3, zones=(("Europe/Amsterdam", ()),)),
    Land(locale="pl_PL", language="pl", share=3, zones=(("Europe/Warsaw", ()),)),
    Land(locale="pt_BR", language="pt", share=3, zones=(("America/Sao_Paulo", ()),)),
    Land(locale="en_IN", language="en", share=2, zones=(("Asia/Kolkata", ()),)),
    Land(locale="en_AU", language="en", share=2, zones=(("Australia/Sydney", ()),)),
)  # fmt: skip

DOMAINS = ("mail.example", "post.example", "inbox.example", "letterbox.example", "family.example", "work.example")
PLANS = ("Green Flex", "Green Fixed", "Basic", "Family", "Solar Share")
LABELS = (("solar", 0.08), ("business", 0.06), ("vip", 0.03))
POOL = 90  # names drawn from each country's list; persons combine them


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """One made-up customer."""

    first_name: str
    last_name: str
    language: str
    time_zone: str
    preferred_channel: str | None
    email: str | None
    phone: str | None
    customer_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, Any] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    created_at: datetime


@dataclass(frozen=True)
class Names:
    """A country's names and towns."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    towns: tuple[str, ...]


def draw_names(land: Land, *, seed: int) -> Names:
    """The same names for the same seed."""
    from faker import Faker  # here, because it is slow to load and a seeded console needs it no more

    faker = Faker(land.locale)
    faker.seed_instance(seed)
    return Names(
        tuple(faker.first_name() for _ in range(POOL)),
        tuple(faker.last_name() for _ in range(POOL)),
        tuple(faker.city() for _ in range(POOL // 3)),
    )


def plain(name: str) -> str:
    """A name as it may stand in an address: `Łukasz O'Hara` becomes `lukasz.ohara`."""
    name = name.lower().translate(str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "æ": "ae"}))
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(one for one in letters.replace(" ", ".") if one.isalnum() or one == ".").strip(".")


class Population:
    """Makes persons one after another, numbered from `start`. Telephone numbers are few: one population has them."""

    def __init__(self, *, seed: int, start: int = 1, with_phones: bool = True) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up people, not secrets
        self._number = start
        self._names = {land.locale: draw_names(land, seed=seed) for land in LANDS}
        self._phones = {
            pattern: iter(range(10 ** pattern.count("x")))
            for land in LANDS for _, patterns in land.zones for pattern in patterns if with_phones
        }  # fmt: skip

    def make(self, count: int, *, now: datetime, known_for_days: tuple[float, float]) -> list[DemoPerson]:
        """So many persons, customers for a time between the two, the oldest first."""
        ages = sorted((self._random.uniform(*known_for_days) for _ in range(count)), reverse=True)
        return [self._make_one(now - timedelta(days=age)) for age in ages]

    def _make_one(self, created_at: datetime) -> DemoPerson:
        rng, number = self._random, self._number
        self._number += 1
        land = rng.choices(LANDS, weights=[one.share for one in LANDS])[0]
        names = self._names[land.locale]
        zone, patterns = rng.choice(land.zones)
        first, last = rng.choice(names.first), rng.choice(names.last)
        phone = self._take_phone(patterns) if rng.random() < 0.93 else None
        has_email = phone is None or rng.random() < 0.9
        return DemoPerson(
            first_name=first,
            last_name=last,
            language=land.language,
            time_zone=zone,
            preferred_channel=rng.choices((None, "email", "sms"), weights=(70, 20, 10))[0],
            email=f"{plain(first)}.{plain(last)}{number}@{rng.choice(DOMAINS)}" if has_email else None,
            phone=phone,
            customer_id=f"NW-{100000 + number}",
            attributes={
                "city": rng.choice(names.towns),
                "plan": rng.choice(PLANS),
                "meter_number": f"{rng.randrange(10**9, 10**10)}",
                "yearly_kwh": rng.randrange(1200, 9600, 50),
            },
            consents=_consents(rng, created_at),
            labels=[label for label, chance in LABELS if rng.random() < chance],
            created_at=created_at,
        )

    def _take_phone(self, patterns: tuple[str, ...]) -> str | None:
        """The next free number of these ranges; None when they are used up."""
        for pattern in patterns:
            number = next(self._phones.get(pattern, iter(())), None)
            if number is not None:
                width = pattern.count("x")
                return pattern[:-width] + f"{number:0{width}d}"
        return None


def _consents(rng: random.Random, at: datetime) -> dict[str, Any]:
    draw = rng.random()
    if draw < 0.6:
        return {"email": {"granted": True, "at": at.isoformat()}, "sms": {"granted": True, "at": at.isoformat()}}
    if draw < 0.615:
        return {"email": {"granted": False, "at": at.isoformat()}}
    return {}
