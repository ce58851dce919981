"""Subscriptions of one connection: answers, filters, replay, resets, limits, slow readers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.chat import CHAT, Said, Topic, Typing
from tests.runtime.manual import ManualExecutor

from duologue import Connection, MemoryLog, Publisher
from duologue.access.gate import Gate, Rights
from duologue.close_codes import CloseCode
from duologue.descriptors import EventDescriptor
from duologue.errors import AlreadyExists, CallError, InvalidArgument, NotFound, Ran, ResourceExhausted
from duologue.events.framing import Frames
from duologue.events.subscriptions import REPLAY_BATCH, Subscriptions
from duologue.events.wanting import Opening
from duologue.limits import Limits
from duologue.models import Event
from duologue.wire import Capabilities, ErrorBody, NativeCodec

pytestmark = pytest.mark.anyio


class Wire:
    """Stands for the connection and its outlet: writes down what would leave."""

    def __init__(self, *, extensions: bool, limits: Limits) -> None:
        self.executor = ManualExecutor()
        capabilities = Capabilities(extensions=extensions, frame=limits.frame)
        self.session = SimpleNamespace(outbox=SimpleNamespace(capabilities=capabilities))
        self.outlet = self.link = self
        self.extensions = extensions
        self.limits = limits
        self.has_room = True
        self.watch = None
        self.gone = False
        self.rooms = 0
        self.sent: list[dict[str, Any]] = []
        self.closed_with: tuple[int, str, str | None] | None = None
        self.scopes: set[str] = set()

    def refusal(self, descriptor: EventDescriptor[Any]) -> ErrorBody | None:
        """As the gate says, for a peer that holds what `scopes` names."""
        return Gate({}, self.executor.now).admit(Rights(frozenset(self.scopes)), descriptor)

    async def room(self) -> bool:
        self.rooms += 1
        return not self.gone

    def send_event(self, message: bytes) -> None:
        self.sent.append(json.loads(message))

    def send_shared(self, frames: Frames) -> None:
        self.sent.append(json.loads(frames.shared(extensions=self.extensions)))

    def about(self, sub: str, **note: Any) -> None:
        if self.extensions:
            self.sent.append(json.loads(NativeCodec().about(sub, **note)))

    def close(self, code: int, reason: str, limit: str | None = None) -> None:
        self.closed_with = (code, reason, limit)

    def take(self) -> list[dict[str, Any]]:
        sent, self.sent = self.sent, []
        return sent


class Desk:
    """A publisher and the subscriptions of one peer."""

    def __init__(self, *, extensions: bool = True, capacity: int = 10_000, **limits: Any) -> None:
        self.publisher = Publisher(CHAT, MemoryLog(capacity))
        self.wire = Wire(extensions=extensions, limits=Limits(**limits))
        self.subscriptions = Subscriptions(cast("Connection", self.wire), self.publisher)

    def take_in(self, **params: Any) -> tuple[dict[str, Any], Opening]:
        data, opening = self.subscriptions.subscribe(json.dumps(params).encode())
        return json.loads(data), opening

    async def subscribe(self, **params: Any) -> dict[str, Any]:
        answer, opening = self.take_in(**params)
        await self.subscriptions.replay(opening)
        return answer

    def unsubscribe(self, **params: Any) -> bytes:
        return self.subscriptions.unsubscribe(json.dumps(params).encode())

    async def say(self, *numbers: int, room: str = "a") -> None:
        for number in numbers:
            await self.publisher.emit(Said(room=room, text="", number=number))

    def since(self, seq: int, epoch: str | None = None) -> dict[str, Any]:
        return {"epoch": epoch or self.publisher.log.position.epoch, "seq": seq}

    def listening(self) -> set[str]:
        return {name for name, listeners in self.publisher._listeners.items() if listeners}


def topic(room: str, text: str) -> Event:
    return Topic.from_wire(json.dumps({"room": room, "from": "x", "text": text}))


def numbers(sent: list[dict[str, Any]]) -> list[int]:
    return [message["data"]["number"] for message in sent if message.get("event") == "said"]


# --------------------------------------------------------------------------------------------------- the answer
async def test_the_answer_tells_where_the_log_stands() -> None:
    desk = Desk()
    await desk.say(1, 2, 3)
    answer = await desk.subscribe(events=["said"], sub="s1")
    epoch = desk.publisher.log.position.epoch
    assert answer == {"sub": "s1", "epoch": epoch, "seq": 3, "resumed": False}
    assert desk.wire.take() == [{"sub": "s1", "live": {"epoch": epoch, "seq": 3}}]


async def test_a_subscription_without_a_name_is_the_implicit_one() -> None:
    assert (await Desk().subscribe(events=["said"]))["sub"] == "*"


async def test_events_follow_the_answer_and_not_before() -> None:
    desk = Desk()
    _, opening = desk.take_in(events=["said"], sub="s1")
    await desk.say(1)
    assert desk.wire.take() == []
    await desk.subscriptions.replay(opening)
    await desk.say(2)
    first, live, second = desk.wire.take()
    assert (first["seq"], first["for"]) == (1, "s1"), "it is after the position that the answer tells"
    assert live["live"]["seq"] == 1
    assert (second["seq"], "for" in second) == (2, False)


async def test_a_plain_peer_gets_events_of_two_members_and_no_notes() -> None:
    desk = Desk(extensions=False)
    await desk.publisher.emit(topic("a", "1"))
    await desk.say(1, 2)
    await desk.subscribe(events=["said", "topic"], since=desk.since(0))
    await desk.say(3)
    sent = desk.wire.take()
    assert numbers(sent) == [1, 2, 3]
    assert [sorted(message) for message in sent] == [["data", "event"]] * 4


# ------------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("params", "kind", "text"),
    [
        ({}, InvalidArgument, "events"),
        ({"events": "said"}, InvalidArgument, "array"),
        ({"events": ["said"], "filters": {}}, InvalidArgument, "filters"),
        ({"events": ["said"], "sub": ""}, InvalidArgument, "sub"),
        ({"events": ["said"], "sub": "x" * 65}, InvalidArgument, "sub"),
        ({"events": ["said"], "since": {"epoch": "e"}}, InvalidArgument, "seq"),
        ({"events": ["said"], "since": {"epoch": "e", "seq": -1}}, InvalidArgument, "since"),
        ({"events": ["sad"]}, InvalidArgument, "no event is called sad; there are: said, topic, typing"),
        ({"events": ["said"], "filter": {"text": "x"}}, InvalidArgument, "said has no filter text"),
        ({"events": ["said"], "filter": {"number": "x"}}, InvalidArgument, "filter number"),
        ({"events": ["said", "typing"], "filter": {"room": "x"}}, InvalidArgument, "typing has no filter room"),
    ],
)
async def test_what_is_asked_wrongly_is_refused_and_leaves_nothing(
    params: dict[str, Any], kind: type[CallError], text: str
) -> None:
    desk = Desk()
    with pytest.raises(kind, match=text) as caught:
        desk.take_in(**params)
    assert caught.value.ran is Ran.NO
    assert desk.listening() == set()
    assert desk.subscriptions._subscriptions == {}


async def test_a_name_is_taken_until_it_is_given_back() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1")
    with pytest.raises(AlreadyExists, match="s1"):
        desk.take_in(events=["typing"], sub="s1")
    assert desk.listening() == {"said"}
    desk.unsubscribe(sub="s1")
    await desk.subscribe(events=["typing"], sub="s1")
    assert desk.listening() == {"typing"}


async def test_subscriptions_are_bounded() -> None:
    desk = Desk(subscriptions=2)
    await desk.subscribe(events=["said"])
    await desk.subscribe(events=["said"], sub="s1")
    with pytest.raises(ResourceExhausted, match="subscriptions: 2 are open already"):
        desk.take_in(events=["said"], sub="s2")
    await desk.subscribe(events=["typing"])
    desk.unsubscribe(sub="s1")
    await desk.subscribe(events=["said"], sub="s2")


# --------------------------------------------------------------------------------------------- which events come
async def test_one_event_leaves_once_however_many_subscriptions_want_it() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1")
    await desk.subscribe(events=["said", "typing"], sub="s2")
    desk.wire.take()
    await desk.say(1)
    await desk.publisher.emit(Typing(who="x"))
    assert [message["event"] for message in desk.wire.take()] == ["said", "typing"]


async def test_only_what_some_subscription_wants_leaves() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1", filter={"room": "a"})
    await desk.subscribe(events=["said"], sub="s2", filter={"number": [7, 8]})
    desk.wire.take()
    await desk.say(1, room="a")
    await desk.say(7, room="b")
    await desk.say(9, room="b")
    await desk.publisher.emit(Typing(who="x"))
    assert numbers(desk.wire.take()) == [1, 7]


async def test_a_filter_beyond_its_limits_is_refused_and_opens_nothing() -> None:
    desk = Desk()
    for filter, limit in (({"number": list(range(257))}, "256 values"), ({"room": "x" * 16_384}, "16384 bytes")):
        with pytest.raises(InvalidArgument, match=f"filter: at most {limit}") as caught:
            await desk.subscribe(events=["said"], sub="s1", filter=filter)
        assert caught.value.ran is Ran.NO
    assert desk.listening() == set()
    await desk.subscribe(events=["said"], sub="s1", filter={"number": list(range(256))})


async def test_the_implicit_subscription_adds_up_and_is_taken_apart() -> None:
    desk = Desk(extensions=False)
    await desk.subscribe(events=["said"])
    await desk.subscribe(events=["typing"])
    await desk.say(1)
    await desk.publisher.emit(Typing(who="x"))
    assert [message["event"] for message in desk.wire.take()] == ["said", "typing"]
    assert desk.unsubscribe(events=["said"]) == b"null"
    await desk.say(2)
    await desk.publisher.emit(Typing(who="x"))
    assert [message["event"] for message in desk.wire.take()] == ["typing"]
    desk.unsubscribe(events=["typing", "nonsense"])
    assert desk.listening() == set()
    with pytest.raises(NotFound, match="no subscription is called"):
        desk.unsubscribe(events=["typing"])


async def test_what_one_subscription_took_whole_is_filtered_for_the_others_once_it_has_ended() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="all")
    await desk.subscribe(events=["said"], sub="some", filter={"room": "a"})
    await desk.say(1, 2, room="b")
    desk.unsubscribe(sub="all")
    await desk.say(3, room="b")
    await desk.say(4, room="a")
    assert numbers(desk.wire.take()) == [1, 2, 4]


async def test_a_subscription_that_opens_beside_a_live_one_gets_the_states_that_change_meanwhile() -> None:
    desk = Desk()
    await desk.subscribe(events=["topic"], sub="s1")
    await desk.publisher.emit(topic("a", "1"))
    _, opening = desk.take_in(events=["topic"], sub="s2")
    await desk.publisher.emit(topic("a", "2"))
    desk.wire.take()
    await desk.subscriptions.replay(opening)
    assert [m["data"]["text"] for m in desk.wire.take() if m.get("for") == "s2"][-1] == "2"


async def test_subscribing_again_to_the_same_event_replaces_its_filter() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], filter={"room": "a"})
    await desk.subscribe(events=["said"], filter={"room": "b"})
    desk.wire.take()
    await desk.say(1, room="a")
    await desk.say(2, room="b")
    assert numbers(desk.wire.take()) == [2]


async def test_ending_one_subscription_leaves_the_others() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1")
    await desk.subscribe(events=["said"], sub="s2")
    desk.unsubscribe(sub="s1")
    desk.wire.take()
    await desk.say(1)
    assert numbers(desk.wire.take()) == [1]
    with pytest.raises(NotFound):
        desk.unsubscribe(sub="s1")
    with pytest.raises(InvalidArgument):
        desk.unsubscribe(sub=5)
    desk.unsubscribe(sub="s2", events=["typing"])
    assert desk.listening() == {"said"}


async def test_a_gone_connection_hears_nothing_more() -> None:
    desk = Desk()
    await desk.subscribe(events=["said", "topic"], sub="s1")
    desk.subscriptions.close()
    assert desk.listening() == set()


# --------------------------------------------------------------------------------------------------------- states
@pytest.mark.parametrize("extensions", [True, False])
async def test_a_late_subscriber_starts_with_the_latest_states(extensions: bool) -> None:
    desk = Desk(extensions=extensions)
    for room, text in (("a", "1"), ("b", "1"), ("a", "2")):
        await desk.publisher.emit(topic(room, text))
    await desk.subscribe(events=["topic"], filter={"room": ["a", "c"]}, sub="s1")
    sent = desk.wire.take()
    assert sent[0]["data"] == {"room": "a", "from": "x", "text": "2"}
    assert sent[0].get("for") == ("s1" if extensions else None)
    assert [sorted(message) for message in sent[1:]] == ([["live", "sub"]] if extensions else [])


async def test_a_state_that_changes_between_answer_and_snapshot_is_not_lost() -> None:
    desk = Desk()
    await desk.publisher.emit(topic("a", "1"))
    _, opening = desk.take_in(events=["topic"], sub="s1")
    await desk.publisher.emit(topic("a", "2"))
    assert not desk.subscriptions.follow(opening), "the states come first"
    await desk.subscriptions.replay(opening)
    await desk.publisher.emit(topic("a", "3"))
    assert [message["data"]["text"] for message in desk.wire.take() if "event" in message] == ["2", "3"]


def texts(sent: list[dict[str, Any]]) -> list[str]:
    return [message["data"]["room"] + message["data"]["text"] for message in sent if message.get("event") == "topic"]


@pytest.mark.parametrize("extensions", [True, False])
@pytest.mark.parametrize("sent_before", range(3))
async def test_a_state_that_changes_while_the_states_are_sent_is_neither_lost_nor_overtaken(
    extensions: bool, sent_before: int
) -> None:
    desk = Desk(extensions=extensions)
    for room in "abc":
        await desk.publisher.emit(topic(room, "1"))
    waited = desk.wire.room

    async def room_while_it_changes() -> bool:
        if desk.wire.rooms == sent_before:
            await desk.publisher.emit(topic("b", "2"))
            await desk.publisher.emit(topic("b", "3"))
            await desk.publisher.emit(topic("d", "1"))
        return await waited()

    desk.wire.room = room_while_it_changes  # type: ignore[method-assign]
    await desk.subscribe(events=["topic"], sub="s1")
    await desk.publisher.emit(topic("b", "4"))
    sent_already = ["b1"] if sent_before == 2 else []
    assert texts(desk.wire.take()) == ["a1", *sent_already, "c1", "b3", "d1", "b4"]


async def test_states_are_sent_only_where_there_is_room_for_each() -> None:
    desk = Desk()
    for number in range(1000):
        await desk.publisher.emit(topic(str(number), ""))
    waited = desk.wire.room

    async def little_room() -> bool:
        if desk.wire.rooms == 700:
            desk.wire.gone = True
        return await waited()

    desk.wire.room = little_room  # type: ignore[method-assign]
    _, opening = desk.take_in(events=["topic"], sub="s1")
    assert desk.wire.take() == [], "none before there is room"
    await desk.subscriptions.replay(opening)
    assert len(desk.wire.take()) == 700


@pytest.mark.parametrize("events", [["topic"], ["said"]])
async def test_others_have_their_turn_while_much_is_sent(events: list[str]) -> None:
    desk = Desk()
    count = 3 * REPLAY_BATCH
    for number in range(count):
        await desk.publisher.emit(topic(str(number), ""))
        await desk.say(number)
    sent_by_then: list[int] = []

    async def look() -> None:
        while len(desk.wire.sent) < count:
            sent_by_then.append(len(desk.wire.sent))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await anyio.lowlevel.checkpoint()
        await desk.subscribe(events=events, since=desk.since(0), sub="s1")
    assert set(sent_by_then) & {REPLAY_BATCH, 2 * REPLAY_BATCH}


async def test_what_the_log_gets_while_states_are_sent_is_not_missed() -> None:
    desk = Desk()
    await desk.publisher.emit(topic("a", "1"))
    waited = desk.wire.room

    async def room_while_more_happens() -> bool:
        if desk.wire.rooms == 0:
            await desk.say(1, 2)
        return await waited()

    desk.wire.room = room_while_more_happens  # type: ignore[method-assign]
    await desk.subscribe(events=["said", "topic"], sub="s1")
    await desk.say(3)
    sent = desk.wire.take()
    assert numbers(sent) == [1, 2, 3]
    assert [message["live"]["seq"] for message in sent if "live" in message] == [2]


async def test_an_event_that_is_added_to_a_subscription_does_not_disturb_the_others() -> None:
    desk = Desk(extensions=False)
    await desk.publisher.emit(topic("a", "1"))
    await desk.subscribe(events=["said"])
    _, opening = desk.take_in(events=["topic"])
    await desk.publisher.emit(topic("a", "2"))
    await desk.say(1)
    assert [message["event"] for message in desk.wire.take()] == ["said"]
    await desk.subscriptions.replay(opening)
    await desk.publisher.emit(topic("a", "3"))
    assert texts(desk.wire.take()) == ["a2", "a3"]


async def test_subscribing_again_while_states_are_sent_begins_anew() -> None:
    desk = Desk(extensions=False)
    await desk.publisher.emit(topic("a", "1"))
    await desk.publisher.emit(topic("b", "1"))
    _, first = desk.take_in(events=["topic"])
    _, second = desk.take_in(events=["topic"], filter={"room": "b"})
    await desk.publisher.emit(topic("b", "2"))
    await desk.subscriptions.replay(first)
    assert desk.wire.take() == []
    await desk.subscriptions.replay(second)
    assert texts(desk.wire.take()) == ["b2"]


@pytest.mark.parametrize("extensions", [True, False])
async def test_a_state_that_the_peer_cannot_take_ends_the_subscription(extensions: bool) -> None:
    desk = Desk(extensions=extensions, frame=200)
    for room, text in (("a", "1"), ("b", "x" * 300), ("c", "1")):
        await desk.publisher.emit(topic(room, text))
    await desk.subscribe(events=["topic"], sub="s1")
    *before, last = desk.wire.take()
    if extensions:
        assert texts(before) == ["a1"]
        assert (last["sub"], last["end"]["status"]) == ("s1", "resource_exhausted")
    else:
        assert texts([last]) == ["a1"]
        assert desk.wire.closed_with is not None
        assert desk.wire.closed_with[0] == CloseCode.TOO_BIG


async def test_a_position_is_told_only_when_all_of_the_log_was_sent() -> None:
    desk = Desk()
    await desk.say(1, 2)
    _, opening = desk.take_in(events=["said"], sub="s1", since=desk.since(0))
    desk.subscriptions.tell_positions()
    assert desk.wire.take() == []
    await desk.subscriptions.replay(opening)


# --------------------------------------------------------------------------------------------------------- replay
@pytest.mark.parametrize("count", [0, 1, REPLAY_BATCH, REPLAY_BATCH + 1, 3 * REPLAY_BATCH])
async def test_what_the_log_holds_since_a_position_comes_first_then_live(count: int) -> None:
    desk = Desk()
    await desk.say(*range(1, count + 6))
    answer = await desk.subscribe(events=["said"], sub="s1", since=desk.since(5))
    assert (answer["resumed"], answer["seq"]) == (True, count + 5)
    sent = desk.wire.take()
    assert numbers(sent) == list(range(6, count + 6))
    assert all((message["for"], message["seq"]) == ("s1", message["data"]["number"]) for message in sent[:-1])
    assert sent[-1] == {"sub": "s1", "live": desk.since(count + 5)}
    await desk.say(0)
    [live] = desk.wire.take()
    assert "for" not in live


async def test_a_position_of_0_is_the_beginning() -> None:
    desk = Desk()
    await desk.say(1, 2)
    assert (await desk.subscribe(events=["said"], since=desk.since(0)))["resumed"] is True
    assert numbers(desk.wire.take()) == [1, 2]


async def test_a_replay_is_filtered_and_live_tells_how_far_it_looked() -> None:
    desk = Desk()
    await desk.say(1, room="a")
    await desk.say(2, 3, room="b")
    await desk.subscribe(events=["said"], sub="s1", since=desk.since(0), filter={"room": "a"})
    event, live = desk.wire.take()
    assert (event["seq"], live["live"]["seq"]) == (1, 3)


async def test_what_happens_during_a_replay_comes_once_and_in_order() -> None:
    desk = Desk()
    await desk.say(1, 2, 3)
    _, opening = desk.take_in(events=["said"], sub="s1", since=desk.since(0))
    await desk.subscribe(events=["said"], sub="other")
    desk.wire.take()
    waited = desk.wire.room

    async def room_while_more_happens() -> bool:
        if desk.wire.rooms == 1:
            await desk.say(4, 5)
        return await waited()

    desk.wire.room = room_while_more_happens  # type: ignore[method-assign]
    await desk.subscriptions.replay(opening)
    await desk.say(6)
    sent = desk.wire.take()
    assert [message["seq"] for message in sent if message.get("for") == "s1"] == [1, 2, 3, 4, 5]
    assert [message["seq"] for message in sent if "event" in message and "for" not in message] == [4, 5, 6]
    assert [message["live"]["seq"] for message in sent if "live" in message] == [5]


@pytest.mark.parametrize(("epoch", "seq"), [("another", 1), (None, 99)])
async def test_a_position_of_another_history_is_not_resumed(epoch: str | None, seq: int) -> None:
    desk = Desk()
    await desk.say(1, 2)
    answer = await desk.subscribe(events=["said"], sub="s1", since=desk.since(seq, epoch))
    assert (answer["resumed"], answer["reason"], answer["seq"]) == (False, "epoch_changed", 2)
    assert [sorted(message) for message in desk.wire.take()] == [["live", "sub"]]


async def test_a_history_that_was_cut_is_one_reset_and_goes_on() -> None:
    desk = Desk(capacity=3)
    await desk.say(1, 2, 3, 4, 5)
    await desk.subscribe(events=["said"], sub="s1", since=desk.since(1))
    position = desk.since(5)
    assert desk.wire.take() == [
        {"sub": "s1", "reset": {"reason": "history_cut", **position}},
        {"sub": "s1", "live": position},
    ]
    await desk.say(6)
    assert numbers(desk.wire.take()) == [6]
    await desk.subscribe(events=["said"], sub="s2", since=desk.since(3))
    assert numbers(desk.wire.take()) == [4, 5, 6]


async def test_a_history_that_is_cut_during_the_replay_is_a_reset_too() -> None:
    desk = Desk(capacity=REPLAY_BATCH + 1)
    await desk.say(*range(1, REPLAY_BATCH + 2))
    _, opening = desk.take_in(events=["said"], sub="s1", since=desk.since(0))
    waited = desk.wire.room

    async def room_while_much_happens() -> bool:
        if desk.wire.rooms == 0:
            await desk.say(*range(1000, 1000 + 2 * REPLAY_BATCH))
        return await waited()

    desk.wire.room = room_while_much_happens  # type: ignore[method-assign]
    await desk.subscriptions.replay(opening)
    sent = desk.wire.take()
    assert numbers(sent) == list(range(1, REPLAY_BATCH + 1))
    assert [sorted(message) for message in sent[-2:]] == [["reset", "sub"], ["live", "sub"]]


async def test_a_replay_waits_for_room_and_ends_with_its_connection() -> None:
    desk = Desk()
    await desk.say(1, 2, 3)
    _, opening = desk.take_in(events=["said"], sub="s1", since=desk.since(0))
    desk.wire.gone = True
    await desk.subscriptions.replay(opening)
    assert (desk.wire.rooms, desk.wire.take()) == (1, [])


async def test_a_replay_ends_with_its_subscription() -> None:
    desk = Desk()
    await desk.say(1, 2, 3)
    _, opening = desk.take_in(events=["said"], sub="s1", since=desk.since(0))
    desk.unsubscribe(sub="s1")
    read = desk.publisher.log.read
    reads: list[int] = []

    async def counted(after: int, limit: int) -> Any:
        reads.append(after)
        return await read(after, limit)

    desk.publisher.log.read = counted  # type: ignore[method-assign]
    _, again = desk.take_in(events=["said"], sub="s1", since=desk.since(2))
    await desk.subscriptions.replay(opening)
    assert reads == []
    assert desk.wire.take() == [], "not even `live`, which the new one would take for its own"
    await desk.subscriptions.replay(again)
    assert numbers(desk.wire.take()) == [3]


# --------------------------------------------------------------------------------------------------- slow readers
async def test_a_reader_too_slow_for_a_log_is_cut_to_resume() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1")
    desk.wire.take()
    desk.wire.has_room = False
    await desk.say(1)
    assert desk.wire.closed_with == (CloseCode.SLOW, "events wait faster than they are read", "outbound")
    assert desk.wire.take() == []


async def test_a_reader_too_slow_for_volatile_events_misses_them_and_is_told_how_many() -> None:
    desk = Desk()
    await desk.subscribe(events=["typing"], sub="s1")
    await desk.subscribe(events=["typing", "said"], sub="s2")
    await desk.subscribe(events=["said"], sub="s3")
    desk.wire.take()
    desk.wire.has_room = False
    for _ in range(3):
        await desk.publisher.emit(Typing(who="x"))
    assert (desk.wire.take(), desk.wire.closed_with) == ([], None)
    desk.wire.has_room = True
    desk.subscriptions.on_room()
    desk.subscriptions.on_room()
    lost = {"event": "typing", "count": 3}
    assert desk.wire.take() == [{"sub": "s1", "lost": lost}, {"sub": "s2", "lost": lost}]


async def test_a_reader_too_slow_for_states_gets_the_latest_of_each_key_once_there_is_room() -> None:
    desk = Desk()
    await desk.subscribe(events=["topic"], sub="s1")
    desk.wire.take()
    desk.wire.has_room = False
    for room, text in (("a", "1"), ("b", "1"), ("a", "2")):
        await desk.publisher.emit(topic(room, text))
    desk.subscriptions.on_room()
    assert desk.wire.take() == [], "still none"
    desk.wire.has_room = True
    desk.subscriptions.on_room()
    desk.subscriptions.on_room()
    assert [message["data"] for message in desk.wire.take()] == [
        {"room": "a", "from": "x", "text": "2"},
        {"room": "b", "from": "x", "text": "1"},
    ]


async def test_a_state_that_was_withheld_does_not_replace_a_newer_one_of_a_subscription_that_opens() -> None:
    desk = Desk()
    await desk.subscribe(events=["topic"], filter={"from": "x"}, sub="filtered")
    desk.wire.take()
    desk.wire.has_room = False
    await desk.publisher.emit(topic("a", "1"))
    _, opening = desk.take_in(events=["topic"], sub="all")
    await desk.publisher.emit(Topic(room="a", from_="y", text="2"))

    async def room() -> bool:
        if not desk.wire.has_room:
            desk.wire.has_room = True
            desk.subscriptions.on_room()
        return True

    desk.wire.room = room  # type: ignore[method-assign]
    await desk.subscriptions.replay(opening)
    *states, live = desk.wire.take()
    assert [state["data"]["text"] for state in states] == ["1", "2"]
    assert "live" in live


async def test_a_state_that_nobody_wants_any_more_is_not_sent_late() -> None:
    desk = Desk()
    await desk.subscribe(events=["topic"], sub="s1")
    desk.wire.take()
    desk.wire.has_room = False
    await desk.publisher.emit(topic("a", "1"))
    desk.unsubscribe(sub="s1")
    desk.wire.has_room = True
    desk.subscriptions.on_room()
    assert desk.wire.take() == []


async def test_events_that_a_slow_reader_does_not_want_cost_it_nothing() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1", filter={"room": "a"})
    desk.wire.has_room = False
    await desk.say(1, room="b")
    assert desk.wire.closed_with is None


async def test_a_subscription_is_told_how_far_the_log_was_looked_through() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1", filter={"room": "attic"})
    await desk.subscribe(events=["typing"], sub="s2")
    desk.wire.take()
    for number in range(3):
        await desk.publisher.emit(Said(room="cellar", text="", number=number))
    epoch = desk.publisher.log.position.epoch
    desk.wire.executor.advance(9.9)
    assert desk.wire.take() == []
    desk.wire.executor.advance(0.2)
    assert desk.wire.take() == [{"sub": "s1", "at": {"epoch": epoch, "seq": 3}}]
    desk.wire.executor.advance(30)
    assert desk.wire.take() == []  # the log has not moved
    desk.subscriptions.close()
    assert desk.wire.executor.pending == 0


async def test_positions_tell_only_of_what_was_handed_over() -> None:
    desk = Desk()
    await desk.subscribe(events=["said"], sub="s1", filter={"room": "attic"})
    desk.wire.take()
    await desk.publisher.log.append(Said(room="attic", text=""))  # committed, and not yet published
    desk.subscriptions.tell_positions()
    assert desk.wire.take() == []


@pytest.mark.parametrize("replayed", [False, True])
async def test_an_event_that_the_peer_cannot_take_ends_the_subscription(replayed: bool) -> None:
    desk = Desk(frame=200)
    start = desk.publisher.log.position
    large = Said(room="attic", text="x" * 300)
    if replayed:
        await desk.publisher.emit(large)
    await desk.subscribe(events=["said"], sub="s1", since={"epoch": start.epoch, "seq": start.seq})
    if not replayed:
        await desk.publisher.emit(large)
    ended = desk.wire.take()[-1]
    assert ended["sub"] == "s1"
    assert ended["end"]["status"] == "resource_exhausted"
    assert "200" in ended["end"]["reason"]
    await desk.publisher.emit(Said(room="attic", text="small"))
    assert desk.wire.take() == []


async def test_a_plain_peer_that_cannot_take_an_event_is_closed() -> None:
    desk = Desk(extensions=False, frame=200)
    await desk.subscribe(events=["said"])
    await desk.publisher.emit(Said(room="attic", text="x" * 300))
    assert desk.wire.closed_with is not None
    assert desk.wire.closed_with[0] == CloseCode.TOO_BIG
