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

from duologue.decisions import Fail, IncomingCall, Settle, Start
from duologue.limits import Limits
from duologue.session import Role, Session, State
from duologue.wire import BadMessage, BadText, ErrorBody, Goaway, Hello, Message, NativeCodec

CODEC = NativeCodec()
HELLO = Hello("chat", "1.0.0", 1, "us", 1)
DOCUMENTED = {1007, 4400}
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
]
WORDS = [*dict.fromkeys(name for seed in SEEDS for name in seed), "ack", "x"]
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


class Checked:
    """A session in use, and all that must hold whatever its peer says."""

    def __init__(self, role: Role, *, extensions: bool) -> None:
        self.extensions = extensions
        self.session = Session(role, CODEC, Limits(in_flight=4), HELLO)
        self.session.open(extensions=extensions)
        self.owed: dict[str, IncomingCall] = {}
        self.waiting: dict[int, Any] = {}
        self.now = 0.0

    def use(self, rng: random.Random) -> None:
        """What this side does between two messages."""
        session = self.session
        if session.may_request and not session.peer_leaving and session.state is State.OPEN:
            call = session.request("a", b"{}", None, now=self.now, timeout=rng.choice([None, 0.5]), window=2)
            self.waiting[id(call)] = call
        if self.owed and rng.random() < 0.5:
            call_in = self.owed.pop(rng.choice(list(self.owed)))
            if rng.random() < 0.5:
                session.succeed(call_in, b"{}")
            else:
                session.refuse(call_in, ErrorBody("internal", "internal"))
        if session.state is State.OPEN and rng.random() < 0.005:
            session.leave(Goaway())
        self.now += rng.choice([0.0, 0.1])
        self.note(session.tick(self.now))

    def hear(self, data: bytes) -> bool:
        """Returns whether the connection would go on."""
        return self.note(self.session.receive(data, self.now))

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
        assert len(self.session.incoming) <= 4
        for message, _ in self.session.messages():
            decoded = CODEC.decode(message)
            if not self.extensions:
                assert json.loads(message).keys() <= {"id", "action", "params", "data", "error"}
            assert isinstance(decoded, Message)
        return going

    def lose(self) -> None:
        self.note(self.session.lose())
        assert not self.waiting, "every call is settled"
        assert self.session.wake_at is None


@pytest.mark.parametrize("extensions", [True, False])
@pytest.mark.parametrize("role", list(Role))
def test_a_session_survives_whatever_comes(role: Role, extensions: bool) -> None:
    rng = random.Random(seed := f"{SEED} {role} {extensions}")
    print(f"seed: {seed}; to repeat it: FUZZ_SEED={SEED}")
    inputs = 0
    kinds: set[str] = set()
    while inputs < ROUNDS:
        checked = Checked(role, extensions=extensions)
        for _ in range(rng.randrange(1, 200)):
            inputs += 1
            checked.use(rng)
            data = mangled(rng) if rng.random() < 0.95 else rng.randbytes(rng.randrange(40))
            if not checked.hear(data):
                kinds.add("failed")
                break
        checked.lose()
    assert kinds == {"failed"}, "the inputs reach the closes, too"


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


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_json_and_any_bytes_have_a_verdict(data: bytes) -> None:
    assert _verdict(data) in {"Message", "BadMessage", "BadText"}
    for role, extensions in itertools.product(Role, (True, False)):
        Checked(role, extensions=extensions).hear(data)


Build = Callable[[str], bytes]


@settings(max_examples=200, deadline=None)
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
