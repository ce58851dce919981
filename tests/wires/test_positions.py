"""Params by position, and events whose route is a subscription, as nodes of chains and download managers have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, sdk_of, serving, url

from duologue import Call

pytestmark = pytest.mark.anyio
ethereum: Any = sdk("ethereum")
downloads: Any = sdk("downloads")


class Node(ethereum.EthereumService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def eth_block_number(self, call: Call[Any], params: Any) -> str:
        return "0x10"

    async def eth_get_balance(self, call: Call[Any], params: Any) -> str:
        if params.address == "0x0":
            raise ethereum.Reverted
        return f"{params.address} at {params.block}"

    async def eth_get_block(self, call: Call[Any], params: Any) -> Any:
        self.asked.append((params.block, params.full, params.depth))
        return None

    async def eth_syncing(self, call: Call[Any], params: Any) -> bool:
        return False

    async def eth_subscribe(self, call: Call[Any], params: Any) -> str:
        for number in ("0x1", "0x2"):
            event = ethereum.EthSubscription(number=number, hash=None)
            await call.connection.notify(event, route=f"{params.kind}-{number}")
        return f"{params.kind}-0x2"


async def test_both_ends_agree_on_positions() -> None:
    node = Node()
    async with (
        serving(node) as server,
        ethereum.EthereumClient.open(url(server.port)) as client,
        client.events.eth_subscription().on("newHeads-0x2") as heads,
    ):
        assert await client.eth_block_number() == "0x10"
        assert await client.eth_get_balance(address="0xa") == "0xa at latest"
        assert await client.eth_get_block(block="0x1") is None
        await client.eth_get_block(block="0x2", depth=3)
        assert node.asked == [("0x1", False, None), ("0x2", False, 3)]
        assert await client.eth_syncing() is False
        with pytest.raises(ethereum.Reverted):
            await client.eth_get_balance(address="0x0")
        assert await client.eth_subscribe(kind="newHeads") == "newHeads-0x2"
        assert (await anext(heads)).number == "0x2"
        assert heads.route == "newHeads-0x2"


async def test_a_server_takes_params_by_position() -> None:
    async with serving(Node()) as server, raw_client(server.port, []) as client:
        for said, answered in (
            (["0xa", "0x5"], {"result": "0xa at 0x5"}),
            (["0xa", None], {"result": "0xa at latest"}),
            ({"address": "0xa"}, {"result": "0xa at latest"}),
            (["0x0"], {"error": {"code": 3, "message": "execution reverted"}}),
            ([], {"error": {"code": -32602, "message": "address: Field required"}}),
            (["0xa", "0x5", 1], {"error": {"code": -32602, "message": "2: Extra inputs are not permitted"}}),
        ):
            await client.say({"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": said})
            assert await client.hear() == {"jsonrpc": "2.0", "id": 1, **answered}
        await client.say({"jsonrpc": "2.0", "id": 2, "method": "eth_subscribe", "params": ["logs"]})
        assert await client.hear() == {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": "logs-0x1", "result": {"number": "0x1", "hash": None}},
        }


async def test_a_client_sends_params_by_position() -> None:
    heard: list[Any] = []

    async def handle(node: Raw) -> None:
        for result in ("0x0", "0x0", None, None):
            said = await node.hear()
            heard.append(said["params"])
            await node.say({"jsonrpc": "2.0", "id": said["id"], "result": result})
        await node.until_closed()

    async with raw_server(handle, []) as port, ethereum.EthereumClient.open(url(port)) as client:
        with anyio.fail_after(BOUND):
            await client.eth_block_number()
            await client.eth_get_balance(address="0xa")
            await client.eth_get_block(block="0x1", full=True)
            await client.eth_get_block(block="0x1", depth=2)
    assert heard == [[], ["0xa"], ["0x1", True], ["0x1", False, 2]]


def secret(known: Any) -> str:
    return "token:s"


class Manager(downloads.DownloadsService):  # type: ignore[misc]
    async def aria2_add_uri(self, call: Call[Any], params: Any) -> str:
        await call.connection.notify(downloads.Aria2OnDownloadStart(gid="g1"))
        return f"{params.uris[0]} {params.position}"

    async def aria2_get_version(self, call: Call[Any], params: Any) -> Any:
        return downloads.Aria2GetVersionResult(version="1")


async def test_a_value_that_users_give_stands_before_all_params() -> None:
    async with (
        serving(Manager()) as server,
        downloads.DownloadsClient.open(url(server.port), hooks={"secret": "token:s"}) as client,
        client.events.aria2.on_download_start() as started,
    ):
        assert (await client.aria2.get_version()).version == "1"
        assert await client.aria2.add_uri(uris=["u"], position=4) == "u 4"
        assert (await anext(started)).gid == "g1"


async def test_it_does_so_on_the_wire() -> None:
    heard: list[Any] = []

    async def handle(manager: Raw) -> None:
        heard.append(await manager.hear())
        await manager.say_text(b'{"jsonrpc":"2.0","method":"aria2.onDownloadStart","params":[{"gid":"g"}]}')
        await manager.say({"jsonrpc": "2.0", "id": "1", "result": "g"})
        await manager.until_closed()

    async with (
        raw_server(handle, []) as port,
        downloads.DownloadsClient.open(url(port), hooks={"secret": secret}) as client,
        client.events.aria2.on_download_start() as started,
    ):
        with anyio.fail_after(BOUND):
            assert await client.aria2.add_uri(uris=["u"]) == "g"
            assert (await anext(started)).gid == "g"
    assert json.dumps(heard[0]["params"]) == '["token:s", ["u"]]'


NULLS = """
duologue: 1
protocol: nulls
version: 1.0.0
wire: {extends: jsonrpc2, params: {style: positional}}
defaults: {scope: public}
types: {Word: string|null}
actions:
  tell: {params: {anything: json, word: Word, plain: string|null, more: {type: integer, default: 3}}, result: json}
"""


async def test_null_is_a_value_where_the_type_has_it(tmp_path: Path) -> None:
    nulls: Any = sdk_of(tmp_path, NULLS)

    class Told(nulls.NullsService):  # type: ignore[misc]  # made while the test runs
        async def tell(self, call: Call[Any], params: Any) -> Any:
            return [params.anything, params.word, params.plain, params.more]

    async with serving(Told()) as server, nulls.NullsClient.open(url(server.port)) as client:
        assert await client.tell(anything=None, word=None, plain=None, more=4) == [None, None, None, 4]
    async with serving(Told()) as server, raw_client(server.port, []) as client:
        await client.say({"jsonrpc": "2.0", "id": 1, "method": "tell", "params": [None, None, None, None]})
        assert (await client.hear())["result"] == [None, None, None, 3]
