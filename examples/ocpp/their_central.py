"""A central system by the package `ocpp`, which knows nothing of duologue.

python their_central.py 9000
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from ocpp.exceptions import OCPPError, PropertyConstraintViolationError
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection, serve


class Central(ChargePoint):  # a station, as a central system sees it
    @on(Action.boot_notification)
    def boot(self, charge_point_vendor: str, charge_point_model: str, **_: Any) -> Any:
        return call_result.BootNotification(
            current_time=datetime.now(UTC).isoformat(), interval=300, status=RegistrationStatus.accepted
        )

    @after(Action.boot_notification)
    async def ask(self, **_: Any) -> None:
        answer = await self.call(call.RemoteStartTransaction(id_tag="ABC", connector_id=1))
        await self.tell("status", f"{answer.status} at {self.id}")
        try:
            await self.call(call.RemoteStartTransaction(id_tag="ABC", connector_id=9), suppress=False)
        except OCPPError as error:
            await self.tell("done", f"{type(error).__name__} {error.description} {error.details}")

    async def tell(self, message: str, data: str) -> None:
        await self.call(call.DataTransfer(vendor_id="them", message_id=message, data=data))

    @on(Action.start_transaction)
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        if id_tag == "stolen":
            raise PropertyConstraintViolationError("not with this card", {"cause": f"{id_tag} is blocked"})
        return call_result.StartTransaction(transaction_id=7, id_tag_info={"status": AuthorizationStatus.accepted})

    @on(Action.heartbeat)
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time="2026-01-01T12:00:00")


async def connected(socket: ServerConnection) -> None:
    assert socket.request is not None
    await Central(socket.request.path.strip("/"), socket).start()


async def main(port: int) -> None:
    async with serve(connected, "127.0.0.1", port, subprotocols=["ocpp1.6"]):  # type: ignore[list-item]
        print("listening", flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
