"""One event as it leaves: encoded and framed once for all connections."""

from __future__ import annotations

from typing import Final

from ..models import Event
from ..net.link import Link
from ..wire import Codec

ENVELOPE: Final = 128
"""Bytes around an event's name and data in the native wire format, at most; a character of a name has at most 6."""


class Frames:
    """One event in the forms in which it leaves, each encoded and framed once for all who get it.

    Attributes:
        at_once: Whether it leaves at once; else it is joined with what else there is to say in this turn of the loop.
        most: Bytes that its message has at most, for those who only ask whether it may be too large.
        made: What `framed` has made, without and with extensions, by framing.
    """

    __slots__ = ("_messages", "at_once", "codec", "data", "event", "made", "most", "name", "seq")

    def __init__(self, event: Event, seq: int | None, codec: Codec, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.codec = codec
        self.event = event
        self.name = event.event_name
        self.seq = seq
        self.data = event.to_wire()
        self._messages: list[bytes | None] = [None, None]
        self.made: tuple[dict[str | None, bytes], dict[str | None, bytes]] = ({}, {})
        if codec.is_native:
            self.most = ENVELOPE + 6 * len(self.name) + len(self.data)
        else:
            self.most = len(self.shared(extensions=False))

    def shared(self, *, extensions: bool) -> bytes:
        """The message for all live subscriptions of a connection."""
        message = self._messages[extensions]
        if message is None:
            seq = self.seq if extensions else None
            message = self._messages[extensions] = self.codec.event(self.name, self.data, seq=seq)
        return message

    def framed(self, link: Link, *, extensions: bool) -> bytes | None:
        """That message as a frame for all links of one framing; None for a link that makes its own."""
        framing = link.framing
        if framing is None:
            return None
        frames = self.made[extensions]
        frame = frames.get(framing)
        if frame is None:
            frame = frames[framing] = link.frame_text(self.shared(extensions=extensions))
        return frame

    def message(self, *, for_: str | None) -> bytes:
        """The message for one subscription: replay and snapshots."""
        if for_ is None:
            return self.codec.event(self.name, self.data)
        return self.codec.event(self.name, self.data, seq=self.seq, for_=for_)
