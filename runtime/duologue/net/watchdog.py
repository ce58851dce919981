"""Ends to what a connection waits for: its opening, any byte of its peer's, room for what is written, its closing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..close_codes import CloseCode
from ..drivers.port import Timer, Transport
from ..limits import JOIN_BYTES

if TYPE_CHECKING:
    from .link import Link

WATCHES: Final = 16
"""How often a peer that takes nothing is looked at within its deadline: it is cut late by no more than one part."""


class Watchdog:
    """Cuts a link whose peer takes too long.

    Attributes:
        last_byte: When the peer was last known to live.
        writes: When to see whether it takes what waits for it; None while nothing does.
    """

    __slots__ = (
        "_acknowledged",
        "_end",
        "_handshake",
        "_limits",
        "_link",
        "_progress_at",
        "_silence",
        "_stopped",
        "_transport",
        "last_byte",
        "writes",
    )

    def __init__(self, link: Link) -> None:
        self._link = link
        self._limits = link.limits
        self._transport: Transport | None = None
        self.last_byte = link.now
        self._acknowledged = 0
        self._progress_at = 0.0
        self._stopped = False
        self._handshake: Timer | None = None
        self._silence: Timer | None = None
        self.writes: Timer | None = None
        self._end: Timer | None = None

    def stop(self) -> None:
        """The socket is gone."""
        self._stopped = True
        for timer in (self._handshake, self._silence, self.writes, self._end):
            if timer is not None:
                timer.cancel()

    def expect_opening(self, transport: Transport) -> None:
        """The socket is there."""
        self._transport = transport
        self._handshake = self._after(self._limits.handshake, self._handshake_expired)

    def opened(self, *, accepted: bool) -> None:
        """The opening handshake is over."""
        assert self._handshake is not None, "it began when the socket was there"
        self._handshake.cancel()
        if accepted:
            self._silence = self._after(self._limits.idle / 2, self._watch_silence)
        else:
            self.expect_end()

    def expect_progress(self, waiting: int, largest: int) -> None:
        """The transport could not take all that was written at once; the largest message so far had so many bytes."""
        link, most = self._link, self._limits.outbound
        if waiting > most:
            link.has_room = False
        if waiting > most + JOIN_BYTES + 2 * largest:  # a message passes it, the next ones wait
            link.abort(CloseCode.SLOW, f"more than {most} bytes wait for the peer", "outbound")
        elif self.writes is None:
            self._begin_to_watch(waiting)

    def _begin_to_watch(self, waiting: int) -> None:
        self._progress_at = self._link.executor.now()
        self._acknowledged = self._link.written - waiting
        self.writes = self._after(self._limits.write_deadline / WATCHES, self._watch_writes)

    def expect_end(self) -> None:
        """The closing handshake has begun; it ends in time."""
        if self._end is None:
            self._end = self._after(self._limits.close, self._cut)

    def show_life(self) -> None:
        """A message takes its time to arrive: its sender's ping waits behind it, and so would the answer."""
        link = self._link
        if link.is_open and link.now - link.last_write >= self._limits.idle / 8:
            link.pong()
            link.last_write = link.now

    def _handshake_expired(self) -> None:
        self._link.abort(CloseCode.POLICY, f"it took longer than {self._limits.handshake:g} s", "handshake")

    def _watch_silence(self) -> None:
        """Any byte from the peer is a sign of life; silence of half the limit asks for one."""
        now, limit = self._link.executor.now(), self._limits.idle
        ask_at, gone_at = self.last_byte + limit / 2, self.last_byte + limit
        if now >= gone_at:
            self._link.abort(CloseCode.ABNORMAL, f"no byte from the peer in {limit:g} s", "idle")
        elif now >= ask_at:
            self._link.rest()
            self._link.ping()
            self._silence = self._at(gone_at, self._watch_silence)
        else:
            self._silence = self._at(ask_at, self._watch_silence)

    def _watch_writes(self) -> None:
        """Cut a peer that takes nothing of what waits for it."""
        self.writes = None
        now, limit = self._link.executor.now(), self._limits.write_deadline
        waiting = self._transport.unsent() if self._transport is not None else 0
        if not waiting:
            return
        taken = self._link.written - waiting
        if taken != self._acknowledged:
            self._acknowledged, self._progress_at = taken, now
            self.last_byte = now  # a peer that takes what waits for it lives, though no ping may have reached it yet
        elif now - self._progress_at >= limit:
            self._link.abort(
                CloseCode.SLOW, f"the peer took nothing of {waiting} bytes in {limit:g} s", "write_deadline"
            )
            return
        self.writes = self._after(limit / WATCHES, self._watch_writes)

    def _after(self, delay: float, action: Callable[[], None]) -> Timer | None:
        return self._at(self._link.executor.now() + delay, action)

    def _at(self, when: float, action: Callable[[], None]) -> Timer | None:
        if self._stopped or when == math.inf:
            return None
        return self._link.executor.alarm_at(when, action)

    def _cut(self) -> None:
        """Cut what did not end by itself; the reason is the one that was said."""
        assert self._transport is not None, "nothing ends that did not begin"
        self._link.executor.call_a_few(self._transport.abort)
