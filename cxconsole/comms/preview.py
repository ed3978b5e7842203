"""Content as one person would get it: on the screen, and as a test message in a real inbox."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.problems import Problem
from cxconsole.audience.suppressions import clean_target
from cxconsole.comms.content_check import SAMPLE_CAMPAIGN, ContentFinding, check_content
from cxconsole.comms.links import Links
from cxconsole.comms.merge_fields import load_fields, sample_persons
from cxconsole.comms.profile_fields import add_profiles
from cxconsole.comms.reactions import TEST_DELIVERY
from cxconsole.comms.rendering import (
    TemplateContent,
    compile_template,
    describe_fields,
    render,
    render_with_gaps,
)
from cxconsole.comms.sms_length import SmsLength, measure_sms
from cxconsole.comms.templates import get_template
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.gateways.port import Gateway, GatewayError, OutgoingMessage
from cxconsole.gateways.registry import build_gateway
from cxconsole.gateways.service import find_gateway
from cxconsole.gateways.testing import Console
from cxconsole.signals import topics
from models.campaign import Campaign, campaign_code
from models.gateway import Gateway as GatewayRow
from models.person import Channel

_LONGEST_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A message as one person gets it. What has no value stands as `[name]`; `findings` say so too."""

    person_id: int | None
    subject: str
    html: str | None
    text: str
    findings: tuple[ContentFinding, ...]
    missing: tuple[str, ...]
    size_bytes: int
    sms: SmsLength | None


@dataclass(frozen=True, kw_only=True)
class TestSend:
    """What came of a test message. `detail` is the other side's answer, or what failed, why, and how to mend it."""

    __test__ = False

    sent: bool
    detail: str
    milliseconds: int = 0


def preview_template(
    session: Session,
    content: TemplateContent,
    *,
    channel: str,
    person_id: int | None = None,
    campaign_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> Preview:
    """The content, saved or not, as this person gets it; without a person, as the first of the campaign (or of all).

    Raises TemplateProblem for content that does not compile, RenderProblem for data it cannot be made with.
    """
    actor.require("templates.read")
    person_id, fields = _choose_person(session, content, person_id, campaign_id, actor=actor, now=now)
    about = _describe_campaign(session, campaign_id)
    values = describe_fields(fields, campaign=about, unsubscribe_url="#")
    rendered, missing = render_with_gaps(compile_template(content), values)
    findings = check_content(content, channel=channel, samples=[fields])
    return Preview(
        person_id=person_id,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        findings=tuple(findings),
        missing=tuple(missing),
        size_bytes=len((rendered.html or "").encode()) + len(rendered.text.encode()),
        sms=measure_sms(rendered.text) if channel == Channel.SMS else None,
    )


def check_template(
    session: Session,
    content: TemplateContent,
    *,
    channel: str,
    campaign_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> list[ContentFinding]:
    """Findings over a sample of up to 400 people of the campaign, or of all."""
    actor.require("templates.read")
    samples = load_fields(session, sample_persons(session, campaign_id))
    add_profiles(session, samples, [content], actor=actor, now=now)
    return check_content(content, channel=channel, samples=list(samples.values()))


async def test_send(
    console: Console,
    content: TemplateContent | int,
    gateway_id: int,
    target: str,
    *,
    person_id: int | None = None,
    campaign_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> TestSend:
    """Send one message to `target` through the gateway; `content` is a template's id or an unsaved draft.

    Merged with the person's fields. Nothing is stored and nobody is counted; limits of the gateway are not spent.
    Takes at most 60 seconds. Raises NotFound, Invalid, MissingField; a gateway that fails is an answer, not an error.
    """
    actor.require("templates.edit")
    row, message = await asyncio.to_thread(
        _prepare, console, content, gateway_id, target, person_id, campaign_id, actor, now
    )
    started = asyncio.get_running_loop().time()
    gateway = build_gateway(row, vault=console.vault, database=console.database, settings=console.settings)
    result = await _send(gateway, message)
    console.signals.publish(topics.SANDBOX)
    milliseconds = round((asyncio.get_running_loop().time() - started) * 1000)
    return TestSend(sent=result[0], detail=result[1], milliseconds=milliseconds)


test_send.__test__ = False  # type: ignore[attr-defined]  # for pytest: this is the product, not a test


async def _send(gateway: Gateway, message: OutgoingMessage) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            receipt = await gateway.send(message)
        return True, receipt.detail or "Accepted."
    except GatewayError as error:
        return False, error.detail
    except TimeoutError:
        return False, f"No answer within {_LONGEST_SECONDS} seconds. Test the gateway to see where it hangs."
    finally:
        await gateway.close()


def _prepare(
    console: Console,
    content: TemplateContent | int,
    gateway_id: int,
    target: str,
    person_id: int | None,
    campaign_id: int | None,
    actor: Actor,
    now: datetime,
) -> tuple[GatewayRow, OutgoingMessage]:
    with console.database.read() as session:
        row = find_gateway(session, gateway_id)
        said: TemplateContent = get_template(session, content, actor=actor) if isinstance(content, int) else content
        _check_fit(said, row)
        address = _check_target(target, row.channel)
        _, fields = _choose_person(session, said, person_id, campaign_id, actor=actor, now=now)
        about = _describe_campaign(session, campaign_id)
    url = Links.build(console.settings, console.vault).unsubscribe_url(TEST_DELIVERY)
    rendered = render(compile_template(said), describe_fields(fields, campaign=about, unsubscribe_url=url))
    host = console.settings.base_url.split("//")[-1].split("/")[0].split(":")[0] or "localhost"
    message = OutgoingMessage(
        delivery_id=None,
        message_id=f"t{uuid.uuid4().hex}.test@{host}",
        target=address,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        unsubscribe_url=url if rendered.html is not None else None,
        fields=dict(fields),
    )
    return row, message


def _check_fit(content: TemplateContent, row: GatewayRow) -> None:
    channel = getattr(content, "channel", None)
    if channel is not None and channel != row.channel:
        raise Invalid.field("gateway_id", f"This gateway is for {row.channel}, the template for {channel}.")
    if not row.active:
        raise Conflict(f"The gateway “{row.name}” is switched off. Switch it on, or choose another one.")


def _check_target(target: str, channel: str) -> str:
    found = clean_target(target)
    if isinstance(found, Problem) or found[1] != channel:
        what = "an e-mail address" if channel == Channel.EMAIL else "a phone number such as +4915112345678"
        raise Invalid.field("target", f"Write {what}.")
    return found[0]


def _choose_person(
    session: Session,
    content: TemplateContent,
    person_id: int | None,
    campaign_id: int | None,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[int | None, dict[str, Any]]:
    if person_id is None:
        person_id = next(iter(sample_persons(session, campaign_id, size=2)), None)
        if person_id is None:
            return None, {}
    found = load_fields(session, [person_id])
    if person_id not in found:
        raise NotFound(f"There is no person {person_id}.")
    add_profiles(session, found, [content], actor=actor, now=now)
    return person_id, found[person_id]


def _describe_campaign(session: Session, campaign_id: int | None) -> Mapping[str, str]:
    campaign = session.get(Campaign, campaign_id) if campaign_id is not None else None
    return SAMPLE_CAMPAIGN if campaign is None else {"id": campaign_code(campaign.id or 0), "name": campaign.name}
