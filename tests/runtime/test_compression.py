"""Compression: agreed on or not, for texts that gain by it, made once for all, and no door for bombs."""

from __future__ import annotations

import json
import random
import tracemalloc
import weakref
import zlib
from collections import Counter
from itertools import pairwise
from typing import Any, cast

import anyio
import pytest
from tests.runtime.chat import ChatClient, Said
from tests.runtime.hostile import bomb, frame, tables
from tests.runtime.manual import ManualExecutor
from tests.runtime.support import Guest, Room, connection_of, serving, until, url_of
from websockets.client import ClientProtocol
from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from duologue import CloseCode, Deflate, Limits
from duologue.drivers.pace import A_CALL, TURNS
from duologue.drivers.port import Executor
from duologue.events.framing import Frames
from duologue.limits import KIB
from duologue.net.compression import (
    INFLATED,
    PACKED,
    PIECE,
    TAKEN,
    client_extensions,
    server_extensions,
)
from duologue.net.link import Link
from duologue.wire import NativeCodec

Offer = list[ClientPerMessageDeflateFactory]
BOTH = pytest.mark.parametrize("takeover", [False, True])
TEXT = json.dumps([{"name": f"service-{n}", "state": "running"} for n in range(200)]).encode()


def forms(takeover: bool) -> Deflate:
    return Deflate(server_no_context_takeover=not takeover, client_no_context_takeover=not takeover)


# ------------------------------------------------------------------------------------------------- what was wanted
@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"level": 0}, "level is 1 to 9, not 0"),
        ({"memory": 10}, "memory is 1 to 9, not 10"),
        ({"window_bits": 8}, "window_bits is 9 to 15, not 8"),
        ({"threshold": -1}, "threshold is a number of bytes, not -1"),
    ],
)
def test_values_that_there_are_not_are_refused(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Deflate(**wrong)


# --------------------------------------------------------------------------------------------------- what is agreed
def library_extensions(compression: Deflate | None) -> Offer | None:
    """What offers the same as `client_extensions`, and inflates by itself."""
    if compression is None:
        return None
    return [
        ClientPerMessageDeflateFactory(
            server_no_context_takeover=compression.server_no_context_takeover,
            client_no_context_takeover=compression.client_no_context_takeover,
            server_max_window_bits=compression.window_bits,
            client_max_window_bits=compression.window_bits,
            compress_settings=compression.compress_settings,
        )
    ]


class Pair:
    """A server's link, and a client's half of the library's protocol that speaks to it."""

    def __init__(
        self,
        ours: Deflate | None,
        theirs: Deflate | Offer | None,
        executor: ManualExecutor | None = None,
        **limits: Any,
    ) -> None:
        self.heard: list[bytes] = []
        self.heard_bytes: list[bytes] = []
        self.executor = executor or ManualExecutor()
        self.limits = Limits(**limits)
        self.writes: list[bytes] = []
        protocol = ServerProtocol(max_size=self.limits.frame, extensions=server_extensions(ours))
        offer = theirs if isinstance(theirs, list) else library_extensions(theirs)
        self.peer = ClientProtocol(parse_uri("ws://a/"), extensions=offer)
        self.link = Link(protocol, cast("Executor", self.executor), self.limits)
        self.link.owner = self
        self.link.connected(self)
        self.peer.send_request(self.peer.connect())
        self.link.receive(self.said())
        self.hear()

    # the link's owner
    def on_request(self, request: Request) -> None:
        assert isinstance(self.link.protocol, ServerProtocol)
        self.link.respond(self.link.protocol.accept(request))

    def on_message(self, data: bytes) -> None:
        self.heard.append(data)

    def on_binary(self, data: bytes) -> None:
        self.heard_bytes.append(data)

    def on_open(self, subprotocol: str | None) -> None: ...
    def on_pass_end(self) -> None: ...
    def on_room(self) -> None: ...
    def on_closed(self, code: int, reason: str) -> None: ...

    # its transport
    def write(self, data: bytes) -> int:
        self.writes.append(data)
        return 0

    def unsent(self) -> int:
        return 0

    def peer_name(self) -> str:
        return "peer"

    def peer_certificate(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def hold(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    # the test's
    def said(self) -> bytes:
        return b"".join(self.peer.data_to_send())

    def hear(self) -> list[Any]:
        self.peer.receive_data(b"".join(self.writes))
        self.writes.clear()
        return list(self.peer.events_received())

    def turns(self) -> int:
        """Let the link read to the end; how many more passes that took."""
        turns = 0
        while self.executor.soon:
            self.executor.turn()
            turns += 1
        return turns


@pytest.mark.parametrize(("ours", "theirs"), [(None, None), (Deflate(), None), (None, Deflate())])
def test_one_end_alone_compresses_nothing(ours: Deflate | None, theirs: Deflate | None) -> None:
    pair = Pair(ours, theirs)
    assert pair.link.protocol.state is OPEN
    assert not pair.link.protocol.extensions
    assert not pair.peer.extensions
    pair.link.send(TEXT)
    pair.link.flush()
    assert len(b"".join(pair.writes)) > len(TEXT)
    assert pair.link.framing == ""


@BOTH
def test_texts_are_compressed_both_ways(takeover: bool) -> None:
    pair = Pair(forms(takeover), forms(takeover))
    for _ in range(3):
        pair.link.send(TEXT)
        pair.link.flush()
        assert len(b"".join(pair.writes)) < len(TEXT) / 4
        assert [bytes(heard.data) for heard in pair.hear()] == [TEXT]
        pair.peer.send_text(TEXT)
        said = pair.said()
        assert len(said) < len(TEXT) / 4
        pair.link.receive(said)
        pair.turns()
        assert pair.heard.pop() == TEXT


def test_bytes_come_as_bytes_where_texts_are_compressed() -> None:
    pair = Pair(Deflate(), Deflate())
    pair.peer.send_binary(TEXT)
    pair.link.receive(pair.said())
    assert (pair.heard_bytes, pair.heard) == ([TEXT], [])


@BOTH
def test_a_browser_which_offers_what_browsers_offer_is_understood(takeover: bool) -> None:
    pair = Pair(forms(takeover), [ClientPerMessageDeflateFactory()])
    [extension] = pair.peer.extensions
    assert isinstance(extension, PerMessageDeflate)
    assert extension.remote_no_context_takeover is not takeover
    for _ in range(2):
        pair.link.send(TEXT)
        pair.link.flush()
        assert [bytes(heard.data) for heard in pair.hear()] == [TEXT]


@pytest.mark.parametrize("allowed", [9, 12, 15])
def test_a_server_may_allow_a_larger_window_than_was_offered(allowed: int) -> None:
    """Cases 13.4 and 13.6 of Autobahn|Testsuite do."""
    [offered] = client_extensions(Deflate(window_bits=12)) or []
    params = [("server_no_context_takeover", None), ("server_max_window_bits", "12")]
    agreed = offered.process_response_params([*params, ("client_max_window_bits", str(allowed))], [])
    assert isinstance(agreed, PerMessageDeflate)
    assert agreed.local_max_window_bits == min(allowed, 12)


@pytest.mark.parametrize("allowed", ["16", "7", "012", "wide"])
def test_a_window_that_there_is_not_is_refused(allowed: str) -> None:
    [offered] = client_extensions(Deflate()) or []
    with pytest.raises(NegotiationError):
        offered.process_response_params([("client_max_window_bits", allowed)], [])


@pytest.mark.parametrize(
    ("size", "binary", "compressed"), [(1023, False, False), (1024, False, True), (9999, True, False)]
)
def test_only_texts_of_some_size_are_compressed(size: int, binary: bool, compressed: bool) -> None:
    pair = Pair(Deflate(threshold=1024), Deflate())
    pair.link.send(b"x" * size, binary=binary)
    pair.link.flush()
    assert bool(b"".join(pair.writes)[0] & 0x40) is compressed
    assert [bytes(heard.data) for heard in pair.hear()] == [b"x" * size]


def test_what_is_below_the_threshold_does_not_disturb_what_is_not() -> None:
    pair = Pair(forms(True), forms(True))
    for text in (TEXT, b"short", TEXT, b"x" * 2000, b"short", TEXT):
        pair.link.send(text)
        pair.link.flush()
        assert [bytes(heard.data) for heard in pair.hear()] == [text]


# ---------------------------------------------------------------------------------------------- once for all of them
def test_an_event_is_compressed_once_for_each_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    encode = PerMessageDeflate.encode

    def count(self: PerMessageDeflate, frame: Frame) -> Frame:
        made.append(self.local_max_window_bits)
        return encode(self, frame)

    monkeypatch.setattr(PerMessageDeflate, "encode", count)
    pairs = [Pair(Deflate(), Deflate()) for _ in range(10)] + [
        Pair(Deflate(), Deflate(window_bits=9)) for _ in range(5)
    ]
    plain = [Pair(Deflate(), None) for _ in range(5)]
    frames = Frames(Said(room="a", text="x" * 2000), 5, NativeCodec())
    for pair in pairs + plain:
        made_once = frames.framed(pair.link, extensions=True)
        assert made_once is not None
        pair.link.send_framed(made_once)
        pair.link.flush()
        [heard] = pair.hear()
        assert bytes(heard.data) == frames.shared(extensions=True)
    assert sorted(made) == [9, 12]


def test_who_remembers_what_was_sent_before_gets_frames_of_its_own() -> None:
    pair = Pair(forms(True), forms(True))
    assert pair.link.framing is None
    assert Frames(Said(room="a", text="x" * 2000), 5, NativeCodec()).framed(pair.link, extensions=True) is None


# --------------------------------------------------------------------------------------------------------- bombs
def test_a_message_is_as_large_as_what_comes_out_of_it() -> None:
    pair = Pair(Deflate(), Deflate(), frame=100_000)
    pair.link.receive(bomb(100_000))
    pair.turns()
    assert [len(text) for text in pair.heard] == [100_000]
    pair.link.receive(bomb(100_001))
    pair.turns()
    [close] = pair.hear()
    assert Close.parse(close.data).code == CloseCode.TOO_BIG
    assert len(pair.heard) == 1


def test_so_are_fragments_together() -> None:
    pair = Pair(Deflate(), Deflate(), frame=100_000)
    deflate = zlib.compressobj(9, wbits=-12)
    pieces = [deflate.compress(b" " * 50_000) + deflate.flush(zlib.Z_SYNC_FLUSH) for _ in range(3)]
    rest = [frame(piece, Opcode.CONT, fin=False) for piece in pieces[1:]]
    pair.link.receive(b"".join([frame(pieces[0], fin=False, rsv1=True), *rest]))
    pair.turns()
    assert Close.parse(pair.hear()[-1].data).code == CloseCode.TOO_BIG


def test_a_bomb_takes_no_more_memory_than_a_message() -> None:
    pair, data = Pair(Deflate(), Deflate()), bomb(60 << 20)
    assert len(data) < pair.limits.frame
    tracemalloc.start()
    try:
        for start in range(0, len(data), 65536):
            pair.link.receive(data[start : start + 65536])
            pair.turns()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert Close.parse(pair.hear()[-1].data).code == CloseCode.TOO_BIG
    assert peak < 6 << 20


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_connection_keeps_nothing_that_was_read(is_lost: bool) -> None:
    """Many that had each sent a large message would fill the memory, and links that are gone are freed late."""
    links: list[Link] = []
    tracemalloc.start()
    try:
        for _ in range(10):
            pair = Pair(Deflate(), Deflate())
            pair.link.receive(bomb(1 << 20) * (3 if is_lost else 1))
            if is_lost:
                for _ in range(8 * TURNS):
                    pair.executor.turn()
                pair.link.lost()
            links.append(pair.link)
            pair.turns()
            pair.heard.clear()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 2 << 20, "ten links, each of which had read a MiB"


def test_who_has_nothing_to_remember_keeps_no_decompressor_either() -> None:
    pairs = [Pair(Deflate(), Deflate()) for _ in range(20)]
    for pair in pairs:
        pair.link.receive(bomb(1000))  # what is made with the first message stays
    texts = [bomb(10_000) for _ in pairs]
    tracemalloc.start()
    try:
        for pair, text in zip(pairs, texts, strict=True):
            pair.link.receive(text)
            pair.heard.clear()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept / len(pairs) < 2 * KIB


@BOTH
def test_a_connection_that_is_gone_keeps_no_compressor(takeover: bool) -> None:
    """They take 50 KB where what was said before counts."""
    pair = Pair(forms(takeover), forms(takeover))
    pair.peer.send_text(TEXT)
    pair.link.receive(pair.said())
    pair.link.send(pair.heard.pop())
    [extension] = map(weakref.ref, pair.link.protocol.extensions)
    pair.link.lost()
    assert extension() is None, "though the link itself is still there"


class Counting:
    """Decompressors that count what goes in and comes out, in each turn of the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken, self.inflated = [0], [0]
        self.made = 0
        self._make = zlib.decompressobj
        monkeypatch.setattr(zlib, "decompressobj", self._counted)

    def turn(self) -> None:
        self.taken.append(0)
        self.inflated.append(0)

    def _counted(self, wbits: int) -> Any:
        self.made += 1
        return Counted(self._make(wbits=wbits), self)


class Counted:
    def __init__(self, real: Any, among: Counting) -> None:
        self._real = real
        self._among = among

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def decompress(self, data: bytes, most: int) -> bytes:
        found: bytes = self._real.decompress(data, most)
        self._among.taken[-1] += len(data) - len(self._real.unconsumed_tail)
        self._among.inflated[-1] += len(found)
        return found


def a_pass(pair: Pair) -> int:
    """Bytes that come out in one pass at most."""
    return pair.limits.frames_per_pass * INFLATED + PIECE


@pytest.mark.parametrize(("data", "times", "size"), [(bomb(1 << 20), 20, 1 << 20), (tables(1 << 17), 1, 0)])
def test_what_takes_long_to_inflate_leaves_others_their_turn(
    monkeypatch: pytest.MonkeyPatch, data: bytes, times: int, size: int
) -> None:
    pair, count = Pair(Deflate(), Deflate()), Counting(monkeypatch)
    pair.link.receive(data * times)
    while pair.executor.soon:
        count.turn()
        pair.executor.turn()
    assert [len(text) for text in pair.heard] == [size] * times
    assert count.made == times
    assert sum(count.inflated) == size * times
    frames = pair.limits.frames_per_pass
    assert max(count.inflated) <= a_pass(pair)
    assert max(count.taken) <= frames * PACKED + TAKEN
    passes = [turn for turn, taken in enumerate(count.taken) if taken]
    assert len(passes) > 10
    gaps = Counter(later - earlier for earlier, later in pairwise(passes))
    assert gaps.pop(A_CALL, 0) == times - 1, "before the next message nobody waits in line"
    assert gaps.keys() == {TURNS}


@pytest.mark.parametrize("size", [900_000, 1 << 20])
def test_one_message_is_inflated_to_its_end_before_another_is_begun(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Of many at once each would be held nearly whole; and none has two while others wait for their first."""
    executor, count = ManualExecutor(), Counting(monkeypatch)
    pairs = [Pair(Deflate(), Deflate(), executor=executor) for _ in range(10)]
    for pair in pairs:
        pair.link.receive(bomb(size) * 2)
    order: list[int] = []
    while executor.soon:
        executor.turn()
        for number, pair in enumerate(pairs):
            order += [number] * len(pair.heard)
            pair.heard.clear()
        assert sum(count.inflated) <= (len(order) + 1) * size + a_pass(pairs[0]), "no more than one is half done"
    assert order == [*range(10), *range(10)]


@pytest.mark.parametrize("frames_per_pass", [1, 16])
def test_what_is_small_does_not_wait_behind_what_takes_long(frames_per_pass: int) -> None:
    """Though it waits for its turn, where there is much of it."""
    pair = Pair(Deflate(threshold=0), Deflate(threshold=0), frames_per_pass=frames_per_pass)
    for _ in range(64):
        pair.peer.send_text(b"x" * 100)
    pair.link.receive(pair.said())
    assert pair.turns() < 64 // frames_per_pass * 2 * A_CALL
    assert len(pair.heard) == 64


def test_what_is_small_is_heard_at_once() -> None:
    pair = Pair(Deflate(), Deflate())
    pair.link.receive(bomb(10_000))
    assert pair.heard == [b" " * 10_000]


SIZES = [0, 1, TAKEN, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 100_000]


@BOTH
@pytest.mark.parametrize("fragments", [1, 3])
def test_whatever_was_compressed_comes_out_as_it_was(takeover: bool, fragments: int) -> None:
    """In pieces that end anywhere, of data that shrinks to nothing and of data that does not shrink."""
    pair, rng, sent = Pair(forms(takeover), forms(takeover)), random.Random(7692), list[bytes]()
    for size in SIZES:
        for text in (b" " * size, rng.randbytes(size), (rng.randbytes(50) * size)[:size], b"short"):
            sent.append(text)
            part = len(text) // fragments
            if fragments == 1:
                pair.peer.send_text(text)
            else:
                pair.peer.send_text(text[:part], fin=False)
                pair.peer.send_continuation(text[part : 2 * part], fin=False)
                pair.peer.send_continuation(text[2 * part :], fin=True)
            pair.link.receive(pair.said())
    pair.turns()
    assert pair.heard == sent


def test_what_came_before_the_end_is_heard_though_it_takes_several_passes() -> None:
    pair = Pair(Deflate(), Deflate())
    pair.link.receive(bomb(1 << 20) + bomb(10))
    pair.link.eof()
    assert pair.heard == []
    pair.turns()
    assert [len(text) for text in pair.heard] == [1 << 20, 10]


def test_who_is_being_closed_is_not_inflated_for_any_more() -> None:
    pair = Pair(Deflate(), Deflate())
    pair.link.receive(bomb(1 << 20) + bomb(10))
    pair.link.close(CloseCode.GOING_AWAY)
    assert pair.turns() <= 2 * TURNS
    assert pair.heard == []


@BOTH
def test_a_stream_may_end_before_its_message_and_its_connection(takeover: bool) -> None:
    """A block may say that it is the last one (RFC 7692, section 7.2.3.4); what is behind it is another stream."""
    pair = Pair(forms(takeover), forms(takeover))

    def stream(text: bytes) -> bytes:
        deflate = zlib.compressobj(9, wbits=-12)
        return deflate.compress(text) + deflate.flush(zlib.Z_FINISH)

    for _ in range(10):
        pair.link.receive(
            frame(stream(TEXT) + b"\0", rsv1=True) + frame(stream(b"a") + stream(b"b") + b"\0", rsv1=True)
        )
        pair.turns()
    assert pair.heard == [TEXT, b"ab"] * 10


def test_streams_that_end_at_once_leave_others_their_turn() -> None:
    pair = Pair(Deflate(), Deflate())
    ended = b"\x03\x00"  # the shortest that there is, of which nothing comes
    pair.link.receive(frame(ended * 1600 + b"\0", rsv1=True))
    assert pair.turns() >= 1600 // pair.limits.frames_per_pass * TURNS
    assert pair.heard == [b""]


def test_only_the_first_fragment_says_that_its_message_is_compressed() -> None:
    pair = Pair(Deflate(), Deflate())
    deflate = zlib.compressobj(9, wbits=-12)
    parts = [deflate.compress(TEXT) + deflate.flush(zlib.Z_SYNC_FLUSH) for _ in range(2)]
    pair.link.receive(frame(parts[0], fin=False, rsv1=True) + frame(parts[1], Opcode.CONT, rsv1=True))
    pair.turns()
    assert Close.parse(pair.hear()[-1].data).code == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("form", [None, Deflate()])
def test_what_may_be_a_bomb_waits_behind_those_whose_passes_took_long(form: Deflate | None) -> None:
    pair = Pair(form, form)
    others: list[int] = []
    pair.executor.call_in_turn(lambda: others.append(len(pair.heard)))
    pair.peer.send_text(b"short")
    pair.link.receive(pair.said())
    pair.turns()
    assert pair.heard == [b"short"]
    assert others == [0 if form else 1]


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x07", TEXT])
def test_what_cannot_be_inflated_ends_the_connection(data: bytes) -> None:
    pair = Pair(Deflate(), Deflate())
    pair.link.receive(frame(data, rsv1=True))
    assert Close.parse(pair.hear()[-1].data).code == CloseCode.PROTOCOL_ERROR


# ------------------------------------------------------------------------------------------------- over real sockets
@pytest.mark.anyio
@BOTH
async def test_calls_streams_and_events(takeover: bool) -> None:
    async with serving(Room(), compression=forms(takeover)) as server:
        url = url_of(server)
        async with (
            ChatClient.open(url, serve=Guest(), compression=forms(takeover)) as client,
            ChatClient.open(url) as plain,
        ):
            assert connection_of(client)._link.framing != ""
            assert connection_of(plain)._link.framing == ""
            assert (await client.echo(text="ab" * 10_000)).text == "ab" * 10_000
            assert await client.ask(depth=5) == 5
            async with client.events.said() as one, plain.events.said() as other, client.count(upto=100) as numbers:
                assert len([number async for number in numbers]) == 100
                for number in range(20):
                    await server.emit(Said(room="a", text="x" * 100 * number, number=number))
                for stream in (one, other):
                    for number in range(20):
                        with anyio.fail_after(2):
                            assert len((await anext(stream)).text) == 100 * number
        await until(lambda: not server.connections)
