"""The session as a state machine: every move in every state, every message, every decision, in both roles."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pytest

from duologue.errors import DeadlineExceeded, Internal, NotSent, OutcomeUnknown, Ran, ResourceExhausted, Status
from duologue.limits import Limits
from duologue.session.decisions import (
    Decision,
    Dropped,
    EventArrived,
    Fail,
    Granted,
    IncomingCall,
    Item,
    OutgoingCall,
    PeerLeaving,
    Refused,
    Settle,
    Start,
    Stop,
    SubscriptionNote,
)
from duologue.session.session import Session
from duologue.session.states import LEGAL, IllegalMove, Role, State
from duologue.wire import ErrorBody, Goaway, Hello, HelloLimits, Message, NativeCodec

ROLES = list(Role)
HELLO = Hello("chat", "1.0.0", 1, "us", 1)
THEIRS = Hello("chat", "1.0.3", 1, "them", 7, HelloLimits(frame=2000, in_flight=3, window=9))
D = TypeVar("D")


def text(**members: Any) -> bytes:
    return json.dumps(members).encode()


def spoken(session: Session) -> list[dict[str, Any]]:
    return [json.loads(message) for message, _ in session.outbox.take()]


def new(role: Role = Role.SERVER, **limits: Any) -> Session:
    return Session(role, NativeCodec(), Limits(**limits), HELLO)


def opened(role: Role = Role.SERVER, *, extensions: bool = True, greeted: bool = True, **limits: Any) -> Session:
    session = new(role, **limits)
    session.open(extensions=extensions)
    if extensions and greeted:
        assert session.receive(NativeCodec().hello(THEIRS), 0.0) == []
    session.outbox.take()
    return session


def in_state(state: State, role: Role = Role.SERVER) -> Session:
    if state is State.NEW:
        return new(role)
    session = opened(role)
    if state is State.LEAVING:
        session.leave(Goaway())
        session.outbox.take()
    elif state is State.CLOSED:
        session.lose()
    return session


def only(decisions: list[Decision], kind: type[D]) -> D:
    assert len(decisions) == 1, decisions
    assert isinstance(decisions[0], kind), decisions
    return decisions[0]


def call_in(session: Session, id: str = "1", now: float = 0.0, **members: Any) -> IncomingCall:
    return only(session.receive(text(id=id, action="echo", **members), now), Start).call


def call_out(session: Session, timeout: float | None = None, **more: Any) -> OutgoingCall:
    return session.request("echo", b"{}", "owner", now=0.0, timeout=timeout, **more)


# -------------------------------------------------------------------------------------------------- states and moves
def attempt(session: Session, move: str) -> None:
    match move:
        case "open":
            session.open(extensions=True)
        case "request":
            call_out(session)
        case "receive":
            session.receive(b"{}", 0.0)
        case "respond":
            session.send(b"{}")
        case "leave":
            session.leave(Goaway())
        case "lose":
            session.lose()
        case _:
            pytest.fail(f"a new move, {move}: say here how it is made")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("move", list(LEGAL))
def test_the_table_decides_which_move_is_legal_in_which_state(move: str, state: State, role: Role) -> None:
    session = in_state(state, role)
    if state in LEGAL[move]:
        attempt(session, move)
        assert session.state is LEGAL[move][state]
    else:
        with pytest.raises(NotSent if move == "request" else IllegalMove) as caught:
            attempt(session, move)
        assert session.state is state
        assert move == "request" or f"{role} session: cannot {move} while {state}" in str(caught.value)
        assert session.outbox.take() == []


def test_the_table_says_what_the_reference_says() -> None:
    assert {(move, state.value): then.value for move, row in LEGAL.items() for state, then in row.items()} == {
        ("open", "new"): "open",
        ("request", "open"): "open",
        ("receive", "open"): "open",
        ("request", "leaving"): "leaving",
        ("receive", "leaving"): "leaving",
        ("respond", "open"): "open",
        ("respond", "leaving"): "leaving",
        ("leave", "open"): "leaving",
        ("leave", "leaving"): "leaving",
        ("lose", "new"): "closed",
        ("lose", "open"): "closed",
        ("lose", "leaving"): "closed",
        ("lose", "closed"): "closed",
    }


@pytest.mark.parametrize("role", ROLES)
def test_hello_is_said_first_and_at_once_with_the_limits_of_this_side(role: Role) -> None:
    session = new(role, frame=5000, in_flight=7, stream_window=3)
    session.open(extensions=True)
    assert len(session.outbox.waiting) == 1
    assert spoken(session) == [
        {
            "hello": {
                "protocol": "chat",
                "version": "1.0.0",
                "api": 1,
                "session": "us",
                "gen": 1,
                "limits": {"frame": 5000, "in_flight": 7, "window": 3},
            }
        }
    ]


@pytest.mark.parametrize("role", ROLES)
def test_until_the_peers_hello_64_kib_and_64_calls_are_assumed(role: Role) -> None:
    session = opened(role, greeted=False)
    told = session.outbox.capabilities
    assert (told.frame, told.in_flight, told.window) == (64 * 1024, 64, 64)
    session.receive(NativeCodec().hello(THEIRS), 0.0)
    told = session.outbox.capabilities
    assert (told.extensions, told.frame, told.in_flight, told.window) == (True, 2000, 3, 9)
    assert session.peer == THEIRS


def test_a_second_hello_breaks_the_protocol() -> None:
    failure = only(opened().receive(NativeCodec().hello(THEIRS), 0.0), Fail)
    assert (failure.code, failure.reason) == (4400, "a second hello")


def test_a_peer_of_another_protocol_is_told_both_names() -> None:
    other = Hello("mail", "2.0", 1, "s", 1)
    failure = only(opened(greeted=False).receive(NativeCodec().hello(other), 0.0), Fail)
    assert (failure.code, failure.reason) == (4400, "this is chat 1.0.0, not mail 2.0")


# ---------------------------------------------------------------------------------------------------- the peer's calls
@pytest.mark.parametrize("role", ROLES)
def test_a_request_is_started_with_all_that_came_with_it(role: Role) -> None:
    session = opened(role)
    call = call_in(session, "a", 10.0, params={"x": 1}, deadline=1500, key="k", meta={"m": "v"}, credit=4)
    assert (call.id, call.action, json.loads(call.params), call.key) == ("a", "echo", {"x": 1}, "k")
    assert (call.meta, call.expires_at, call.owner, call.stream, call.upload) == ({"m": "v"}, 11.5, None, None, None)
    assert call.outflow is not None
    assert (call.outflow.credit, call.outflow.sent) == (4, 0)
    assert session.deadlines.next() == 11.5


def test_a_request_without_the_extras_has_none() -> None:
    call = call_in(opened(), "a")
    assert (call.params, call.key, call.meta, call.outflow, call.expires_at) == (b"{}", None, {}, None, None)


def test_members_of_the_extensions_mean_nothing_in_a_plain_peers_request() -> None:
    session = opened(extensions=False)
    call = call_in(session, "a", params={"x": 1}, deadline=1, key="k", meta={"m": "v"}, credit=4)
    assert (call.key, call.meta, call.outflow, call.expires_at) == (None, {}, None, None)
    assert json.loads(call.params) == {"x": 1}


@pytest.mark.parametrize("state", [State.OPEN, State.LEAVING])
def test_a_result_is_the_one_response(state: State) -> None:
    session = opened()
    call = call_in(session, "a", deadline=1000)
    if state is State.LEAVING:
        session.leave(Goaway())
        session.outbox.take()
    session.answering.succeed(call, b'{"y":2}')
    assert spoken(session) == [{"id": "a", "data": {"y": 2}, "error": None}]
    assert session.deadlines.next() is None
    session.answering.succeed(call, b"{}")
    session.answering.refuse(call, ErrorBody("internal", "internal"))
    assert session.outbox.take() == [], "a call that was answered is not answered again"


def test_an_error_is_the_one_response() -> None:
    session = opened()
    call = call_in(session, "a")
    session.answering.refuse(call, ErrorBody("no_room", "not_found", "no", ran=False))
    assert spoken(session) == [
        {"id": "a", "data": None, "error": {"code": "no_room", "status": "not_found", "message": "no", "ran": False}}
    ]
    assert session.incoming == {}


def test_an_id_is_free_again_once_it_was_answered() -> None:
    session = opened()
    session.answering.succeed(call_in(session, "a"), b"1")
    session.answering.succeed(call_in(session, "a"), b"2")
    assert [message["data"] for message in spoken(session)] == [1, 2]


@pytest.mark.parametrize("state", [State.OPEN, State.LEAVING])
def test_an_id_that_is_in_flight_breaks_the_protocol(state: State) -> None:
    session = opened()
    call_in(session, "a")
    if state is State.LEAVING:
        session.leave(Goaway())
    failure = only(session.receive(text(id="a", action="echo"), 0.0), Fail)
    assert (failure.code, failure.reason) == (4400, "id a is in flight already")
    assert list(session.incoming) == ["a"]


def test_calls_beyond_the_limit_are_refused_unrun() -> None:
    session = opened(in_flight=2)
    first = call_in(session, "a")
    call_in(session, "b")
    assert session.receive(text(id="c", action="echo"), 0.0) == [Refused("in_flight")]
    [refusal] = spoken(session)
    assert (refusal["id"], refusal["error"]["status"], refusal["error"]["ran"]) == ("c", "resource_exhausted", False)
    session.answering.succeed(first, b"1")
    call_in(session, "c")


def test_calls_that_come_while_leaving_are_refused_unrun() -> None:
    session = in_state(State.LEAVING)
    assert session.receive(text(id="a", action="echo"), 0.0) == []
    [refusal] = spoken(session)
    assert (refusal["error"]["status"], refusal["error"]["ran"]) == ("unavailable", False)
    assert session.incoming == {}


def test_leaving_is_said_once() -> None:
    session = opened()
    session.leave(Goaway("shutdown", deadline=5000))
    session.leave(Goaway("shutdown"))
    assert spoken(session) == [{"goaway": {"reason": "shutdown", "deadline": 5000}}]


@pytest.mark.parametrize("id", [None, 5, "", "x" * 65, ["a"]])
def test_a_request_needs_an_id(id: object) -> None:
    session = opened()
    assert session.receive(text(id=id, action="echo"), 0.0) == []
    [complaint] = spoken(session)
    assert complaint["id"] is None
    assert (complaint["error"]["status"], complaint["error"]["ran"]) == ("invalid_argument", False)
    assert session.receive(text(action="echo"), 0.0) == []
    assert spoken(session)[0]["id"] is None


def test_a_deadline_stops_the_handler_and_the_response_is_still_owed() -> None:
    session = opened()
    call = call_in(session, "a", 10.0, deadline=1000)
    assert session.tick(10.999) == []
    stop = only(session.tick(11.0), Stop)
    assert (stop.call, stop.status) == (call, Status.DEADLINE_EXCEEDED)
    assert session.deadlines.next() is None
    session.answering.refuse(call, ErrorBody("deadline_exceeded", "deadline_exceeded"))
    assert spoken(session)[0]["id"] == "a"


def test_a_deadline_of_nothing_is_over_at_once() -> None:
    session = opened()
    call_in(session, "a", 10.0, deadline=0)
    assert only(session.tick(10.0), Stop).status is Status.DEADLINE_EXCEEDED


def test_a_call_without_a_deadline_can_be_given_one() -> None:
    session = opened(extensions=False)
    call = call_in(session, "a")
    session.answering.expire_at(call, 5.0)
    assert (call.expires_at, session.deadlines.next()) == (5.0, 5.0)
    session.answering.succeed(call, b"1")
    assert session.deadlines.next() is None
    assert session.tick(9.0) == []


def test_cancel_stops_the_handler_and_the_response_is_still_owed() -> None:
    session = opened()
    call = call_in(session, "a")
    stop = only(session.receive(text(cancel="a"), 0.0), Stop)
    assert (stop.call, stop.status) == (call, Status.CANCELLED)
    assert list(session.incoming) == ["a"]
    session.answering.refuse(call, ErrorBody("cancelled", "cancelled"))
    assert spoken(session)[0]["error"]["code"] == "cancelled"


def test_cancelling_an_unknown_call_is_ignored() -> None:
    session = opened()
    assert session.receive(text(cancel="nobody"), 0.0) == []
    assert session.outbox.take() == []


def test_items_are_counted_from_zero_and_precede_the_response() -> None:
    session = opened()
    call = call_in(session, "a", credit=2)
    session.answering.send_item(call, b'"x"')
    session.answering.send_item(call, b'"y"')
    session.answering.succeed(call, b"null")
    assert spoken(session) == [
        {"id": "a", "item": "x", "n": 0},
        {"id": "a", "item": "y", "n": 1},
        {"id": "a", "data": None, "error": None},
    ]


def test_credit_only_grows_and_only_for_a_stream() -> None:
    session = opened()
    stream, unary = call_in(session, "s", credit=2), call_in(session, "u")
    granted = only(session.receive(text(id="s", credit=5), 0.0), Granted)
    assert stream.outflow is not None
    assert (granted.call, stream.outflow.credit) == (stream, 5)
    for id, credit in (("s", 5), ("s", 1), ("u", 9), ("nobody", 9), (None, 9)):
        assert session.receive(text(id=id, credit=credit), 0.0) == []
    assert (stream.outflow.credit, unary.outflow) == (5, None)
    assert session.outbox.take() == []


@pytest.mark.parametrize("frame", [200, 2000])
def test_an_answer_that_the_peer_cannot_take_becomes_resource_exhausted(frame: int) -> None:
    session = opened(greeted=False)
    session.receive(NativeCodec().hello(Hello("chat", "1", 1, "s", 1, HelloLimits(frame=frame))), 0.0)
    room = frame - len(NativeCodec().result("a", b'""'))
    session.answering.succeed(call_in(session, "a"), b'"' + b"x" * room + b'"')
    session.answering.succeed(call_in(session, "b"), b'"' + b"x" * (room + 1) + b'"')
    session.answering.refuse(call_in(session, "c"), ErrorBody("internal", "internal", "x" * frame))
    (fits, _), (result, _), (error, _) = session.outbox.take()
    assert len(fits) == frame
    for answer in (result, error):
        assert len(answer) <= frame
        assert json.loads(answer)["error"]["status"] == "resource_exhausted"


def test_an_item_that_the_peer_cannot_take_fails_the_handler_and_not_the_connection() -> None:
    session = opened()
    call = call_in(session, "a", credit=2)
    with pytest.raises(ResourceExhausted, match="2000"):
        session.answering.send_item(call, b'"' + b"x" * 2000 + b'"')
    assert session.outbox.take() == []
    session.answering.send_item(call, b"1")
    assert spoken(session)[0]["n"] == 0


# ------------------------------------------------------------------------------------------------------------ our calls
@pytest.mark.parametrize("role", ROLES)
def test_a_request_carries_its_extras_and_ids_never_repeat(role: Role) -> None:
    session = opened(role)
    call_out(session, 1.5, key="k", meta={"m": "v"}, window=8)
    call = call_out(session)
    assert len(session.outbox.waiting) == 2
    first, second = spoken(session)
    assert first == {
        "id": "1",
        "action": "echo",
        "params": {},
        "deadline": 1500,
        "key": "k",
        "meta": {"m": "v"},
        "credit": 8,
    }
    assert second == {"id": "2", "action": "echo", "params": {}}
    session.receive(text(id="2", data=1), 0.0)
    assert call_out(session).id == "3" != call.id


def test_a_timeout_below_a_millisecond_is_told_as_one() -> None:
    session = opened()
    call_out(session, 0.0001)
    assert spoken(session)[0]["deadline"] == 1


def test_a_plain_peer_is_sent_nothing_of_the_extensions() -> None:
    session = opened(extensions=False)
    call = call_out(session, 1.0, key="k", meta={"m": "v"}, window=8)
    assert spoken(session) == [{"id": "1", "action": "echo", "params": {}}]
    session.abandon(call)
    session.leave(Goaway())
    assert spoken(session) == []
    assert session.outbox.capabilities.frame == session.limits.frame


def test_a_plain_peer_that_sends_extensions_is_not_understood() -> None:
    session = opened(extensions=False)
    stream = call_in(session, "a")
    for message in (
        text(hello=json.loads(NativeCodec().hello(THEIRS))["hello"]),
        text(goaway={}),
        text(cancel="a"),
        text(sub="s", live={"epoch": "e", "seq": 1}),
        text(id="b", item=1, n=0),
        text(id="b", credit=5),
    ):
        assert session.receive(message, 0.0) == []
        assert [answer["error"]["code"] for answer in spoken(session)] == ["invalid_argument"]
    assert (session.peer, session.peer_leaving, stream.outflow) == (None, False, None)


def test_a_response_settles_its_call() -> None:
    session = opened()
    call = call_out(session, 5.0)
    settled = only(session.receive(text(id="1", data={"y": 1}, error=None), 0.0), Settle)
    assert settled.call is call
    assert isinstance(settled.outcome, Message)
    assert bytes(settled.outcome.data) == b'{"y": 1}'  # type: ignore[arg-type]
    assert (session.outgoing, session.deadlines.next(), call.owner) == ({}, None, "owner")


def test_an_answer_without_a_call_is_dropped_and_told() -> None:
    session = opened()
    assert session.receive(text(id="1", data=1), 0.0) == [Dropped()]
    call_out(session)
    only(session.receive(text(id="1", data=1), 0.0), Settle)
    assert session.receive(text(id="1", data=2), 0.0) == [Dropped()]
    session.outbox.take()


def test_an_answer_without_an_id_concerns_no_call() -> None:
    session = opened()
    call_out(session)
    session.outbox.take()
    assert session.receive(text(id=None, data=None, error={"code": "x", "status": "y"}), 0.0) == []
    assert (list(session.outgoing), session.outbox.take()) == (["1"], [])


def test_an_abandoned_call_is_cancelled_and_its_late_answer_given_to_nobody() -> None:
    session = opened()
    call = call_out(session, 5.0)
    session.outbox.take()
    session.abandon(call)
    session.abandon(call)
    assert spoken(session) == [{"cancel": "1"}]
    assert (list(session.outgoing), session.deadlines.next()) == (["1"], None)
    assert session.receive(text(id="1", data=1), 0.0) == [Dropped()]
    assert session.outgoing == {}
    session.abandon(call)
    assert session.outbox.take() == []


def test_a_call_that_is_given_up_before_it_leaves_is_never_sent() -> None:
    session = opened()
    call, other = call_out(session, 5.0), call_out(session)
    session.abandon(call)
    assert [message["id"] for message in spoken(session)] == [other.id]
    assert (list(session.outgoing), session.deadlines.next()) == ([other.id], None)


def test_a_call_whose_timeout_passes_before_it_leaves_did_not_run() -> None:
    session = opened()
    call_out(session, 5.0)
    settled = only(session.tick(5.0), Settle)
    assert isinstance(settled.outcome, DeadlineExceeded)
    assert settled.outcome.ran is Ran.NO
    assert session.outbox.take() == []


def test_a_timeout_settles_the_caller_as_unknown_and_cancels_the_call() -> None:
    session = opened()
    call = call_out(session, 5.0)
    session.outbox.take()
    assert session.tick(4.999) == []
    settled = only(session.tick(5.0), Settle)
    assert settled.call is call
    assert isinstance(settled.outcome, DeadlineExceeded)
    assert settled.outcome.ran is Ran.UNKNOWN
    assert spoken(session) == [{"cancel": "1"}]
    assert session.receive(text(id="1", data=1), 6.0) == [Dropped()]


def test_a_call_without_a_timeout_waits() -> None:
    session = opened()
    call_out(session)
    assert session.deadlines.next() is None
    assert session.tick(1e9) == []


def test_items_of_a_call_come_in_turn_and_within_its_credit() -> None:
    session = opened()
    call = call_out(session, window=2)
    for n in range(2):
        item = only(session.receive(text(id="1", item=n, n=n), 0.0), Item)
        assert (item.call, item.raw) == (call, str(n).encode())
    assert only(session.receive(text(id="1", item=2, n=2), 0.0), Fail).code == 4400
    session.outbox.take()
    session.consume(call, 1)
    assert spoken(session) == [{"id": "1", "credit": 3}]
    only(session.receive(text(id="1", item=2, n=2), 0.0), Item)


@pytest.mark.parametrize("n", [1, 5, None])
def test_an_item_out_of_turn_breaks_the_protocol(n: int | None) -> None:
    session = opened()
    call_out(session, window=9)
    message = text(id="1", item=0) if n is None else text(id="1", item=0, n=n)
    assert only(session.receive(message, 0.0), Fail).code == 4400


def test_an_item_for_a_call_that_is_no_stream_breaks_the_protocol() -> None:
    session = opened()
    call_out(session)
    assert only(session.receive(text(id="1", item=0, n=0), 0.0), Fail).code == 4400


def test_items_for_nobody_are_dropped() -> None:
    session = opened()
    session.abandon(call_out(session, window=2))
    session.outbox.take()
    for id in ("1", "2", None):
        assert session.receive(text(id=id, item=0, n=0), 0.0) == []
    assert session.outbox.take() == []


def test_grants_only_grow_and_only_while_a_stream_is_wanted() -> None:
    session = opened()
    stream, unary, left = call_out(session, window=4), call_out(session), call_out(session, window=4)
    session.outbox.take()
    session.abandon(left)
    session.outbox.take()
    session.consume(stream, 1)
    session.consume(unary, 9)
    session.consume(left, 9)
    assert session.outbox.take() == [], "half a window is told at once"
    session.receive(text(id="1", data=1), 0.0)
    session.consume(stream, 9)
    assert session.outbox.take() == []


@pytest.mark.parametrize(("ours", "places"), [(100, 3), (2, 2)])
def test_calls_wait_for_the_smaller_of_both_limits(ours: int, places: int) -> None:
    session = opened(calls=ours)
    free: list[bool] = []
    for _ in range(places):
        free.append(session.may_request)
        call_out(session)
    free.append(session.may_request)
    session.receive(text(id="1", data=1), 0.0)
    free.append(session.may_request)
    assert free == [True] * places + [False, True]


def test_a_request_that_the_peer_cannot_take_is_never_sent() -> None:
    session = opened()
    room = 2000 - len(NativeCodec().request(session.outbox.capabilities, "1", "echo", b'""'))
    with pytest.raises(NotSent, match="at most 2000"):
        session.request("echo", b'"' + b"x" * (room + 1) + b'"', None, now=0.0, timeout=5.0)
    assert (session.outbox.take(), session.outgoing, session.deadlines.next()) == ([], {}, None)
    session.request("echo", b'"' + b"x" * room + b'"', None, now=0.0, timeout=None)
    assert len(session.outbox.take()[0][0]) == 2000


def test_after_goaway_nothing_more_is_asked() -> None:
    session = opened()
    leaving = only(session.receive(text(goaway={"reason": "shutdown", "reconnect_in": 50}), 0.0), PeerLeaving)
    assert leaving.goaway == Goaway("shutdown", 50)
    assert session.peer_leaving
    with pytest.raises(NotSent) as caught:
        call_out(session)
    assert caught.value.ran is Ran.NO


# ----------------------------------------------------------------------------------------------------- events and notes
@pytest.mark.parametrize("extensions", [True, False])
def test_an_event_is_handed_on(extensions: bool) -> None:
    arrived = only(opened(extensions=extensions).receive(text(event="said", data={"x": 1}), 0.0), EventArrived)
    assert arrived.message.event == "said"


def test_a_word_about_a_subscription_is_handed_on() -> None:
    note = only(opened().receive(text(sub="s", lost={"event": "e", "count": 2}), 0.0), SubscriptionNote)
    assert note.message.sub == "s"


def test_what_is_sent_keeps_its_order() -> None:
    session = opened()
    call = call_in(session, "a")
    session.send(b'{"event":"said"}')
    session.answering.succeed(call, b"1")
    session.send(b'{"event":"later"}')
    assert [message.get("event", "answer") for message in spoken(session)] == ["said", "answer", "later"]


# -------------------------------------------------------------------------------------------------------- bad messages
def test_text_that_is_not_utf8_ends_the_connection() -> None:
    assert only(opened().receive(b'{"id":"\xff"}', 0.0), Fail).code == 1007


@pytest.mark.parametrize("message", [b"", b"[]", b"{}", b"null", b"nonsense", b'{"x":1}', b'{"id":"1"', b'{"data"'])
def test_what_is_no_message_is_answered_to_nobody_in_particular(message: bytes) -> None:
    session = opened()
    assert session.receive(message, 0.0) == []
    [complaint] = spoken(session)
    assert (complaint["id"], complaint["error"]["code"], complaint["error"]["ran"]) == (None, "invalid_argument", False)


def test_a_bad_request_is_refused_under_its_id() -> None:
    session = opened()
    assert session.receive(text(id="a", action="echo", deadline="soon"), 0.0) == []
    [complaint] = spoken(session)
    assert (complaint["id"], complaint["error"]["ran"]) == ("a", False)
    assert "deadline" in complaint["error"]["message"]


def test_a_bad_request_under_an_id_in_flight_leaves_that_call_its_one_response() -> None:
    session = opened()
    call = call_in(session, "a")
    assert session.receive(text(id="a", action=5), 0.0) == []
    assert session.outbox.take() == []
    session.answering.succeed(call, b"1")
    assert len(session.outbox.take()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        text(id="1", data=None, error="no"),
        text(id="1", data=None, error={"code": 5}),
        text(id="1", item=1, n=-1),
        b'{"id":"1","data":' + b"[" * 70 + b"]" * 70 + b"}",
    ],
)
def test_a_bad_answer_ends_the_call_that_waits_for_it(answer: bytes) -> None:
    session = opened()
    call = call_out(session, 5.0, window=2)
    session.outbox.take()
    settled = only(session.receive(answer, 0.0), Settle)
    assert settled.call is call
    assert isinstance(settled.outcome, Internal)
    assert (session.outgoing, session.deadlines.next()) == ({}, None)
    assert spoken(session) == [{"cancel": "1"}], "it may have been an item, with more to come"


def test_a_bad_answer_to_a_call_that_was_not_sent_yet_ends_it_all_the_same() -> None:
    session = opened(Role.CLIENT)
    call = session.request("a", b"{}", None, now=0.0, timeout=5.0, window=4, download=True)
    settled = only(session.receive(text(id=call.id, data=1, error=5), 0.0), Settle)
    assert settled.call is call
    assert (session.outgoing, session.deadlines.next(), spoken(session)) == ({}, None, [])
    assert session.receive(text(id=call.id, data=1, error=None), 0.0) == [Dropped()]


def test_a_bad_answer_to_an_abandoned_call_frees_its_place() -> None:
    session = opened()
    call = call_out(session)
    session.outbox.take()
    session.abandon(call)
    session.outbox.take()
    assert session.receive(text(id="1", data=None, error="no"), 0.0) == [Dropped()]
    assert (session.outgoing, session.outbox.take()) == ({}, [])


@pytest.mark.parametrize("answer", [text(id="1", data=None, error="no"), text(id="1", n=3), text(id="1", item=0, n=-1)])
def test_a_bad_answer_for_nobody_is_never_answered_under_its_id(answer: bytes) -> None:
    """Both ends count from 1: under that id the peer may have a call of its own to us."""
    session = opened()
    assert session.receive(answer, 0.0) == []
    assert [complaint["id"] for complaint in spoken(session)] == [None]


# -------------------------------------------------------------------------------------------------------- losing it all
@pytest.mark.parametrize("role", ROLES)
def test_a_lost_connection_settles_every_call_and_stops_every_handler(role: Role) -> None:
    session = opened(role)
    waiting, given_up = call_out(session, 5.0), call_out(session, 5.0)
    session.outbox.take()
    session.abandon(given_up)
    unsent = call_out(session, 5.0)
    handled = call_in(session, "a", deadline=1000)
    settled, never, stopped = session.lose()
    assert isinstance(never, Settle)
    assert (never.call, type(never.outcome)) == (unsent, NotSent), "it had not left"
    assert isinstance(settled, Settle)
    assert settled.call is waiting
    assert isinstance(settled.outcome, OutcomeUnknown)
    assert settled.outcome.ran is Ran.UNKNOWN
    assert isinstance(stopped, Stop)
    assert (stopped.call, stopped.status) == (handled, Status.CANCELLED)
    assert (session.outgoing, session.incoming, session.deadlines.next(), session.outbox.take()) == ({}, {}, None, [])
    session.answering.succeed(handled, b"1")
    session.abandon(waiting)
    session.consume(waiting, 9)
    assert session.outbox.take() == []
    assert session.lose() == []
