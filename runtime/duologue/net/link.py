"""One WebSocket connection without a socket: bytes to messages and back, bounds and time limits.

RFC 6455 (frames, handshake, closing) is the `websockets` library's sans-I/O protocol; here is what that library leaves
to its users: joining writes, pacing hostile reads, and ends to every wait.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN, Event
from websockets.server import ServerProtocol

from ..close_codes import CloseCode
from ..drivers.pace import LONG_READ
from ..drivers.port import Executor, Transport
from ..limits import JOIN_BYTES, JOIN_FRAMES, KIB, Limits, naming
from .backlog import Backlog
from .budgets import PerSecond
from .compression import Deflating, Inflation, Packed
from .frames import BYTES, PING, PONG, TEXT, Cut, Cutter, Fragments, frame_of, masks
from .owner import LinkOwner
from .watchdog import Watchdog

BULK_WATER: Final = 16 * KIB
"""Unsent bytes above which uploads and downloads wait, so that what is short does not wait behind them."""


class Link:
    """The state of one connection, fed by a driver and used by a `LinkOwner`.

    Attributes:
        owner: Who is told; set before there is a socket. A link may pass from one owner to the next.
        is_open: Whether messages can be sent.
        is_clear: Whether so little waits to be sent that bulk may follow.
        has_room: False from when more than `Limits.outbound` waits to be sent until the link is clear again.
        closed: Whether `on_closed` was called.
        now: When what is being handled was read, on the executor's clock; `last_write`: when it last wrote.
        written: Bytes that were written.
        exceeded: The name of the limit for which it was closed, None where that was not why.
        framing: Links of one framing send the same frame for a text (`frame_text`); None where each is made anew.
    """

    __slots__ = (  # with as many attributes a dictionary shares its keys with no other, and takes a KiB more
        "_aborted",
        "_backlog",
        "_cutter",
        "_deaf",
        "_deflating",
        "_ended",
        "_failure",
        "_fragments",
        "_frames",
        "_inflation",
        "_largest",
        "_masks",
        "_opened",
        "_opening",
        "_pings",
        "_transport",
        "_unjoined_bytes",
        "_unjoined_frames",
        "_watchdog",
        "_writes",
        "closed",
        "exceeded",
        "executor",
        "framing",
        "has_room",
        "is_clear",
        "is_open",
        "last_write",
        "limits",
        "now",
        "owner",
        "written",
    )

    owner: LinkOwner

    def __init__(self, protocol: ClientProtocol | ServerProtocol, executor: Executor, limits: Limits) -> None:
        self.executor = executor
        self.limits = limits
        self.is_open = False
        self.is_clear = True
        self.has_room = True
        self.closed = False
        self.exceeded: str | None = None
        self.framing: str | None = ""
        self.now = self.last_write = executor.now()
        self.written = 0
        self._transport: Transport | None = None
        self._writes: list[bytes] = []
        self._opened = False
        self._unjoined_bytes = 0
        self._unjoined_frames = 0
        self._deaf = False
        self._aborted = False
        self._ended = False
        self._backlog = Backlog(executor, self._resume)
        self._opening = 0
        self._deflating: Deflating | None = None
        self._inflation: Inflation | None = None
        self._largest = 0
        self._fragments: Fragments | None = None
        self._cutter = Cutter(protocol)
        self._masks = masks() if isinstance(protocol, ClientProtocol) else None
        self._frames = PerSecond(limits.frames, self.now)
        self._pings = PerSecond(limits.pings, self.now)
        self._failure: tuple[int, str] | None = None
        self._watchdog = Watchdog(self)

    # ------------------------------------------------------------------------------------------------- the driver's
    def connected(self, transport: Transport) -> None:
        """The socket is there; a client's handshake starts."""
        self._transport = transport
        self._watchdog.expect_opening(transport)
        if self.is_client:
            self._look()
            self.flush()

    def receive(self, data: bytes) -> None:
        """Bytes came."""
        self.now = self._watchdog.last_byte = self.executor.now()
        if self.closed or self._aborted:
            return
        if self._backlog.turns:
            self._backlog.parts.append(data)
            self._live.pause_reading()  # a driver may have gone on to read
            return
        if (len(data) > LONG_READ or self._deflating is not None) and self._backlog.queue(data):
            self._live.pause_reading()
            return
        if not self._opened:
            self._receive_opening(data)
        elif self._feed(data) and self._wait():
            self._live.pause_reading()

    def _receive_opening(self, data: bytes) -> None:
        """Part of the handshake, mostly all of it: what comes bit by bit is read with that of others in turn."""
        if (
            not self._cutter.hold(data, self.limits.handshake_size - self._opening)
            and self._feed(data)
            and self._wait()
        ):
            self._live.pause_reading()
        elif self._cutter.awaits_head:
            self._live.pause_reading()
            self.executor.call_spread(self._live.resume_reading)

    def eof(self) -> None:
        """The peer will send nothing more."""
        self._ended = True
        if not self._backlog.turns:
            self.protocol.receive_eof()
            self._look()
            self.flush()

    def lost(self) -> None:
        """The socket is gone."""
        if self.closed:
            return
        self.closed, self.is_open, self._deaf = True, False, True
        self._watchdog.stop()
        said = None if self._cutter.kept is None else self._end_protocol(self._cutter.kept)
        self._backlog.parts.clear()
        self._cutter.begun = self._fragments = self._deflating = self._inflation = None
        code, reason = self._failure or ((said.code, said.reason) if said else (CloseCode.ABNORMAL, ""))
        self.owner.on_closed(code, reason)

    def _end_protocol(self, protocol: ClientProtocol | ServerProtocol) -> Close | None:
        """Let go of what is large in it, since what leads to it may be freed late; returns how the closing began."""
        protocol.receive_eof()
        protocol.reader.buffer.clear()
        protocol.parser_exc = None  # its traceback has the last message
        protocol.extensions.clear()
        said = protocol.close_rcvd or protocol.close_sent  # the latter alone: the library refused what came
        if self._failure is None and protocol.close_rcvd is None and said and said.code == CloseCode.TOO_BIG:
            self.exceeded = "frame"
        return said

    def pause_writing(self) -> None:
        """More than `high_water` waits in the transport."""
        self.is_clear = False

    def resume_writing(self) -> None:
        """What waits in the transport is little again."""
        self.is_clear = self.has_room = True
        self.owner.on_room()

    # -------------------------------------------------------------------------------------------------- the owner's
    @property
    def protocol(self) -> ClientProtocol | ServerProtocol:
        """The library's: that of the handshake, and another after it."""
        return self._cutter.protocol

    @property
    def is_client(self) -> bool:
        """Whether this is the client's end."""
        return self._masks is not None

    def rest(self) -> None:
        """Nothing comes: let go of what was there to read it."""
        if self._fragments is None:
            self._cutter.rest()

    def bound(self, size: int) -> None:
        """From now on a message of the peer's has at most so many bytes."""
        self._cutter.bound(size)

    @property
    def peer_name(self) -> str:
        """The peer's address."""
        return self._live.peer_name()

    @property
    def peer_certificate(self) -> Mapping[str, Any] | None:
        """The peer's certificate; None unless TLS checked one."""
        return self._live.peer_certificate()

    @property
    def is_connected(self) -> bool:
        """Whether there is a socket under it, or was."""
        return self._transport is not None

    @property
    def high_water(self) -> int:
        """Unsent bytes above which the driver is to say `pause_writing`."""
        return min(BULK_WATER, self.limits.outbound)

    @property
    def _live(self) -> Transport:
        assert self._transport is not None, "nothing happens before `connected`"
        return self._transport

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._unjoined_bytes + (self._transport.unsent() if self._transport is not None else 0)

    def send(self, message: bytes, *, binary: bool = False) -> None:
        """Frame a message; it leaves with the next `flush`, or sooner."""
        if self._cutter.is_plain and self.is_open:
            mask = None if self._masks is None else next(self._masks)[0]
            self._writes.append(frame_of(BYTES if binary else TEXT, message, mask))
        else:
            protocol = self.protocol
            (protocol.send_binary if binary else protocol.send_text)(message)
            self._writes += protocol.data_to_send()
        self._count(len(message))

    def frame_text(self, message: bytes) -> bytes:
        """Make a server's text frame, once for many links of one framing."""
        if self._cutter.is_plain:
            return frame_of(TEXT, message)
        return Frame(Opcode.TEXT, message).serialize(mask=False, extensions=self.protocol.extensions)

    def send_framed(self, frame: bytes) -> None:
        """Send a frame that was made by `frame_text` of a link of this framing."""
        self._writes.append(frame)
        self._count(len(frame))

    def write_framed(self, frame: bytes) -> None:
        """Send such a frame at once, where nothing waits before it: it needs no list and no turn of the loop."""
        if self._unjoined_frames or self._transport is None:
            self.send_framed(frame)
            self.flush()
            return
        self._largest = max(self._largest, len(frame))
        self._write(self._transport, frame)

    def flush(self) -> None:
        """Hand all that was framed to the transport."""
        self._unjoined_bytes = self._unjoined_frames = 0
        if not self._writes:  # what is long has left when it was framed
            return
        transport, writes, self._writes = self._transport, self._writes, []
        if transport is None or self.closed:  # what was framed just before a loss goes nowhere
            return
        data = b"".join(writes) if len(writes) > 1 else writes[0]
        if data:
            self._write(transport, data)
        if not writes[-1]:  # the library's SEND_EOF
            transport.close()
            self._watchdog.expect_end()

    def _write(self, transport: Transport, data: bytes) -> None:
        self.written += len(data)
        self.last_write = self.executor.now()
        if waiting := transport.write(data):
            self._watchdog.expect_progress(waiting, self._largest)

    def respond(self, response: Response) -> None:
        """Answer the opening handshake, once; nothing happens where the client is gone, or did not wait."""
        protocol = self.protocol
        assert isinstance(protocol, ServerProtocol)
        if self.closed or self._failure is not None or protocol.eof_sent:
            return
        protocol.send_response(response)
        self._opening_over(accepted=protocol.state is OPEN)
        self.flush()
        self.rest()

    def close(self, code: int, reason: str = "", limit: str | None = None) -> None:
        """Begin the closing handshake; the connection is aborted when it does not end in time.

        Args:
            limit: The limit that was exceeded, if that is why.
        """
        if self.closed:
            return
        if not self._opened:
            self.abort(code, reason, limit)
            return
        told = naming(limit, reason)
        try:
            self.protocol.send_close(code, told.encode()[:123].decode(errors="ignore"))  # RFC 6455, section 5.5
        except InvalidState:  # the peer closes already, or the library does
            pass
        else:
            self._deaf, self._inflation = True, None
            self._fail(code, told, limit)
        self._look()
        self._watchdog.expect_end()
        self.flush()

    def hold(self) -> None:
        """Let the driver's `run` return, with the connection as it is."""
        if self._transport is not None:
            self._transport.hold()

    def abort(self, code: int = CloseCode.ABNORMAL, reason: str = "", limit: str | None = None) -> None:
        """Cut the connection, whatever waits to be sent or was not handled yet; `limit` as for `close`."""
        self._fail(code, naming(limit, reason), limit)
        self._writes.clear()
        if self._transport is not None:
            self._aborted = True
            self.executor.call_a_few(self._transport.abort)

    def _fail(self, code: int, told: str, limit: str | None) -> None:
        """Why it ends, for the first reason that there is."""
        if self._failure is None:
            self._failure, self.exceeded = (code, told), limit

    # ------------------------------------------------------------------------------------------------------- reading
    def _feed(self, unread: bytes) -> bool:
        """One pass over what was read, its rest into the backlog; whether so much that others may have to wait."""
        data = self._cutter.whole(unread)
        budget, offset, under_way = self.limits.frames_per_pass, 0, True
        while budget > 0 and (offset < len(data) or self._inflation is not None) and not self.closed:
            if self._inflation is not None:
                budget = self._inflate(self._inflation, budget)
                continue
            frames: Sequence[Cut] = ()
            if (begun := self._cutter.begun) is not None:
                frames, offset = self._cutter.complete(data, offset, begun)
            elif self._deaf and (passed := self._cutter.skip(data, offset)) > offset:
                offset, budget = passed, budget - 1
                continue
            elif self.is_open and self._fragments is None:
                frames, offset = self._cutter.read(data, offset, budget)
            if not frames and offset < len(data):
                frames, offset = self._cutter.cut(data, offset)
                self._look()
            self._frames.left -= len(frames)
            if not self._opened or self._frames.left < 0:
                self._bound(min(offset, len(data)))
            self._hear(frames)
            under_way &= not frames
            budget -= len(frames)
        if self.closed:  # what was heard has led to it
            return False
        if offset < len(data) or self._inflation is not None:  # others have their turn before the rest of this read
            self._backlog.parts.insert(0, data[offset:])
        if not self._opened:
            self._opening += min(offset, len(data)) - self._cutter.held
        if under_way or self._fragments is not None:
            self._watchdog.show_life()
        self.owner.on_pass_end()
        if not self.is_open and self.protocol.close_expected():
            self._watchdog.expect_end()
        if self._writes and not self._unjoined_frames:  # a pong, or what the library queued: a close frame
            self.flush()
        return budget <= 0 or len(data) > LONG_READ

    def _look(self) -> None:
        """The library may have gone on to another state, and have something to send."""
        self._writes += self.protocol.data_to_send()
        self.is_open = self.protocol.state is OPEN and not self.closed
        if not self.is_open:
            self._cutter.is_plain = False  # nothing is read any more but the end, which is the library's

    def _bound(self, read: int) -> None:
        """Cut a peer that says too much: in a second, or before it is known to speak WebSocket."""
        if self._opened:
            if self._frames.is_exceeded(self.now):
                self.close(CloseCode.POLICY, f"more than {self.limits.frames} in a second", "frames")
            return
        protocol, limit = self.protocol, self.limits.handshake_size
        if self._opening + read <= limit or protocol.state is not CONNECTING or protocol.eof_sent:
            return
        name, reason = "handshake_size", f"the handshake is larger than {limit} bytes"
        if isinstance(protocol, ServerProtocol):
            told = naming(name, reason)
            self._fail(CloseCode.POLICY, told, name)
            protocol.send_response(protocol.reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"{told}\n"))
            self._look()
        else:
            self.abort(CloseCode.POLICY, reason, name)

    def _resume(self) -> None:
        if self.closed or self._aborted:
            return
        if self._backlog.parts:
            self.now = self._watchdog.last_byte = self.executor.now()  # its bytes were here, and nobody read on
            self._feed(self._backlog.parts.pop(0))
            if self._wait():
                return
        if self._ended:
            self.eof()
        else:
            self._live.resume_reading()

    def _wait(self) -> bool:
        """Let others have their turn, if they have to wait for it; whether this one does."""
        return self._backlog.wait(
            self.now,
            is_open=self.is_open,
            inflates=self._deflating is not None,
            is_half_done=self._inflation is not None and self._inflation.is_under_way,
        )

    def _hear(self, frames: Sequence[Cut]) -> None:
        for frame in frames:
            if not isinstance(frame, tuple):
                self._receive_frame(frame)
            elif self._deaf:
                continue
            elif frame[0] == TEXT:
                self.owner.on_message(frame[1])
            elif frame[0] == BYTES:
                self.owner.on_binary(frame[1])
            else:
                self._count_ping()
                if frame[0] == PING and self.is_open:
                    self._send_control(PONG, frame[1])

    def _inflate(self, inflation: Inflation, budget: int) -> int:
        """Go on with a compressed frame; what is left of the budget: nothing after one that took several passes."""
        was_under_way = inflation.is_under_way
        try:
            budget = inflation.go_on(budget)
        except OverflowError:
            self.close(CloseCode.TOO_BIG, f"more than {self._cutter.limit} bytes, uncompressed", "frame")
        except zlib.error:
            self.close(CloseCode.PROTOCOL_ERROR, "what is said to be compressed is not")
        else:
            if budget:
                self._inflation = None
                self._receive_frame(inflation.frame)
        return 0 if was_under_way else budget

    def _count_ping(self) -> None:
        """Close for a peer that asks for too many signs of life, or gives them."""
        self._pings.left -= 1
        if self._pings.left < 0 and self._pings.is_exceeded(self.now):
            self.close(CloseCode.POLICY, f"more than {self.limits.pings} pings and pongs in a second", "pings")

    def _receive_frame(self, frame: Event) -> None:
        if isinstance(frame, Frame):
            opcode, data = frame.opcode, bytes(frame.data)
            frame.data = b""  # the library's parser keeps the frame until another comes, and it may be a megabyte
            if not self._opened:  # RFC 6455, section 4.1: a client waits for the answer
                self.abort(CloseCode.PROTOCOL_ERROR, "frames came before the handshake was answered")
            elif opcode is Opcode.PING or opcode is Opcode.PONG:
                self._count_ping()
            elif self._deaf:  # what is no control frame is no longer read
                return
            elif isinstance(frame, Packed):
                assert self._deflating is not None, "nothing else packs"
                room = self._cutter.limit - (0 if self._fragments is None else self._fragments.size)
                self._inflation = self._deflating.inflate(frame, data, room)
            elif opcode is Opcode.TEXT and frame.fin:
                self.owner.on_message(data)
            elif opcode is Opcode.BINARY and frame.fin:
                self.owner.on_binary(data)
            elif opcode is not Opcode.CLOSE:
                self._receive_fragment(frame, data)
        elif isinstance(frame, Request):
            self.owner.on_request(frame)
        else:
            self._opening_over(accepted=self.protocol.handshake_exc is None)  # a close frame may have come with it

    def _receive_fragment(self, frame: Frame, data: bytes) -> None:
        fragments = self._fragments = self._fragments or Fragments()
        fragments.add(frame.opcode, data)
        if len(fragments.parts) > self.limits.fragments:
            self._fragments = None
            self.close(CloseCode.TOO_BIG, f"more than {self.limits.fragments} of one message", "fragments")
        elif frame.fin:
            self._fragments = None
            take = self.owner.on_message if fragments.opcode is Opcode.TEXT else self.owner.on_binary
            take(b"".join(fragments.parts))

    # ---------------------------------------------------------------------------------------------------- handshakes
    def _opening_over(self, *, accepted: bool) -> None:
        self._watchdog.opened(accepted=accepted)
        self._look()
        if not accepted:
            return
        self._opened = True
        self._cutter.open()
        self._frames = PerSecond(self.limits.frames, self.now)
        protocol = self.protocol
        for extension in protocol.extensions:
            assert isinstance(extension, Deflating), "no other is ever offered or taken"
            self._deflating, self.framing = extension, extension.setting
        self.owner.on_open(protocol.subprotocol)

    # -------------------------------------------------------------------------------------------------------- writing
    def _count(self, size: int) -> None:
        self._largest = max(self._largest, size)
        self._unjoined_frames += 1
        self._unjoined_bytes += size
        if self._unjoined_frames >= JOIN_FRAMES or self._unjoined_bytes >= JOIN_BYTES:
            self.flush()

    def ping(self) -> None:
        """Ask the peer for a sign of life."""
        if self.is_open:
            self._send_control(PING)
            self.flush()

    def pong(self) -> None:
        """Give a sign of life with the next `flush`, unasked (RFC 6455, section 5.5.3)."""
        self._send_control(PONG)

    def _send_control(self, first: int, payload: bytes = b"") -> None:
        self._writes.append(frame_of(first, payload, None if self._masks is None else next(self._masks)[0]))
