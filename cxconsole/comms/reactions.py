"""What a recipient does with a message, told by its links: opened, clicked, wants no more.

Only unsubscribing changes what happens to a person, and only `unsubscribe` does it: looking at the
page (a GET, which mail scanners do too) changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from html import escape

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.audience.suppressions import NewSuppression, store_suppressions
from cxconsole.comms.hooks import CampaignHooks
from cxconsole.comms.links import CLICK, OPEN, UNSUBSCRIBE, Links, is_web_address
from cxconsole.comms.outbox import write_judgements
from cxconsole.comms.policy import Candidate, Judgement, Ruling
from cxconsole.comms.receipts import ReceiptRow, record_receipts
from cxconsole.errors import NotFound
from models.comm import CommDelivery, DeliveryState
from models.person import ADDRESS_OF, Channel, Identity
from models.suppression import Suppression, SuppressionReason

RECIPIENT = Actor(kind="recipient", name="recipient")
"""Whoever holds a message: may say what became of it, by its signed links, and nothing else."""

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent GIF of one pixel."""

TEST_DELIVERY = 0
"""Stands for a delivery in the links of previews and test messages."""

_WORDS = {Channel.EMAIL: "e-mails", Channel.SMS: "text messages"}


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What a page may show of a delivery to whoever holds its link. `address` is masked."""

    address: str
    channel: str
    unsubscribed: bool


@dataclass(frozen=True, kw_only=True)
class Unsubscribed:
    """What came of it: the suppression that stands now, and how many queued messages were stopped."""

    subscription: Subscription
    suppression_id: int | None
    stopped: int


def record_open(session: Session, token: str, *, links: Links, now: datetime) -> int | None:
    """Note that a message was opened; its campaign's id for the signal. A link that is not ours is passed over."""
    try:
        return _record(session, links.read_token(OPEN, token), "opened", now=now)
    except NotFound:
        return None


def record_click(session: Session, token: str, address: str, *, links: Links, now: datetime) -> int | None:
    """Note a click; its campaign's id. Raises NotFound unless the token was made for this very address.

    After it, and only then, the address may be redirected to.
    """
    delivery_id = links.read_token(CLICK, token, address)
    if not is_web_address(address):
        raise NotFound("This link does not lead to a web page.")
    return _record(session, delivery_id, "clicked", now=now)


def get_subscription(session: Session, token: str, *, links: Links) -> Subscription:
    """Whom the link of an unsubscription is about. Changes nothing. Raises NotFound."""
    delivery = _find(session, links.read_token(UNSUBSCRIBE, token))
    if delivery is None:
        return Subscription(address="a test message", channel=Channel.EMAIL, unsubscribed=False)
    return _describe(delivery, unsubscribed=_find_suppression(session, delivery) is not None)


def unsubscribe(session: Session, token: str, *, links: Links, hooks: CampaignHooks, now: datetime) -> Unsubscribed:
    """No more messages to this address on this channel, from now on, queued ones included. Doing it twice is as once.

    The caller then publishes topics.SUPPRESSIONS and topics.WORK. Raises NotFound.
    """
    delivery = _find(session, links.read_token(UNSUBSCRIBE, token))
    if delivery is None:
        subscription = Subscription(address="a test message", channel=Channel.EMAIL, unsubscribed=True)
        return Unsubscribed(subscription=subscription, suppression_id=None, stopped=0)
    assert delivery.id is not None
    record_receipts(session, [ReceiptRow(delivery_id=delivery.id, status="unsubscribed", at=now)], now=now)
    new = NewSuppression(
        address=delivery.target.lower(), channel=delivery.channel, reason=SuppressionReason.UNSUBSCRIBED, note=""
    )
    store_suppressions(session, [new], actor=RECIPIENT, now=now)
    stopped = _stop_queued(session, delivery, hooks=hooks, now=now)
    return Unsubscribed(
        subscription=_describe(delivery, unsubscribed=True),
        suppression_id=_find_suppression(session, delivery),
        stopped=stopped,
    )


def unsubscribe_page(subscription: Subscription) -> str:
    """The page of a link to unsubscribe, as plain HTML: one button before, a sentence after."""
    many = _WORDS.get(Channel(subscription.channel), "messages")
    address = escape(subscription.address)
    if subscription.unsubscribed:
        title = "You are unsubscribed"
        body = f"<p>We will not send {many} to <strong>{address}</strong> any more.</p>"
    else:
        title = "Unsubscribe?"
        body = (
            f"<p>You are about to stop all {many} to <strong>{address}</strong>.</p>"
            '<form method="post"><button type="submit">Unsubscribe</button></form>'
            "<p class=hint>Opening this page has changed nothing. If you did not mean to come here, close it.</p>"
        )
    return _PAGE.replace("{title}", title).replace("{body}", body)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title><style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; place-items: center; min-height: 100vh }
main { max-width: 26rem; padding: 1.5rem }
h1 { font-size: 1.375rem; letter-spacing: -.018em; margin: 0 0 .5rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 0; border-radius: 6px; background: #5753c6;
  color: #fff; cursor: pointer; min-height: 44px }
button:focus-visible { outline: 2px solid #8380d8; outline-offset: 2px }
.hint { font-size: .8125rem; opacity: .8 }
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""


def _find(session: Session, delivery_id: int) -> CommDelivery | None:
    if delivery_id == TEST_DELIVERY:
        return None
    delivery = session.get(CommDelivery, delivery_id)
    if delivery is None:
        raise NotFound("The message of this link is not kept any more. Write to its sender to unsubscribe.")
    return delivery


def _record(session: Session, delivery_id: int, status: str, *, now: datetime) -> int | None:
    if delivery_id == TEST_DELIVERY:
        return None
    record_receipts(session, [ReceiptRow(delivery_id=delivery_id, status=status, at=now)], now=now)
    return session.exec(select(CommDelivery.campaign_id).where(CommDelivery.id == delivery_id)).first()


def _find_suppression(session: Session, delivery: CommDelivery) -> int | None:
    """The suppression that stops this address on this channel for every campaign."""
    statement = (
        select(Suppression.id)
        .where(
            col(Suppression.address).in_({delivery.target, delivery.target.lower()}),
            col(Suppression.campaign_id).is_(None),
        )
        .where((col(Suppression.channel) == delivery.channel) | col(Suppression.channel).is_(None))
    )
    return session.exec(statement.order_by(col(Suppression.id)).limit(1)).first()


def _stop_queued(session: Session, delivery: CommDelivery, *, hooks: CampaignHooks, now: datetime) -> int:
    """Stop what is made ready for this address, as the last-moment check would; what is on the wire is gone."""
    kind = ADDRESS_OF[Channel(delivery.channel)]
    owners = select(Identity.person_id).where(Identity.kind == kind, Identity.value == delivery.target)
    persons = {delivery.person_id, *session.exec(owners).all()}  # a merged person's messages name the old one
    rows = session.exec(
        select(CommDelivery)
        .where(col(CommDelivery.person_id).in_(persons), CommDelivery.channel == delivery.channel)
        .where(CommDelivery.target == delivery.target)
        .where(col(CommDelivery.state).in_((DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)))
        .order_by(col(CommDelivery.id))
        .with_for_update(skip_locked=True)  # what a sender is looking at this moment meets its own check
    ).all()
    judgement = Judgement(ruling=Ruling.STOP, check="suppression", reason=SuppressionReason.UNSUBSCRIBED.value)
    write_judgements(session, [(_as_candidate(row), judgement) for row in rows], hooks=hooks, now=now)
    return len(rows)


def _as_candidate(row: CommDelivery) -> Candidate:
    return Candidate(
        id=row.id or 0, request_id=row.request_id, campaign_id=row.campaign_id, contact_id=row.contact_id,
        person_id=row.person_id, node=row.node, channel=row.channel, target=row.target,
        template_version_id=row.template_version_id, merge=None, is_retry=row.state == DeliveryState.RETRY,
        attempts=row.attempts, possible_duplicate=row.possible_duplicate, contact_status=None, zone=None, consents=None,
    )  # fmt: skip


def _describe(delivery: CommDelivery, *, unsubscribed: bool) -> Subscription:
    return Subscription(address=mask(delivery.target), channel=delivery.channel, unsubscribed=unsubscribed)


def mask(address: str) -> str:
    """An address that its owner recognises and nobody else learns: `a…n@example.com`, `…4567`."""
    name, at, domain = address.rpartition("@")
    if not at:
        return f"…{address[-4:]}"
    return f"{name[:1]}…{name[-1:] if len(name) > 2 else ''}@{domain}"
