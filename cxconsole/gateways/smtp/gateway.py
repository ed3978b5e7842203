"""The SMTP gateway: one message in, one verdict out."""

import asyncio
import time

from cxconsole import clock
from cxconsole.gateways.kind import GatewayContext
from cxconsole.gateways.port import GatewayError, OutgoingMessage, Receipt, TestStep
from cxconsole.gateways.smtp.address import BadAddress, clean_address, parse_sender
from cxconsole.gateways.smtp.dialogue import Dropped, Interrupted, Refused
from cxconsole.gateways.smtp.mime import BadHeader, Skeleton
from cxconsole.gateways.smtp.pool import Pool
from cxconsole.gateways.smtp.settings import SmtpSecrets, SmtpSettings
from cxconsole.gateways.smtp.sign_in import SignedIn, Steps, make_tls_context, sign_in
from cxconsole.gateways.smtp.verdicts import interrupted_verdict, refused_verdict

_TESTED_CONNECTIONS = 20


class SmtpGateway:
    """Sends over kept connections."""

    def __init__(self, settings: SmtpSettings, secrets: SmtpSecrets) -> None:
        self.concurrency = settings.connections
        self._settings = settings
        self._secrets = secrets
        self._tls = make_tls_context(settings)
        sender = parse_sender(settings.sender)
        self._return_path = parse_sender(settings.return_path).address if settings.return_path else sender.address
        self._skeleton = Skeleton(sender, reply_to=parse_sender(settings.reply_to) if settings.reply_to else None)
        self._pool: Pool | None = None

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand one message over. Raises GatewayError."""
        try:
            target = clean_address(message.target)
            content = self._skeleton.build(message, target=target, at=clock.now())
        except (BadAddress, BadHeader) as error:
            raise GatewayError(str(error), permanent=True) from None
        if self._pool is None:
            self._pool = Pool(
                self._sign_in,
                size=self._settings.connections,
                recycle_after=self._settings.messages_per_connection,
            )
        try:
            return await self._send_once(self._pool, target, content, fresh=False)
        except _Stale:
            # a kept connection that the server had closed meanwhile says nothing about the server
            return await self._send_once(self._pool, target, content, fresh=True)

    async def test(self, target: str | None) -> list[TestStep]:
        """Name found, connected, signed in, with a target a test message accepted, and all connections opened."""
        steps = Steps()
        connection: SignedIn | None = None
        try:
            connection = await sign_in(self._settings, self._secrets, self._tls, steps=steps)
            if target:
                with steps.step("Test message accepted") as found:
                    found.append(await self._send_test(connection, target))
            if self._settings.connections > 1:
                steps.done.append(await self._try_connections())
        except GatewayError:
            return steps.done  # the step has said why
        finally:
            if connection:
                await connection.dialogue.leave()
        return steps.done

    async def close(self) -> None:
        """Let go of connections."""
        if self._pool:
            await self._pool.close()
            self._pool = None

    async def _sign_in(self) -> SignedIn:
        return await sign_in(self._settings, self._secrets, self._tls)

    async def _send_once(self, pool: Pool, target: str, content: bytes, *, fresh: bool) -> Receipt:
        connection = await pool.take(fresh=fresh)
        used_before = connection.dialogue.delivered > 0
        try:
            receipt = await self._deliver(connection, target, content)
        except Refused as refused:
            if await connection.dialogue.reset():
                pool.give_back(connection)
            else:
                pool.throw_away(connection)
            if used_before and refused.stage == "sender" and refused.reply.code == 421:
                raise _Stale from refused
            raise refused_verdict(refused) from None
        except Interrupted as broken:
            pool.throw_away(connection)
            if used_before and not broken.started and isinstance(broken.cause, Dropped):
                raise _Stale from broken
            raise interrupted_verdict(broken) from None
        except GatewayError:
            pool.give_back(connection)
            raise
        except BaseException:
            pool.throw_away(connection)
            raise
        pool.give_back(connection)
        return receipt

    async def _deliver(self, connection: SignedIn, target: str, content: bytes) -> Receipt:
        opening = (b"MAIL FROM:<%b>", b"RCPT TO:<%b>")
        mail, recipient = opening[0] % self._return_path.encode(), opening[1] % target.encode()
        if not target.isascii() or not self._return_path.isascii():
            if not connection.smtputf8:
                raise GatewayError(
                    f"The server takes only addresses in plain letters before the @, and {target} is not.",
                    permanent=True,
                )
            mail += b" BODY=8BITMIME SMTPUTF8"
        reply = await connection.dialogue.deliver((mail, recipient), content)
        return Receipt(detail=f"{reply.code} {reply.words}")

    async def _try_connections(self) -> TestStep:
        """Whether the server lets as many connections in as the settings ask for; one is open already."""
        wanted = min(self._settings.connections, _TESTED_CONNECTIONS)
        begun = time.perf_counter()
        tries = await asyncio.gather(*(self._sign_in() for _ in range(wanted - 1)), return_exceptions=True)
        refusals: list[GatewayError] = []
        await asyncio.gather(*(one.dialogue.leave() for one in tries if isinstance(one, SignedIn)))
        for one in tries:
            if isinstance(one, GatewayError):
                refusals.append(one)
            elif isinstance(one, BaseException):
                raise one
        milliseconds = round((time.perf_counter() - begun) * 1000)
        name, taken = "Connections at once", wanted - len(refusals)
        if not refusals:
            return TestStep(name=name, ok=True, detail=f"{taken} at once accepted.", milliseconds=milliseconds)
        detail = (
            f"Only {taken} of {wanted} at once accepted. {refusals[0].detail} Lower “connections at once” to {taken}."
        )
        return TestStep(name=name, ok=True, warning=True, detail=detail, milliseconds=milliseconds)

    async def _send_test(self, connection: SignedIn, target: str) -> str:
        message = OutgoingMessage(
            delivery_id=None,
            message_id=f"test.{int(clock.now().timestamp() * 1000)}@{self._return_path.rpartition('@')[2]}",
            target=target,
            subject="Test of the gateway",
            text="This message shows that the gateway works. There is nothing to do.\n",
        )
        try:
            address = clean_address(target)
            content = self._skeleton.build(message, target=address, at=clock.now())
            receipt = await self._deliver(connection, address, content)
        except (BadAddress, BadHeader) as error:
            raise GatewayError(str(error), permanent=True) from None
        except Refused as refused:
            raise refused_verdict(refused) from None
        except Interrupted as broken:
            raise interrupted_verdict(broken) from None
        return f"Accepted: “{receipt.detail}”."


class _Stale(Exception):
    """A kept connection was gone before anything of the message was taken."""


def build(settings: SmtpSettings, secrets: SmtpSecrets, _context: GatewayContext) -> SmtpGateway:
    """The gateway of one row."""
    return SmtpGateway(settings, secrets)
