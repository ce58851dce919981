"""Messages that are arrays, and calls from both ends, as OCPP-J has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, Unimplemented

pytestmark = pytest.mark.anyio
ocpp: Any = sdk("ocpp")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Central(ocpp.OcppService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.started = ""

    async def boot_notification(self, call: Call[Any], params: Any) -> Any:
        if params.charge_point_vendor == "unknown":
            raise ocpp.GenericError(reason="who are you")
        return ocpp.BootNotificationResult(status=ocpp.Registration.ACCEPTED, current_time=NOON, interval=300)

    async def heartbeat(self, call: Call[Any], params: Any) -> Any:
        return ocpp.HeartbeatResult(current_time=NOON)

    async def status_notification(self, call: Call[Any], params: Any) -> None:
        self.started = (await call.peer.remote_start(id_tag="ABC")).status


class Station(ocpp.OcppPeerService):  # type: ignore[misc]
    async def remote_start(self, call: Call[Any], params: Any) -> Any:
        return ocpp.RemoteStartResult(status=f"Accepted {params.id_tag}")


async def test_both_ends_call_each_other() -> None:
    central = Central()
    async with (
        serving(central) as server,
        ocpp.OcppClient.open(url(server.port), serve=Station()) as station,
    ):
        booted = await station.boot_notification(charge_point_vendor="V", charge_point_model="M")
        assert (booted.status, booted.current_time, booted.interval) == (ocpp.Registration.ACCEPTED, NOON, 300)
        await station.status_notification(connector_id=1, status="Available")
        assert central.started == "Accepted ABC"
        with pytest.raises(ocpp.GenericError, match="who are you"):
            await station.boot_notification(charge_point_vendor="unknown", charge_point_model="M")


async def test_a_server_frames_as_others_do() -> None:
    async with serving(Central()) as server, raw_client(server.port, ["ocpp2.0", "ocpp1.6"]) as station:
        assert station.protocol.subprotocol == "ocpp1.6"
        cases: list[tuple[Any, Any]] = [
            ([2, "a-1", "Heartbeat", {}], [3, "a-1", {"currentTime": "2026-01-01T12:00:00Z"}]),
            ([2, "a-2", "Nonsense", {}], [4, "a-2", "NotImplemented", "no action is called Nonsense", {}]),
            (
                [2, "a-3", "BootNotification", {"chargePointVendor": "unknown", "chargePointModel": "M"}],
                [4, "a-3", "GenericError", "who are you", {"reason": "who are you"}],
            ),
        ]
        for said, answered in cases:
            await station.say_text(json.dumps(said).encode())
            heard: Any = await station.hear()
            assert heard == answered
        await station.say_text(b'[2, "a-4", "StatusNotification", {"connectorId": 1, "status": "Available"}]')
        heard = await station.hear()
        assert heard == [2, "1", "RemoteStart", {"idTag": "ABC"}]
        await station.say_text(b'[3, "1", {"status": "Rejected"}]')
        heard = await station.hear()
        assert heard == [3, "a-4", {}]


async def test_a_client_frames_as_others_do() -> None:
    heard: list[Any] = []

    async def handle(central: Raw) -> None:
        assert central.protocol.subprotocol == "ocpp1.6"
        heard.append(await central.hear())
        await central.say_text(b'[3,"1",{"currentTime":"2026-01-01T12:00:00Z"}]')
        heard.append(await central.hear())
        await central.say_text(b'[4,"2","NotImplemented","not here",{}]')
        await central.say_text(b'[2,"c-1","RemoteStart",{"idTag":"X"}]')
        heard.append(await central.hear())
        await central.until_closed()

    async with raw_server(handle, ["ocpp1.6"]) as port, ocpp.OcppClient.open(url(port), serve=Station()) as station:
        with anyio.fail_after(BOUND):
            assert (await station.heartbeat()).current_time == NOON
            with pytest.raises(Unimplemented, match="not here"):
                await station.status_notification(connector_id=0, status="Faulted")
            while len(heard) < 3:
                await anyio.sleep(0.01)
    assert heard == [
        [2, "1", "Heartbeat", {}],
        [2, "2", "StatusNotification", {"connectorId": 0, "status": "Faulted"}],
        [3, "c-1", {"status": "Accepted X"}],
    ]
