"""What leaves by one connection: in turn, joined with what leaves at the same time, and when there is room for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..drivers.port import Future, wake
from ..limits import JOIN_BYTES, JOIN_FRAMES
from ..net.alarms import OneTimer
from ..wire import Loss, Point, Reset, SubscriptionEnd

if TYPE_CHECKING:
    from ..events.framing import Frames
    from ..net.link import Link
    from ..session.session import Session


class Outlet:
    """Hands over to the link what the session has to say, and wakes the session when it has something to do.

    Attributes:
        link: How it travels.
        waiters: Who waits for room in the outbound buffer, or for the link to be clear.
    """

    __slots__ = (
        "_executor",
        "_flush_due",
        "_outbox",
        "_session",
        "_shared",
        "_shared_size",
        "_timer",
        "link",
        "waiters",
    )

    def __init__(self, session: Session, link: Link, tick: Callable[[], None]) -> None:
        self.waiters: dict[Future, None] = {}
        self._executor = link.executor
        self._session = session
        self._outbox = session.outbox
        self.link = link
        self._flush_due = False
        self._shared: list[Frames] = []
        self._shared_size = 0
        self._timer = OneTimer(link.executor, tick)

    # -------------------------------------------------------------------------------------------------------- waiting
    async def room(self) -> bool:
        """Wait until there is room; False when the connection is gone."""
        while not self.link.has_room and not self.link.closed:
            await self._wait()
        return not self.link.closed

    async def clear(self) -> bool:
        """Wait until so little waits to be sent that a piece may follow; False when the connection is gone."""
        while not self.link.is_clear and not self.link.closed:
            await self._wait()
        return not self.link.closed

    async def _wait(self) -> None:
        """Wait among others on a future of one's own: giving up cancels what is waited for."""
        waiting = self._executor.future()
        self.waiters[waiting] = None
        try:
            await waiting
        finally:
            self.waiters.pop(waiting, None)

    def on_room(self) -> None:
        """There is room again, or the connection is gone."""
        waiting, self.waiters = self.waiters, {}
        for future in waiting:
            wake(future)

    def close(self) -> None:
        """The connection is gone; a timer would keep it in memory until the last timeout."""
        self._timer.stop()
        self._shared.clear()

    # -------------------------------------------------------------------------------------------------------- sending
    def send_event(self, message: bytes) -> None:
        """Send an encoded event, in turn with everything else; the peer takes one of this size."""
        if not self.link.closed:
            self._session.send(message)
            self.touch()

    def send_shared(self, frames: Frames) -> None:
        """Send an event that is framed once for many connections, in turn with everything else.

        At once, if it is to and nothing waits before it. Else only a reference is kept until the flush: to look at all
        of a connection for each event of a burst costs more than to send the event, with a thousand connections.
        """
        link = self.link
        if not link.is_open:
            return
        if self._outbox.size:
            self._hand_over()
        if frames.at_once and not self._shared_size:
            extensions = self._outbox.capabilities.extensions  # to ask for what was made spares a thousand calls
            frame = frames.made[extensions].get(link.framing) or frames.framed(link, extensions=extensions)
            if frame is not None:
                link.write_framed(frame)
                return
        self._shared.append(frames)
        self._shared_size += frames.most
        if self._shared_size >= JOIN_BYTES or len(self._shared) >= JOIN_FRAMES:
            self.flush()
        elif not self._flush_due:
            self._flush_due = True
            self._executor.call_together(self._flush_soon)

    def about(self, sub: str, **note: Point | Loss | Reset | SubscriptionEnd) -> None:
        """Say something about a subscription to a peer that understands it."""
        outbox = self._outbox
        if outbox.capabilities.extensions and not self.link.closed:
            self._session.send(outbox.codec.about(sub, **note))
            self.touch()

    def touch(self, *, pass_end: bool = False) -> None:
        """The session may have something to send, or to do at another time.

        Args:
            pass_end: All that came was taken: what it has started or woken is going to speak.
        """
        outbox, deadlines = self._outbox, self._session.deadlines
        if outbox.size >= JOIN_BYTES or len(outbox.waiting) >= JOIN_FRAMES:
            self.flush()  # also for the link to see what waits, before somebody encodes more
        if (outbox.size or pass_end) and not self._flush_due and not self.link.closed:
            self._flush_due = True
            if outbox.size:
                self._executor.call_together(self._flush_soon)
            else:
                self._executor.call_soon(self._flush_soon)
        if deadlines.not_before < self._timer.at:
            self._timer.set(deadlines.not_before)

    def flush(self) -> None:
        """Send all that was said now."""
        if self._shared or self._outbox.size:
            self._hand_over()
        self.link.flush()

    def _flush_soon(self) -> None:
        self._flush_due = False
        self.flush()

    def _hand_over(self) -> None:
        """Give the link what waits: events were there before all that waits in the session."""
        link, outbox = self.link, self._outbox
        if not link.is_open:
            return
        if self._shared:
            extensions = outbox.capabilities.extensions
            shared, self._shared, self._shared_size = self._shared, [], 0
            for frames in shared:
                frame = frames.framed(link, extensions=extensions)
                if frame is None:
                    link.send(frames.shared(extensions=extensions))
                else:
                    link.send_framed(frame)
        if outbox.size:
            for message, binary in outbox.take():
                link.send(message, binary=binary)
