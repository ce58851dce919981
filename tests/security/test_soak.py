"""Many peers that come, work, misbehave and go, for long: nothing is left of them, and one who stays is served.

Five minutes in the long form, or as many seconds as `DUOLOGUE_SOAK_SECONDS` says: an hour is 3600.
"""

from __future__ import annotations

import faulthandler
import os
import random
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection as Pipe
from typing import Final

import pytest
from tests.conftest import BACKENDS
from tests.runtime.hostile import DEFLATE, HANDSHAKE, OURS, Hostile, frame
from tests.security.apart import Apart
from tests.security.malformed import Malformed
from tests.security.test_stalled import until
from tests.security.victim import SIGNED_IN, Bystander, Victim, stalled
from websockets.frames import Opcode

from duologue import Limits

MIB: Final = 1 << 20
CROWDS: Final = 4
"""Processes that the peers are divided among."""

WARM: Final = 0.5
"""So much of that time it is done before anything is measured: what is done once is done, and what the C library keeps
has come to its most."""

RESIDENT: Final = 16 * MIB
"""What a server may have more than before, with all that the C library keeps of what was freed."""

HELD: Final = 6 * MIB
"""What it may need more than before."""

LONG: Final = float(os.environ.get("DUOLOGUE_SOAK_SECONDS", "300")) / len(BACKENDS) / (1 + WARM)
"""Seconds that are measured, for each event loop."""


class Churn:
    """Some peers, each replaced by another when it is gone; what they do is drawn from a seed."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.random: random.Random = random.Random(seed)
        self.malformed = Malformed(seed)

    def come(self) -> Hostile:
        kind = self.random.random()
        if kind < 0.03:
            return stalled(self.port)
        if kind < 0.06:
            peer = Hostile(self.port, None)
            peer.send(HANDSHAKE[: self.random.randrange(1, 100)])
            return peer
        peer = Hostile(self.port, SIGNED_IN + self.random.choice([b"", OURS, DEFLATE]))
        if kind < 0.5:
            peer.say(id="s", action="subscribe", params={"events": ["said", "typing"]})
        return peer

    def act(self, peer: Hostile) -> bool:
        """Do something; whether the peer stays."""
        acts: list[tuple[Callable[[Hostile], object], int, bool]] = [
            (self.call, 50, True),
            (lambda peer: peer.say(id="n", action="nap", params={"seconds": 30}), 5, True),
            (lambda peer: peer.say(id="m", action="count", params={"upto": 50}), 5, True),
            (lambda peer: peer.send(frame(b"x", Opcode.PING)), 5, True),
            (lambda peer: peer.send(self.malformed.draw().data), 3, False),
            (lambda peer: peer.send(frame(b'{"id":"half')[:9]), 3, False),
            (lambda peer: peer.send(frame(struct.pack(">H", 1000), Opcode.CLOSE)), 5, False),
            (self.reset, 5, False),
        ]
        act, _, stays = self.random.choices(acts, [weight for _, weight, _ in acts])[0]
        try:
            act(peer)
            peer.socket.settimeout(0)
            while peer.socket.recv(1 << 16):
                pass
        except BlockingIOError:
            peer.socket.settimeout(10)
            return stays
        except OSError:
            pass
        return False

    def call(self, peer: Hostile) -> None:
        peer.say(id=str(self.random.randrange(1 << 30)), action="echo", params={"text": "on", "times": 50})

    def reset(self, peer: Hostile) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def churn(pipe: Pipe, port: int, seed: int, size: int) -> None:
    """Keep so many peers at it until told to stop; sends how many there were."""
    crowd, peers, count = Churn(port, seed), list[Hostile](), 0
    while not pipe.poll():
        with suppress(OSError, AssertionError):
            peers.append(crowd.come())
            count += 1
        while len(peers) >= size and not pipe.poll():
            which = crowd.random.randrange(size)
            if not crowd.act(peers[which]):
                with peers.pop(which):
                    pass
    for peer in peers:
        with peer:
            pass
    pipe.send(count)


def endure(victim: Victim, size: int, seconds: float, seed: int) -> tuple[int, int]:
    """Let so many peers come and go; returns how many did, and the most bytes the server had in the second half."""
    most = 0
    with ExitStack() as stack:
        crowds = [
            stack.enter_context(Apart(churn, victim.port, seed + number, size // CROWDS, nice=1))
            for number in range(CROWDS)
        ]
        until(lambda: sum(victim.present()) > 0.8 * size, 120)
        started, number = time.monotonic(), 0
        while (since := time.monotonic() - started) < seconds:
            number += 1
            assert victim.ask("emit", range(number, number + 1), 0.2) == "emitted"
            if since > seconds / 2:
                most = max(most, victim.resident)
        for crowd in crowds:
            crowd.pipe.send("stop")
        return sum(crowd.hear() for crowd in crowds), most


@pytest.mark.parametrize("loop", list(BACKENDS))
@pytest.mark.parametrize(("size", "seconds"), [(60, 0.8), pytest.param(1000, LONG, marks=pytest.mark.long)])
def test_nothing_is_left_of_those_who_come_and_go(loop: str, size: int, seconds: float) -> None:
    limits = Limits(handshake=1.0, write_deadline=1.0, close=0.5, idle=30.0)
    faulthandler.cancel_dump_traceback_later()  # it takes as long as it was asked to
    with Victim(loop, limits) as victim:
        endure(victim, size, seconds * WARM, seed=1)
        until(lambda: victim.present() == (0, 0))
        before, tasks, descriptors, needed = victim.resident, victim.tasks, victim.descriptors, victim.held
        with Bystander(victim) as bystander, bystander.calling() as took:
            came, most = endure(victim, size, seconds, seed=2)
        until(lambda: victim.present() == (0, 0))
        until(lambda: victim.tasks <= tasks + 1 and victim.descriptors <= descriptors)  # an accept may be beginning
        after, needs = victim.resident, victim.held
        print(
            f"{loop}: {came} came in {seconds:.0f} s; {before / MIB:.1f} MiB before, at most {most / MIB:.1f},"
            f" then {after / MIB:.1f}; of it {needed / MIB:.1f} held before, and {needs / MIB:.1f} then;"
            f" slowest call {max(took) * 1000:.0f} ms of {len(took)}"
        )
        assert came >= 0.8 * size
        assert after - before < RESIDENT
        assert needs - needed < HELD
        assert len(took) > seconds, "it was served all the while"
        assert max(took) < 5
        assert victim.log() == []
