"""What the simulated recipients do. The same delivery always meets the same fate."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cxconsole.gateways.sandbox.settings import SandboxSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One receipt that the world will send, and when."""

    status: str
    due_at: datetime
    reason: str | None = None


def foresee(
    settings: SandboxSettings, *, delivery_id: int, channel: str, target: str, sent_at: datetime
) -> list[Answer]:
    """All that will come of one delivery, in the order of time.

    Addresses steer it too: “+bounce” bounces; “+open”, “+click”, “+reply”, “+unsubscribe”, “+complain” do so for sure.
    """
    dice = _dice(settings.seed, delivery_id)

    def happens(share: float, mark: str) -> bool:
        return next(dice) < share or mark in target

    def after(low: float, high: float) -> datetime:
        # most people act soon, some late: squaring the roll bends it towards the start
        return sent_at + timedelta(seconds=(low + (high - low) * next(dice) ** 2) * settings.pace)

    if happens(settings.bounced, "+bounce"):
        return [Answer(status="bounced", due_at=after(1, 5), reason="550 5.1.1 No such mailbox here")]
    delivered = after(1, 4)
    answers = [Answer(status="delivered", due_at=delivered)]
    clicks = happens(settings.clicked, "+click")
    # who clicks has opened: the others open so often that the shares come out as they are set
    opens_without = (settings.opened - settings.clicked) / (1 - settings.clicked) if settings.clicked < 1 else 0
    if channel == "email" and (happens(opens_without, "+open") or clicks):
        answers.append(Answer(status="opened", due_at=max(delivered, after(5, 600))))
    seen_at = answers[-1].due_at
    pace = settings.pace
    if clicks:
        answers.append(Answer(status="clicked", due_at=seen_at + timedelta(seconds=(3 + 60 * next(dice)) * pace)))
    for status, share, mark in (
        ("replied", settings.replied, "+reply"),
        ("unsubscribed", settings.unsubscribed, "+unsubscribe"),
        ("complained", settings.complained, "+complain"),
    ):
        if happens(share, mark):
            answers.append(Answer(status=status, due_at=seen_at + timedelta(seconds=(20 + 300 * next(dice)) * pace)))
    return answers


def _dice(seed: int, delivery_id: int) -> Iterator[float]:
    """Even numbers from 0 to 1; a hash, because making a random.Random costs ten times as much."""
    block = 0
    while True:
        digest = hashlib.blake2b(b"%d:%d:%d" % (seed, delivery_id, block), digest_size=64).digest()
        for start in range(0, 64, 4):
            yield int.from_bytes(digest[start : start + 4]) / 2**32
        block += 1
