"""A server in a process of its own, so that what it costs can be read from outside, and somebody who calls it."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import trio
from tests.conftest import BACKENDS
from tests.runtime.chat import Said
from tests.runtime.hostile import Hostile
from tests.runtime.support import Room
from tests.security.apart import Apart
from typing_extensions import override

from duologue import Anonymous, Deflate, EventLog, Limits, MemoryLog, serve
from duologue.net.link import Link

SIGNED_IN: Final = b"Authorization: Bearer anybody\r\n"
"""What a handshake says to be let in; without it a first message has to."""

PAUSE: Final = 0.001
"""Seconds between the calls of somebody who is no burden."""

HISTORY: Final = 100
"""Events that the server keeps. Each lies among what its peers had at the time: the usual ten thousand would lie all
over its memory after an hour, and be taken for something of theirs."""


# --------------------------------------------------------------------------------------------------- in its own process
def _note_ends(ends: Counter[str]) -> None:
    """Count how connections end, as this side knows it: who is cut is not told."""
    lost = Link.lost

    def note(self: Link) -> None:
        if not self.closed:
            ends[(self._failure or (0, "of itself"))[1]] += 1
        lost(self)

    Link.lost = note  # type: ignore[method-assign] # this process is its own


class _Nothing(list[Any]):
    """Where a service that keeps account of its calls keeps none."""

    @override
    def append(self, _: Any) -> None: ...


class _Brief(Room):
    """Keeps no account of its calls, and little history: what it has is to be what its peers cost."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = _Nothing()

    @override
    def event_log(self) -> EventLog:
        return MemoryLog(HISTORY)


class _Log(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _settle() -> None:
    """Give back what nobody holds: the C library keeps what was freed between what is still there."""
    gc.collect()
    with suppress(AttributeError):  # one that cannot be asked keeps little
        ctypes.CDLL(None).malloc_trim(0)


def _tasks(loop: str) -> int:
    """How many tasks live."""
    if loop == "trio":
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


async def _serve(pipe: Pipe, loop: str, limits: Limits) -> None:
    ends: Counter[str] = Counter()
    _note_ends(ends)
    log = _Log()
    logging.basicConfig(level=logging.WARNING, handlers=[log])
    async with serve(
        _Brief(),
        "127.0.0.1",
        0,
        limits=limits,
        authenticator=Anonymous.all(),
        login="first_message",
        compression=Deflate(),
    ) as server:
        pipe.send(server.port)
        while True:
            await anyio.wait_readable(pipe.fileno())
            match pipe.recv():
                case ("ends",):
                    pipe.send(ends.copy())
                    ends.clear()
                case ("present",):
                    pipe.send((server.handshakes, len(server.connections)))
                case ("settle",):
                    _settle()
                    pipe.send("settled")
                case ("tasks",):
                    gc.collect()
                    pipe.send(_tasks(loop))
                case ("log",):
                    pipe.send(log.lines.copy())
                    log.lines.clear()
                case ("emit", numbers, pause):
                    for number in numbers:
                        await server.emit(Said(room="x" * 300, text=str(time.perf_counter()), number=number))
                        await anyio.sleep(pause)
                    pipe.send("emitted")
                case _:
                    return


def _run(pipe: Pipe, loop: str, limits: Limits, descriptors: int | None) -> None:
    backend, options = BACKENDS[loop]
    if descriptors is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    gc.freeze()  # a server has its own to look at, and this process has what all tests import
    anyio.run(_serve, pipe, loop, limits, backend=backend, backend_options=options)


def compete(_: Pipe) -> None:
    """Want a processor as much as somebody who floods does, and say nothing to anybody."""
    while True:
        pass


def _call(pipe: Pipe, port: int) -> None:
    """Call one at a time; each word that comes begins or ends a series, whose times are sent."""
    with Hostile(port, SIGNED_IN) as peer:
        pipe.send("here")
        while pipe.recv():
            took: list[float] = []
            number = 0
            while not took or not pipe.poll():  # one at least, on a machine that lets this begin late
                number += 1
                started = time.perf_counter()
                peer.say(id=str(number), action="echo", params={"text": "on"})
                heard = peer.hear()
                took.append(time.perf_counter() - started)
                assert heard["data"]["text"] == "on", heard
                time.sleep(PAUSE)
            pipe.recv()
            pipe.send(took)


# ------------------------------------------------------------------------------------------------------- seen from here
class Victim(Apart):
    """A server that may be hurt.

    Args:
        descriptors: How many it may have; None for what this process may.
    """

    def __init__(self, loop: str, limits: Limits | None = None, descriptors: int | None = None) -> None:
        if loop != "asyncio":
            pytest.importorskip(loop, reason=f"{loop} is not installed: the `test` dependency group has it")
        super().__init__(_run, loop, limits or Limits(), descriptors)
        self.port: int = self.hear()

    @property
    def resident(self) -> int:
        """Bytes of memory that it has."""
        return int(self._proc("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def held(self) -> int:
        """Bytes of memory that it has and needs."""
        assert self.ask("settle") == "settled"
        return self.resident

    @property
    def worked(self) -> float:
        """Seconds of a processor that it has used."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def descriptors(self) -> int:
        """Files and sockets that it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def present(self) -> tuple[int, int]:
        """How many are in their handshake, and how many past it."""
        found: tuple[int, int] = self.ask("present")
        return found

    @property
    def tasks(self) -> int:
        """Tasks that live."""
        found: int = self.ask("tasks")
        return found

    def log(self) -> list[str]:
        """The warnings and errors that it logged since this was asked last."""
        found: list[str] = self.ask("log")
        return found

    def ends(self) -> Counter[str]:
        """How connections ended since this was asked last."""
        found: Counter[str] = self.ask("ends")
        return found

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()


class Bystander(Apart):
    """Somebody who calls, and looks at the clock."""

    def __init__(self, victim: Victim) -> None:
        super().__init__(_call, victim.port)
        assert self.hear() == "here"

    @contextmanager
    def calling(self) -> Generator[list[float]]:
        """Call while the block runs; the seconds that each call took are there at its end."""
        took: list[float] = []
        self.pipe.send("begin")
        yield took
        self.pipe.send("end")
        took += self.hear()

    def quiet(self, seconds: float) -> list[float]:
        """How long calls take while nothing else is done."""
        with self.calling() as took:
            time.sleep(seconds)
        return took


def stalled(port: int) -> Hostile:
    """Somebody who subscribes, asks for more than is kept for it, and reads nothing."""
    peer = Hostile(port, SIGNED_IN, small=True)
    peer.say(id="s", action="subscribe", params={"events": ["said"]})
    for number in range(12):
        peer.say(id=str(number), action="echo", params={"text": "x" * 100, "times": 1000})
    return peer


def percentile(times: list[float], part: float) -> float:
    """The time that so large a part of them does not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]
