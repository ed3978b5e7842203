"""The sandbox gateway: takes messages as a vendor would, keeps them here, plans the answers."""

import asyncio

from sqlalchemy import insert

from cxconsole import clock
from cxconsole.database import Database
from cxconsole.gateways.kind import GatewayContext
from cxconsole.gateways.port import GatewayError, OutgoingMessage, Receipt, TestStep
from cxconsole.gateways.sandbox.settings import SandboxSecrets, SandboxSettings
from cxconsole.gateways.sandbox.world import foresee
from models.gateway import SandboxMessage, SandboxReceipt

_BATCH = 1000


class SandboxGateway:
    """Rows are written in batches, off the event loop; `send` returns when its row is stored."""

    def __init__(self, settings: SandboxSettings, *, gateway_id: int, channel: str, database: Database) -> None:
        self.concurrency = settings.concurrency
        self._settings = settings
        self._gateway_id = gateway_id
        self._channel = channel
        self._database = database
        self._taken = 0
        self._waiting: list[tuple[dict, list[dict], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Keep one message. Raises GatewayError where the settings ask for it."""
        self._refuse_as_told(message)
        if self._settings.latency_seconds:
            await asyncio.sleep(self._settings.latency_seconds)
        now = clock.now()
        row = {
            "gateway_id": self._gateway_id, "delivery_id": message.delivery_id, "channel": self._channel,
            "target": message.target, "sender": self._settings.sender, "subject": message.subject,
            "html": message.html, "text": message.text, "received_at": now,
        }  # fmt: skip
        receipts = []
        if message.delivery_id is not None:
            receipts = [
                {
                    "delivery_id": message.delivery_id, "status": one.status,
                    "reason": one.reason, "due_at": one.due_at,
                }
                for one in foresee(
                    self._settings, delivery_id=message.delivery_id, channel=self._channel,
                    target=message.target, sent_at=now,
                )
            ]  # fmt: skip
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((row, receipts, stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await stored
        return Receipt(provider_id=f"sandbox-{message.message_id}", detail="250 kept in the sandbox")

    async def test(self, target: str | None) -> list[TestStep]:
        """Always at home; with a target a test message lands in the inbox."""
        steps = [TestStep(name="Connected", ok=True, detail="Nothing leaves this machine.", milliseconds=0)]
        if target:
            begun = asyncio.get_running_loop().time()
            message = OutgoingMessage(
                delivery_id=None, message_id="test@sandbox", target=target, subject="Test of the gateway",
                text="This message shows that the gateway works. There is nothing to do.",
            )  # fmt: skip
            try:
                detail, ok = (await self.send(message)).detail, True
            except GatewayError as error:
                detail, ok = error.detail, False
            spent = round((asyncio.get_running_loop().time() - begun) * 1000)
            steps.append(TestStep(name="Test message accepted", ok=ok, detail=detail, milliseconds=spent))
        return steps

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writer:
            await self._writer

    def _refuse_as_told(self, message: OutgoingMessage) -> None:
        settings = self._settings
        if settings.down:
            raise GatewayError("The sandbox is switched to “down”.", permanent=False, whole_gateway=True)
        if "+reject" in message.target:
            raise GatewayError("“550 5.1.1 No such mailbox here”.", permanent=True, code="550 5.1.1")
        self._taken += 1
        if settings.slow_down_every and self._taken % settings.slow_down_every == 0:
            raise GatewayError(
                "“421 4.7.0 Too many connections”.", permanent=False, code="421 4.7.0", slow_down=True,
                retry_after_seconds=5,
            )  # fmt: skip
        if settings.fail_every and self._taken % settings.fail_every == 0:
            raise GatewayError("“452 4.2.2 Mailbox full for now”.", permanent=False, code="452 4.2.2")

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                await self._store(batch)
        finally:
            self._writer = None

    async def _store(self, batch: list[tuple[dict, list[dict], asyncio.Future[None]]]) -> None:
        messages = [row for row, _, _ in batch] if self._settings.keep_messages else []
        receipts = [receipt for _, several, _ in batch for receipt in several]
        try:
            await asyncio.to_thread(self._insert, messages, receipts)
        except Exception as error:
            for _, _, stored in batch:
                if not stored.done():
                    stored.set_exception(
                        GatewayError(f"The sandbox could not store it: {error}", permanent=False, whole_gateway=True)
                    )
            return
        for _, _, stored in batch:
            if not stored.done():
                stored.set_result(None)

    def _insert(self, messages: list[dict], receipts: list[dict]) -> None:
        if not messages and not receipts:
            return
        with self._database.write() as session:
            if messages:
                session.execute(insert(SandboxMessage), messages)
            if receipts:
                session.execute(insert(SandboxReceipt), receipts)


def build(settings: SandboxSettings, _secrets: SandboxSecrets, context: GatewayContext) -> SandboxGateway:
    """The gateway of one row."""
    return SandboxGateway(settings, gateway_id=context.gateway_id, channel=context.channel, database=context.database)
