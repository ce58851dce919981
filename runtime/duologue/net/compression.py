"""Compression: permessage-deflate (RFC 7692), as the `websockets` library has it, for the texts that gain by it.

What comes is inflated here, a piece at a time: the library would have a megabyte inflated before anybody else is heard.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from typing import Any, Final

from msgspec import Struct
from typing_extensions import override
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.typing import ExtensionParameter

from ..limits import KIB

INFLATED: Final = 4 * KIB
PACKED: Final = 256
"""So much that comes out of a compressed frame counts as a frame more in its pass, and so does so much of what goes in:
of nothing but tables, from which nothing comes, a byte takes twenty times as long as one that does."""

TAKEN: Final = 4 * PACKED
PIECE: Final = 4 * INFLATED
"""Bytes that are inflated at once, and that may come of them."""

_END: Final = b"\x00\x00\xff\xff"
"""What a sender leaves out at the end of a message (RFC 7692, section 7.2.2)."""


class Deflate(Struct, frozen=True, kw_only=True):
    """Compress texts, where the other end agrees. Binary messages go as they are: most are compressed already.

    Secrets and what an attacker chose should not stand in one message then: its size tells whether they are alike.

    Attributes:
        threshold: Bytes of a text below which it is not compressed.
        level: 1 is fast, 9 small.
        memory: Of the compressor, 1 to 9; it needs about ``2 ** (memory + 9)`` bytes.
        window_bits: How far back repetition is looked for, in either direction: ``2 ** window_bits`` bytes; 9 to 15.
        server_no_context_takeover: Whether the server compresses each text for itself: then an event is compressed once
            for all of its subscribers, and a connection holds no compressor while it is silent. False finds more
            repetition, at the cost of a compressor, and of compressing, for each connection.
        client_no_context_takeover: The same for texts to the server.

    Raises:
        ValueError: A value that there is not.
    """

    threshold: int = 1 * KIB
    level: int = 6
    memory: int = 5
    window_bits: int = 12
    server_no_context_takeover: bool = True
    client_no_context_takeover: bool = True

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("level", self.level, 1, 9),
            ("memory", self.memory, 1, 9),
            ("window_bits", self.window_bits, 9, 15),
        ):
            if not low <= value <= high:
                raise ValueError(f"Deflate: {name} is {low} to {high}, not {value}")
        if self.threshold < 0:
            raise ValueError(f"Deflate: threshold is a number of bytes, not {self.threshold}")

    @property
    def compress_settings(self) -> dict[str, int]:
        """What the library passes on to `zlib.compressobj`."""
        return {"level": self.level, "memLevel": self.memory}


class Packed(Frame):
    """A frame of a compressed message, as it came."""


class Inflation:
    """A frame that is inflated bit by bit, so that others have their turns meanwhile.

    Args:
        room: Bytes that may come out of it.

    Attributes:
        frame: The frame that it was, or that it is when all was inflated.
        is_under_way: Whether it was begun.
    """

    __slots__ = ("_parts", "_pieces", "_room", "frame", "is_under_way")

    def __init__(self, frame: Packed, pieces: Generator[tuple[int, bytes]], room: int) -> None:
        self.frame: Frame = frame
        self.is_under_way = False
        self._pieces = pieces
        self._room = room
        self._parts: list[bytes] = []

    def go_on(self, budget: int) -> int:
        """Inflate about as much as so many frames stand for; how many are left when all was inflated, else 0.

        Raises:
            OverflowError: More comes out than there is room for.
            zlib.error: What came is not compressed.
        """
        self.is_under_way = True
        for cost, part in self._pieces:
            self._room -= len(part)
            if self._room < 0:
                raise OverflowError
            if part:
                self._parts.append(part)
            budget -= cost
            if budget <= 0:
                return 0
        self.frame = Frame(self.frame.opcode, b"".join(self._parts), self.frame.fin)
        return budget


class Deflating(PerMessageDeflate):
    """The extension of one connection: compresses as the library does, and leaves what came to `inflate`.

    Attributes:
        setting: Connections of one setting send the same bytes for a text; None where what was sent before counts, too.
    """

    def __init__(self, agreed: PerMessageDeflate, wanted: Deflate) -> None:
        super().__init__(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
            wanted.compress_settings,
        )
        shared = f"{wanted.threshold} {wanted.compress_settings} {agreed.local_max_window_bits}"
        self.setting: str | None = shared if agreed.local_no_context_takeover else None
        self._threshold = wanted.threshold

    @override
    def encode(self, frame: Frame) -> Frame:
        if frame.opcode is not Opcode.TEXT or len(frame.data) < self._threshold:
            return frame  # uncompressed messages are always allowed (RFC 7692, section 6)
        return super().encode(frame)

    @override
    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.opcode is Opcode.CONT:  # whose message says whether it is compressed, and not a bit of its own
            is_packed = self.decode_cont_data and not frame.rsv1
        else:
            is_packed = frame.rsv1 and frame.opcode in (Opcode.TEXT, Opcode.BINARY)
        if not is_packed:
            return frame
        self.decode_cont_data = not frame.fin
        return Packed(frame.opcode, frame.data, frame.fin, False, frame.rsv2, frame.rsv3)

    def inflate(self, frame: Packed, data: bytes, room: int) -> Inflation:
        """Begin to inflate what came in a frame, that before it being done with; see `Inflation`."""
        if frame.opcode is not Opcode.CONT and self.remote_no_context_takeover:
            self.decoder = self._new_decoder()
        return Inflation(frame, self._pieces(data + _END * frame.fin, is_last=frame.fin), room)

    def _new_decoder(self) -> Any:
        return zlib.decompressobj(wbits=-self.remote_max_window_bits)

    def _pieces(self, packed: bytes, *, is_last: bool) -> Generator[tuple[int, bytes]]:
        """Each part that comes out, with the number of frames that it counts for."""
        for start in range(0, len(packed), TAKEN):
            rest = packed[start : start + TAKEN]
            while rest:
                before, part = len(rest), self.decoder.decompress(rest, PIECE)
                rest, ends = self.decoder.unconsumed_tail or self.decoder.unused_data, self.decoder.eof
                if ends:  # a block may say that it is the last one (RFC 7692, section 7.2.3.4)
                    self.decoder = self._new_decoder()
                yield ends + max((before - len(rest)) // PACKED, len(part) // INFLATED), part
        if is_last and self.remote_no_context_takeover:
            del self.decoder  # it takes 12 KiB and more


def _settings(wanted: Deflate) -> dict[str, Any]:
    """What either of the library's factories takes."""
    return {
        "server_no_context_takeover": wanted.server_no_context_takeover,
        "client_no_context_takeover": wanted.client_no_context_takeover,
        "server_max_window_bits": wanted.window_bits,
        "client_max_window_bits": wanted.window_bits,
        "compress_settings": wanted.compress_settings,
    }


class _ServerFactory(ServerPerMessageDeflateFactory):
    def __init__(self, wanted: Deflate) -> None:
        super().__init__(**_settings(wanted))
        self._wanted: Final = wanted

    @override
    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        answer, agreed = super().process_request_params(params, accepted_extensions)
        return answer, Deflating(agreed, self._wanted)


class _ClientFactory(ClientPerMessageDeflateFactory):
    def __init__(self, wanted: Deflate) -> None:
        super().__init__(**_settings(wanted))
        self._wanted: Final = wanted

    @override
    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        # A server may allow its client a larger window than was offered: the smaller one is right (RFC 7692, 7.1.2.2).
        offered = self._wanted.window_bits
        larger = {("client_max_window_bits", str(bits)) for bits in range(offered + 1, 16)}
        params = [("client_max_window_bits", str(offered)) if param in larger else param for param in params]
        return Deflating(super().process_response_params(params, accepted_extensions), self._wanted)


def server_extensions(compression: Deflate | None) -> list[ServerPerMessageDeflateFactory] | None:
    """What a server's half of the library's protocol takes as its extensions."""
    return None if compression is None else [_ServerFactory(compression)]


def client_extensions(compression: Deflate | None) -> list[ClientPerMessageDeflateFactory] | None:
    """The same for a client's."""
    return None if compression is None else [_ClientFactory(compression)]
