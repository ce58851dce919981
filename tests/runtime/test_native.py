"""The native wire format: each shape, the order of kinds, and how values are read."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from msgspec import UNSET, Raw
from pydantic import Field, TypeAdapter, ValidationError

from duologue.limits import Limits
from duologue.models import Event, Json
from duologue.session.decisions import EventArrived, Fail, PeerLeaving, Settle, Start, Stop, SubscriptionNote
from duologue.session.outcomes import decode
from duologue.session.session import Session
from duologue.session.states import Role
from duologue.wire import (
    Ack,
    BadMessage,
    BadText,
    Capabilities,
    ErrorBody,
    Goaway,
    Hello,
    HelloLimits,
    Loss,
    NativeCodec,
    Point,
    Reset,
    SubscriptionEnd,
    UploadForm,
)
from duologue.wire.messages import MAX_META

CODEC = NativeCodec()
PLAIN = Capabilities(extensions=False)
EXTENDED = Capabilities(extensions=True)


# ------------------------------------------------------------------------------------------------ what is sent
@pytest.mark.parametrize(
    ("message", "shape"),
    [
        (
            CODEC.request(PLAIN, "1", "a", b'{"x":1}', deadline=5, key="k", meta={"m": "v"}, credit=3),
            {"id": "1", "action": "a", "params": {"x": 1}},
        ),
        (CODEC.request(EXTENDED, "1", "a", b"{}"), {"id": "1", "action": "a", "params": {}}),
        (
            CODEC.request(EXTENDED, "1", "a", b"{}", deadline=5, key="k", meta={"m": "v"}, credit=3),
            {"id": "1", "action": "a", "params": {}, "deadline": 5, "key": "k", "meta": {"m": "v"}, "credit": 3},
        ),
        (
            CODEC.request(EXTENDED, "1", "a", b"{}", deadline=0, key="", meta={}, credit=0),
            {"id": "1", "action": "a", "params": {}, "deadline": 0, "key": "", "credit": 0},
        ),
        (
            CODEC.request(EXTENDED, "1", "a", b"{}", key="k", stream=3, upload=UploadForm(5, "ab" * 32)),
            {
                "id": "1",
                "action": "a",
                "params": {},
                "key": "k",
                "stream": 3,
                "upload": {"size": 5, "sha256": "ab" * 32},
            },
        ),
        (CODEC.request(PLAIN, "1", "a", b"{}", stream=3), {"id": "1", "action": "a", "params": {}}),
        (CODEC.ack("1", Ack(0, 5)), {"id": "1", "ack": {"offset": 0, "window": 5}}),
        (CODEC.result("1", b"[1]"), {"id": "1", "data": [1], "error": None}),
        (
            CODEC.failure("1", ErrorBody("c", "s")),
            {"id": "1", "data": None, "error": {"code": "c", "status": "s"}},
        ),
        (
            CODEC.failure(None, ErrorBody("c", "s", "m", details=Raw(b'{"d":1}'), retry_after=5, ran=False)),
            {
                "id": None,
                "data": None,
                "error": {
                    "code": "c",
                    "status": "s",
                    "message": "m",
                    "details": {"d": 1},
                    "retry_after": 5,
                    "ran": False,
                },
            },
        ),
        (CODEC.event("e", b"{}"), {"event": "e", "data": {}}),
        (CODEC.event("e", b"{}", seq=0, for_="s"), {"event": "e", "data": {}, "seq": 0, "for": "s"}),
        (CODEC.item("1", b"null", 0), {"id": "1", "item": None, "n": 0}),
        (CODEC.credit("1", 64), {"id": "1", "credit": 64}),
        (CODEC.cancel("1"), {"cancel": "1"}),
        (
            CODEC.hello(Hello("p", "1", 1, "s", 2, HelloLimits(frame=3, in_flight=4, window=5))),
            {
                "hello": {
                    "protocol": "p",
                    "version": "1",
                    "api": 1,
                    "session": "s",
                    "gen": 2,
                    "limits": {"frame": 3, "in_flight": 4, "window": 5},
                }
            },
        ),
        (CODEC.goaway(Goaway()), {"goaway": {}}),
        (CODEC.goaway(Goaway("r", 1, 2)), {"goaway": {"reason": "r", "reconnect_in": 1, "deadline": 2}}),
        (CODEC.about("s", live=Point("e", 4)), {"sub": "s", "live": {"epoch": "e", "seq": 4}}),
        (CODEC.about("s", at=Point("e", 4)), {"sub": "s", "at": {"epoch": "e", "seq": 4}}),
        (CODEC.about("s", lost=Loss("v", 2)), {"sub": "s", "lost": {"event": "v", "count": 2}}),
        (CODEC.about("s", reset=Reset("r", "e", 4)), {"sub": "s", "reset": {"reason": "r", "epoch": "e", "seq": 4}}),
        (CODEC.about("s", end=SubscriptionEnd("u")), {"sub": "s", "end": {"status": "u"}}),
        (
            CODEC.about("s", end=SubscriptionEnd("u", "slow", 9)),
            {"sub": "s", "end": {"status": "u", "reason": "slow", "retry_after": 9}},
        ),
    ],
)
def test_every_shape_is_sent_as_the_reference_says_and_read_again(message: bytes, shape: dict[str, Any]) -> None:
    assert json.loads(message) == shape
    if shape.get("key") != "":
        assert isinstance(CODEC.decode(message).id, type(shape["id"]) if "id" in shape else type(UNSET))


@pytest.mark.parametrize("name", ['"', "\\", "\n", "é", "\u2028", "😀", "\x00"])
def test_names_are_escaped_wherever_they_are_spliced(name: str) -> None:
    messages = (
        (CODEC.request(EXTENDED, name, name, b"{}", key=name, meta={name: name}), "id"),
        (CODEC.result(name, b"1"), "id"),
        (CODEC.failure(name, ErrorBody(name, name)), "id"),
        (CODEC.event(name, b"{}", for_=name), "event"),
        (CODEC.item(name, b"1", 1), "id"),
        (CODEC.credit(name, 1), "id"),
        (CODEC.ack(name, Ack(1, 2)), "id"),
        (CODEC.cancel(name), "cancel"),
        (CODEC.about(name, live=Point("e", 1)), "sub"),
    )
    for message, member in messages:
        assert json.loads(message)[member] == name
        assert getattr(CODEC.decode(message), member) == name


# ------------------------------------------------------------------------------------------------ what is read
def test_unknown_members_are_ignored_everywhere() -> None:
    message = CODEC.decode(
        b'{"id":"1","data":null,"later":[1],"error":{"code":"c","status":"s","new":{}},"ack":{"offset":1,"window":2}}'
    )
    assert message.id == "1"
    assert isinstance(message.error, ErrorBody)
    hello = CODEC.decode(
        b'{"hello":{"protocol":"p","version":"1","api":9,"session":"s","gen":0,"later":{},"x":1}}'
    ).hello
    assert isinstance(hello, Hello)
    assert hello.limits == HelloLimits(frame=64 * 1024, in_flight=64, window=64)


def test_payloads_stay_as_they_came() -> None:
    raw = b'{ "a" : 1.50 , "b":[ ] }'
    assert bytes(CODEC.decode(b'{"id":"1","action":"x","params":%b}' % raw).params) == raw  # type: ignore[arg-type]


KINDS: list[tuple[str, Any, type[object]]] = [
    ("hello", {"protocol": "other", "version": "1", "api": 1, "session": "s", "gen": 1}, Fail),
    ("goaway", {}, PeerLeaving),
    ("action", "x", Start),
    ("event", "x", EventArrived),
    ("cancel", "busy", Stop),
    ("sub", "x", SubscriptionNote),
    ("item", 1, Fail),  # out of turn
    ("ack", {"offset": 1, "window": 1}, Fail),  # of no upload
    ("credit", 5, type(None)),  # for nobody
    ("data", 1, Settle),
]


@pytest.mark.parametrize("first", range(len(KINDS)))
def test_the_first_kind_present_decides(first: int) -> None:
    session = _session(Role.SERVER)
    session.receive(b'{"id":"busy","action":"x"}', 0.0)
    session.request("a", b"{}", None, now=0.0, timeout=None)
    session.outbox.take()
    message = {"id": "1", **{name: value for name, value, _ in reversed(KINDS[first:])}}
    decisions = session.receive(json.dumps(message).encode(), 0.0)
    assert [type(decision) for decision in decisions] == [kind for kind in [KINDS[first][2]] if kind is not type(None)]


def _session(role: Role) -> Session:
    session = Session(role, CODEC, Limits(), Hello("p", "1", 1, "s", 1))
    session.open(extensions=True)
    session.outbox.take()
    return session


# -------------------------------------------------------------------- more verdicts are in tests/conformance/wire
def test_of_duplicate_members_the_last_counts() -> None:
    message = CODEC.decode(b'{"id":"9","action":"x","id":"1","params":1,"params":2}')
    assert message.id == "1"
    assert bytes(message.params) == b"2"  # type: ignore[arg-type]


class Reading(Event):
    value: float = 0.0
    count: int = 0
    any: Json = None


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('{"value": 1.5}', True),
        ('{"value": 1}', True),
        ('{"value": 1e999}', False),
        ('{"value": -1e999}', False),
        ('{"value": NaN}', False),
        ('{"value": "1.5"}', False),
        ('{"count": 1.0}', False),
        ('{"count": 1.5}', False),
        ('{"count": true}', False),
        ('{"count": "1"}', False),
        ('{"count": 1, "count": 2}', True),
        ('{"count": 123456789012345678901234567890}', True),
    ],
)
def test_values_are_read_strictly(text: str, fits: bool) -> None:
    if fits:
        Reading.from_wire(text)
    else:
        with pytest.raises(ValidationError):
            Reading.from_wire(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Annotated[float, Field(allow_inf_nan=False)], b"1e999"),
        (list[Annotated[float, Field(allow_inf_nan=False)]], b"[-1e999]"),
        (Json, b'{"a": [1e999]}'),
        (Reading, b'{"any": [1e999]}'),
    ],
)
def test_numbers_that_overflow_are_refused_everywhere(kind: Any, text: bytes) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)  # bare numbers as the generator writes them
    with pytest.raises(ValidationError):
        decode(adapter, text)


def test_meta_of_many_members_is_too_large_however_short_they_are() -> None:
    meta = {f"{number:x}": "" for number in range(MAX_META + 1)}
    with pytest.raises(BadMessage, match="meta"):
        CODEC.decode(json.dumps({"id": "1", "action": "a", "meta": meta}).encode())


def test_a_message_says_why_it_is_none() -> None:
    with pytest.raises(BadText):
        CODEC.decode(b'"\xff"')
    with pytest.raises(BadMessage) as caught:
        CODEC.decode(b'{"id":"7","error":5}')
    assert (caught.value.id, caught.value.answer) == ("7", True)
    assert "error" in caught.value.reason


@pytest.mark.parametrize(
    ("extras", "reason"),
    [
        ({"key": "k" * 129}, "key"),
        ({"key": ""}, "key"),
        ({"meta": {"a": "é" * 2048}}, "meta is larger than 4096 bytes"),
    ],
)
def test_extras_beyond_their_bounds_are_refused(extras: dict[str, Any], reason: str) -> None:
    CODEC.decode(json.dumps({"id": "7", "action": "a", "key": "k" * 128, "meta": {"a": "é" * 2047}}).encode())
    with pytest.raises(BadMessage, match=reason) as caught:
        CODEC.decode(json.dumps({"id": "7", "action": "a", **extras}).encode())
    assert caught.value.id == "7"
