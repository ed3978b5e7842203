"""Puts the demo world's rows into the database, many at once."""

from datetime import datetime, timedelta

from sqlmodel import Session

from cxconsole.accounts.vault import Vault
from cxconsole.audience.counters import column_of
from cxconsole.audience.search import queue_persons
from cxconsole.demo.bulk import advance_key, document, moment, take_keys, write_rows
from cxconsole.demo.content import TEMPLATES
from cxconsole.demo.history import TIMES, Ledger
from cxconsole.demo.people import DemoPerson
from cxconsole.gateways.port import FAILURES_TO_OPEN
from models.campaign import CampaignChannel, CampaignProgress, TrafficMinute
from models.comm import CommDelivery, CommRequest, RateUsage
from models.contact import CampaignContact
from models.event import Event
from models.gateway import Gateway, GatewayHealth, SandboxReceipt
from models.person import Identity, Person
from models.suppression import Suppression
from models.template import Template, TemplateVersion


def write_persons(session: Session, people: list[DemoPerson]) -> list[tuple[int, DemoPerson]]:
    """Store persons with their identities; each with its key."""
    numbered = list(zip(take_keys(session, Person, len(people)), people, strict=True))
    write_rows(
        session, Person,
        ("id", "first_name", "last_name", "language", "time_zone", "preferred_channel", "attributes", "consents",
         "labels", "is_demo", "created_at", "updated_at"),
        ((key, one.first_name, one.last_name, one.language, one.time_zone, one.preferred_channel,
          document(one.attributes), document(one.consents), document(one.labels), 1, moment(one.created_at),
          moment(one.created_at)) for key, one in numbered),
    )  # fmt: skip
    write_rows(
        session, Identity, ("person_id", "kind", "value", "is_primary", "created_at"),
        ((key, kind, value, 1, moment(one.created_at)) for key, one in numbered
         for kind, value in (("email", one.email), ("phone", one.phone), ("customer_id", one.customer_id)) if value),
    )  # fmt: skip
    queue_persons(session, (key for key, _ in numbered))
    return numbered


def write_gateways(session: Session, vault: Vault, now: datetime) -> dict[str, int]:
    """Two sandboxes that send, a server that was asked to slow down, and a vendor that has stopped; key -> id."""
    since = now - timedelta(minutes=23)
    sender = "Northwind Energy <hello@northwind.example>"
    known = {
        "email": Gateway(name="Sandbox mail", kind="sandbox", channel="email", settings={"sender": sender}),
        "sms": Gateway(name="Sandbox SMS", kind="sandbox", channel="sms", settings={"sender": "Northwind", "seed": 2}),
        "slow": Gateway(
            name="House SMTP", kind="smtp", channel="email", per_minute=120, per_domain_per_minute=10,
            settings={"host": "mail.northwind.example", "port": 587, "tls": "starttls", "verify": True,
                      "username": "cxconsole", "sender": sender, "connections": 8},
            secrets=vault.seal({"password": "made-up"}), health=GatewayHealth.DEGRADED, slowed_to_per_minute=84,
            health_error="The server said “421 4.7.0 Too many connections”.", health_since=since,
        ),
        "stopped": Gateway(
            name="Practice SMTP, always down", kind="sandbox", channel="email",
            settings={"sender": sender, "seed": 3, "down": True}, health=GatewayHealth.OPEN,
            failures_in_a_row=FAILURES_TO_OPEN, health_error="The sandbox is switched to “down”.", health_since=since,
            health_retry_at=now + timedelta(minutes=1),
        ),
    }  # fmt: skip
    for name, gateway in known.items():
        gateway.is_demo, gateway.tested_at, gateway.test_passed = True, now - timedelta(hours=2), name != "stopped"
        gateway.test_steps = [
            {"name": title, "ok": ok, "detail": detail, "milliseconds": spent}
            for title, ok, detail, spent in TEST_STEPS[name]
        ]
        gateway.created_at = gateway.updated_at = now - timedelta(days=29)
        session.add(gateway)
    session.flush()
    return {name: gateway.id or 0 for name, gateway in known.items()}


_HOME = ("Connected", True, "Nothing leaves this machine.", 0)
TEST_STEPS = {
    "email": (_HOME, ("Test message accepted", True, "250 kept in the sandbox", 6)),
    "sms": (_HOME, ("Test message accepted", True, "250 kept in the sandbox", 5)),
    "slow": (
        ("Name found", True, "mail.northwind.example", 8),
        ("Connected", True, "TLS 1.3, certificate good", 84),
        ("Signed in", True, "as cxconsole", 31),
        ("Test message accepted", True, "250 2.0.0 Ok: queued", 212),
    ),
    "stopped": (_HOME, ("Test message accepted", False, "The sandbox is switched to “down”.", 2)),
}


def write_templates(session: Session, now: datetime) -> dict[str, tuple[int, int]]:
    """Each template with its first version: key -> (template, version)."""
    at = now - timedelta(days=29)
    keys: dict[str, tuple[int, int]] = {}
    for one in TEMPLATES:
        template = Template(
            name=one.name, channel=one.channel, language=one.language, is_demo=True, created_at=at, updated_at=at
        )
        session.add(template)
        session.flush()
        version = TemplateVersion(
            template_id=template.id or 0, version=1, subject=one.subject, html=one.html, text=one.text, created_at=at
        )
        session.add(version)
        session.flush()
        template.current_version_id = version.id
        keys[one.key] = (template.id or 0, version.id or 0)
    return keys


def write_ledger(session: Session, ledger: Ledger, campaign_ids: list[int]) -> None:
    """All rows of the history, and the numbers that are counted from them."""
    write_rows(
        session, CampaignContact,
        ("id", "campaign_id", "person_id", "source_id", "status", "hold_reason", "reason", "node", "due_at",
         "last_activity_at", "created_at"),
        ledger.contacts,
    )  # fmt: skip
    write_rows(
        session, CommRequest,
        ("id", "trigger_kind", "trigger_id", "campaign_id", "contact_id", "person_id", "priority", "comm_code", "state",
         "reason", "created_at", "updated_at"),
        ledger.requests,
    )  # fmt: skip
    write_rows(
        session, CommDelivery,
        ("id", "request_id", "campaign_id", "contact_id", "person_id", "node", "channel", "target", "gateway_id",
         "template_version_id", "merge", "state", "attempts", "not_before", "possible_duplicate", "checks", "reason",
         "created_at", *(f"{name}_at" for name in TIMES)),
        ledger.deliveries,
    )  # fmt: skip
    write_rows(
        session, Event,
        ("source", "type", "person_id", "campaign_id", "contact_id", "delivery_id", "time", "actor", "data"),
        (("cxconsole", one[1], *one[2:6], moment(one[0]), *one[6:])
         for one in sorted(ledger.events, key=lambda one: one[0])),
    )  # fmt: skip
    usage = ((scope, second, used) for (scope, second), used in ledger.usage.items())
    write_rows(session, RateUsage, ("scope", "second", "used"), usage)
    write_rows(session, SandboxReceipt, ("delivery_id", "status", "reason", "due_at"), ledger.receipts)
    write_rows(
        session, Suppression, ("address", "channel", "reason", "note", "actor", "is_demo", "created_at"),
        ((address, channel, reason, "", "engine", 1, moment(at))
         for address, (at, reason, channel) in ledger.suppressed.items()),
    )  # fmt: skip
    advance_key(session, CampaignContact, CommRequest, CommDelivery)
    _write_numbers(session, ledger, campaign_ids)


def _write_numbers(session: Session, ledger: Ledger, campaign_ids: list[int]) -> None:
    progress = {campaign_id: CampaignProgress(campaign_id=campaign_id) for campaign_id in campaign_ids}
    for (campaign_id, status, hold), count in ledger.statuses.items():
        row = progress[campaign_id]
        column = column_of(status, hold)
        setattr(row, column, getattr(row, column) + count)
        row.planned += count
    channels: dict[tuple[int, str], CampaignChannel] = {}
    for (campaign_id, channel, name), count in ledger.outcomes.items():
        key = (campaign_id, channel)
        row = channels.setdefault(key, CampaignChannel(campaign_id=campaign_id, channel=channel))
        setattr(row, name, count)
    session.add_all([*progress.values(), *channels.values()])
    minutes: dict[tuple[int, int, int, str], list[int]] = {}
    for (*key, outcome), count in ledger.traffic.items():
        minutes.setdefault(tuple(key), [0, 0])[outcome == "failed"] += count  # type: ignore[arg-type]
    write_rows(
        session, TrafficMinute, ("minute", "campaign_id", "gateway_id", "channel", "sent", "failed"),
        ((*key, *counts) for key, counts in minutes.items()),
    )  # fmt: skip
