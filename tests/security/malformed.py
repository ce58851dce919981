"""Sequences of frames of which one breaks RFC 6455, drawn from a seed, with the close codes that may answer it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.runtime.hostile import frame, message
from websockets.frames import Opcode

PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = "1002", "1007", "1009"
GOOD_CODES: Final = (1000, 1001, 1003, 1007, 1008, 1011, 3000, 4999)
BAD_CODES: Final = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
BAD_TEXT: Final = (
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xc0\xaf",
    b"\xe2\x82",
    b"\xf4\x90\x80\x80",
)
"""No UTF-8: a lone byte, a wrong second one, a surrogate, five bytes, an overlong form, a cut, beyond Unicode."""


@dataclass(frozen=True)
class Sequence:
    """What is sent, what it breaks, and how the connection may end."""

    data: bytes
    fault: str
    codes: tuple[str, ...]


def head(first: int, size: int, *, masked: bool = True, form: int | None = None) -> bytes:
    """A frame's header, its size in the shortest form unless another one is asked for."""
    form = form or (size if size < 126 else 126 if size < 1 << 16 else 127)
    tail = struct.pack(">H", size) if form == 126 else struct.pack(">Q", size) if form == 127 else b""
    return bytes([first, form | (0x80 if masked else 0)]) + tail + (b"\0\0\0\0" if masked else b"")


class Malformed:
    """Draws sequences: frames that are good, and one that is not."""

    def __init__(self, seed: int) -> None:
        self.random: random.Random = random.Random(seed)
        self._faults: dict[str, Callable[[], tuple[bytes, tuple[str, ...]]]] = {
            "a reserved bit": self._reserved_bit,
            "an opcode that there is not": self._opcode,
            "no mask": self._no_mask,
            "a long control frame": self._long_control,
            "a control frame in fragments": self._fragmented_control,
            "a continuation of nothing": self._continuation,
            "a message inside of a message": self._interleaved,
            "text that is no text": self._bad_text,
            "text that is none where its fragments meet": self._bad_fragments,
            "a size beyond the limit": self._large,
            "a size of more than 63 bits": self._huge,
            "a close code that there is not": self._close_code,
            "half a close code": self._half_a_close_code,
            "a close reason that is no text": self._close_reason,
        }

    def draw(self) -> Sequence:
        """The next sequence."""
        fault = self.random.choice(list(self._faults))
        data, codes = self._faults[fault]()
        before = b"".join(self._good() for _ in range(self.random.randrange(3)))
        rest = self.random.choice([b"", self._good()])
        if self.random.random() < 0.3:  # text is read when its frame was, and what follows may be broken by then
            rest, codes = self._payload(), (*codes, PROTOCOL_ERROR, TOO_BIG)
        return Sequence(before + data + rest, fault, codes)

    def _good(self) -> bytes:
        text = message(id=str(self.random.randrange(1 << 30)), action="echo", params={"text": "on"})
        in_two = frame(b'{"id":"0",', fin=False) + frame(b"", Opcode.PING) + frame(b'"action":"no"}', Opcode.CONT)
        return self.random.choice([text, in_two, frame(b"hello", Opcode.PING), frame(b"", Opcode.PONG)])

    def _payload(self, most: int = 300) -> bytes:
        return self.random.randbytes(self.random.randrange(most))

    # --------------------------------------------------------------------------------------------------------- faults
    def _reserved_bit(self) -> tuple[bytes, tuple[str, ...]]:
        data, bits = self._payload(), self.random.randrange(1, 8) << 4
        opcode = self.random.choice([Opcode.TEXT, Opcode.BINARY, Opcode.PING])
        data = data[:125]
        return head(0x80 | bits | opcode, len(data)) + data, (PROTOCOL_ERROR,)

    def _opcode(self) -> tuple[bytes, tuple[str, ...]]:
        data = self._payload(100)
        return head(0x80 | self.random.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), len(data)) + data, (PROTOCOL_ERROR,)

    def _no_mask(self) -> tuple[bytes, tuple[str, ...]]:
        data, opcode = self._payload(100), self.random.choice([Opcode.TEXT, Opcode.PING, Opcode.CLOSE])
        return head(0x80 | opcode, len(data), masked=False) + data, (PROTOCOL_ERROR,)

    def _long_control(self) -> tuple[bytes, tuple[str, ...]]:
        size = self.random.choice([126, 127, 1000, 70_000])
        opcode = self.random.choice([Opcode.PING, Opcode.PONG, Opcode.CLOSE])
        return head(0x80 | opcode, size) + bytes(size), (PROTOCOL_ERROR,)

    def _fragmented_control(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(b"", self.random.choice([Opcode.PING, Opcode.PONG]), fin=False), (PROTOCOL_ERROR,)

    def _continuation(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(self._payload(), Opcode.CONT, fin=self.random.random() < 0.5), (PROTOCOL_ERROR,)

    def _interleaved(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(b"[", fin=False) + frame(b"[", self.random.choice([Opcode.TEXT, Opcode.BINARY])), (PROTOCOL_ERROR,)

    def _bad_text(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(b'{"id":"1","action":"' + self.random.choice(BAD_TEXT) + b'"}'), (INVALID_DATA,)

    def _bad_fragments(self) -> tuple[bytes, tuple[str, ...]]:
        bad = self.random.choice(BAD_TEXT)
        cut = self.random.randrange(len(bad) + 1)
        first, last = b'{"id":"1","action":"' + bad[:cut], bad[cut:] + b'"}'
        return frame(first, fin=False) + frame(last, Opcode.CONT), (INVALID_DATA,)

    def _large(self) -> tuple[bytes, tuple[str, ...]]:
        size = self.random.choice([(1 << 20) + 1, 1 << 24, 1 << 40, (1 << 63) - 1])
        return head(0x80 | Opcode.TEXT, size, form=127) + self._payload(), (TOO_BIG,)

    def _huge(self) -> tuple[bytes, tuple[str, ...]]:
        size = self.random.choice([1 << 63, (1 << 64) - 1])
        return head(0x80 | Opcode.BINARY, size, form=127) + self._payload(), (PROTOCOL_ERROR, TOO_BIG)

    def _close_code(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(struct.pack(">H", self.random.choice(BAD_CODES)) + b"x", Opcode.CLOSE), (PROTOCOL_ERROR,)

    def _half_a_close_code(self) -> tuple[bytes, tuple[str, ...]]:
        return frame(self.random.randbytes(1), Opcode.CLOSE), (PROTOCOL_ERROR,)

    def _close_reason(self) -> tuple[bytes, tuple[str, ...]]:
        code = struct.pack(">H", self.random.choice(GOOD_CODES))
        return frame(code + self.random.choice(BAD_TEXT), Opcode.CLOSE), (INVALID_DATA, PROTOCOL_ERROR)
