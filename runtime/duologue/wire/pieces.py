"""Binary messages: the pieces of an upload or a download.

``u8 version = 1, u8 kind, u32 stream, u64 offset``, big-endian, then at most 64 KiB of payload.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from msgspec import Struct

from .messages import BadMessage

VERSION: Final = 1
PAYLOAD: Final = 64 * 1024
"""Bytes of one piece at most: what leaves between two of them waits no longer than one takes."""

DIGEST: Final = 32
"""Bytes of a SHA-256 digest: the payload at the end of a download."""

_HEADER: Final = struct.Struct(">BBIQ")
HEADER: Final = _HEADER.size
"""Bytes of a piece before its payload."""


class PieceKind(enum.IntEnum):
    """What a piece says of its stream."""

    DATA = 1
    END = 2
    """All was sent."""
    ABORT = 3
    """The sender cannot go on."""


_KINDS: Final = {int(kind): kind for kind in PieceKind}


class Piece(Struct, frozen=True):
    """One piece; `offset` is that of its first byte in the whole."""

    kind: PieceKind
    stream: int
    offset: int
    data: memoryview


def encode_piece(kind: PieceKind, stream: int, offset: int, data: bytes | memoryview = b"") -> bytes:
    return b"".join((_HEADER.pack(VERSION, kind, stream, offset), data))


def decode_piece(message: bytes) -> Piece:
    """Raises `BadMessage` for what is no piece."""
    if len(message) < HEADER:
        raise BadMessage(f"a binary message of {len(message)} bytes; the header alone has {HEADER}")
    version, kind, stream, offset = _HEADER.unpack_from(message)
    if version != VERSION or kind not in _KINDS:
        raise BadMessage(f"a binary message of version {version} and kind {kind}, which there is not")
    if len(message) > HEADER + PAYLOAD:
        raise BadMessage(f"a piece of {len(message) - HEADER} bytes; at most {PAYLOAD} are allowed")
    return Piece(_KINDS[kind], stream, offset, memoryview(message)[HEADER:])
