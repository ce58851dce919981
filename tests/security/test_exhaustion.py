"""A server that runs out of descriptors: those who are there are served on, and it accepts again when some are free."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest
from tests.conftest import BACKENDS
from tests.runtime.hostile import Hostile
from tests.security.victim import SIGNED_IN, Victim

DESCRIPTORS: Final = 64
BEYOND: Final = 40
"""Connections that there are no descriptors for."""


@pytest.fixture(params=list(BACKENDS))
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    with Victim(request.param, descriptors=DESCRIPTORS) as one:
        yield one


def echo(peer: Hostile) -> None:
    peer.say(id="1", action="echo", params={"text": "on"})
    assert peer.hear()["data"]["text"] == "on"


def test_it_goes_on_when_there_are_some_again_and_does_not_spin_meanwhile(victim: Victim) -> None:
    with Hostile(victim.port, SIGNED_IN) as early, ExitStack() as held:
        echo(early)
        for _ in range(DESCRIPTORS + BEYOND):
            held.enter_context(socket.create_connection(("127.0.0.1", victim.port)))  # by the kernel, if by nobody else
        until = time.monotonic() + 15
        while not (log := victim.log()):
            assert time.monotonic() < until, "it had descriptors for all of them"
            time.sleep(0.01)
        worked = victim.worked
        time.sleep(0.5)
        echo(early)
        assert victim.worked - worked < 0.25, "half a second of waiting, with a look every tenth"
        log += victim.log()
        assert [line for line in log if "cannot accept connections" in line] == log
        assert len(log) == 1, "once is enough"
        held.close()
        with Hostile(victim.port, SIGNED_IN) as late:
            echo(late)
        echo(early)
    again = victim.log()  # those that the kernel held take what has become free, which may be all of it once more
    assert len(again) <= 1
    assert all("cannot accept connections" in line for line in again)
