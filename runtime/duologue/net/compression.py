"""Compression: permessage-deflate (RFC 7692), as the `websockets` library has it, for the texts that gain by it."""

from __future__ import annotations

from collections.abc import Sequence
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
"""So much that comes out of compressed frames counts as a frame more in its pass."""


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


class Deflating(PerMessageDeflate):
    """The extension of one connection.

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
        self._inflated = 0

    def take_inflated(self) -> int:
        """Bytes that came out of compressed frames since this was asked last."""
        inflated, self._inflated = self._inflated, 0
        return inflated

    @override
    def encode(self, frame: Frame) -> Frame:
        if frame.opcode is not Opcode.TEXT or len(frame.data) < self._threshold:
            return frame  # uncompressed messages are always allowed (RFC 7692, section 6)
        return super().encode(frame)

    @override
    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        decoded = super().decode(frame, max_size=max_size)  # inflates no more than `max_size`
        if decoded is not frame:
            self._inflated += len(decoded.data)
        return decoded


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
