"""Binary messages, and the counting that says who may send them, and how large."""

from __future__ import annotations

import struct

import pytest

from duologue.session.flow import PIECE_TIME, SMALL_PIECE, Inflow, Outflow, Pace
from duologue.wire import HEADER, PAYLOAD, BadMessage, PieceKind, decode_piece, encode_piece


@pytest.mark.parametrize("kind", list(PieceKind))
@pytest.mark.parametrize("data", [b"", b"x", b"\x00" * PAYLOAD])
@pytest.mark.parametrize(("stream", "offset"), [(1, 0), (2**32 - 1, 2**64 - 1)])
def test_a_piece_is_sent_as_the_reference_says_and_read_again(
    kind: PieceKind, data: bytes, stream: int, offset: int
) -> None:
    message = encode_piece(kind, stream, offset, data)
    assert message == struct.pack(">BBIQ", 1, kind, stream, offset) + data
    piece = decode_piece(message)
    assert (piece.kind, piece.stream, piece.offset, bytes(piece.data)) == (kind, stream, offset, data)


def test_the_header_is_fourteen_bytes_and_the_kinds_have_their_numbers() -> None:
    assert HEADER == 14
    assert (
        encode_piece(PieceKind.DATA, 0x01020304, 0x05, b"ab").hex() == "0101" + "01020304" + "0000000000000005" + "6162"
    )
    assert {kind.name: kind.value for kind in PieceKind} == {"DATA": 1, "END": 2, "ABORT": 3}


def test_a_view_is_sent_like_bytes() -> None:
    assert encode_piece(PieceKind.DATA, 1, 0, memoryview(b"abc")[1:]) == encode_piece(PieceKind.DATA, 1, 0, b"bc")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "0 bytes; the header alone has 14"),
        (encode_piece(PieceKind.DATA, 1, 0)[:-1], "13 bytes; the header alone has 14"),
        (struct.pack(">BBIQ", 0, 1, 1, 0), "version 0 and kind 1"),
        (struct.pack(">BBIQ", 2, 1, 1, 0), "version 2 and kind 1"),
        (struct.pack(">BBIQ", 1, 0, 1, 0), "version 1 and kind 0"),
        (struct.pack(">BBIQ", 1, 4, 1, 0), "version 1 and kind 4"),
        (struct.pack(">BBIQ", 1, 255, 1, 0), "version 1 and kind 255"),
        (encode_piece(PieceKind.DATA, 1, 0, b"x" * (PAYLOAD + 1)), "a piece of 65537 bytes; at most 65536"),
    ],
)
def test_what_is_no_piece_is_refused_and_says_why(message: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        decode_piece(message)
    assert reason in caught.value.reason


# -------------------------------------------------------------------------------------------------------- flow control
def test_credit_only_grows() -> None:
    flow = Outflow(10, 4)
    assert (flow.room, flow.raise_to(10), flow.raise_to(3), flow.credit) == (6, False, False, 10)
    flow.sent = 10
    assert (flow.room, flow.raise_to(11), flow.room) == (0, True, 1)


def test_what_was_not_granted_is_not_taken() -> None:
    flow = Inflow(10, start=100)
    assert (flow.granted, flow.take(10), flow.received) == (110, True, 110)
    assert not flow.take(1)
    assert flow.take(0)
    assert flow.received == 110


@pytest.mark.parametrize(("window", "quiet", "told"), [(1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 1, 2), (10, 4, 5)])
def test_the_sender_is_told_half_a_window_at_a_time(window: int, quiet: int, told: int) -> None:
    flow = Inflow(window)
    assert flow.take(window)
    for _ in range(quiet):
        assert not flow.advance(1)
    assert flow.granted == window
    assert flow.advance(told - quiet)
    assert flow.granted == window + told


# --------------------------------------------------------------------------------------------------------------- pace
def test_pieces_are_small_until_the_link_has_shown_to_be_quick() -> None:
    pace = Pace(10.0)
    assert pace.next(10.0, PAYLOAD) == SMALL_PIECE
    assert pace.next(10.0005, PAYLOAD) == PAYLOAD


def test_pieces_are_small_where_a_full_one_would_take_long() -> None:
    quickest = PAYLOAD / PIECE_TIME  # bytes a second
    for rate, size in ((quickest * 0.9, SMALL_PIECE), (quickest * 1.1, PAYLOAD)):
        pace, now = Pace(0.0), 0.0
        sizes: list[int] = []
        for _ in range(200):
            sizes.append(pace.next(now, PAYLOAD))
            now += sizes[-1] / rate
        assert set(sizes[1:]) == {size}


def test_a_link_that_gets_slow_gets_small_pieces() -> None:
    pace, now = Pace(0.0), 0.0
    for _ in range(10):
        now += 0.001
        assert pace.next(now, PAYLOAD) >= SMALL_PIECE
    assert pace.next(now, PAYLOAD) == PAYLOAD
    assert pace.next(now + 1.0, PAYLOAD) == SMALL_PIECE


def test_no_piece_is_larger_than_it_may_be() -> None:
    pace = Pace(0.0)
    assert [pace.next(0.0, most) for most in (5, 100, 0, PAYLOAD)] == [5, 100, 0, PAYLOAD]
