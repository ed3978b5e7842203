"""One gateway's lane: workers that send, and one loop that keeps the rows in step.

The loop alternates between the event loop and one thread: a turn writes what came of the last
messages and brings the next ones, sized to about a tenth of a second of work.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from cxconsole import clock
from cxconsole.comms.circuit import FAILURES_TO_OPEN, News
from cxconsole.comms.composing import Composes
from cxconsole.comms.gate import SendGate
from cxconsole.comms.outbox import LEASE, Outbox, Turn
from cxconsole.comms.outcomes import Result, ResultKind
from cxconsole.comms.policy import Candidate
from cxconsole.comms.rendering import RenderProblem
from cxconsole.comms.retry import decide_retry
from cxconsole.database import Database
from cxconsole.gateways.port import Gateway, GatewayError
from cxconsole.signals import Signals, topics

log = logging.getLogger("cxconsole.sender")

GROUP_SECONDS = 0.12
MOST_SECONDS = 0.4  # of work that may be marked at once, when turns are slow
LARGEST_GROUP = 1000
_OLDEST_RESULT = timedelta(seconds=0.25)
POLL_SECONDS = 0.5
_SEND_TIMEOUT_SECONDS = 180
STOP_SECONDS = 8.0
"""So long may messages that are on the wire take when the lane stops; then they are given up, in doubt."""
_CLOSE_SECONDS = 2.0
_RENEW = LEASE / 3
_ROOM_EVERY = 500


class Lane:
    """Sends the due messages of one gateway until it is stopped."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        gateway_id: int,
        outbox: Outbox,
        composer: Composes,
        gate: SendGate,
        database: Database,
        signals: Signals,
    ) -> None:
        self._gateway = gateway
        self._gateway_id = gateway_id
        self._outbox = outbox
        self._composer = composer
        self._gate = gate
        self._database = database
        self._signals = signals
        self._queue: deque[Candidate] = deque()
        self._ready = asyncio.Semaphore(0)  # counts what is in the queue
        self._stir = asyncio.Event()
        self._results: list[Result] = []
        self._news = News()
        self._held: dict[int, Candidate] = {}
        self._lease_until: datetime | None = None
        self._failing = 0  # whole-gateway failures in a row
        self._rate = 0.0  # messages a second, smoothed
        self._pace = 0.0  # the same of the time in which there was something to send: what the gateway can take
        self._rated_at = self._idle_from = time.monotonic()
        self._idle = 0.0  # seconds without anything to send since then, up to the last time there was
        self._stretch = 1.0  # how much larger groups are than GROUP_SECONDS of work, so that workers do not starve
        self._since_room = 0
        self._stopping = False
        self._idle_until: float = 0.0

    def wake(self) -> None:
        """There may be something to send."""
        self._idle_until = 0.0
        self._stir.set()

    async def run(self) -> None:
        """Run until cancelled; then what is on the wire gets STOP_SECONDS, the rest is given back, all is written."""
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._gateway.concurrency))]
        try:
            while True:
                await self._step()
        finally:
            await self._stop(workers)

    # -- the loop ---------------------------------------------------------------------------------

    async def _step(self) -> None:
        begun = time.monotonic()
        if self._gate.paused or self._failing >= FAILURES_TO_OPEN:
            self._give_back_queue()
        want = 0 if self._gate.paused else self._wanted()
        if not self._results and not self._news.failures and (want == 0 or not await self._worth_asking()):
            if self._held and self._lease_until and clock.now() > self._lease_until - LEASE + _RENEW:
                await self._turn(0)
            await self._rest(POLL_SECONDS)
            return
        if want == 0 and self._queue and self._results and clock.now() - self._results[0].at < _OLDEST_RESULT:
            await self._rest(_OLDEST_RESULT.total_seconds() / 2)  # the turn that brings more will write them too
            return
        turn = await self._turn(want)
        self._plan_next(turn, want)
        spent = time.monotonic() - begun
        if len(self._queue) > self._low_water() or turn.drained or not turn.messages:
            await self._rest(max(0.01, GROUP_SECONDS - spent) if (self._held or self._results) else POLL_SECONDS)

    def _group(self) -> int:
        """About GROUP_SECONDS of work, never less than the workers can hold.

        Work is measured while there is some: turns that wait for a busy database would else make groups smaller, which
        makes turns more, which wait again.
        """
        seconds = min(MOST_SECONDS, GROUP_SECONDS * self._stretch)
        return min(LARGEST_GROUP, max(2 * self._gateway.concurrency, int(self._pace * seconds)))

    def _low_water(self) -> int:
        """With so few left, it is time to fetch more: what is left must last for the turn."""
        return self._group() // 2

    def _wanted(self) -> int:
        if self._idle_until > time.monotonic():
            return 0
        group = self._group()
        return group - len(self._queue) if len(self._queue) <= self._low_water() else 0

    async def _worth_asking(self) -> bool:
        return bool(self._held) or await asyncio.to_thread(self._outbox.has_due, clock.now())

    async def _turn(self, want: int) -> Turn:
        results, self._results = self._results, []
        news, self._news = self._news, News(per_minute=int(self._rate * 60))
        self._note_rate(len(results))
        held = list(self._held) if self._needs_renewal() else []
        work = asyncio.create_task(asyncio.to_thread(self._turn_in_thread, results, news, want, held))
        stopped = False
        try:
            try:
                turn = await asyncio.shield(work)
            except asyncio.CancelledError:
                stopped = True
                turn = await work  # the thread goes on: what it marks has to be known, to be given back
        except BaseException:
            self._results = results + self._results  # not written: the next turn writes them
            self._merge_news(news)
            raise
        if turn.messages:  # workers that waited for this turn need larger groups, those that did not smaller ones
            starved = not self._queue
            self._stretch = min(8.0, self._stretch * 1.3) if starved else max(1.0, self._stretch * 0.97)
        if turn.leased_until is not None or held:
            self._lease_until = clock.now() + LEASE
        if turn.messages and not self._held:
            self._idle += time.monotonic() - self._idle_from
        for message in turn.messages:
            self._held[message.id] = message
            self._queue.append(message)
            self._ready.release()
        self._announce(turn)
        if stopped:
            raise asyncio.CancelledError
        return turn

    def _turn_in_thread(self, results: list[Result], news: News, want: int, held: list[int]) -> Turn:
        turn = self._outbox.take_turn(results, news, want=want, held=held, now=clock.now())
        if turn.messages:
            with self._database.read() as session:
                self._composer.prepare(session, {one.template_version_id for one in turn.messages})
        return turn

    def _plan_next(self, turn: Turn, want: int) -> None:
        """After an empty answer there is no hurry to ask again, unless a signal comes."""
        if turn.health.may_send(clock.now()):
            self._failing = 0 if turn.health.failures < FAILURES_TO_OPEN else self._failing
        if want and (turn.drained or not turn.messages):
            pause = POLL_SECONDS
            if turn.next_at is not None:
                pause = min(pause, max(0.0, (turn.next_at - clock.now()).total_seconds()))
            self._idle_until = time.monotonic() + pause
            self._signals.publish(topics.ROOM)

    def _announce(self, turn: Turn) -> None:
        self._since_room += len(turn.messages)
        if self._since_room >= _ROOM_EVERY:
            self._since_room = 0
            self._signals.publish(topics.ROOM)
        if turn.campaigns:
            self._signals.publish(topics.CAMPAIGNS, *(topics.campaign(one) for one in turn.campaigns))
        if turn.health_changed:
            self._signals.publish(topics.GATEWAYS)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stir.wait()
        except TimeoutError:
            return
        finally:
            self._stir.clear()

    def _note_rate(self, count: int) -> None:
        now = time.monotonic()
        spent, self._rated_at = now - self._rated_at, now
        if not self._held:
            self._idle += now - self._idle_from
            self._idle_from = now
        busy, self._idle = spent - self._idle, 0.0
        if 0 < spent < 2:
            self._rate += (count / spent - self._rate) * min(1.0, spent * 4)
            if count and busy > 0:
                self._pace += (count / busy - self._pace) * min(1.0, spent * 4)

    def _needs_renewal(self) -> bool:
        return bool(self._held) and self._lease_until is not None and clock.now() > self._lease_until - LEASE + _RENEW

    # -- the workers ------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._ready.acquire()
            if self._stopping:
                return
            if not self._queue:
                continue  # it was given back
            message = self._queue.popleft()
            if len(self._queue) == self._low_water():
                self._stir.set()
            if not self._may_leave(message):
                self._report(Result(message=message, kind=ResultKind.RELEASED, at=clock.now()))
                continue
            self._report(await self._send(message))
            if not self._queue:
                self._stir.set()

    def _may_leave(self, message: Candidate) -> bool:
        if self._failing >= FAILURES_TO_OPEN or not self._gate.allows(message):
            return False
        # a lease about to run out is no longer ours alone: another sender may have taken the message over
        return self._lease_until is None or clock.now() < self._lease_until - timedelta(seconds=5)

    async def _send(self, message: Candidate) -> Result:
        try:
            outgoing = self._composer.compose(message)
        except RenderProblem as problem:
            return Result(message=message, kind=ResultKind.FAILED, at=clock.now(), reason=problem.detail)
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
                receipt = await self._gateway.send(outgoing)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            # it may have arrived; again at the next start, which uses up no attempt
            reason, now = "The engine stopped before the gateway answered.", clock.now()
            return Result(
                message=message, kind=ResultKind.RETRY, at=now, reason=reason, not_before=now, counts=False,
                possible_duplicate=True,
            )  # fmt: skip
        except GatewayError as error:
            return self._result_of(message, error)
        except TimeoutError:
            error = GatewayError("The gateway did not answer in time.", permanent=False, in_doubt=True)
            return self._result_of(message, error)
        except Exception as problem:
            log.exception("action=send_crashed delivery_id=%s", message.id)
            error = GatewayError(f"Unexpected: {type(problem).__name__}", permanent=False, in_doubt=True)
            return self._result_of(message, error)
        self._failing = 0
        self._news.succeeded, self._news.failures = True, 0
        return Result(message=message, kind=ResultKind.SENT, at=clock.now(), provider_id=receipt.provider_id)

    def _result_of(self, message: Candidate, error: GatewayError) -> Result:
        now = clock.now()
        if error.whole_gateway:
            self._failing += 1
            self._news.failures += 1
        if error.slow_down:
            self._news.slow_downs += 1
        if error.whole_gateway or error.slow_down:
            self._news.error = error.detail
            asked = timedelta(seconds=error.retry_after_seconds or 0)
            self._news.retry_after = max(self._news.retry_after, asked)
        decision = decide_retry(error, attempts=message.attempts, now=now)
        return Result(
            message=message,
            kind=ResultKind.FAILED if decision.not_before is None else ResultKind.RETRY,
            at=now,
            reason=error.detail,
            code=error.code,
            not_before=decision.not_before,
            counts=decision.counts,
            possible_duplicate=decision.possible_duplicate,
        )

    def _report(self, result: Result) -> None:
        self._held.pop(result.message.id, None)
        if not self._held:
            self._idle_from = time.monotonic()
        self._results.append(result)
        if not self._held or result.kind is not ResultKind.SENT:
            self._stir.set()

    # -- stopping ---------------------------------------------------------------------------------

    async def _stop(self, workers: Sequence[asyncio.Task[None]]) -> None:
        self._stopping = True
        for _ in workers:
            self._ready.release()
        _, late = await asyncio.wait(workers, timeout=STOP_SECONDS)
        for worker in late:
            worker.cancel()  # `_send` makes an answer of it: to be tried again, a possible duplicate
        for failure in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(failure, Exception):
                log.error("action=worker_crashed gateway_id=%s", self._gateway_id, exc_info=failure)
        self._give_back_queue()
        await self._write_rest()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._gateway.close()
        except TimeoutError:
            log.warning("action=gateway_close_hangs gateway_id=%s", self._gateway_id)

    def _give_back_queue(self) -> None:
        while self._queue:
            self._report(Result(message=self._queue.popleft(), kind=ResultKind.RELEASED, at=clock.now()))

    async def _write_rest(self) -> None:
        for _ in range(3):
            try:
                await self._turn(0)
            except Exception:
                log.exception("action=last_turn_failed gateway_id=%s", self._gateway_id)
                await asyncio.sleep(0.2)
            else:
                return

    def _merge_news(self, news: News) -> None:
        self._news.failures += news.failures
        self._news.slow_downs += news.slow_downs
        self._news.error = self._news.error or news.error


__all__ = ["Lane"]
