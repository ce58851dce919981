"""Tokens in headers and queries of a protocol's own, and results that are spread into the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, sdk_of, serving, url
from websockets.exceptions import InvalidStatus

from duologue import Call, ConnectFailed, Credentials, Identity, Lifecycle, StaticTokens
from duologue.testing import Simulation, simulate

pytestmark = pytest.mark.anyio
depot: Any = sdk("depot")
TOKEN = "c3RhdGlvbjpwYXNzd29yZA=="
STATIONS = StaticTokens.of({TOKEN: Identity(name="cp-1", roles=frozenset({"station"}))})

YARD = """
duologue: 1
protocol: yard
version: 1.0.0
wire: {extends: jsonrpc2, connect: {headers: {authorization: 'Token $token'}}}
defaults: {scope: public}
actions: {whoami: {result: string}}
"""


class Depot(depot.DepotService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.alive = anyio.Event()

    async def whoami(self, call: Call[Any], params: Any) -> Any:
        return depot.WhoamiResult(name=call.identity.name)

    async def nothing(self, call: Call[Any], params: Any) -> None: ...

    async def on_station_alive(self, call: Call[Any], event: Any) -> None:
        self.alive.set()


async def test_a_token_is_where_the_protocol_has_it() -> None:
    service = Depot()
    async with serving(service, authenticator=STATIONS) as server:
        async with depot.DepotClient.open(url(server.port), token=TOKEN) as client:
            assert (await client.whoami()).name == "cp-1"
            await client.nothing()
            await service.alive.wait()
        with pytest.raises(ConnectFailed) as refused:
            async with depot.DepotClient.open(url(server.port), token="nobody"):
                raise AssertionError
        assert refused.value.status_code == 401


async def test_what_a_client_shows_and_says() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        assert server.request is not None
        heard.append((server.request.path, server.request.headers["Authorization"]))
        said = await server.hear()
        while "id" not in said:
            heard.append(said)
            said = await server.hear()
        await server.say({"id": said["id"], "of": "whoami", "status": "ok", "name": "me"})
        await server.until_closed()

    async with raw_server(handle, []) as port, depot.DepotClient.open(f"{url(port)}?x=1", token=TOKEN) as client:
        with anyio.fail_after(BOUND):
            await anyio.sleep(0.3)
            assert (await client.whoami()).name == "me"
    assert heard[0] == ("/?x=1&key=c3RhdGlvbjpwYXNzd29yZA%3D%3D", f"Basic {TOKEN}")
    assert heard[1] == {"tell": "station", "about": "alive"}


class Anybody:
    """Lets in whoever comes, by the name of the token."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        return Identity(name=credentials.token or "nobody", roles=frozenset({"station"}))


@pytest.mark.parametrize(("shown", "name"), [(f"Basic {TOKEN}", TOKEN), (f"Digest {TOKEN}", "nobody")])
async def test_a_token_may_be_shown_in_the_header_alone(shown: str, name: str) -> None:
    async with serving(Depot(), authenticator=Anybody()) as server:
        async with raw_client(server.port, [], headers={"Authorization": shown}) as station:
            await station.say(id="1", call="whoami")
            assert await station.hear() == {"id": "1", "of": "whoami", "status": "ok", "name": name}


async def test_a_header_is_the_same_one_however_its_name_is_written(tmp_path: Path) -> None:
    yard: Any = sdk_of(tmp_path, YARD)

    class Yard(yard.YardService):  # type: ignore[misc]  # made while the test runs
        async def whoami(self, call: Call[Any], params: Any) -> str:
            return call.identity.name

    async with serving(Yard(), authenticator=STATIONS) as server:
        async with yard.YardClient.open(url(server.port), token=TOKEN) as client:
            assert await client.whoami() == "cp-1"


async def test_a_token_is_looked_for_in_no_target_that_is_none() -> None:
    async with serving(Depot(), authenticator=Anybody()) as server, raw_client(server.port, [], "//[") as station:
        refused = station.protocol.handshake_exc
    assert isinstance(refused, InvalidStatus)
    assert refused.response.status_code == 400


def test_a_keepalive_that_is_due_when_the_connection_is_cut_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(simulation: Simulation) -> None:
        connected = anyio.Event()
        lifecycle = Lifecycle(connected=lambda: connected.set())  # noqa: PLW0108 - it is another one each time
        async with (
            serving(Depot(), authenticator=STATIONS) as server,
            depot.DepotClient.open(url(server.port), token=TOKEN, lifecycle=lifecycle) as client,
        ):
            for _ in range(20):
                await connected.wait()
                connected = anyio.Event()
                await anyio.sleep(0.1)
                simulation.network.cut()
            assert (await client.whoami()).name == "cp-1"

    for seed in range(5):
        simulate(scenario, seed)
    assert caplog.text == ""
