"""What a connection at rest keeps of the messages that went over it: nothing, whoever reads, waits or writes."""

from __future__ import annotations

import gc
import json
import zlib
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest
from tests.runtime.hostile import DEFLATE, Hostile, frame
from tests.runtime.support import Room, serving
from websockets.frames import Opcode

from duologue import Deflate

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("only_new_objects")]

TAG = "seldom"
TIMES = 100


def call(times: int = 1) -> bytes:
    return json.dumps({"id": "1", "action": "echo", "params": {"text": TAG * TIMES, "times": times}}).encode()


def whole(peer: Hostile) -> None:
    peer.send(frame(call()))


def in_fragments(peer: Hostile) -> None:
    data = call()
    peer.send(frame(data[:1], fin=False) + frame(data[1:], Opcode.CONT))


def compressed(peer: Hostile) -> None:
    deflate = zlib.compressobj(wbits=-12)
    packed = deflate.compress(call()) + deflate.flush(zlib.Z_SYNC_FLUSH)
    peer.send(frame(packed[:-4], rsv1=True))


def answered_late(peer: Hostile) -> None:
    """The kernel takes not all of the answer at once: the rest of it waits."""
    peer.send(frame(call(1000)))


def holders() -> list[str]:
    """What holds a message, or a part of one."""
    return [
        f"{len(held)} bytes in {holder!r}"
        for holder in gc.get_objects()
        for held in gc.get_referents(holder)
        if isinstance(held, bytes | bytearray) and len(held) > 4 * len(TAG) and TAG.encode() in held
    ]


@pytest.mark.parametrize("say", [whole, in_fragments, compressed, answered_late])
async def test_nothing_holds_a_message_that_was_answered(say: Callable[[Hostile], None]) -> None:
    def converse(peer: Hostile) -> int:
        say(peer)
        return len(peer.hear()["data"]["text"])

    headers = DEFLATE if say is compressed else b""
    async with serving(Room(), compression=Deflate(threshold=1 << 20)) as server:
        with await anyio.to_thread.run_sync(lambda: Hostile(server.port, headers, small=True)) as peer:
            assert await anyio.to_thread.run_sync(converse, peer) >= len(TAG) * TIMES
            peer._buffer.clear()
            await anyio.wait_all_tasks_blocked()
            assert holders() == []
