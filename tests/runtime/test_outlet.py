"""What leaves by one connection: in which order, and in how many writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import anyio
import pytest
from tests.runtime.chat import Said
from tests.runtime.manual import ManualExecutor

from duologue.connection.outlet import Outlet
from duologue.drivers import current
from duologue.drivers.port import Executor
from duologue.events.framing import Frames
from duologue.limits import JOIN_FRAMES, Limits
from duologue.net.link import Link
from duologue.session.session import Session
from duologue.session.states import Role
from duologue.wire import Hello, NativeCodec


class WrittenDown:
    """Stands for a link: keeps what would be written, one list a write."""

    def __init__(self, executor: ManualExecutor | Executor, framing: str | None) -> None:
        self.executor = executor
        self.framing = framing
        self.is_open, self.closed = True, False
        self.is_clear = self.has_room = True
        self.writes: list[list[bytes]] = []
        self._joined: list[bytes] = []

    def frame_text(self, message: bytes) -> bytes:
        return message

    def send(self, message: bytes, *, binary: bool = False) -> None:
        assert not binary
        self._joined.append(message)

    def send_framed(self, frame: bytes) -> None:
        assert self.framing is not None
        self._joined.append(frame)

    def write_framed(self, frame: bytes) -> None:
        self.send_framed(frame)
        self.flush()

    def flush(self) -> None:
        if self._joined:
            self.writes.append(self._joined)
            self._joined = []


class Desk:
    """An outlet, and what a turn of the loop makes leave by it."""

    def __init__(self, framing: str | None = "") -> None:
        self.executor = ManualExecutor()
        self.link = WrittenDown(self.executor, framing)
        self.session = Session(Role.SERVER, NativeCodec(), Limits(), Hello("p", "1.0.0", 1, "s", 1))
        self.outlet = Outlet(self.session, cast("Link", self.link), lambda: None)

    def event(self, number: int, *, at_once: bool = False) -> None:
        event = Said(room="a", text="", number=number)
        self.outlet.send_shared(Frames(event, number, NativeCodec(), at_once=at_once))

    def say(self, number: int) -> None:
        """Something else: it may be an answer."""
        self.session.outbox.send(b'"number":%d}' % number)
        self.outlet.touch()

    def leave(self) -> list[list[int]]:
        self.executor.turn()
        writes, self.link.writes = self.link.writes, []
        return [[int(message.split(b'"number":')[1].split(b"}")[0]) for message in write] for write in writes]


@pytest.fixture(params=["", None], ids=["framed-once", "framed-anew"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(request.param)


def test_events_keep_their_turn_among_all_that_is_said(desk: Desk) -> None:
    for number in (1, 2):
        desk.event(number)
    desk.say(3)
    desk.event(4)
    desk.say(5)
    assert desk.leave() == [[1, 2, 3, 4, 5]]


def test_an_event_leaves_at_once_where_nothing_waits() -> None:
    desk = Desk()
    desk.event(1, at_once=True)
    assert desk.link.writes, "it waits for no turn"
    assert desk.leave() == [[1]]


def test_an_event_that_leaves_at_once_has_its_number_for_those_alone_who_know_of_numbers() -> None:
    desks = [Desk(), Desk(), Desk(), Desk(), Desk(framing=None), Desk(framing=None)]
    for desk in desks[1::2]:
        desk.session.open(extensions=True)
    frames = Frames(Said(room="a", text=""), 7, NativeCodec(), at_once=True)
    for desk in desks:
        desk.link.writes.clear()
        desk.outlet.send_shared(frames)
        desk.executor.turn()
    assert [b'"seq":7' in desk.link.writes[-1][-1] for desk in desks] == [False, True] * 3


def test_an_event_that_is_to_leave_at_once_does_not_overtake_those_before_it(desk: Desk) -> None:
    desk.event(1)
    desk.event(2, at_once=True)
    desk.say(3)
    desk.event(4, at_once=True)
    assert [number for write in desk.leave() for number in write] == [1, 2, 3, 4]


def test_many_events_leave_before_the_turn_is_over(desk: Desk) -> None:
    for number in range(JOIN_FRAMES + 1):
        desk.event(number)
    assert [len(write) for write in desk.link.writes] == [JOIN_FRAMES]
    assert [len(write) for write in desk.leave()] == [JOIN_FRAMES, 1]


def test_large_events_leave_before_the_turn_is_over(desk: Desk) -> None:
    text = "x" * 20_000
    desk.outlet.send_shared(Frames(Said(room="a", text=text, number=1), 1, NativeCodec()))
    assert len(desk.link.writes) == 1


def test_nothing_is_kept_for_a_connection_that_closes(desk: Desk) -> None:
    desk.event(1)
    desk.link.is_open = False
    desk.event(2)
    desk.outlet.close()
    desk.link.is_open = True
    assert desk.leave() == []


@pytest.mark.anyio
@pytest.mark.parametrize(("wait", "until"), [(Outlet.room, "has_room"), (Outlet.clear, "is_clear")])
@pytest.mark.parametrize("lost", [False, True])
async def test_who_has_more_to_send_waits_for_room_or_for_the_end(
    wait: Callable[[Outlet], Awaitable[bool]], until: str, lost: bool
) -> None:
    link = WrittenDown(current(), "")
    session = Session(Role.SERVER, NativeCodec(), Limits(), Hello("p", "1.0.0", 1, "s", 1))
    outlet = Outlet(session, cast("Link", link), lambda: None)
    told: list[bool] = []

    async def waiter() -> None:
        told.append(await wait(outlet))

    setattr(link, until, False)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waiter)
            for _ in range(2):  # to be woken is not enough: somebody else may have taken what there was
                await anyio.wait_all_tasks_blocked()
                assert told == []
                outlet.on_room()
            await anyio.wait_all_tasks_blocked()
            setattr(link, "closed" if lost else until, True)
            outlet.on_room()
    assert told == [not lost]
    assert not outlet.waiters
