"""Messages whose kind is a number, and a login that is computed, as a studio's remote control has them."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url
from websockets.exceptions import ConnectionClosed

from duologue import Call, ConnectFailed, Unknown

pytestmark = pytest.mark.anyio
studio: Any = sdk("studio")
OFFER = ["obswebsocket.json"]
ASKED = {
    "challenge": "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=",
    "salt": "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=",
}
PROVEN = "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="


def digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def proof(known: Any) -> str | None:
    """The proof of a password, where the server has asked for one."""
    return digest(digest("supersecretpassword" + known["salt"]) + known["challenge"]) if "salt" in known else None


def is_proven(known: Any) -> bool:
    return bool(known.get("proof") == PROVEN)


class Studio(studio.StudioService):  # type: ignore[misc]
    async def get_version(self, call: Call[Any], params: Any) -> Any:
        return studio.GetVersionResult(obs_version="30")

    async def set_scene(self, call: Call[Any], params: Any) -> None:
        if params.scene_name != "A":
            raise studio.NoScene(name=params.scene_name)
        await call.connection.notify(studio.SceneChanged(scene_name="A"))


HOOKS: dict[str, Any] = {**ASKED, "proof": is_proven}


def reply(kind: str, id: str, status: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"op": 7, "d": {"requestType": kind, "requestId": id, "requestStatus": status, **more}}


def event(kind: str, intent: int, **data: Any) -> dict[str, Any]:
    return {"op": 5, "d": {"eventType": kind, "eventIntent": intent, "eventData": data}}


async def test_a_server_frames_as_others_do() -> None:
    done = {"result": True, "code": 100}
    async with serving(Studio(), hooks=HOOKS) as server, raw_client(server.port, OFFER) as client:
        assert await client.hear() == {"op": 0, "d": {"rpcVersion": 1, "authentication": ASKED}}
        await client.say({"op": 1, "d": {"rpcVersion": 1, "authentication": PROVEN}})
        assert await client.hear() == {"op": 2, "d": {"negotiatedRpcVersion": 1}}
        await client.say({"op": 6, "d": {"requestType": "GetVersion", "requestId": "q1"}})
        assert await client.hear() == reply("GetVersion", "q1", done, responseData={"obsVersion": "30"})
        await client.say(
            {"op": 6, "d": {"requestType": "SetScene", "requestId": "q2", "requestData": {"sceneName": "A"}}}
        )
        assert await client.hear() == event("SceneChanged", 4, sceneName="A")
        assert await client.hear() == reply("SetScene", "q2", done)
        await client.say(
            {"op": 6, "d": {"requestType": "SetScene", "requestId": "q3", "requestData": {"sceneName": "B"}}}
        )
        assert await client.hear() == reply("SetScene", "q3", {"result": False, "code": 600, "comment": "no scene B"})
        await client.say({"op": 6, "d": {"requestType": "Nothing", "requestId": "q4"}})
        assert (await client.hear())["d"]["requestStatus"]["code"] == 204


@pytest.mark.parametrize("asked", [ASKED, None], ids=["with a password", "without one"])
async def test_a_client_frames_as_others_do(asked: dict[str, str] | None) -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        hello = {"rpcVersion": 1, **({"authentication": asked} if asked else {})}
        await server.say({"op": 0, "d": hello})
        heard.append(await server.hear())
        await server.say({"op": 2, "d": {"negotiatedRpcVersion": 1}})
        heard.append(await server.hear())
        await server.say(event("SceneChanged", 1, sceneName="A", sceneUuid="u"))
        await server.say(event("SceneCreated", 4, sceneName="C"))
        await server.say(reply("SetScene", heard[-1]["d"]["requestId"], {"result": True, "code": 100}))
        for status in ({"result": False, "code": 600, "comment": "none"}, {"result": False, "code": 207}):
            heard.append(await server.hear())
            await server.say(reply("SetScene", heard[-1]["d"]["requestId"], status))
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, OFFER) as port,
            studio.StudioClient.open(url(port), hooks={"proof": proof, "wanted": 33}) as client,
            client.events.scene_changed() as changed,
            client.undeclared() as others,
        ):
            await client.set_scene(scene_name="A")
            assert (await anext(changed)).scene_name == "A"
            assert (await anext(others)).name == "SceneCreated"
            with pytest.raises(studio.NoScene, match="none"):
                await client.set_scene(scene_name="B")
            with pytest.raises(Unknown, match="no more than its code, 207"):
                await client.set_scene(scene_name="B")
    shown = {"authentication": PROVEN} if asked else {}
    assert heard[0] == {"op": 1, "d": {"rpcVersion": 1, **shown, "eventSubscriptions": 33}}
    assert heard[1] == {"op": 6, "d": {"requestType": "SetScene", "requestId": "1", "requestData": {"sceneName": "A"}}}


async def test_what_is_not_proven_ends_the_connection_with_the_code_for_it() -> None:
    async with serving(Studio(), hooks=HOOKS) as server:
        with pytest.raises(ConnectFailed, match="Authentication failed") as failed:
            async with studio.StudioClient.open(url(server.port), hooks={"proof": "a guess", "wanted": 1}):
                raise AssertionError
        assert failed.value.close_code == 4009
        async with raw_client(server.port, OFFER) as client:
            await client.hear()
            await client.say({"op": 1, "d": {"rpcVersion": 1, "authentication": "a guess"}})
            with pytest.raises(ConnectionClosed) as closed:
                await client.hear()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4009, "Authentication failed.")


async def test_a_client_does_not_try_again_with_what_was_refused() -> None:
    attempts, stands = 0, anyio.Event()

    async def handle(server: Raw) -> None:
        nonlocal attempts
        attempts += 1
        await server.say({"op": 0, "d": {"rpcVersion": 1, "authentication": ASKED}})
        await server.hear()
        if attempts == 1:
            await server.say({"op": 2, "d": {"negotiatedRpcVersion": 1}})
            await stands.wait()
            return  # and the connection is lost
        await server.close(4009, "Authentication failed.")
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, OFFER) as port,
            studio.StudioClient.open(url(port), hooks={"proof": proof, "wanted": 1}) as client,
            client.events.scene_changed() as changed,
        ):
            stands.set()
            with pytest.raises(ConnectFailed, match="refuses the credentials") as failed:
                await anext(changed)
    assert (attempts, failed.value.close_code) == (2, 4009)
