"""A central system, by the generated server; its stations are whoever connects.

python our_central.py 9000 [trio]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import anyio
from anyio.abc import TaskGroup
from ocpp_sdk import (
    BootNotificationParams,
    BootNotificationResponse,
    BootNotificationResponseStatus,
    DataTransferParams,
    DataTransferResponse,
    DataTransferResponseStatus,
    HeartbeatParams,
    HeartbeatResponse,
    NotSupported,
    OcppPeer,
    OcppService,
    PropertyConstraintViolation,
    StartTransactionParams,
    StartTransactionResponse,
    StartTransactionResponseIdTagInfo,
    StartTransactionResponseIdTagInfoStatus,
)

from duologue import Call, Credentials, Identity, serve


class Paths:
    """A station is known by the path that it connects to."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        return Identity(name=credentials.path.strip("/") or "unnamed")


class Central(OcppService):
    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    async def boot_notification(self, call: Call[OcppPeer], params: BootNotificationParams) -> BootNotificationResponse:
        self._tasks.start_soon(self.ask, call.peer, call.identity.name)
        return BootNotificationResponse(
            status=BootNotificationResponseStatus.ACCEPTED, current_time=datetime.now(UTC), interval=300
        )

    async def ask(self, station: OcppPeer, name: str) -> None:
        """After the answer: until then a station may ignore what it is asked."""
        answer = await station.remote_start_transaction(id_tag="ABC", connector_id=1)
        await self.tell(station, "status", f"{answer.status} at {name}")
        try:
            await station.remote_start_transaction(id_tag="ABC", connector_id=9)
        except NotSupported as error:
            await self.tell(station, "done", f"NotSupported {error} {error.details.cause}")

    async def tell(self, station: OcppPeer, message: str, data: str) -> None:
        await station.data_transfer(vendor_id="us", message_id=message, data=data)

    async def heartbeat(self, call: Call[OcppPeer], params: HeartbeatParams) -> HeartbeatResponse:
        return HeartbeatResponse(current_time=datetime.now(UTC))

    async def start_transaction(self, call: Call[OcppPeer], params: StartTransactionParams) -> StartTransactionResponse:
        if params.id_tag == "stolen":
            raise PropertyConstraintViolation("not with this card", cause=f"{params.id_tag} is blocked")
        accepted = StartTransactionResponseIdTagInfo(status=StartTransactionResponseIdTagInfoStatus.ACCEPTED)
        return StartTransactionResponse(transaction_id=8, id_tag_info=accepted)

    async def data_transfer(self, call: Call[OcppPeer], params: DataTransferParams) -> DataTransferResponse:
        return DataTransferResponse(status=DataTransferResponseStatus.UNKNOWN_VENDOR_ID)


async def main(port: int) -> None:
    with anyio.move_on_after(600):
        async with (
            anyio.create_task_group() as tasks,
            serve(Central(tasks), "127.0.0.1", port, authenticator=Paths()),
        ):
            print("listening", flush=True)
            await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]), backend="trio" if "trio" in sys.argv else "asyncio")
