"""The sender: a lane for each active gateway, a gate before each send, all on the engine's loop."""

import asyncio
import logging
from collections.abc import Callable

from sqlmodel import col, select

from cxconsole import clock
from cxconsole.accounts.vault import Vault
from cxconsole.comms.composing import Composer
from cxconsole.comms.gate import SendGate
from cxconsole.comms.hooks import CampaignHooks
from cxconsole.comms.lane import Lane
from cxconsole.comms.outbox import Outbox
from cxconsole.comms.recovery import owner_of_this_process
from cxconsole.database import Database
from cxconsole.errors import CxError
from cxconsole.gateways.port import Gateway
from cxconsole.gateways.registry import build_gateway
from cxconsole.settings import Settings
from cxconsole.signals import Signals, topics
from models.gateway import Gateway as GatewayRow
from models.gateway import GatewayHealth

log = logging.getLogger("cxconsole.sender")

_GATE_SECONDS = 0.4
_GATE_PAUSE_SECONDS = 0.05
_ROWS_SECONDS = 5.0
_AFTER_CRASH_SECONDS = 1.0


class Sender:
    """Runs on one event loop; its database work goes to threads."""

    def __init__(
        self,
        *,
        database: Database,
        signals: Signals,
        vault: Vault,
        settings: Settings,
        hooks: CampaignHooks,
        build: Callable[[GatewayRow], Gateway] | None = None,
    ) -> None:
        self._database = database
        self._signals = signals
        self._vault = vault
        self._hooks = hooks
        self._build = build or (lambda row: build_gateway(row, vault=vault, database=database, settings=settings))
        self._composer = Composer(settings=settings, vault=vault)
        self._gate = SendGate(database)
        self._owner = owner_of_this_process()
        self._lanes: dict[int, tuple[int, Lane, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Run until cancelled; what is on the wire is finished first."""
        await asyncio.to_thread(self._gate.refresh, now=clock.now())
        watch = [asyncio.create_task(self._keep_gate()), asyncio.create_task(self._wake_lanes())]
        try:
            with self._signals.subscribe(topics.GATEWAYS) as signal:
                while True:
                    await self._match_lanes()
                    await signal.wait(_ROWS_SECONDS)
                    await asyncio.sleep(0.05)  # health reports come in flocks
        finally:
            for task in watch:
                task.cancel()
            await self._stop_lanes(list(self._lanes))
            await asyncio.gather(*watch, return_exceptions=True)

    async def _keep_gate(self) -> None:
        with self._signals.subscribe(topics.WORK, topics.SUPPRESSIONS, topics.GATEWAYS) as signal:
            while True:
                await signal.wait(_GATE_SECONDS)
                try:
                    await asyncio.to_thread(self._gate.refresh, now=clock.now())
                except Exception:
                    log.exception("action=gate_refresh_failed")
                await asyncio.sleep(_GATE_PAUSE_SECONDS)

    async def _wake_lanes(self) -> None:
        with self._signals.subscribe(topics.WORK, topics.DELIVERIES) as signal:
            while True:
                await signal.wait()
                for _, lane, _ in self._lanes.values():
                    lane.wake()

    async def _match_lanes(self) -> None:
        """Start lanes for new gateways, stop those of gone ones, rebuild those of changed ones."""
        rows = await asyncio.to_thread(self._read_rows)
        wanted = {row.id: row for row in rows if row.id is not None}
        ended = [
            gateway_id
            for gateway_id, (version, _, task) in self._lanes.items()
            if gateway_id not in wanted or wanted[gateway_id].version != version or task.done()
        ]
        await self._stop_lanes(ended)
        for gateway_id, row in wanted.items():
            if gateway_id not in self._lanes:
                await self._start_lane(gateway_id, row)

    def _read_rows(self) -> list[GatewayRow]:
        with self._database.read() as session:
            return list(session.exec(select(GatewayRow).where(col(GatewayRow.active).is_(True))))

    async def _start_lane(self, gateway_id: int, row: GatewayRow) -> None:
        try:
            gateway = self._build(row)
        except CxError as error:
            log.error("action=gateway_unusable gateway_id=%s reason=%s", gateway_id, error.detail)
            await asyncio.to_thread(self._mark_unusable, gateway_id, error.detail)
            return
        lane = Lane(
            gateway,
            gateway_id=gateway_id,
            outbox=Outbox(self._database, gateway_id, version=row.version, owner=self._owner, hooks=self._hooks),
            composer=self._composer,
            gate=self._gate,
            database=self._database,
            signals=self._signals,
        )
        self._lanes[gateway_id] = (row.version, lane, asyncio.create_task(self._keep_running(lane, gateway_id)))

    async def _keep_running(self, lane: Lane, gateway_id: int) -> None:
        """A lane that crashes is logged; the next look at the rows builds a new one."""
        try:
            await lane.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("action=lane_crashed gateway_id=%s", gateway_id)
            await asyncio.sleep(_AFTER_CRASH_SECONDS)
            self._signals.publish(topics.GATEWAYS)

    def _mark_unusable(self, gateway_id: int, detail: str) -> None:
        with self._database.write() as session:
            row = session.get(GatewayRow, gateway_id)
            if row is not None and (row.health, row.health_error) != (GatewayHealth.OPEN, detail):
                row.health, row.health_error, row.health_since = GatewayHealth.OPEN, detail, clock.now()

    async def _stop_lanes(self, gateway_ids: list[int]) -> None:
        stopped = [self._lanes.pop(one)[2] for one in gateway_ids if one in self._lanes]
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)


__all__ = ["Sender"]
