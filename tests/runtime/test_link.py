"""The link without a socket: a transport that records, an executor whose clock stands until it is moved."""

from __future__ import annotations

import gc
import logging
import math
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from tests.runtime.manual import ManualExecutor
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLOSED
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from duologue.close_codes import CloseCode
from duologue.drivers.pace import A_CALL, A_FEW, APART, LONG_READ, TURNS
from duologue.drivers.port import Executor
from duologue.limits import JOIN_BYTES, JOIN_FRAMES, KIB, Limits
from duologue.net.backlog import LONG_PASS
from duologue.net.frames import LINE, TEXT, Cutter, frame_of
from duologue.net.handshake import WEBSOCKET_LOGGER
from duologue.net.link import Link
from duologue.net.watchdog import WATCHES

SUBPROTOCOL = Subprotocol("duologue.v1")


class FakeTransport:
    """Takes what is written; `stuck` bytes wait to be sent."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.stuck = 0
        self.stalled = False
        self.closed = self.aborted = self.paused = self.held = False
        self.pauses = 0

    def write(self, data: bytes) -> int:
        assert not self.closed
        assert data
        self.writes.append(data)
        if self.stalled:
            self.stuck += len(data)
        return self.stuck

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def hold(self) -> None:
        self.held = True

    def unsent(self) -> int:
        return self.stuck

    def pause_reading(self) -> None:
        self.paused = True
        self.pauses += 1

    def resume_reading(self) -> None:
        self.paused = False

    def peer_name(self) -> str:
        return "fake"

    def peer_certificate(self) -> None:
        return None

    def take(self) -> bytes:
        data = b"".join(self.writes)
        self.writes.clear()
        return data


class Owner:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.passes = 0
        self.link: Link
        self.status = 101
        self.requests: list[Request] = []
        self.answers_at_once = True

    def on_request(self, request: Request) -> None:
        self.requests.append(request)
        if self.answers_at_once:
            self.answer()

    def answer(self) -> None:
        protocol = self.link.protocol
        assert isinstance(protocol, ServerProtocol)
        refused = self.status != 101
        self.link.respond(protocol.reject(self.status, "no") if refused else protocol.accept(self.requests[-1]))

    def on_open(self, subprotocol: str | None) -> None:
        self.told.append(("open", subprotocol))

    def on_message(self, data: bytes) -> None:
        self.told.append(("message", data))

    def on_binary(self, data: bytes) -> None:
        self.told.append(("binary", data))

    def on_pass_end(self) -> None:
        self.passes += 1

    def on_room(self) -> None:
        self.told.append(("room",))

    def on_closed(self, code: int, reason: str) -> None:
        self.told.append(("closed", code, reason))

    @property
    def messages(self) -> list[bytes]:
        return [entry[1] for entry in self.told if entry[0] == "message"]

    @property
    def end(self) -> tuple[int, str]:
        [end] = [entry[1:] for entry in self.told if entry[0] == "closed"]
        return cast("tuple[int, str]", end)


class Side:
    """A link with everything around it, and the other end as the library's bare protocol."""

    def __init__(self, *, client: bool = False, connect: bool = True, **limits: Any) -> None:
        self.limits = Limits(**limits)
        self.executor = ManualExecutor()
        self.transport = FakeTransport()
        self.owner = Owner()
        server = ServerProtocol(
            subprotocols=[SUBPROTOCOL], max_size=self.limits.frame if not client else None, logger=WEBSOCKET_LOGGER
        )
        ours = ClientProtocol(
            parse_uri("ws://test/"),
            subprotocols=[SUBPROTOCOL],
            max_size=self.limits.frame if client else None,
            logger=WEBSOCKET_LOGGER,
        )
        self.peer: ClientProtocol | ServerProtocol = server if client else ours
        self.link = Link(ours if client else server, cast("Executor", self.executor), self.limits)
        self.link.owner = self.owner
        self.owner.link = self.link
        if connect:
            self.link.connected(self.transport)

    def begin(self) -> Side:
        """Begin the opening handshake: what the peer says in it is there, and not read yet."""
        if isinstance(self.peer, ClientProtocol):
            self.peer.send_request(self.peer.connect())
        else:
            ours = self.link.protocol
            assert isinstance(ours, ClientProtocol)
            ours.send_request(ours.connect())
            self.transport.write(b"".join(ours.data_to_send()))
            [request] = self.hear()
            assert isinstance(request, Request)
            self.peer.send_response(self.peer.accept(request))
        return self

    def open(self) -> Side:
        """Carry out the opening handshake."""
        self.begin()
        self.link.receive(self.sent_by_peer())
        if not self.link.is_client:
            self.hear()
        assert self.owner.told == [("open", SUBPROTOCOL)]
        self.transport.writes.clear()
        return self

    def read(self, data: bytes) -> None:
        """Let the link read something, in as many turns as it takes."""
        self.link.receive(data)
        while self.executor.soon:
            self.executor.turn()

    def sent_by_peer(self) -> bytes:
        return b"".join(self.peer.data_to_send())

    def cut(self) -> bool:
        return self.transport.aborted

    def ended(self) -> bool:
        return self.transport.closed

    def paused(self) -> bool:
        return self.transport.paused

    def hear(self) -> list[Any]:
        """Let the peer read what was written; returns its events."""
        self.peer.receive_data(self.transport.take())
        return list(self.peer.events_received())

    def say(self, *frames: Frame) -> bytes:
        """Frames as the peer sends them."""
        mask = isinstance(self.peer, ClientProtocol)
        return b"".join(frame.serialize(mask=mask) for frame in frames)


def text(data: bytes, *, fin: bool = True) -> Frame:
    return Frame(Opcode.TEXT, data, fin)


def more(data: bytes, *, fin: bool) -> Frame:
    return Frame(Opcode.CONT, data, fin)


def ping(data: bytes = b"") -> Frame:
    return Frame(Opcode.PING, data)


@pytest.fixture(params=[False, True], ids=["server", "client"])
def client(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def side(client: bool) -> Iterator[Side]:
    side = Side(client=client).open()
    yield side
    side.link.lost()
    assert side.executor.pending == 0, "a timer outlived its connection"


# ------------------------------------------------------------------------------------------------------ opening
def test_a_handshake_that_drips_is_cut(client: bool) -> None:
    side = Side(client=client, handshake=5.0)
    start = b"GET / HTTP/1.1\r\n" if not client else b"HTTP/1.1 101 Switching\r\n"
    for byte in start[:4]:
        side.link.receive(bytes([byte]))
        side.executor.advance(1.2)
    assert not side.cut()
    side.executor.advance(0.2)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (CloseCode.POLICY, "handshake: it took longer than 5 s")


def test_a_handshake_in_time_is_not_cut_later(side: Side) -> None:
    for _ in range(10):
        side.executor.advance(side.limits.handshake)
        side.link.receive(side.say(Frame(Opcode.PONG, b"")))
    assert not side.cut()


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\r\n", b"GET / HTTP/9\r\n\r\n", b"x" * 20000, b"\r\n\r\n"]
)
def test_what_is_no_handshake_ends_the_connection(client: bool, garbage: bytes) -> None:
    side = Side(client=client)
    side.link.receive(garbage)
    assert side.ended()
    side.executor.advance(side.limits.close)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (1006, "")


def test_of_a_handshake_whole_lines_are_read(client: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a byte at a time on hundreds of connections is not looked at for each."""
    side, passes, feed = Side(client=client), list[bytes](), Link._feed

    def note(link: Link, data: bytes) -> bool:
        passes.append(data)
        return feed(link, data)

    monkeypatch.setattr(Link, "_feed", note)
    line = b"HTTP/1.1 101 Switching Protocols\r\n" if client else b"GET / HTTP/1.1\r\n"
    for byte in line:
        assert passes == []
        side.link.receive(bytes([byte]))
    assert passes == [b"\n"]
    assert not side.ended()


def test_a_handshake_that_comes_bit_by_bit_is_read_again_a_little_later(client: bool) -> None:
    """Hundreds of them are often heard of at once: read at once they would keep all others waiting."""
    side = Side(client=client)
    line = b"HTTP/1.1 101 Switching Protocols\r\n" if client else b"GET / HTTP/1.1\r\n"
    for part in (line[:1], line[1:], b"Upgrade: "):
        side.link.receive(part)
        side.executor.advance(APART / 2)
        assert side.paused()
        side.executor.advance(APART / 2)
        assert not side.paused()


def test_what_comes_with_the_answer_to_a_handshake_leaves_others_their_turn() -> None:
    side = Side(client=True).begin()
    messages = side.limits.frames_per_pass + 1
    side.link.receive(side.sent_by_peer() + side.say(*[text(b"x")] * messages))
    assert len(side.owner.messages) < messages
    assert side.paused()
    while side.executor.soon:
        side.executor.turn()
    assert len(side.owner.messages) == messages
    assert not side.paused()


def test_one_that_comes_at_once_is_not_kept_waiting(client: bool) -> None:
    assert Side(client=client).open().transport.pauses == 0


@pytest.mark.parametrize("size", [KIB, 16 * KIB])
def test_a_line_without_an_end_is_given_up_in_time(size: int) -> None:
    side = Side(handshake_size=size)
    sent = 0
    while not side.ended():
        side.link.receive(b"x")
        sent += 1
        assert sent <= min(size, LINE) + 1, "no more is kept of it"


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_a_request_of_many_headers_is_refused_with_431(step: int) -> None:
    side = Side(handshake_size=8 * KIB)
    request = b"GET / HTTP/1.1\r\n" + (b"X-Header: " + b"0" * 190 + b"\r\n") * 100
    for start in range(0, len(request), step):
        if not side.ended():
            side.read(request[start : start + step])
    answer = side.transport.take()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"\r\n\r\nhandshake_size: the handshake is larger than 8192 bytes\n")
    assert side.ended()
    side.read(b"X-Header: more\r\n" * 1000)
    assert not side.cut(), "the answer has its time to arrive"
    side.link.lost()
    assert side.owner.end == (CloseCode.POLICY, "handshake_size: the handshake is larger than 8192 bytes")


def test_an_answer_of_many_headers_is_given_up() -> None:
    side = Side(client=True, handshake_size=8 * KIB)
    side.read(b"HTTP/1.1 101 Switching Protocols\r\n" + (b"X-Header: " + b"0" * 190 + b"\r\n") * 100)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (CloseCode.POLICY, "handshake_size: the handshake is larger than 8192 bytes")


def test_what_follows_a_handshake_may_be_larger(client: bool) -> None:
    side = Side(client=client, handshake_size=KIB).open()
    side.read(side.say(text(b"x" * 10 * KIB)))
    assert len(side.owner.messages) == 1


def test_a_refused_handshake_closes_after_its_answer() -> None:
    side = Side()
    side.owner.status = 403
    assert isinstance(side.peer, ClientProtocol)
    side.peer.send_request(side.peer.connect())
    side.link.receive(side.sent_by_peer())
    assert b"403" in side.transport.take()
    assert side.ended()
    assert side.owner.told == []


@pytest.fixture
def asked() -> Side:
    """A server's link that has a request, which its owner has not answered yet."""
    side = Side(handshake=5.0)
    side.owner.answers_at_once = False
    assert isinstance(side.peer, ClientProtocol)
    side.peer.send_request(side.peer.connect())
    side.link.receive(side.sent_by_peer())
    assert len(side.owner.requests) == 1
    assert side.transport.take() == b""
    return side


@pytest.mark.parametrize("status", [101, 401])
def test_an_answer_may_come_later(asked: Side, status: int) -> None:
    asked.executor.advance(4.0)
    asked.owner.status = status
    asked.owner.answer()
    assert asked.transport.take().startswith(b"HTTP/1.1 %d " % status)
    assert asked.owner.told == ([("open", SUBPROTOCOL)] if status == 101 else [])
    assert asked.ended() == (status != 101)


def test_an_answer_that_does_not_come_in_time_is_not_waited_for(asked: Side) -> None:
    asked.executor.advance(5.0)
    assert asked.cut()
    asked.owner.answer()
    assert asked.transport.take() == b""
    asked.link.lost()
    assert asked.owner.end == (CloseCode.POLICY, "handshake: it took longer than 5 s")


@pytest.mark.parametrize("at_once", [True, False], ids=["with the request", "after it"])
def test_a_client_that_does_not_wait_for_the_answer_is_cut(asked: Side, at_once: bool) -> None:
    if at_once:
        asked = Side()
        asked.owner.answers_at_once = False
        assert isinstance(asked.peer, ClientProtocol)
        asked.peer.send_request(asked.peer.connect())
    asked.link.receive(asked.sent_by_peer() + asked.say(text(b"impatient"), ping()))
    assert asked.cut()
    asked.owner.answer()
    assert asked.transport.take() == b""
    asked.link.lost()
    assert asked.owner.told == [("closed", CloseCode.PROTOCOL_ERROR, "frames came before the handshake was answered")]


def test_part_of_a_frame_that_comes_before_the_answer_leaves_frames_what_they_are(asked: Side) -> None:
    """Else whoever sends a byte too early has the library read all of its frames, as many as there are at once."""
    message = frame_of(TEXT, b"hello", b"mask")
    asked.link.receive(message[:1])
    asked.owner.answer()
    asked.hear()
    asked.link.receive(message[1:] + message * 100)
    assert 0 < len(asked.owner.messages) <= asked.limits.frames_per_pass
    assert asked.link._cutter.is_plain
    asked.read(b"")
    assert asked.owner.messages == [b"hello"] * 101


def test_a_client_that_goes_before_the_answer_gets_none(asked: Side) -> None:
    asked.link.eof()
    asked.owner.answer()
    assert asked.transport.take() == b""
    assert ("open", SUBPROTOCOL) not in asked.owner.told


def test_what_comes_with_the_answer_counts() -> None:
    side = Side(client=True).begin()
    close = Frame(Opcode.CLOSE, Close(4401, "bad token").serialize())
    side.link.receive(side.sent_by_peer() + side.say(text(b"last word"), close))
    assert side.owner.told == [("open", SUBPROTOCOL), ("message", b"last word")]
    side.link.lost()
    assert side.owner.end == (4401, "bad token")


def test_a_client_whose_handshake_is_refused_closes() -> None:
    side = Side(client=True)
    ours = side.link.protocol
    assert isinstance(ours, ClientProtocol)
    ours.send_request(ours.connect())
    side.transport.write(b"".join(ours.data_to_send()))
    side.link.receive(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    assert side.ended()
    assert ours.handshake_exc is not None
    side.executor.advance(side.limits.close)
    assert side.cut()


def test_closing_before_the_handshake_is_over_cuts(client: bool) -> None:
    side = Side(client=client)
    side.link.close(CloseCode.GOING_AWAY, "stopping")
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (CloseCode.GOING_AWAY, "stopping")


def test_a_link_without_a_transport_can_be_ended(client: bool) -> None:
    side = Side(client=client, connect=False)
    side.link.hold()
    side.link.flush()
    assert side.link.unsent == 0
    side.link.close(CloseCode.NORMAL, "never mind")
    side.link.lost()
    assert side.owner.end == (CloseCode.NORMAL, "never mind")


def test_what_was_framed_before_a_loss_is_not_written_after_it(side: Side) -> None:
    side.transport.take()
    side.link.send_framed(side.link.frame_text(b"late"))
    side.link.lost()
    side.transport.closed = True
    side.link.flush()
    assert side.transport.writes == []


def test_holding_is_passed_on(side: Side) -> None:
    side.link.hold()
    assert side.transport.held


# ------------------------------------------------------------------------------------------------------- reading
def test_messages_come_in_order_one_pass_a_read(side: Side) -> None:
    passes = side.owner.passes
    side.link.receive(side.say(text(b"1"), text("zwölf".encode()), text(b"")))
    assert side.owner.messages == [b"1", "zwölf".encode(), b""]
    assert side.owner.passes == passes + 1


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_messages_may_come_in_any_pieces(side: Side, step: int) -> None:
    data = side.say(text(b"a" * 200), text(b"one ", fin=False), ping(b"?"), more(b"two", fin=True), text(b"b"))
    for start in range(0, len(data), step):
        side.link.receive(data[start : start + step])
    assert side.owner.messages == [b"a" * 200, b"one two", b"b"]


def test_fragments_are_joined_and_bounded(client: bool) -> None:
    side = Side(client=client, fragments=4).open()
    side.link.receive(
        side.say(text(b"1", fin=False), more(b"2", fin=False), more(b"3", fin=False), more(b"4", fin=True))
    )
    assert side.owner.messages == [b"1234"]
    side.link.receive(side.say(text(b"1", fin=False), *[more(b"x", fin=False)] * 4))
    [close] = [event for event in side.hear() if event.opcode is Opcode.CLOSE]
    assert Close.parse(close.data) == Close(CloseCode.TOO_BIG, "fragments: more than 4 of one message")
    side.link.receive(side.say(more(b"x", fin=True), text(b"late")))
    assert side.owner.messages == [b"1234"], "what follows a broken message is not read"


def test_empty_fragments_count_too() -> None:
    side = Side(fragments=100).open()
    side.read(side.say(text(b"", fin=False), *[more(b"", fin=False)] * 100))
    assert side.link.protocol.state.name == "CLOSING"


@pytest.mark.parametrize("fin", [True, False])
def test_a_binary_message_is_handed_over_as_one(side: Side, fin: bool) -> None:
    side.link.receive(side.say(Frame(Opcode.BINARY, b"\x01", fin)))
    if not fin:
        side.link.receive(side.say(more(b"\xff", fin=True)))
    assert side.owner.told[-1] == ("binary", b"\x01" if fin else b"\x01\xff")
    assert side.owner.messages == []
    side.link.receive(side.say(Frame(Opcode.TEXT, b"a", fin=False)))
    side.link.receive(side.say(more(b"b", fin=True)))
    assert side.owner.messages == [b"ab"]


def test_a_message_beyond_the_limit_closes_with_1009(client: bool) -> None:
    side = Side(client=client, frame=1000).open()
    side.link.receive(side.say(text(b"x" * 1000)))
    assert len(side.owner.messages) == 1
    side.link.receive(side.say(text(b"x" * 1001)))
    closes = [event for event in side.hear() if isinstance(event, Frame)]
    assert [Close.parse(close.data).code for close in closes] == [1009]
    assert len(side.owner.messages) == 1
    side.executor.advance(side.limits.close)
    assert side.cut(), "whatever the peer does, it ends in time"
    side.link.lost()
    assert side.owner.end[0] == 1009


def test_a_message_that_begins_among_fragments_closes_with_1002(side: Side) -> None:
    data = side.say(text(b"a fragment", fin=False), text(b"a whole message where another fragment is due"))
    side.link.receive(data[:-10])
    side.link.receive(data[-10:])
    assert Close.parse(side.hear()[-1].data).code == 1002
    assert side.owner.messages == []


def test_half_a_message_is_let_go_of_when_the_connection_is_gone(side: Side) -> None:
    side.link.receive(side.say(text(bytes(1000)))[:-1])
    assert side.link._cutter.begun
    side.link.lost()
    assert side.link._cutter.begun is None


def test_fragments_beyond_the_limit_close_with_1009(client: bool) -> None:
    side = Side(client=client, frame=1000).open()
    side.link.receive(side.say(text(b"x" * 600, fin=False), more(b"x" * 600, fin=True)))
    assert side.owner.messages == []
    side.link.lost()
    assert side.owner.end[0] == 1009


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",  # reserved bits
        b"\x83\x80\x00\x00\x00\x00",  # a reserved opcode
        b"\x80\x80\x00\x00\x00\x00",  # a continuation of nothing
        b"\x09\x80\x00\x00\x00\x00",  # a fragmented ping
        b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126),  # a long ping
    ],
)
def test_broken_frames_close_with_1002(data: bytes) -> None:
    side = Side().open()
    side.link.receive(data)
    assert Close.parse(side.hear()[-1].data).code == 1002
    side.link.lost()
    assert side.owner.end[0] == 1002


def test_unmasked_frames_of_a_client_are_broken_frames() -> None:
    side = Side().open()
    side.link.receive(text(b"x").serialize(mask=False))
    assert Close.parse(side.hear()[-1].data).code == 1002


# -------------------------------------------------------------------------------------------------------- pacing
def test_a_long_read_is_handled_in_passes_with_others_turns_between(client: bool) -> None:
    side = Side(client=client, frames_per_pass=10).open()
    told = [f"{n:040}".encode() for n in range(2_000)]
    data = side.say(*map(text, told))
    assert len(data) > 16 * KIB
    side.link.receive(data)
    assert len(side.owner.messages) == 10
    assert side.paused()
    turns = 0
    while side.executor.soon:
        assert len(side.executor.soon) == 1, "one turn is asked for at a time"
        before = len(side.owner.messages)
        side.executor.turn()
        turns += 1
        assert len(side.owner.messages) - before <= 10
    assert side.owner.messages == told
    assert not side.paused()
    assert turns >= 199


def test_what_comes_meanwhile_waits_its_turn(client: bool) -> None:
    side = Side(client=client, frames_per_pass=10).open()
    side.link.receive(side.say(*[text(b"x" * 100)] * 1000))
    side.link.receive(side.say(text(b"last but one")))
    side.link.receive(side.say(text(b"last")))
    while side.executor.soon:
        side.executor.turn()
    assert side.owner.messages[-2:] == [b"last but one", b"last"]
    assert len(side.owner.messages) == 1002
    assert not side.paused()


def test_a_read_of_few_large_messages_is_one_pass(side: Side) -> None:
    side.link.receive(side.say(*[text(b"x" * 60_000)] * 10))
    assert len(side.owner.messages) == 10
    assert not side.executor.soon


def slow_to_take(side: Side, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let each message take so long."""
    take = side.owner.on_message

    def take_long(data: bytes) -> None:
        take(data)
        side.executor.time += seconds

    monkeypatch.setattr(side.owner, "on_message", take_long)


def turns_until_more(side: Side) -> int:
    """How many turns go by until another message is taken, or nothing more is to be done."""
    before, turns = len(side.owner.messages), 0
    while len(side.owner.messages) == before and side.executor.soon:
        side.executor.turn()
        turns += 1
    return turns


@pytest.mark.parametrize(("seconds", "turns"), [(2 * LONG_PASS, TURNS), (0.0, A_CALL)])
def test_after_a_pass_that_took_long_others_have_several_turns(
    seconds: float, turns: int, client: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(client=client, frames_per_pass=1).open()
    slow_to_take(side, monkeypatch, seconds)
    side.link.receive(side.say(*[text(b"x")] * 3))
    assert len(side.owner.messages) == 1
    assert turns_until_more(side) == turns
    assert len(side.owner.messages) == 2


def test_they_have_them_too_after_a_long_read_that_is_all_there_is(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_to_take(side, monkeypatch, 2 * LONG_PASS)
    side.link.receive(side.say(text(b"x" * LONG_READ)))
    assert side.paused()
    side.transport.resume_reading()
    side.link.receive(side.say(text(b"what was read already")))
    assert side.paused(), "also where its driver had gone on to read: all of it would pile up here"
    side.link.eof()
    assert len(side.owner.messages) == 1
    assert turns_until_more(side) == TURNS
    assert turns_until_more(side) == TURNS
    assert side.owner.messages[1:] == [b"what was read already"]
    assert side.link.protocol.state is CLOSED, "the end comes after what was read before it"


def test_who_waits_for_its_turn_is_not_gone(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is read from it meanwhile, however much it says."""
    slow_to_take(side, monkeypatch, 2 * LONG_PASS)
    side.link.receive(side.say(text(b"x" * LONG_READ)))
    side.link.receive(side.say(text(b"what was read already")))
    side.executor.advance(0.9 * side.limits.idle)
    while side.executor.soon:
        side.executor.turn()
    side.executor.advance(0.9 * side.limits.idle)
    assert not side.cut()


def together(sides: Sequence[Side]) -> ManualExecutor:
    """Let them live on one event loop."""
    executor = sides[0].executor
    for side in sides:
        side.executor = executor
        side.link.executor = side.link._backlog._executor = cast("Executor", executor)
    return executor


def test_of_all_connections_whose_passes_take_long_one_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who opens a connection for each message is heard as often as there are connections."""
    sides = [Side(frames_per_pass=1).open() for _ in range(3)]
    executor = together(sides)
    for side in sides:
        slow_to_take(side, monkeypatch, 2 * LONG_PASS)
        side.link.receive(side.say(*[text(b"x")] * 3))
    heard: list[int] = []
    while executor.soon:
        executor.turn()
        heard.append(sum(len(side.owner.messages) for side in sides) - 3)
    assert heard[:TURNS] == [0] * (TURNS - 1) + [1]
    assert heard[TURNS - 1 :: TURNS] == [1, 2, 3, 4, 5, 6, 6, 6, 6], "and what comes after the last of each"
    assert [len(side.owner.messages) for side in sides] == [3, 3, 3]


def test_a_long_read_waits_behind_those_whose_passes_took_long(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who opens a connection for each leaves ever more of them behind, each with all that was read on it."""
    behind, short = Side().open(), Side().open()
    together([side, behind, short])
    slow_to_take(side, monkeypatch, 2 * LONG_PASS)
    side.link.receive(side.say(text(b"x" * LONG_READ)))
    behind.link.receive(behind.say(text(b"x" * LONG_READ)))
    short.link.receive(short.say(text(b"at once")))
    assert short.owner.messages == [b"at once"]
    assert behind.paused()
    for _ in range(TURNS):
        assert side.paused()
        side.executor.turn()
    for _ in range(TURNS):
        assert behind.owner.messages == []
        side.executor.turn()
    assert behind.owner.messages == [b"x" * LONG_READ]
    assert not behind.paused()


@pytest.mark.parametrize("late", ["handshake", "close"])
def test_of_many_that_take_too_long_a_few_are_cut_in_a_turn(late: str) -> None:
    sides = [Side(connect=late == "close") for _ in range(3 * A_FEW)]
    executor = together(sides)
    for side in sides:
        if late == "close":
            side.open().link.close(CloseCode.GOING_AWAY)
        else:
            side.link.connected(side.transport)
    executor.advance(max(sides[0].limits.handshake, sides[0].limits.close))
    for burst in range(1, 4):
        for _ in range(A_CALL):
            assert sum(side.cut() for side in sides) == burst * A_FEW
            executor.turn()
    assert not executor.soon


def test_who_is_about_to_be_cut_is_not_heard_any_more() -> None:
    sides = [Side().open() for _ in range(A_FEW + 1)]
    together(sides)
    for side in sides:
        side.link.abort()
    last = sides[-1]
    assert not last.cut(), "there are many"
    last.read(last.say(text(b"more")))
    assert last.cut()
    assert last.owner.messages == []


def test_what_has_come_already_is_not_heard_either() -> None:
    side = Side(frames_per_pass=1).open()
    side.link.receive(side.say(*[text(b"x")] * 3))
    side.link.abort()
    while side.executor.soon:
        side.executor.turn()
    assert len(side.owner.messages) == 1


def test_a_long_read_that_was_soon_handled_is_followed_by_the_next(side: Side) -> None:
    side.link.receive(side.say(text(b"x" * LONG_READ)))
    assert not side.transport.pauses
    assert not side.executor.soon


def test_what_is_still_said_while_the_connection_is_being_closed_is_handled_in_passes_too(client: bool) -> None:
    """Nothing of it matters but the peer's close frame, and there may be a flood of it."""
    side = Side(client=client, frames_per_pass=10, pings=10_000).open()
    side.link.close(1001)
    side.transport.writes.clear()
    side.link.receive(side.say(*[ping(b"")] * 100, *[text(b"x")] * 100))
    assert len(side.hear()) == 10, "each is answered as long as it is read"
    for _ in range(9):
        for _ in range(TURNS):
            assert side.paused()
            assert not side.transport.writes
            side.executor.turn()
        assert len(side.hear()) == 10
    for _ in range(TURNS):
        assert side.paused()
        side.executor.turn()
    assert not side.paused(), "messages are passed over"
    side.read(side.say(Frame(Opcode.CLOSE, Close(1001, "").serialize())))
    assert side.owner.messages == []
    assert side.link.protocol.close_rcvd is not None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_the_close_frame_is_found_behind_whatever_else_is_said(client: bool, size: int) -> None:
    side = Side(client=client).open()
    data = side.say(text(b"x"), text(b"y" * 300), text(b"", fin=False), ping(b"z"), more(b"", fin=True))
    data += side.say(*[text(b"")] * 100, text(b"z" * 70_000), Frame(Opcode.CLOSE, Close(1001, "bye").serialize()))
    side.link.receive(data[:10])
    side.link.close(1001)
    for start in range(10, len(data), size):
        side.read(data[start : start + size])
    assert len(side.owner.messages) == 1
    assert side.link.protocol.close_rcvd == Close(1001, "bye")


def test_nothing_is_read_once_the_connection_is_gone(client: bool) -> None:
    side = Side(client=client, frames_per_pass=10).open()
    side.link.receive(side.say(*[text(b"x")] * 5000))
    read = len(side.owner.messages)
    side.link.lost()
    side.executor.turn()
    side.link.receive(side.say(text(b"y")))
    assert len(side.owner.messages) == read


def test_nothing_is_read_once_a_message_has_led_to_the_end(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut() -> None:  # as transports do that tell at once
        side.link.lost()

    monkeypatch.setattr(side.transport, "abort", cut)
    take = side.owner.on_message

    def take_and_cut(data: bytes) -> None:
        take(data)
        side.link.abort()

    monkeypatch.setattr(side.owner, "on_message", take_and_cut)
    side.link.receive(side.say(text(b"last"), text(b"late"), Frame(Opcode.BINARY, b"late"), text(b"lat", fin=False)))
    assert side.owner.told[1:] == [("message", b"last"), ("closed", CloseCode.ABNORMAL, "")]


def test_the_end_of_the_stream_waits_for_what_was_read_before_it(client: bool) -> None:
    side = Side(client=client, frames_per_pass=10).open()
    side.link.receive(side.say(*[text(b"x")] * 5000, Frame(Opcode.CLOSE, Close(1001, "bye").serialize())))
    side.link.eof()
    while side.executor.soon:
        side.executor.turn()
    assert len(side.owner.messages) == 5000
    assert side.link.protocol.state is CLOSED
    side.link.lost()
    assert side.owner.end == (1001, "bye")


# --------------------------------------------------------------------------------------------------------- pings
def test_pings_are_answered(side: Side) -> None:
    side.link.receive(side.say(ping(b"hello")))
    [pong] = side.hear()
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"hello")


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
def test_a_flood_of_pings_or_pongs_closes_with_1008(client: bool, opcode: Opcode) -> None:
    side = Side(client=client, pings=50).open()
    for _ in range(3):
        side.read(side.say(*[Frame(opcode, b"")] * 50))
        assert side.link.is_open
        side.executor.advance(1.0)
    side.read(side.say(*[Frame(opcode, b"")] * 51))
    assert not side.link.is_open
    closed = Close(CloseCode.POLICY, "pings: more than 50 pings and pongs in a second")
    assert Close.parse(side.hear()[-1].data) == closed
    side.executor.advance(side.limits.close)
    assert side.cut()


def test_a_flood_of_frames_closes_with_1008(client: bool) -> None:
    side = Side(client=client, frames=1000).open()
    half = [text(b"x")] * 400 + [text(b"", fin=False), *[more(b"", fin=False)] * 98, more(b"", fin=True)]
    for _ in range(3):
        side.read(side.say(*half))
        side.executor.advance(0.5)
        side.read(side.say(*half))
        assert side.link.is_open
        side.executor.advance(0.5)
    side.read(side.say(*half, *half, text(b"last straw")))
    assert not side.link.is_open
    assert Close.parse(side.hear()[-1].data) == Close(CloseCode.POLICY, "frames: more than 1000 in a second")
    assert b"last straw" not in side.owner.messages
    side.executor.advance(side.limits.close)
    assert side.cut()


# ------------------------------------------------------------------------------------------------------- silence
def test_a_silent_peer_is_pinged_then_cut(side: Side) -> None:
    side.executor.advance(9.9)
    assert side.transport.writes == []
    side.executor.advance(0.1)
    [frame] = side.hear()
    assert frame.opcode is Opcode.PING
    side.executor.advance(9.9)
    assert not side.cut()
    side.executor.advance(0.1)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (CloseCode.ABNORMAL, "idle: no byte from the peer in 20 s")


def test_a_peer_that_hangs_up_on_pings_may_be_sent_none(client: bool) -> None:
    """Nor pongs that it did not ask for."""
    side = Side(client=client, idle=math.inf).open()
    said = side.say(text(b"a" * 100))
    side.executor.advance(1e6)
    side.link.receive(said[:50])
    side.executor.advance(1e6)
    side.link.receive(said[50:])
    assert side.transport.writes == []
    assert not side.cut()
    assert side.owner.messages == [b"a" * 100]


def test_any_byte_is_a_sign_of_life(side: Side) -> None:
    data = side.say(text(b"x" * 100))
    for start in range(0, len(data), 3):
        side.link.receive(data[start : start + 3])
        side.executor.advance(15)
        assert not side.cut()
    side.executor.advance(5)
    assert side.cut()


def test_a_peer_that_answers_pings_stays_for_ever(side: Side) -> None:
    for _ in range(100):
        side.executor.advance(10)
        side.hear()
        side.link.receive(side.sent_by_peer())
    assert side.link.is_open


@pytest.mark.parametrize("fragmented", [False, True])
def test_while_a_message_takes_long_its_sender_hears_that_this_side_lives(side: Side, fragmented: bool) -> None:
    whole = side.say(text(b"x" * 100))
    pieces = [whole[n : n + 1] for n in range(60)]
    if fragmented:
        pieces = [side.say(text(b"x", fin=False)), *[side.say(more(b"x", fin=False))] * 59]
    for piece in pieces:
        side.executor.advance(1.0)
        side.link.receive(piece)
    signs = [frame for frame in side.hear() if frame.opcode is Opcode.PONG]
    assert len(signs) == 20, "after every eighth of the limit, with the first read that comes then"


def test_messages_that_come_whole_need_no_sign_of_life(side: Side) -> None:
    for _ in range(60):
        side.executor.advance(1.0)
        side.link.receive(side.say(text(b"x")))
    assert side.hear() == []


def test_a_peer_that_takes_what_waits_for_it_is_not_silent(side: Side) -> None:
    """It may read slowly, and no ping reaches it before what was sent before."""
    side.transport.stalled = True
    side.link.send(b"x" * 10_000)
    side.link.flush()
    for _ in range(40):
        side.executor.advance(2.5)
        side.transport.stuck -= 100
    assert not side.cut()
    side.transport.stuck = 0
    side.executor.advance(22.5)
    assert side.cut(), "when all is taken it has to answer"


# ------------------------------------------------------------------------------------------------------- writing
def test_frames_leave_together_but_not_too_many(side: Side) -> None:
    for n in range(JOIN_FRAMES * 2 + 3):
        side.link.send(str(n).encode())
    assert len(side.transport.writes) == 2
    assert side.link.unsent > 0
    side.link.flush()
    assert len(side.transport.writes) == 3
    assert side.link.unsent == 0
    heard = [bytes(frame.data) for frame in side.hear()]
    assert heard == [str(n).encode() for n in range(JOIN_FRAMES * 2 + 3)]


def test_much_leaves_at_once(side: Side) -> None:
    side.link.send(b"x" * (JOIN_BYTES - 1))
    assert side.transport.writes == []
    side.link.send(b"x")
    assert len(side.transport.writes) == 1


def test_a_frame_made_once_keeps_its_turn() -> None:
    side = Side().open()
    side.link.send(b"1")
    side.link.send_framed(side.link.frame_text(b"2"))
    side.link.send(b"3")
    side.link.flush()
    assert [bytes(frame.data) for frame in side.hear()] == [b"1", b"2", b"3"]
    assert len(side.transport.writes) == 0


def test_a_frame_that_leaves_at_once_does_not_overtake_what_waits() -> None:
    side = Side().open()
    side.link.write_framed(side.link.frame_text(b"1"))
    assert len(side.transport.writes) == 1
    side.link.send(b"2")
    side.link.write_framed(side.link.frame_text(b"3"))
    assert len(side.transport.writes) == 2
    assert [bytes(frame.data) for frame in side.hear()] == [b"1", b"2", b"3"]


def test_frames_that_leave_at_once_count_as_what_waits_for_a_peer() -> None:
    side = Side(outbound=1000).open()
    side.transport.stalled = True
    side.link.write_framed(side.link.frame_text(b"x" * 1001))
    assert not side.link.has_room
    side.executor.advance(side.link.limits.write_deadline + 1)
    assert side.cut(), "it took nothing"


def test_pongs_do_not_push_out_what_waits_to_be_joined(side: Side) -> None:
    side.link.send(b"x")
    side.link.receive(side.say(ping()))
    assert side.transport.writes == []
    side.link.flush()
    assert [frame.opcode for frame in side.hear()] == [Opcode.TEXT, Opcode.PONG]


def test_a_full_outbound_buffer_is_told_and_its_emptying_too(client: bool) -> None:
    side = Side(client=client, outbound=1000).open()
    side.transport.stalled = True
    room: list[tuple[bool, bool]] = []
    for size, pause in ((500, False), (1, True), (600, False)):
        side.link.send(b"x" * size)
        side.link.flush()
        if pause:
            side.link.pause_writing()
        room.append((side.link.is_clear, side.link.has_room))
    side.link.resume_writing()
    room.append((side.link.is_clear, side.link.has_room))
    assert room == [(True, True), (False, True), (False, False), (True, True)]
    assert side.owner.told[-1] == ("room",)


def test_unsent_counts_the_transports_too(side: Side) -> None:
    side.transport.stuck = 100
    side.link.send(b"x" * 10)
    assert side.link.unsent == 110


def stalled(**limits: Any) -> Side:
    side = Side(write_deadline=10.0, idle=1e6, **limits).open()
    side.transport.stalled = True
    side.link.send(b"x" * 1000)
    side.link.flush()
    return side


def test_a_peer_that_takes_nothing_is_cut() -> None:
    side = stalled()
    side.executor.advance(9.9)
    assert not side.cut()
    side.executor.advance(0.1 + 10.0 / WATCHES)
    assert side.cut()
    side.link.lost()
    assert side.owner.end[0] == CloseCode.SLOW
    assert side.owner.end[1].startswith("write_deadline: the peer took nothing of 10")


def test_more_that_waits_is_no_progress() -> None:
    side = stalled()
    for _ in range(13):
        side.executor.advance(1.0)
        if not side.cut():
            side.link.send(b"more")
            side.link.flush()
    assert side.cut()


def test_a_peer_that_takes_a_little_is_not_cut() -> None:
    side = stalled()
    for _ in range(100):
        side.executor.advance(5.0)
        side.transport.stuck -= 1
    assert not side.cut()
    side.executor.advance(15.0)
    assert side.cut()


@pytest.mark.parametrize("last", [0.01, 0.3, 1.2, 2.49])
def test_a_peer_that_stops_taking_is_cut_within_eleven_seconds(last: float) -> None:
    side = stalled()
    side.executor.advance(last)
    side.transport.stuck -= 1
    side.executor.advance(9.99)
    assert not side.cut()
    side.executor.advance(1.01)
    assert side.cut()


def test_what_a_stalled_peer_holds_is_the_limit_and_a_message_or_two() -> None:
    side = Side().open()
    side.transport.stalled = True
    while side.link.has_room:
        side.link.send(b"x" * 350)
        side.link.flush()
    assert not side.cut()
    while not side.cut():
        side.link.send(b"x" * 350)
    assert side.transport.stuck < 1.05 * side.limits.outbound


def test_a_peer_that_took_all_is_not_watched_until_something_waits_again() -> None:
    side = stalled()
    side.transport.stuck = 0
    side.executor.advance(1000)
    assert not side.cut()
    side.link.send(b"x")
    side.link.flush()
    side.executor.advance(9.9)
    assert not side.cut()
    side.executor.advance(0.1 + 10.0 / WATCHES)
    assert side.cut()


def test_more_than_the_outbound_limit_is_cut_at_once(client: bool) -> None:
    side = Side(client=client, outbound=10_000, frame=1000).open()
    side.transport.stalled = True
    while not side.cut():
        side.link.send(b"x" * 900)
        side.link.flush()
        assert side.transport.stuck < 10_000 + 20 * 1000
    assert side.transport.stuck > 10_000, "callers were to wait before this, so it is their peer's fault alone"
    side.link.lost()
    assert side.owner.end == (CloseCode.SLOW, "outbound: more than 10000 bytes wait for the peer")


# ------------------------------------------------------------------------------------------------------- closing
def test_closing_says_why_and_waits_for_the_answer(side: Side) -> None:
    side.link.send(b"last words")
    side.link.close(CloseCode.GOING_AWAY, "stopping")
    words, close = side.hear()
    assert bytes(words.data) == b"last words"
    assert Close.parse(close.data) == Close(1001, "stopping")
    assert not side.link.is_open
    side.link.receive(side.sent_by_peer())
    side.link.eof()
    assert side.ended()
    side.link.lost()
    assert side.owner.end == (1001, "stopping")
    side.link.close(CloseCode.NORMAL)
    side.link.lost()
    assert side.owner.end == (1001, "stopping"), "the end is told once"


def test_a_peer_that_never_answers_the_close_is_cut(side: Side) -> None:
    side.link.close(CloseCode.NORMAL)
    side.executor.advance(side.limits.close - 0.1)
    assert not side.cut()
    side.executor.advance(0.1)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (1000, "")


def test_a_peer_that_goes_on_talking_after_the_close_is_cut_all_the_same(side: Side) -> None:
    side.link.close(CloseCode.NORMAL)
    for _ in range(5):
        side.link.receive(side.say(text(b"x"), ping()))
        side.executor.advance(side.limits.close / 4)
    assert side.cut()


def test_a_peers_close_is_answered_and_told(side: Side) -> None:
    side.peer.send_close(4409, "fenced")
    side.link.receive(side.sent_by_peer())
    [answer] = side.hear()
    assert Close.parse(answer.data) == Close(4409, "fenced")
    side.executor.advance(side.limits.close)
    assert side.cut()
    side.link.lost()
    assert side.owner.end == (4409, "fenced")


def test_what_a_peer_said_before_its_close_is_read(side: Side) -> None:
    side.link.receive(side.say(text(b"answer"), Frame(Opcode.CLOSE, Close(1001, "").serialize())))
    assert side.owner.messages == [b"answer"]


def test_what_a_peer_says_after_our_close_is_not_read(side: Side) -> None:
    side.link.close(CloseCode.VIOLATION)
    side.link.receive(side.say(text(b"more"), text(b"fra", fin=False), more(b"gment", fin=True)))
    assert side.owner.messages == []


def test_a_message_that_goes_on_after_our_close_is_not_read_and_what_follows_it_is_found(side: Side) -> None:
    data = side.say(text(b"half of it and the other half"))
    side.link.receive(data[:20])
    side.link.close(CloseCode.VIOLATION)
    side.link.receive(data[20:25])
    side.link.receive(data[25:] + side.say(Frame(Opcode.CLOSE, Close(CloseCode.VIOLATION, "").serialize())))
    assert side.owner.messages == []
    assert side.link.protocol.close_rcvd is not None


def test_both_ends_closing_at_once_is_an_end(side: Side) -> None:
    side.peer.send_close(1001, "theirs")
    side.link.close(1000, "ours")
    side.link.receive(side.sent_by_peer())
    side.link.eof()
    side.link.lost()
    assert side.owner.end == (1000, "ours")


@pytest.mark.parametrize("reason", ["x" * 200, "ü" * 100, "😀" * 50])
def test_a_long_reason_is_cut_to_what_a_frame_takes(side: Side, reason: str) -> None:
    side.link.close(1000, reason)
    said = Close.parse(side.hear()[-1].data).reason
    assert reason.startswith(said)
    assert 119 < len(said.encode()) <= 123


def test_the_first_failure_is_the_one_told(side: Side) -> None:
    side.link.abort(CloseCode.POLICY, "first")
    side.link.abort(CloseCode.SLOW, "second")
    side.link.lost()
    assert side.owner.end == (CloseCode.POLICY, "first")


def test_closing_what_the_peer_closes_already_says_nothing_more(side: Side) -> None:
    side.peer.send_close(4409, "fenced")
    side.link.receive(side.sent_by_peer())
    side.link.close(CloseCode.NORMAL, "too late")
    assert [frame.opcode for frame in side.hear()] == [Opcode.CLOSE]
    side.link.lost()
    assert side.owner.end == (4409, "fenced")


def test_a_close_after_a_failure_keeps_the_failure(side: Side) -> None:
    side.link.abort(CloseCode.SLOW, "slow")
    side.link.close(CloseCode.NORMAL)
    side.link.lost()
    assert side.owner.end == (CloseCode.SLOW, "slow")


def test_a_timer_that_fires_too_late_does_nothing(side: Side) -> None:
    late = [timer.callback for timer in side.executor.timers if timer.callback is not None]
    side.link.lost()
    for callback in late:
        callback()
    assert not side.cut()
    assert side.executor.pending == 0


def test_a_silent_peer_is_not_pinged_while_the_connection_closes(client: bool) -> None:
    side = Side(client=client, close=15.0).open()
    side.link.close(CloseCode.NORMAL)
    side.transport.take()
    side.executor.advance(12)
    assert side.transport.writes == []
    side.executor.advance(3)
    assert side.cut()


def test_nothing_leaves_once_the_connection_is_gone(side: Side) -> None:
    side.link.lost()
    assert not side.link.is_open
    side.link.close(1000)
    side.executor.advance(100)
    assert side.transport.writes == []


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_the_stream_may_end_anywhere(client: bool, cut: int) -> None:
    side = Side(client=client).begin()
    rest = side.say(text(b"a"), text(b"b" * 20, fin=False), ping(), more(b"c", fin=True))
    opening = side.sent_by_peer()
    data = opening + rest + side.say(Frame(Opcode.CLOSE, Close(1000, "").serialize()))
    waits = len(opening) if not client else 0  # a client sends nothing before it has its answer
    side.link.receive(data[: min(cut, waits)])
    side.link.receive(data[waits:cut])
    side.link.eof()
    while not side.cut():
        assert side.executor.time < 1060, "it ends in time"
        side.executor.advance(0.5)
    side.link.lost()
    code, _ = side.owner.end
    assert code == (1000 if cut >= len(data) else 1006)
    assert side.executor.pending == 0


def test_the_librarys_log_never_prints_what_travels(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        side = Side().open()
        side.link.receive(side.say(text(b"secret")))
        side.link.protocol.logger.warning("told")
    assert side.link.protocol.debug is False
    assert "secret" not in caplog.text
    assert "told" in caplog.text


def test_the_bounds_are_those_of_the_reference() -> None:
    assert (JOIN_FRAMES, JOIN_BYTES) == (16, 16 * KIB)


# ------------------------------------------------------------------------------------------ without the library
OWN = {"id", "parser", "reader"}
HANDSHAKE_ONLY = {"accept_called", "available_extensions", "available_subprotocols", "origins", "subprotocol"}
"""What the library's protocol keeps of the handshake, and what is each one's own."""


def keeps_the_library(side: Side) -> bool:
    return side.link._cutter.kept is not None


def nothing(cutter: Cutter) -> None: ...


def asking(early: bytes = b"") -> Side:
    """A server that was asked to open a connection, and has not answered yet."""
    side = Side()
    side.owner.answers_at_once = False
    assert isinstance(side.peer, ClientProtocol)
    side.peer.send_request(side.peer.connect())
    side.link.receive(side.sent_by_peer() + early)
    return side


def test_part_of_a_frame_may_come_before_the_handshake_is_answered() -> None:
    frame = frame_of(TEXT, b"hello", b"mask")
    side = asking(early=frame[:7])
    side.owner.answer()
    side.link.receive(frame[7:])
    assert side.owner.messages == [b"hello"]
    side.executor.advance(side.limits.idle / 2)
    assert not keeps_the_library(side)


def test_an_open_connection_of_a_server_keeps_nothing_of_the_library() -> None:
    """Thousands of them wait: it is there from the first part of a message until nothing comes, and for the closing."""
    side = asking()
    side.owner.answer()
    side.hear()
    assert not keeps_the_library(side)
    for sent in (text(b"a"), ping(b"?"), Frame(Opcode.PONG, b"")):
        side.link.receive(side.say(sent))
        assert not keeps_the_library(side)
    side.link.receive(side.say(text(b"one ", fin=False)))
    assert keeps_the_library(side)
    first = side.say(text(b"three", fin=False))
    side.link.receive(side.say(more(b"two", fin=True)) + first[:7])
    assert keeps_the_library(side)
    side.link.receive(first[7:])
    assert keeps_the_library(side)
    side.executor.advance(side.limits.idle / 2)
    assert keeps_the_library(side)
    side.link.receive(side.say(more(b"", fin=True)))
    assert keeps_the_library(side)
    side.executor.advance(side.limits.idle / 2)
    assert not keeps_the_library(side)
    assert side.owner.messages == [b"a", b"one two", b"three"]
    side.link.receive(side.say(Frame(Opcode.CLOSE, Close(1001, "bye").serialize())))
    assert [frame.opcode for frame in side.hear()] == [Opcode.PONG, Opcode.PING, Opcode.PING, Opcode.CLOSE]
    assert side.ended()
    side.link.lost()
    assert side.owner.end == (1001, "bye")


def test_nothing_that_the_library_has_begun_to_read_is_let_go_of() -> None:
    """A ping whose length is written in a longer form than it needs, and a mask that looks like a frame."""
    side = Side().open()
    first, second = side.say(text(b"hello")), side.say(text(b"two"))
    side.link.receive(b"\x89\xfe")
    side.executor.advance(side.limits.idle / 2)
    side.link.receive(b"\x00\x00" + b"\x7d\x81ab" + first)
    side.link.receive(second)
    assert side.owner.messages == [b"hello", b"two"]


def test_the_handshakes_part_of_the_library_is_freed_without_a_collection() -> None:
    side = Side()
    gone = weakref.ref(side.link.protocol)
    gc.collect()
    gc.disable()
    try:
        side.open()
        assert gone() is None
    finally:
        gc.enable()


def test_what_the_library_would_know_of_an_open_connection_a_new_protocol_knows_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Cutter, "rest", nothing)
    side = Side().open()
    side.link.receive(side.say(text(b"a"), text(b"b", fin=False), ping(b"?"), more(b"c", fin=True)))
    side.hear()
    used, cutter = side.link.protocol, side.link._cutter
    cutter.kept = None
    new = vars(side.link.protocol)
    assert vars(used).keys() - {"select_subprotocol"} == new.keys()
    for name in new.keys() - OWN - HANDSHAKE_ONLY:
        assert vars(used)[name] == new[name], name
    assert not used.reader.buffer


def test_a_limit_counts_for_what_the_library_reads_later() -> None:
    side = Side(frame=1000).open()
    side.link.bound(10)
    side.link.receive(side.say(text(b"x" * 6, fin=False), more(b"x" * 6, fin=True)))
    [close] = side.hear()
    assert Close.parse(close.data).code == CloseCode.TOO_BIG
    side.link.lost()
    assert side.link.exceeded == "frame"
