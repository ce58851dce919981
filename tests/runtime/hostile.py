"""A peer of nothing but a blocking socket: it can say anything, and need not behave."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Self

from websockets.frames import Opcode

HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
OURS: Final = b"Sec-WebSocket-Protocol: duologue.v1\r\n"
DEFLATE: Final = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
END: Final = b"\r\n"
PATIENCE: Final = 15.0
"""Seconds after which a socket that should answer within one is given up."""


def frame(data: bytes = b"", opcode: Opcode = Opcode.TEXT, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """A client's frame, masked with a key of zeros, which changes nothing and costs nothing."""
    head = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    if len(data) < 126:
        return struct.pack(">BB", head, 0x80 | len(data)) + b"\0\0\0\0" + data
    if len(data) < 1 << 16:
        return struct.pack(">BBH", head, 0x80 | 126, len(data)) + b"\0\0\0\0" + data
    return struct.pack(">BBQ", head, 0x80 | 127, len(data)) + b"\0\0\0\0" + data


def message(**members: Any) -> bytes:
    return frame(json.dumps(members).encode())


@cache
def bomb(size: int) -> bytes:
    """A compressed message of so many spaces, a thousandth of that on the wire."""
    deflate = zlib.compressobj(9, wbits=-12)
    data = deflate.compress(b" " * size) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return frame(data[:-4], rsv1=True)


@cache
def tables(size: int) -> bytes:
    """A compressed message of so many bytes, of which nothing comes: it only says by what tables it is compressed.

    An empty block with tables of its own (RFC 1951, section 3.2.7), in the order of its bits, and again and again.
    """
    tells, lengths = "001" + "00000" * 2 + "0111", ["000"] * 18
    lengths[2] = lengths[17] = "100"  # of the symbols 18 and 1, each one bit long
    zeros = ["1" + f"{count - 11:07b}"[::-1] for count in (138, 118)]
    bits = tells + "".join(lengths) + "".join(zeros) + "0" * 3
    whole = bits * 8
    block = bytes(int(whole[at : at + 8][::-1], 2) for at in range(0, len(whole), 8))
    return frame((block * (size // len(block))), rsv1=True)


class Hostile:
    """One connection.

    Args:
        headers: What the handshake says beyond what it must; None for no handshake at all.
        small: Let the kernel hold little of what this side does not read.
    """

    def __init__(
        self, port: int, headers: bytes | None = b"", *, small: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self.socket: socket.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        if headers is not None:
            self.send(HANDSHAKE + headers + END)
            answer = self.answer()
            assert answer.startswith(b"HTTP/1.1 101"), answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def say(self, **members: Any) -> None:
        self.send(message(**members))

    def answer(self) -> bytes:
        """The head of an HTTP answer; empty when there is none."""
        while b"\r\n\r\n" not in self._buffer and self._fill():
            pass
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return head

    def frames(self) -> Iterator[tuple[Opcode, bytes]]:
        """What the server sends, until the connection ends."""
        while True:
            while (found := self._next()) is None:
                if not self._fill():
                    return
            yield found

    def hear(self) -> dict[str, Any]:
        """The next message."""
        for opcode, data in self.frames():
            if opcode is Opcode.TEXT:
                heard: dict[str, Any] = json.loads(data)
                return heard
            assert opcode is not Opcode.CLOSE, data
        raise ConnectionError("the connection ended")

    def end(self) -> str:
        """How the connection ends, in the server's words if it has any."""
        try:
            for opcode, data in self.frames():
                if opcode is Opcode.CLOSE:
                    return f"{struct.unpack('>H', data[:2])[0]} {data[2:].decode()}"
        except TimeoutError:
            return "still open"
        except OSError:
            return "reset"
        return "cut"

    def _fill(self) -> int:
        data = self.socket.recv(1 << 16)
        self._buffer += data
        return len(data)

    def _next(self) -> tuple[Opcode, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            form = ">H" if size == 126 else ">Q"
            start += struct.calcsize(form)
            if len(buffer) < start:
                return None
            [size] = struct.unpack_from(form, buffer, 2)
        if len(buffer) < start + size:
            return None
        found = Opcode(buffer[0] & 0x0F), bytes(buffer[start : start + size])
        del buffer[: start + size]
        return found
