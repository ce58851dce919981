"""Peers that stop reading: cut in time, at a bounded cost; neither their neighbours nor a shutdown wait for them."""

from __future__ import annotations

import json
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from typing import Final

import pytest
from tests.conftest import BACKENDS
from tests.forked import Registry
from tests.runtime.hostile import Hostile
from tests.security.apart import PATIENCE, Apart
from tests.security.victim import SIGNED_IN, Victim, percentile, stalled
from websockets.frames import Opcode

from duologue import Limits

MIB: Final = 1 << 20
LOOPS: Final = list(BACKENDS)


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Wait until something is so; returns for how long."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds
        time.sleep(0.01)
    return time.monotonic() - started


# ------------------------------------------------------------------------------------------------------------ one alone
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("deadline", "noise"),
    [(0.5, 2.0), pytest.param(Limits().write_deadline, 0.0, marks=pytest.mark.long)],  # the latter waits for it
)
def test_a_reader_that_stalls_is_cut_in_time_and_holds_a_bounded_amount(
    loop: str, deadline: float, noise: float
) -> None:
    with Victim(loop, Limits(write_deadline=deadline)) as victim:
        with Hostile(victim.port, SIGNED_IN) as first:  # what is done once is not counted
            first.say(id="1", action="echo", params={"text": "x" * 100, "times": 1000})
            first.hear()
        before = victim.resident
        with stalled(victim.port):
            took = until(lambda: victim.present() == (0, 0), 1.1 * deadline + noise)
            most = victim.resident
        assert took > 0.8 * deadline
        assert most - before < 6 * MIB, f"{(most - before) / MIB:.1f} MiB for an outbound buffer of one"
        assert any("write_deadline: the peer took nothing" in end for end in victim.ends())


# ----------------------------------------------------------------------------------------------------------- among many
def listen(pipe: Pipe, port: int, count: int) -> None:
    """Subscribe so often; for each number that is asked for, send the seconds under way and who has missed what."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        peers = [stack.enter_context(Hostile(port, SIGNED_IN)) for _ in range(count)]
        for peer in peers:
            peer.say(id="s", action="subscribe", params={"events": ["said"]})
            assert peer.hear()["error"] is None
            peer.socket.setblocking(False)
            selector.register(peer.socket, selectors.EVENT_READ, peer)
        pipe.send("subscribed")
        while (expected := pipe.recv()) is not None:
            took: list[float] = []
            heard: dict[Hostile, list[int]] = {peer: [] for peer in peers}
            left = len(expected) * count
            until = time.monotonic() + PATIENCE
            while left and time.monotonic() < until:
                for key, _ in selector.select(0.1):
                    peer = key.data
                    now = time.perf_counter()
                    peer._fill()
                    while (found := peer._next()) is not None:
                        if found[0] is Opcode.PING:
                            continue  # that it reads is enough
                        event = json.loads(found[1])["data"]
                        took.append(now - float(event["text"]))
                        heard[peer].append(event["number"])
                        left -= 1
            pipe.send((took, sum(numbers != expected for numbers in heard.values())))


class Crowd:
    """Subscribers, and the numbers that they are told."""

    def __init__(self, victim: Victim, readers: Apart) -> None:
        self.victim = victim
        self.readers = readers
        self.next = 0

    def tell(self, events: int, pause: float) -> list[float]:
        """Let so many events be published; how long each took to each subscriber, none of whom missed any."""
        numbers = list(range(self.next, self.next + events))
        self.next += events
        self.readers.pipe.send(numbers)
        assert self.victim.ask("emit", numbers, pause) == "emitted"
        took, incomplete = self.readers.hear()
        assert not incomplete, f"{incomplete} subscribers missed something"
        return list(took)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("subscribers", "stalling", "events", "floor"),
    [(97, 3, 20, 0.05), pytest.param(990, 10, 40, 0.0, marks=pytest.mark.long)],
)
def test_among_many_subscribers_some_that_stall_cost_the_others_nothing(
    loop: str, subscribers: int, stalling: int, events: int, floor: float
) -> None:
    pause = subscribers / 20_000  # twice as long as an event takes to reach all of them
    with Victim(loop, Limits(write_deadline=0.5)) as victim, Apart(listen, victim.port, subscribers) as readers:
        assert readers.hear() == "subscribed"
        crowd, seen = Crowd(victim, readers), list[str]()
        crowd.tell(5, pause)
        for _ in range(3):  # what else the machine does may hinder them once, those that stall would each time
            quiet = percentile(crowd.tell(events, pause), 0.99)
            with ExitStack() as stack:
                for _ in range(stalling):
                    stack.enter_context(stalled(victim.port))
                disturbed = percentile(crowd.tell(events, pause), 0.99)
                until(lambda: victim.present() == (0, subscribers))
            if disturbed < max(2 * quiet, floor):
                return
            seen.append(f"{disturbed * 1000:.1f} ms, and {quiet * 1000:.1f} ms before")
        raise AssertionError("; ".join(seen))


# ------------------------------------------------------------------------------------------------------------- stopping
@pytest.fixture
def crowd_of_stalled() -> Iterator[Callable[[int], None]]:
    with ExitStack() as stack:

        def come(port: int) -> None:
            for _ in range(100):
                stack.enter_context(stalled(port))

        yield come


@pytest.mark.parametrize("loop", LOOPS)
def test_a_server_stops_in_time_whoever_stalls(loop: str, crowd_of_stalled: Callable[[int], None]) -> None:
    limits = Limits(close=0.3, drain=0.3, write_deadline=60.0)
    with Victim(loop, limits) as victim:
        crowd_of_stalled(victim.port)
        until(lambda: victim.present() == (0, 100))
        started = time.monotonic()
        victim.pipe.send(("stop",))
        victim.process.join(PATIENCE)
        took = time.monotonic() - started
        assert victim.process.exitcode == 0
        assert took < limits.drain + limits.close + 2, took


def test_the_registry_stops_in_time_whoever_stalls() -> None:
    """As any server does, on every event loop: here with the limits that it has."""
    registry = Registry("--ephemeral")
    try:
        port = int(registry.url.rpartition(":")[2])
        with ExitStack() as stack:
            for _ in range(100):
                peer = stack.enter_context(Hostile(port, small=True))
                peer.say(id="s", action="subscribe", params={"events": ["service_registered"]})
                for turn in range(8):
                    peer.say(id=f"{turn}", action="x" * 20_000)  # the refusal names it
            started = time.monotonic()
            assert registry.stop(signal.SIGTERM)[0] == 0
            assert time.monotonic() - started < Limits().close + 2
    finally:
        registry.kill()
