"""Protocols as others speak them: each dialogue is held by our server with a plain client, and by our client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from tests.wires.dialogue import Case, our_client_holds_it, our_ends_hold_it, our_server_holds_it
from tests.wires.support import sdk

from duologue import Call, NotFound, Unimplemented, Unknown

pytestmark = pytest.mark.anyio
graphql: Any = sdk("graphql")
gateway: Any = sdk("gateway")
qmp: Any = sdk("qmp")
exchange: Any = sdk("exchange")
sockets: Any = sdk("sockets")
options: Any = sdk("options")
bayeux: Any = sdk("bayeux")
teamchat: Any = sdk("teamchat")
routed: Any = sdk("routed")


class Greetings(graphql.GraphqlService):  # type: ignore[misc]
    async def on_subscribe_(self, call: Call[Any], event: Any) -> None:
        notify, route = call.connection.notify, call.route
        if event.query == "nonsense":
            await notify(graphql.Error.from_wire(b'{"payload": [{"message": "Syntax Error"}]}'), route=route)
            return
        await notify(graphql.Next(data={"greetings": "Hi"}), route=route)
        await notify(graphql.Complete(), route=route)

    async def on_ping(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(graphql.Pong())

    async def on_pong(self, call: Call[Any], event: Any) -> None: ...
    async def on_complete(self, call: Call[Any], event: Any) -> None: ...


async def ask_for_greetings(client: Any) -> None:
    events = client.events
    async with events.next() as results, events.complete() as ends, events.error() as errors, events.pong() as pongs:
        await client.notify(graphql.Subscribe(query="subscription { greetings }"), route="u1")
        assert (await anext(results)).data == {"greetings": "Hi"}
        await anext(ends)
        await client.notify(graphql.Subscribe(query="nonsense"), route="u2")
        assert (await anext(errors)).payload[0].message == "Syntax Error"
        await client.notify(graphql.Ping())
        await anext(pongs)


class Gateway(gateway.GatewayService):  # type: ignore[misc]
    async def on_heartbeat(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(gateway.Reconnect() if event.d is None else gateway.HeartbeatAck())

    async def on_presence(self, call: Call[Any], event: Any) -> None:
        assert event.status == "online"
        await call.connection.notify(gateway.MessageCreate.from_wire(b'{"s": 2, "d": {"content": "hello"}}'))


async def beat(client: Any) -> None:
    events = client.events
    async with events.heartbeat_ack() as acks, events.message_create() as messages, events.reconnect() as ends:
        await client.notify(gateway.Heartbeat(d=1))
        await anext(acks)
        await client.notify(gateway.Presence(status="online"))
        message = await anext(messages)
        assert (message.s, message.d.content) == (2, "hello")
        await client.notify(gateway.Heartbeat(d=None))
        await anext(ends)


class Machine(qmp.QmpService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.ejected = anyio.Event()

    async def qmp_capabilities(self, call: Call[Any], params: Any) -> None: ...

    async def query_status(self, call: Call[Any], params: Any) -> Any:
        await self.ejected.wait()  # it is answered first all the same
        return qmp.QueryStatusResult(running=True)

    async def eject(self, call: Call[Any], params: Any) -> None:
        if params.device == "none":
            self.ejected.set()
            raise qmp.DeviceNotFound(device=params.device)
        await call.connection.notify(qmp.DeviceTrayMoved(device=params.device))

    async def stop(self, call: Call[Any], params: Any) -> None:
        await call.connection.notify(qmp.Stopped())


async def operate(client: Any) -> None:
    told: dict[str, str | None] = {}

    async def eject(device: str) -> None:
        try:
            told[device] = await client.eject(device=device)
        except qmp.DeviceNotFound as error:
            told[device] = str(error)

    async with client.events.stopped() as stopped, client.events.device_tray_moved() as moved:
        async with anyio.create_task_group() as tasks:  # trio starts tasks in any order: each leaves before the next
            tasks.start_soon(client.query_status)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(eject, "ide0")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(eject, "none")
        assert told == {"ide0": None, "none": "Device none not found"}
        assert (await anext(moved)).device == "ide0"
        await client.stop()
        await anext(stopped)


class Exchange(exchange.ExchangeService):  # type: ignore[misc]
    async def subscribe_(self, call: Call[Any], params: Any) -> Any:
        if params.channel != "ticker":
            call.connection.spawn(call.connection.notify, exchange.Heartbeat())
            raise NotFound(f"there is no channel {params.channel}")
        quote = b'{"type": "snapshot", "data": [{"symbol": "BTC/USD", "last": 1.5}]}'
        call.connection.spawn(call.connection.notify, exchange.Ticker.from_wire(quote))
        return exchange.SubscribeResult(channel="ticker")

    async def ping(self, call: Call[Any], params: Any) -> None: ...


async def trade(client: Any) -> None:
    async with client.events.ticker() as quotes, client.events.heartbeat() as beats:
        assert (await client.subscribe_(channel="ticker", symbol=["BTC/USD"])).channel == "ticker"
        assert (await anext(quotes)).data[0].last == 1.5
        await client.ping()
        with pytest.raises(Unknown, match="there is no channel nothing"):
            await client.subscribe_(channel="nothing")
        await anext(beats)


class App(sockets.SocketsPeerService):  # type: ignore[misc]
    async def slash_commands(self, call: Call[Any], params: Any) -> Any:
        return sockets.SlashCommandsResult(text=f"rolled {params.text}")

    async def events_api(self, call: Call[Any], params: Any) -> None:
        assert params.event == {"type": "app_mention"}


async def be_called(client: Any) -> None:
    async with client.events.disconnect() as ends:
        assert (await anext(ends)).reason == "refresh_requested"


async def call_the_app(server: Any) -> None:
    [app] = server.peers()
    assert (await app.slash_commands(command="/dice", text="2d6")).text == "rolled 2d6"
    await app.events_api(event={"type": "app_mention"})
    await app.connection.notify(sockets.Disconnect(reason="refresh_requested"))


class Options(options.OptionsService):  # type: ignore[misc]
    async def public_auth(self, call: Call[Any], params: Any) -> Any:
        return options.PublicAuthResult(access_token="A", expires_in=900)

    async def public_subscribe(self, call: Call[Any], params: Any) -> Any:
        event = options.Subscription(instrument_name="BTC", last_price=1.5)
        call.connection.spawn(self.tell, call, event, params.channels[0])
        return params.channels

    async def tell(self, call: Call[Any], event: Any, channel: str) -> None:
        await call.connection.notify(event, route=channel)
        await call.connection.notify(options.Heartbeat(type="test_request"))

    async def public_test(self, call: Call[Any], params: Any) -> Any:
        return options.PublicTestResult(version="1.2")


async def watch_options(client: Any) -> None:
    async with client.events.subscription().on("ticker.BTC") as quotes, client.events.heartbeat() as beats:
        assert await client.public_subscribe(channels=["ticker.BTC"]) == ["ticker.BTC"]
        assert (await anext(quotes)).last_price == 1.5
        assert (await anext(beats)).type == "test_request"
        assert (await client.public_test()).version == "1.2"


class Bayeux(bayeux.BayeuxService):  # type: ignore[misc]
    async def meta_handshake(self, call: Call[Any], params: Any) -> Any:
        return bayeux.MetaHandshakeResult(client_id="c9")

    async def meta_subscribe(self, call: Call[Any], params: Any) -> Any:
        if params.subscription == "/secret":
            raise NotFound("403:c9,/secret:Forbidden")
        call.connection.spawn(call.connection.notify, bayeux.MembersJoined(name="Ada"))
        return bayeux.MetaSubscribeResult(subscription=params.subscription)


async def join(client: Any) -> None:
    async with client.events.members_joined() as joined:
        assert (await client.meta_subscribe(subscription="/members/joined")).subscription == "/members/joined"
        assert (await anext(joined)).name == "Ada"
        with pytest.raises(Unknown, match="Forbidden"):
            await client.meta_subscribe(subscription="/secret")


class Team(teamchat.TeamchatService):  # type: ignore[misc]
    async def authentication_challenge(self, call: Call[Any], params: Any) -> None:
        if params.token != "T":
            raise teamchat.SessionExpired

    async def user_typing(self, call: Call[Any], params: Any) -> None:
        await call.connection.notify(teamchat.Typing(user_id="u1"), route=params.channel_id)

    async def get_statuses(self, call: Call[Any], params: Any) -> dict[str, str]:
        return {"u1": "online"}


async def chat(client: Any) -> None:
    assert await client.get_statuses() == {"u1": "online"}
    async with client.events.typing().on("c1") as typing:
        await client.user_typing(channel_id="c1")
        assert (await anext(typing)).user_id == "u1"
    with pytest.raises(teamchat.SessionExpired):
        await client.authentication_challenge(token="old")


class Sums(routed.RoutedService):  # type: ignore[misc]
    async def com_sums_add(self, call: Call[Any], params: Any) -> int:
        total = params.left + params.right
        await call.connection.notify(routed.ComSumsAdded(sum=total, by="me"), route="sums")
        return int(total)

    async def on_com_sums_asked(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(routed.ComSumsAdded(sum=event.times))


async def add(client: Any) -> None:
    async with client.events.com_sums.added() as added:
        assert await client.com_sums.add(left=23, right=7) == 30
        assert await anext(added) == routed.ComSumsAdded(sum=30, by="me")
        await client.notify(routed.ComSumsAsked(times=1))
        assert await anext(added) == routed.ComSumsAdded(sum=1)
        with pytest.raises(Unimplemented):
            await client.connection.calls.ask("com.sums.none", b"{}")


def has_token(known: Mapping[str, Any]) -> bool:
    return bool(known["token"] == "T")


CASES = {
    "graphql": Case(
        package=graphql,
        service=Greetings,
        drive=ask_for_greetings,
        serves={"token": has_token},
        opens={"token": "T"},
        offer=["graphql-transport-ws"],
    ),
    "gateway": Case(
        package=gateway,
        service=Gateway,
        drive=beat,
        serves={"interval": 41250, "session": "abc", "token": has_token},
        opens={"token": "T", "hooks": {"intents": 513, "properties": {"os": "linux"}}},
        path="/?v=10&encoding=json",
    ),
    "qmp": Case(package=qmp, service=Machine, drive=operate, serves={"version": "9.0"}),
    "exchange": Case(package=exchange, service=Exchange, drive=trade),
    "sockets": Case(
        package=sockets,
        service=sockets.SocketsService,
        drive=be_called,
        serves={"connections": 1},
        calls=call_the_app,
        app=App,
    ),
    "options": Case(
        package=options, service=Options, drive=watch_options, opens={"hooks": {"client": "me", "secret": "s"}}
    ),
    "bayeux": Case(package=bayeux, service=Bayeux, drive=join),
    "teamchat": Case(package=teamchat, service=Team, drive=chat, opens={"token": "T"}),
    "routed": Case(
        package=routed,
        service=Sums,
        drive=add,
        serves={"session": 77},
        opens={"hooks": {"realm": "north"}},
        offer=["wamp.2.json"],
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_our_server_holds_it(name: str) -> None:
    await our_server_holds_it(CASES[name], name)


@pytest.mark.parametrize("name", CASES)
async def test_our_client_holds_it(name: str) -> None:
    await our_client_holds_it(CASES[name], name)


@pytest.mark.parametrize("name", CASES)
async def test_our_ends_hold_it_with_each_other(name: str) -> None:
    await our_ends_hold_it(CASES[name])
