"""The publisher and its log in memory: numbers, the ring, epochs, latest states, listeners."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

import pytest
from tests.runtime.chat import CHAT, Said, Topic, Typing, Waved
from tests.runtime.manual import ManualExecutor
from typing_extensions import override
from websockets.server import ServerProtocol

from duologue import LogEntry, MemoryLog, Position, Publisher
from duologue.drivers.port import Executor
from duologue.events.framing import Frames
from duologue.limits import Limits
from duologue.models import Event
from duologue.net.link import Link
from duologue.wire import NativeCodec

pytestmark = pytest.mark.anyio


def said(number: int) -> Said:
    return Said(room="a", text="", number=number)


def topic(room: str, text: str) -> Topic:
    return Topic.from_wire(json.dumps({"room": room, "from": "x", "text": text}))


async def filled(count: int, capacity: int = 5) -> MemoryLog:
    log = MemoryLog(capacity)
    for number in range(1, count + 1):
        assert await log.append(said(number)) == LogEntry(number, said(number))
    return log


# ------------------------------------------------------------------------------------------ the log
async def test_an_empty_log_stands_at_0() -> None:
    log = MemoryLog()
    assert log.position.seq == 0
    assert await log.read(0, 10) == []
    assert await log.read(7, 10) == []


async def test_every_log_has_an_epoch_of_its_own_that_stays() -> None:
    log = MemoryLog()
    epoch = log.position.epoch
    await log.append(said(1))
    assert log.position == Position(epoch, 1)
    assert MemoryLog().position.epoch != epoch


@pytest.mark.parametrize("count", [1, 4, 5, 6, 23])
async def test_entries_are_read_from_any_number_that_is_kept(count: int) -> None:
    log = await filled(count)
    cut = max(0, count - 5)
    for after in range(count + 2):
        for limit in (1, 2, 100):
            entries = await log.read(after, limit)
            if after < cut:
                assert entries is None, "what was cut away is told, not skipped"
            else:
                expected = list(range(after + 1, count + 1))[:limit]
                assert [entry.seq for entry in entries or ()] == expected
                assert [entry.event for entry in entries or ()] == [said(number) for number in expected]


async def test_a_log_of_no_capacity_keeps_nothing() -> None:
    log = await filled(3, capacity=0)
    assert log.position.seq == 3
    assert await log.read(0, 10) is None
    assert await log.read(3, 10) == []


# ------------------------------------------------------------------------------------------ the publisher
class Heard:
    def __init__(self, publisher: Publisher, *names: str) -> None:
        self.frames: list[Frames] = []
        for name in names:
            publisher.listen(name, self.take)

    def take(self, frames: Frames) -> None:
        self.frames.append(frames)


async def test_log_events_are_numbered_kept_and_handed_over_in_order() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    heard = Heard(publisher, "said")
    positions = [await publisher.emit(said(number)) for number in range(5)]
    assert [position.seq for position in positions] == [1, 2, 3, 4, 5]
    assert [(frames.seq, frames.event) for frames in heard.frames] == [(n + 1, said(n)) for n in range(5)]
    assert [entry.event for entry in await publisher.log.read(0, 9) or ()] == [said(n) for n in range(5)]


async def test_entries_that_a_store_committed_are_handed_over_and_not_appended() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    heard = Heard(publisher, "said")
    publisher.publish([LogEntry(7, said(7)), LogEntry(8, said(8))])
    assert [frames.seq for frames in heard.frames] == [7, 8]
    assert publisher.log.position.seq == 0


async def test_other_events_have_no_number_and_are_not_kept_in_the_log() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    heard = Heard(publisher, "topic", "typing")
    assert (await publisher.emit(topic("a", "1"))).seq == 0
    assert (await publisher.emit(Typing(who="x"))).seq == 0
    assert [frames.seq for frames in heard.frames] == [None, None]
    assert publisher.log.position.seq == 0


async def test_the_latest_state_of_each_key_is_kept_until_it_ends() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    assert publisher.states("topic") == []
    for room, text in (("a", "1"), ("b", "1"), ("a", "2")):
        await publisher.emit(topic(room, text))
    assert publisher.states("topic") == [topic("a", "2"), topic("b", "1")]
    publisher.forget_state(Topic, "a")
    publisher.forget_state(Topic, "nobody")
    publisher.forget_state(Typing, "nobody")
    assert publisher.states("topic") == [topic("b", "1")]
    assert publisher.states("typing") == []


async def test_listeners_hear_what_they_asked_for_and_as_long_as_they_want() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    one, two = Heard(publisher, "said"), Heard(publisher, "said", "typing")
    await publisher.emit(said(1))
    publisher.ignore("said", one.take)
    publisher.ignore("said", one.take)
    await publisher.emit(said(2))
    await publisher.emit(Typing(who="x"))
    assert [len(one.frames), len(two.frames)] == [1, 3]


async def test_a_listener_that_listens_twice_hears_once() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    heard = Heard(publisher, "said", "said")
    await publisher.emit(said(1))
    assert len(heard.frames) == 1


async def test_a_listener_may_leave_while_it_is_told() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    told: list[str] = []

    def leave(frames: Frames) -> None:
        told.append("leaver")
        publisher.ignore("said", leave)

    publisher.listen("said", leave)
    heard = Heard(publisher, "said")
    await publisher.emit(said(1))
    await publisher.emit(said(2))
    assert (told, len(heard.frames)) == (["leaver"], 2)


@pytest.mark.parametrize("event", [Waved(who="x"), Event()])
async def test_what_the_server_does_not_publish_is_refused(event: Event) -> None:
    publisher = Publisher(CHAT, MemoryLog())
    with pytest.raises(TypeError, match=f"{type(event).__name__} is no event that a chat server publishes"):
        await publisher.emit(event)
    with pytest.raises(TypeError):
        publisher.publish([LogEntry(1, event)])


async def test_an_event_of_the_same_name_but_another_type_is_refused() -> None:
    class Said(Event):
        event_name = "said"

    publisher = Publisher(CHAT, MemoryLog())
    with pytest.raises(TypeError, match="Said is no event"):
        await publisher.emit(Said())
    assert publisher.log.position.seq == 0, "it is refused before it is kept"


async def test_a_log_that_only_its_service_writes_says_so() -> None:
    class Closed(MemoryLog):
        @override
        async def append(self, event: Event) -> LogEntry:
            raise TypeError("entries are made by commits alone")

        @override
        async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
            return []

    publisher = Publisher(CHAT, Closed())
    heard = Heard(publisher, "said")
    with pytest.raises(TypeError, match="commits"):
        await publisher.emit(said(1))
    assert heard.frames == []


# ------------------------------------------------------------------------------------------ the frames
def link() -> Link:
    return Link(ServerProtocol(), cast("Executor", ManualExecutor()), Limits())


def payload(frame: bytes) -> bytes:
    assert frame[0] == 0x81
    assert frame[1] < 126
    return frame[2:]


async def test_an_event_is_encoded_and_framed_once_for_all() -> None:
    frames = Frames(said(1), 5, NativeCodec())
    assert frames.shared(extensions=True) is frames.shared(extensions=True)
    assert frames.shared(extensions=False) is frames.shared(extensions=False)
    assert json.loads(frames.shared(extensions=False)) == {
        "event": "said",
        "data": {"room": "a", "text": "", "number": 1},
    }
    assert json.loads(frames.shared(extensions=True))["seq"] == 5
    one, other = link(), link()
    frame = frames.framed(one, extensions=True)
    assert frame is frames.framed(other, extensions=True)
    assert frame is not None
    assert payload(frame) == frames.shared(extensions=True)
    assert payload(frames.framed(one, extensions=False) or b"") == frames.shared(extensions=False)


async def test_a_message_for_one_subscription_names_it_and_a_plain_one_has_two_members() -> None:
    frames = Frames(said(1), 5, NativeCodec())
    tagged = json.loads(frames.message(for_="s1"))
    assert (tagged["seq"], tagged["for"]) == (5, "s1")
    assert json.loads(frames.message(for_=None)).keys() == {"event", "data"}
    assert "seq" not in json.loads(Frames(Typing(who="x"), None, NativeCodec()).message(for_="s1"))


# ------------------------------------------------------------------------------------------ what leaves at once
class Served(Publisher):
    """A publisher whose turns the test ends; what it hands over is written down with whether it leaves at once."""

    def __init__(self) -> None:
        super().__init__(CHAT, MemoryLog())
        self.clock = ManualExecutor()
        self.turn.executor = cast("Executor", self.clock)
        self.told: list[bool] = []
        self.listen("said", lambda frames: self.told.append(frames.at_once))

    async def at_once(self, *counts: int) -> list[bool]:
        """Emit so many one after the other in a turn, and in the next; which of them left at once."""
        self.told.clear()
        for count in counts:
            for number in range(count):
                await self.emit(said(number))
            self.clock.turn()
        return list(self.told)


async def test_an_event_that_is_alone_in_its_turn_leaves_at_once() -> None:
    assert await Served().at_once(1, 1, 1) == [True, True, True]


async def test_several_of_a_turn_are_joined_and_the_next_turn_is_taken_to_be_alike() -> None:
    publisher = Served()
    assert await publisher.at_once(3) == [True, False, False]
    assert await publisher.at_once(3) == [False, False, False]
    assert await publisher.at_once(1, 1) == [False, True]


async def test_what_was_committed_together_is_joined() -> None:
    publisher = Served()
    publisher.publish([LogEntry(1, said(1)), LogEntry(2, said(2))])
    publisher.publish([LogEntry(3, said(3))])
    assert publisher.told == [False, False, False]


async def test_without_a_loop_to_wait_for_all_are_joined() -> None:
    publisher = Publisher(CHAT, MemoryLog())
    heard = Heard(publisher, "said")
    await publisher.emit(said(1))
    assert [frames.at_once for frames in heard.frames] == [False]
