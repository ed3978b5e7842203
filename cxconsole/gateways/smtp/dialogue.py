"""One kept SMTP connection after sign-in: transactions, with pipelining when the server offers it.

aiosmtplib connects, upgrades to TLS and signs in; then this protocol takes its transport over, because
several commands in one write (RFC 2920) need several answers to be read in order.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import cast

_LONGEST_REPLY = 64 * 1024
_GOODBYE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server: the code, and its words (the enhanced code first, if it gave one)."""

    code: int
    words: str

    @property
    def ok(self) -> bool:
        """Whether the command was taken."""
        return 200 <= self.code < 400


class Dropped(Exception):
    """The connection is gone, or the server said what is not SMTP."""


class Hung(Exception):
    """No answer in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused(Exception):
    """The server said no at one stage of a transaction: sender, recipient, data or content."""

    stage: str
    reply: Reply


class Interrupted(Exception):
    """The transaction broke off. `in_doubt`: after the final dot, so the message may have been taken."""

    def __init__(self, cause: Exception, *, started: bool, in_doubt: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.started = started
        self.in_doubt = in_doubt


class Dialogue(asyncio.Protocol):
    """Talks over the transport of a connection that is signed in."""

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool, timeout_seconds: float) -> None:
        self._transport = transport
        self._pipelining = pipelining
        self._timeout = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._gone = asyncio.Event()
        self.delivered = 0
        self.idle_since = self._loop.time()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether a transaction may begin: connected, and the server has not spoken out of turn (421 on idle)."""
        return self._lost is None and not self._replies and not self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        """Cut answers out of what came."""
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            self._take(line.rstrip(b"\r"))
        if len(rest) > _LONGEST_REPLY or sum(map(len, self._lines)) > _LONGEST_REPLY:
            self._fail("the server's answer has no end")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits for an answer that cannot come any more."""
        self._fail(str(exc) if exc else "the server closed the connection")
        self._gone.set()

    async def deliver(self, opening: tuple[bytes, bytes], content: bytes) -> Reply:
        """One message: `opening` is MAIL and RCPT without line ends, `content` ends in CRLF and is not dot-stuffed.

        Returns the server's answer. Raises Refused or Interrupted; after Refused the connection may still be used.
        """
        try:
            data = await self._open(opening)
        except (Dropped, Hung) as cause:
            raise Interrupted(cause, started=False, in_doubt=False) from cause
        if data.code != 354:
            raise Refused(stage="data", reply=data)
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n..")
        try:
            self._write(content + b".\r\n")
        except Dropped as cause:  # nothing of it was written
            raise Interrupted(cause, started=True, in_doubt=False) from cause
        try:
            (reply,) = await self._collect(1)
        except (Dropped, Hung) as cause:
            raise Interrupted(cause, started=True, in_doubt=True) from cause
        if not reply.ok:
            raise Refused(stage="content", reply=reply)
        self.delivered += 1
        return reply

    async def command(self, line: bytes, *, timeout_seconds: float | None = None) -> Reply:
        """One command and its answer. Raises Dropped or Hung."""
        self._write(line + b"\r\n")
        (reply,) = await self._collect(1, timeout_seconds=timeout_seconds)
        return reply

    async def reset(self) -> bool:
        """Forget the transaction under way. False when the connection is of no more use."""
        try:
            return self.usable and (await self.command(b"RSET", timeout_seconds=min(self._timeout, 10))).ok
        except (Dropped, Hung):
            return False

    async def alive(self) -> bool:
        """Whether the server still answers, after a pause."""
        try:
            return self.usable and (await self.command(b"NOOP", timeout_seconds=min(self._timeout, 5))).ok
        except (Dropped, Hung):
            return False

    def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        if self._lost is None and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    async def leave(self) -> None:
        """Say goodbye and wait until the connection is closed, but not for long."""
        self.close()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Drop the connection in the middle of whatever it does."""
        self._transport.abort()

    async def _open(self, opening: tuple[bytes, bytes]) -> Reply:
        mail, recipient = opening
        if not self._pipelining:
            for stage, line in (("sender", mail), ("recipient", recipient)):
                reply = await self.command(line)
                if not reply.ok:
                    raise Refused(stage=stage, reply=reply)
            return await self.command(b"DATA")
        self._write(b"%b\r\n%b\r\nDATA\r\n" % (mail, recipient))
        answers = await self._collect(3)
        for stage, reply in zip(("sender", "recipient"), answers, strict=False):
            if not reply.ok:
                if answers[-1].code == 354:  # RFC 2920, 3.1: it waits for a message although nobody is to get it
                    await self.command(b".")
                raise Refused(stage=stage, reply=reply)
        return answers[2]

    def _write(self, data: bytes) -> None:
        if not self.usable:
            raise Dropped(self._lost or "the server closed the connection")
        self._transport.write(data)

    async def _collect(self, count: int, *, timeout_seconds: float | None = None) -> list[Reply]:
        """So many answers in order. A 421 or a no to the first ends the wait when the connection is lost."""
        if len(self._replies) < count and self._lost is None:
            self._wanted = count
            self._waiter = self._loop.create_future()
            seconds = timeout_seconds or self._timeout
            alarm = self._loop.call_later(seconds, _ring, self._waiter, seconds)
            try:
                await self._waiter
            finally:
                alarm.cancel()
                self._waiter = None
        replies = self._replies
        if len(replies) < count:
            # a server that says 421 and hangs up has answered all that was asked
            closing = next((one for one in replies if one.code == 421), None)
            replies.clear()
            if closing is None:
                raise Dropped(self._lost or "the server closed the connection")
            return [closing] * count
        return [replies.popleft() for _ in range(count)]

    def _take(self, line: bytes | bytearray) -> None:
        text = line.decode("utf-8", "replace")
        if len(line) < 3 or not line[:3].isdigit():
            self._fail(f"the server said what is not SMTP: {text[:80]!r}")
            return
        self._lines.append(text[4:].strip())
        if line[3:4] != b"-":
            self._replies.append(Reply(int(line[:3]), " ".join(filter(None, self._lines))[:500]))
            self._lines = []

    def _fail(self, words: str) -> None:
        if self._lost is None:
            self._lost = words
            self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done() and (len(self._replies) >= self._wanted or self._lost is not None):
            self._waiter.set_result(None)


def as_dialogue(transport: asyncio.BaseTransport, *, pipelining: bool, timeout_seconds: float) -> Dialogue:
    """Take a signed-in transport over."""
    return Dialogue(cast(asyncio.Transport, transport), pipelining=pipelining, timeout_seconds=timeout_seconds)


def _ring(waiter: asyncio.Future[None], seconds: float) -> None:
    if not waiter.done():
        waiter.set_exception(Hung(f"no answer within {seconds:g} seconds"))
