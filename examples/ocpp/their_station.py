"""A charging station by the package `ocpp`, which knows nothing of duologue.

python their_station.py ws://127.0.0.1:9000/CP-2
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from ocpp.exceptions import NotSupportedError, OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, DataTransferStatus, RemoteStartStopStatus
from websockets.asyncio.client import connect


class Station(ChargePoint):
    def __init__(self, name: str, connection: Any) -> None:
        super().__init__(name, connection)
        self.told = asyncio.Event()

    @on(Action.remote_start_transaction)
    def remote_start(self, id_tag: str, connector_id: int) -> Any:
        if connector_id != 1:
            raise NotSupportedError("no such connector", {"cause": f"connector {connector_id}"})
        print("asked to start", id_tag)
        return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    @on(Action.data_transfer)
    def transfer(self, vendor_id: str, message_id: str, data: str) -> Any:
        print("central system:", data)
        if message_id == "done":
            self.told.set()
        return call_result.DataTransfer(status=DataTransferStatus.accepted)

    async def live(self) -> None:
        booted = await self.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        print("booted", booted.status, booted.interval)
        await self.told.wait()
        print("heartbeat", (await self.call(call.Heartbeat())).current_time[:2])
        for tag in ("ABC", "stolen"):
            await self.attempt(call.StartTransaction(1, tag, meter_start=0, timestamp="2026-01-01T12:00:00Z"))
        await self.attempt(call.StartTransaction(1, "ABC", meter_start=0, timestamp="noon"), unchecked=True)
        await self.attempt(call.StatusNotification(1, "NoError", "Available"))

    async def attempt(self, request: Any, *, unchecked: bool = False) -> None:
        try:
            answer = await self.call(request, suppress=False, skip_schema_validation=unchecked)
            print("answered", answer)
        except OCPPError as error:
            print("refused", type(error).__name__, error.description, error.details)


async def main(url: str) -> None:
    async with asyncio.timeout(60), connect(url, subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
        station = Station(url.rpartition("/")[2], socket)
        hearing = asyncio.create_task(station.start())
        await station.live()
        hearing.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
