"""Whatever comes, the decoder and the session give a message, a typed error or a documented close."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.limits import Limits
from duologue.session.decisions import (
    DownloadEnd,
    Fail,
    IncomingCall,
    Item,
    OutgoingCall,
    Settle,
    Start,
    UploadBroken,
    UploadPiece,
)
from duologue.session.session import Session
from duologue.session.states import Role, State
from duologue.wire import (
    BadMessage,
    BadText,
    ErrorBody,
    Goaway,
    Hello,
    Message,
    NativeCodec,
    PieceKind,
    UploadForm,
    decode_piece,
    encode_piece,
)

CODEC = NativeCodec()
HELLO = Hello("chat", "1.0.0", 1, "us", 1)
DOCUMENTED = {1003, 1007, 4400}
ROUNDS = 25_000
"""Inputs for each of two roles and two kinds of peer: 100,000 in all."""

SEED = os.environ.get("FUZZ_SEED", "1")
"""Another one makes other inputs; a failure prints the one that it had."""

SEEDS: list[dict[str, Any]] = [
    {
        "id": "1",
        "action": "echo",
        "params": {"text": "hi"},
        "deadline": 50,
        "key": "k",
        "meta": {"a": "b"},
        "credit": 3,
    },
    {"id": "1", "data": {"x": [1, 2.5, None]}, "error": None},
    {
        "id": "1",
        "data": None,
        "error": {"code": "c", "status": "s", "details": {"d": 1}, "retry_after": 5, "ran": False},
    },
    {"event": "said", "data": {"room": "a"}, "seq": 4, "for": "s1"},
    {"hello": {"protocol": "chat", "version": "1", "api": 1, "session": "s", "gen": 1, "limits": {"frame": 900}}},
    {"goaway": {"reason": "shutdown", "reconnect_in": 5, "deadline": 9}},
    {"cancel": "1"},
    {"sub": "s1", "live": {"epoch": "e", "seq": 1}},
    {"sub": "s1", "end": {"status": "unavailable", "reason": "slow"}},
    {"sub": "s1", "reset": {"reason": "r", "epoch": "e", "seq": 2}, "lost": {"event": "e", "count": 3}},
    {"id": "1", "item": "x", "n": 0},
    {"id": "1", "credit": 9},
    {"id": "2", "action": "put", "key": "k", "stream": 1, "upload": {"size": 9, "sha256": "ab" * 32}},
    {"id": "3", "action": "put", "key": "k", "stream": 2, "upload": {"size": 9, "sha256": "ab" * 32}},
    {"id": "2", "ack": {"offset": 0, "window": 4}},
]
WORDS = [*dict.fromkeys(name for seed in SEEDS for name in seed), "x"]
VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    2**53,
    2**64,
    1.5,
    1e308,
    "",
    "1",
    "2",
    "é",
    "\ud800",
    "i" * 65,
    [],
    {},
    [[]],
]


def mangled(rng: random.Random) -> bytes:
    """A message that is nearly one: members swapped, values of other types, bytes flipped, cut or doubled."""
    message = dict(rng.choice(SEEDS))
    for _ in range(rng.randrange(3)):
        name = rng.choice(WORDS)
        message[name] = rng.choice([rng.choice(VALUES), rng.choice(SEEDS).get(name, {})])
    data = bytearray(json.dumps(message, ensure_ascii=rng.random() < 0.7).encode(errors="surrogatepass"))
    for _ in range(rng.choice([0, 0, 0, 1, 2, 8])):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[place : place + 1] = rng.randbytes(1)
            case 1:
                del data[place:]
            case 2:
                data[place:place] = rng.choice(
                    [b"[" * 70, b'{"a":' * 70, b'"', b"\\", b"NaN", b"1e999", b"\x00", b"\xff"]
                )
            case 3:
                data[place:place] = data[place // 2 : place]
            case _:
                del data[place : place + rng.randrange(5)]
    return bytes(data)


def a_piece(rng: random.Random) -> bytes:
    """A piece that may be expected, or nearly so."""
    data = bytearray(
        encode_piece(
            rng.choice(list(PieceKind)),
            rng.randrange(1, 8),
            rng.choice([0, 0, 0, 2, 4, 9, 2**40]),
            b"x" * rng.randrange(6),
        )
    )
    for _ in range(rng.choice([0, 0, 0, 0, 1])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.02 else data)


class Transfer:
    """What came of one upload or download."""

    def __init__(self) -> None:
        self.came = 0
        self.over = False

    def take(self, data: bytes | memoryview, granted: int) -> None:
        assert not self.over, "nothing comes after the end"
        self.came += len(data)
        assert self.came <= granted


class Checked:
    """A session in use, and all that must hold whatever its peer says."""

    def __init__(self, role: Role, *, extensions: bool) -> None:
        self.extensions = extensions
        self.session = Session(role, CODEC, Limits(in_flight=4), HELLO)
        self.session.open(extensions=extensions)
        self.owed: dict[str, IncomingCall] = {}
        self.waiting: dict[int, OutgoingCall] = {}
        self.transfers: dict[int, Transfer] = {}
        self.kept: list[object] = []  # so that no id is used twice
        self.now = 0.0

    def use(self, rng: random.Random) -> None:
        """What this side does between two messages."""
        session = self.session
        if session.may_request and not session.peer_leaving and session.state is State.OPEN:
            kinds: list[dict[str, Any]] = [{"window": 2}]
            if self.extensions:
                kinds += [{"window": 4, "download": True}, {"upload": UploadForm(9, "ab" * 32), "key": "k"}]
            call = session.request("a", b"{}", None, now=self.now, timeout=rng.choice([None, 0.5]), **rng.choice(kinds))
            self.waiting[id(call)] = call
        self.carry(rng)
        if self.owed and rng.random() < 0.5:
            call_in = self.owed.pop(rng.choice(list(self.owed)))
            if rng.random() < 0.5:
                session.answering.succeed(call_in, b"{}")
            else:
                session.answering.refuse(call_in, ErrorBody("internal", "internal"))
        if session.state is State.OPEN and rng.random() < 0.005:
            session.leave(Goaway())
        self.now += rng.choice([0.0, 0.1])
        self.note(session.tick(self.now))

    def carry(self, rng: random.Random) -> None:
        """Send what the peer has granted, and grant it something."""
        for call in self.waiting.values():
            if call.outflow is not None and not call.complete:
                size = min(call.outflow.room, rng.randrange(4), self.session.piece_size)
                if size or (call.upload is not None and call.outflow.sent == call.upload.size):
                    self.session.transfers.upload(call, b"x" * size)
        for owed in self.owed.values():
            if owed.upload is not None and owed.inflow is None and rng.random() < 0.5:
                self.session.transfers.ack(owed, 0, 4)
            if owed.stream is not None and owed.outflow is not None and owed.outflow.room > 0:
                self.session.transfers.download(owed, b"x" * min(owed.outflow.room, rng.randrange(1, 4)))

    def hear(self, data: bytes) -> bool:
        """Returns whether the connection would go on."""
        return self.note(self.session.receive(data, self.now))

    def hear_binary(self, data: bytes) -> bool:
        return self.note(self.session.receive_binary(data))

    def note(self, decisions: list[Any]) -> bool:
        going = True
        for decision in decisions:
            if isinstance(decision, Start):
                assert decision.call.id not in self.owed, "an id is taken until its response"
                self.owed[decision.call.id] = decision.call
            elif isinstance(decision, Settle):
                del self.waiting[id(decision.call)]  # KeyError: settled twice
            elif isinstance(decision, Fail):
                assert decision.code in DOCUMENTED
                going = False
            elif isinstance(decision, (UploadPiece, UploadBroken, Item, DownloadEnd)):
                self.note_transfer(decision)
        assert len(self.session.incoming) <= 4
        for message, binary in self.session.outbox.take():
            if binary:
                assert self.extensions
                assert len(decode_piece(message).data) <= self.session.piece_size
                continue
            decoded = CODEC.decode(message)
            if not self.extensions:
                assert json.loads(message).keys() <= {"id", "action", "params", "data", "error"}
            assert isinstance(decoded, Message)
        return going

    def note_transfer(self, decision: UploadPiece | UploadBroken | Item | DownloadEnd) -> None:
        call = decision.call
        self.kept.append(call)
        transfer = self.transfers.setdefault(id(call), Transfer())
        match decision:
            case UploadPiece(data=data, end=end):
                assert call.inflow is not None
                assert isinstance(call, IncomingCall)
                assert call.upload is not None
                transfer.take(data, min(call.inflow.granted, call.upload.size))
                self.session.transfers.hold(call, len(data))
                transfer.over = end
            case Item(raw=raw):
                assert call.inflow is not None
                transfer.take(raw if call.stream else raw[:1], call.inflow.granted)
            case _:
                transfer.take(b"", 0 if not transfer.came else transfer.came)
                transfer.over = True

    def lose(self) -> None:
        self.note(self.session.lose())
        assert not self.waiting, "every call is settled"
        assert self.session.deadlines.next() is None


@pytest.mark.parametrize("extensions", [True, False])
@pytest.mark.parametrize("role", list(Role))
def test_a_session_survives_whatever_comes(role: Role, extensions: bool) -> None:
    rng = random.Random(seed := f"{SEED} {role} {extensions}")
    print(f"seed: {seed}; to repeat it: FUZZ_SEED={SEED}")
    inputs = 0
    kinds: set[str] = set()
    came: set[str] = set()
    while inputs < ROUNDS:
        checked = Checked(role, extensions=extensions)
        for _ in range(rng.randrange(1, 200)):
            inputs += 1
            checked.use(rng)
            if rng.random() < (0.3 if extensions else 0.001):
                going = checked.hear_binary(a_piece(rng))
            else:
                going = checked.hear(mangled(rng) if rng.random() < 0.95 else rng.randbytes(rng.randrange(40)))
            if not going:
                kinds.add("failed")
                break
        checked.lose()
        came |= {type(decision).__name__ for decision in checked.transfers.values() if decision.came}
    assert kinds == {"failed"}, "the inputs reach the closes, too"
    assert bool(came) == extensions, "bytes arrive, where there are any"


def _verdict(data: bytes) -> str:
    try:
        return type(CODEC.decode(data)).__name__
    except (BadMessage, BadText) as error:
        return type(error).__name__


def _every_cut(message: bytes) -> Iterator[bytes]:
    for place in range(len(message)):
        yield message[:place]
        yield message[:place] + message[place + 1 :]
        yield message[:place] + b"\xff" + message[place:]
        yield message[:place] + bytes([message[place] ^ 0x20]) + message[place + 1 :]


def test_every_cut_of_every_shape_has_a_verdict() -> None:
    verdicts = [_verdict(data) for seed in SEEDS for data in _every_cut(json.dumps(seed).encode())]
    assert set(verdicts) == {"Message", "BadMessage", "BadText"}


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_json_and_any_bytes_have_a_verdict(data: bytes) -> None:
    assert _verdict(data) in {"Message", "BadMessage", "BadText"}
    for role, extensions in itertools.product(Role, (True, False)):
        Checked(role, extensions=extensions).hear(data)


Build = Callable[[str], bytes]


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=64))
def test_any_name_that_can_be_sent_is_read_as_it_was(name: str) -> None:
    builders: list[tuple[str, Build]] = [
        ("id", lambda name: CODEC.result(name, b"null")),
        ("cancel", CODEC.cancel),
        ("sub", lambda name: CODEC.event("e", b"{}", for_=name)),
    ]
    for member, build in builders:
        message = CODEC.decode(build(name))
        assert getattr(message, "for_" if member == "sub" else member) == name
