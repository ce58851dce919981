"""A charging station, by the generated client; its central system is whoever listens.

python our_station.py ws://127.0.0.1:9000/CP-1 [trio]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import anyio
from ocpp_sdk import (
    DataTransferParams,
    DataTransferResponse,
    DataTransferResponseStatus,
    OcppClient,
    OcppPeerService,
    PropertyConstraintViolation,
    RemoteStartTransactionParams,
    RemoteStartTransactionResponse,
    RemoteStartTransactionResponseStatus,
)

from duologue import Call, Unimplemented


class Station(OcppPeerService):
    """What the central system may ask of it."""

    def __init__(self) -> None:
        self.told = anyio.Event()

    async def remote_start_transaction(
        self, call: Call[OcppClient], params: RemoteStartTransactionParams
    ) -> RemoteStartTransactionResponse:
        if params.connector_id not in (1, 2):
            raise PropertyConstraintViolation("no such connector", cause=f"connector {params.connector_id}")
        started = await call.peer.start_transaction(
            connector_id=params.connector_id, id_tag=params.id_tag, meter_start=0, timestamp=datetime.now(UTC)
        )
        print("asked to start, started", started.transaction_id, started.id_tag_info.status)
        return RemoteStartTransactionResponse(status=RemoteStartTransactionResponseStatus.ACCEPTED)

    async def data_transfer(self, call: Call[OcppClient], params: DataTransferParams) -> DataTransferResponse:
        print("central system:", params.data)
        if params.message_id == "done":
            self.told.set()
        return DataTransferResponse(status=DataTransferResponseStatus.ACCEPTED)


async def main(url: str) -> None:
    station = Station()
    with anyio.fail_after(60):
        async with OcppClient.open(url, serve=station) as central:
            booted = await central.boot_notification(charge_point_vendor="Duo", charge_point_model="Logue")
            print("booted", booted.status, booted.interval, booted.current_time.tzinfo)
            await station.told.wait()  # it has asked for what it wanted
            try:
                await central.start_transaction(
                    connector_id=1, id_tag="stolen", meter_start=0, timestamp=datetime.now(UTC)
                )
            except PropertyConstraintViolation as error:
                print("refused", error, "-", error.details.cause)
            try:
                await central.data_transfer(vendor_id="us")
            except Unimplemented as error:
                print("refused", error.wire_code, error)
            # Its clock has no time zone, which the schema asks for: what does not fit is logged, and comes as it is.
            print("heartbeat", repr((await central.heartbeat()).current_time))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend="trio" if "trio" in sys.argv else "asyncio")
