"""The frames that nearly all messages are: whole, of text or bytes, and without extensions (RFC 6455, section 5.2).

The library knows all frames, at four microseconds each way: for what is small that was more than all else of a call but
its models. So these are read and written here, and pings and pongs, which are all that idle connections have to say;
whatever else comes is cut out for the library, one frame at a time, and so are those that it is going to refuse.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Final, TypeAlias

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import Event
from websockets.server import ServerProtocol

from ..limits import KIB
from .handshake import open_protocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # there is no compiled form of it for this machine
    from websockets.utils import apply_mask

TEXT: Final = 0x81
BYTES: Final = 0x82
"""First bytes of a whole message."""
PING: Final = 0x89
PONG: Final = 0x8A
"""First bytes of what asks for a sign of life, and of one."""

Cut: TypeAlias = Event | tuple[int, bytes]
"""What the library read, or the first byte and the payload of a frame that was read without it."""

HEAD_END: Final = b"\r\n\r\n"
"""Ends an HTTP head (RFC 9112, section 2.1)."""
LINE: Final = 8 * KIB
"""Bytes of a line of it; what is longer is the library's to refuse."""

MASKED: Final = 0x80
_LENGTH_16, _LENGTH_64 = 126, 127
_MASK: Final = struct.Struct("4s")
_CONTROL: Final = 0b0000_1000
"""The bit of the first byte that tells a ping, a pong and a close frame from a message, or a part of one."""
_KIND: Final = 0b0000_0111
"""Those that tell which message, or which of the others."""
SKIPPED: Final = 64
"""Frames that nobody is to hear are passed over in the time of one that somebody is."""

COPIED: Final = 4 * KIB
"""Bytes of a payload that is copied before it is unmasked: a view spares one of three copies, and costs more than that
of what is short."""

_HEAD: Final = struct.Struct("!BB").pack
_HEAD_16: Final = struct.Struct("!BBH").pack
_HEAD_64: Final = struct.Struct("!BBQ").pack

MASKS: Final = 256
"""Masks that are drawn at once: each asks the kernel (RFC 6455, section 5.3, wants them unpredictable)."""


def frame_of(first: int, message: bytes, mask: bytes | None = None) -> bytes:
    """The frame of a whole message: a client's with a mask of four bytes, a server's without."""
    size, bit = len(message), 0 if mask is None else MASKED
    if size < _LENGTH_16:
        head = _HEAD(first, bit | size)
    elif size < 1 << 16:
        head = _HEAD_16(first, bit | _LENGTH_16, size)
    else:
        head = _HEAD_64(first, bit | _LENGTH_64, size)
    return head + message if mask is None else b"".join((head, mask, apply_mask(message, mask)))


def masks() -> Iterator[tuple[bytes]]:
    """Masks for the frames of a client, each for one frame, without a call of a Python function."""
    return chain.from_iterable(map(_MASK.iter_unpack, map(os.urandom, repeat(_MASK.size * MASKS))))


class Fragments:
    """The fragments of a message that is not whole yet, their size, and whether it is text or binary."""

    __slots__ = ("opcode", "parts", "size")

    def __init__(self) -> None:
        self.opcode = Opcode.TEXT
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, opcode: Opcode, data: bytes) -> None:
        if opcode is not Opcode.CONT:
            self.opcode = opcode
        self.parts.append(data)
        self.size += len(data)


def read(data: bytes, start: int, most: int, limit: int, *, masked: bool) -> tuple[list[tuple[int, bytes]], int]:
    """Read whole messages, at most so many, that stand one after the other in what came.

    Args:
        limit: Bytes of a message; what is longer is the library's to refuse.
        masked: Whether frames must have a mask, as a client's do; they must not otherwise.

    Returns:
        The first byte and the payload of each; and where the first one begins that is something else, or not all there.
    """
    messages: list[tuple[int, bytes]] = []
    bit, end = MASKED if masked else 0, len(data)
    while len(messages) < most and end - start >= 2 and (data[start] == TEXT or data[start] == BYTES):
        first, size, body = data[start], data[start + 1] - bit, start + 2
        if size == _LENGTH_16:
            size, body = int.from_bytes(data[body : body + 2]), body + 2
        elif size == _LENGTH_64:
            size, body = int.from_bytes(data[body : body + 8]), body + 8
        elif not 0 <= size < _LENGTH_16:
            break
        if masked:
            body += 4
        if body + size > end or size > limit:
            break
        if masked:
            source = memoryview(data) if size > COPIED else data
            messages.append((first, apply_mask(source[body : body + size], data[body - 4 : body])))
        else:
            messages.append((first, data[body : body + size]))
        start = body + size
    return messages, start


def length(data: bytes, start: int) -> int:
    """Bytes of the frame that begins there, whatever it is; 0 when that is not known yet.

    An opcode that there is not is not waited for: the library refuses it at once, and all else when it has come.
    """
    if len(data) - start < 2:
        return 0
    size, head = data[start + 1] & ~MASKED, 6 if data[start + 1] & MASKED else 2
    if size < _LENGTH_16:
        return head + size
    wide = 2 if size == _LENGTH_16 else 8
    if len(data) - start < 2 + wide:
        return len(data) - start if data[start] & _KIND > Opcode.BINARY else 0
    return head + wide + int.from_bytes(data[start + 2 : start + 2 + wide])


def _body(data: bytes | bytearray, start: int) -> int:
    """Where the payload of the frame begins that begins there."""
    size, body = data[start + 1] & ~MASKED, start + (6 if data[start + 1] & MASKED else 2)
    return body if size < _LENGTH_16 else body + (2 if size == _LENGTH_16 else 8)


class Cutter:
    """Cuts what comes on one connection into messages, and into parts for the library's protocol, which are events.

    The library gets one frame at a time, whatever it is and whenever it comes: it parses all that it is given, and
    4 KiB of the smallest frames take it longer than anybody else should have to wait.

    Of a server's connection the library's protocol is there for the handshake, and then while there is something for it
    to read: it takes 1.7 KiB, and one whose connection is idle is as good as new.

    Attributes:
        is_plain: Whether the connection is open and without extensions: then its messages are read and written here.
        limit: Bytes of a message; what is longer is the library's to refuse.
        kept: The library's protocol, while there is one.
        held: Bytes that wait for what is to follow them: part of a frame's head, or of a line of the handshake's.
        begun: The beginning of a whole message whose end is still to come; None where there is none.
    """

    __slots__ = (
        "_is_server",
        "_missing",
        "_owed",
        "_rest",
        "_tail",
        "_unheard",
        "begun",
        "is_plain",
        "kept",
        "limit",
    )

    def __init__(self, protocol: ClientProtocol | ServerProtocol) -> None:
        self.is_plain = False
        self.limit = protocol.max_message_size or 0
        self.kept: ClientProtocol | ServerProtocol | None = protocol
        self._is_server = isinstance(protocol, ServerProtocol)
        self._tail: bytes | None = b""
        self._owed = 0
        self._unheard = 0
        self._rest = b""
        self._missing = 0
        self.begun: bytearray | None = None

    @property
    def held(self) -> int:
        return len(self._rest)

    @property
    def awaits_head(self) -> bool:
        """Whether the head of the handshake's request, or of its answer, is not all there yet."""
        return self._tail is not None

    @property
    def protocol(self) -> ClientProtocol | ServerProtocol:
        """The library's; one whose handshake is over, where there was none."""
        if self.kept is None:
            self.kept = open_protocol(self.limit)
        return self.kept

    def rest(self) -> None:
        """Do without the library until something comes that is not read here; not between the parts of a message."""
        if self.kept is not None and self._is_server and self.is_plain and not self._owed:
            vars(self.kept).clear()  # its parser leads back to it: a cycle, which would stay until it is collected
            self.kept = None

    def bound(self, limit: int) -> None:
        """From now on a message has at most so many bytes."""
        self.limit = limit
        if self.kept is not None:
            self.kept.max_message_size = limit

    def open(self) -> None:
        """The handshake is over."""
        self._tail, self.is_plain = None, not self.protocol.extensions

    def hold(self, data: bytes, limit: int) -> bool:
        """Let part of a line of the handshake wait for the rest of it, whatever else is there: it may be one byte.

        Args:
            limit: Bytes that may wait.
        """
        if self._tail is None or len(self._rest) + len(data) > min(limit, LINE) or b"\n" in data:
            return False
        self._rest += data
        return True

    def whole(self, data: bytes) -> bytes:
        """What came, behind what was held."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        return data

    def read(self, data: bytes, start: int, most: int) -> tuple[Sequence[Cut], int]:
        """The messages that come next, at most so many, or a ping or a pong; and where what follows them begins.

        Not to be asked between the parts of one, nor while one is `begun`.
        """
        if self._owed or not self.is_plain:
            return (), start
        messages, end = read(data, start, most, self.limit, masked=self._is_server)
        if messages:
            return messages, end
        if data[end] in (PING, PONG):
            return self._control(data, end)
        if not self._begins(data, end, self.limit):
            return (), end
        self.begun = bytearray(memoryview(data)[end:])
        self._missing = length(data, end) - len(self.begun)
        return (), len(data)

    def _control(self, data: bytes, start: int) -> tuple[Sequence[Cut], int]:
        """A whole ping or pong that begins there; what is wrong with one is the library's to refuse."""
        size, body = length(data, start), start + (6 if self._is_server else 2)
        if not 0 < size <= len(data) - start or data[start + 1] - MASKED * self._is_server not in range(_LENGTH_16):
            return (), start
        payload = data[body : start + size]
        if self._is_server:
            payload = apply_mask(payload, data[body - 4 : body])
        return ((data[start], payload),), start + size

    def _begins(self, data: bytes, start: int, limit: int) -> bool:
        """Whether a whole message begins there that is not for the library to refuse, and is not all there."""
        if data[start] not in (TEXT, BYTES) or not (size := length(data, start)):
            return False
        return data[start + 1] & MASKED == MASKED * self._is_server and start + size - _body(data, start) <= limit

    def complete(self, data: bytes, start: int, begun: bytearray) -> tuple[Sequence[Cut], int]:
        """Go on with what is `begun`: the message, if all of it is there by now, and where what follows it begins.

        Of an upload one piece in three or four comes in two reads, and the library would copy it three times.
        """
        more = memoryview(data)[start : start + self._missing]
        begun += more
        self._missing -= len(more)
        if self._missing:
            return (), len(data)
        self.begun, body, payload = None, _body(begun, 0), memoryview(begun)
        mask, payload = begun[body - 4 : body], payload[body:]
        return ((begun[0], apply_mask(payload, mask) if self._is_server else bytes(payload)),), start + len(more)

    def skip(self, data: bytes, start: int) -> int:
        """Pass over messages and parts of them, at most `SKIPPED`; where what follows begins, which may be there."""
        if self._owed:  # the library has the beginning of it
            return start
        at, most, end = start + self._unheard, SKIPPED, len(data)
        while most and at < end and not data[at] & _CONTROL and (size := length(data, at)):
            at, most = at + size, most - 1
        self._unheard = max(0, at - end)
        return min(at, end)

    def cut(self, data: bytes, start: int) -> tuple[Sequence[Cut], int]:
        """Give the library what comes next: what it made of that, and where what follows it begins."""
        amount = self._owed or self._next(data, start)
        if not amount:
            self._rest = data[start:]
            return (), len(data)
        self._owed = max(0, start + amount - len(data))
        end = min(start + amount, len(data))
        self.protocol.receive_data(data[start:end])
        return self.protocol.events_received(), end

    def _next(self, data: bytes, start: int) -> int:
        """How many bytes the library is to have next, whether they are here or not; 0 when that is not known yet."""
        if self.kept is not None and (self.kept.eof_sent or self.kept.close_rcvd is not None):
            return len(data) - start  # whatever comes now is thrown away
        if self._tail is None:
            return length(data, start)
        return self._part_of_head(data, start, self._tail)

    def _part_of_head(self, data: bytes, start: int, tail: bytes) -> int:
        """How much of the handshake: its whole lines, and nothing of a frame that follows it."""
        end = (tail + data[start:]).find(HEAD_END)
        if end >= 0:
            self._tail = None
            return end + len(HEAD_END) - len(tail)
        part = max(0, data.rfind(b"\n", start) + 1 - start)
        if len(data) - start - part > LINE:
            part = len(data) - start
        self._tail = (tail + data[start : start + part])[1 - len(HEAD_END) :]
        return part
