"""Whole messages, read and written without the library, against the library: the same frames, whatever comes."""

from __future__ import annotations

import random
import runpy
import sys
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from duologue.limits import KIB
from duologue.net import frames
from duologue.net.frames import BYTES, LINE, MASKS, TEXT, Cut, Cutter, frame_of, masks

LIMIT = 100 * KIB
SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, LIMIT)


def opened(*, masked: bool) -> ServerProtocol | ClientProtocol:
    """The library's end that reads frames with, or without, a mask; its handshake is over."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=LIMIT)
    server = ServerProtocol(max_size=LIMIT)
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    [request] = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    client.receive_data(b"".join(server.data_to_send()))
    client.events_received()
    return server if masked else client


def cutter(*, masked: bool) -> Cutter:
    cut = Cutter(opened(masked=masked))
    cut.open()
    return cut


def said(found: Sequence[object]) -> list[tuple[Opcode, bool, bytes]]:
    """What was read, in one form, whoever read it."""
    events: list[tuple[Opcode, bool, bytes]] = []
    for one in found:
        if isinstance(one, tuple):
            first, payload = cast("tuple[int, bytes]", one)
            events.append((Opcode(first & 0x0F), True, payload))
        else:
            assert isinstance(one, Frame)
            events.append((one.opcode, one.fin, bytes(one.data)))
    return events


def look(cut: Cutter, data: bytes, at: int, *, fragmented: bool = False) -> tuple[Sequence[Cut], int]:
    """What comes next, as a link asks for it."""
    if cut.begun is not None:
        return cut.complete(data, at, cut.begun)
    found, at = cut.read(data, at, 3) if not fragmented else ((), at)
    return (found, at) if found or at == len(data) else cut.cut(data, at)


def read_all(cut: Cutter, parts: Sequence[bytes]) -> list[tuple[Opcode, bool, bytes]]:
    events: list[tuple[Opcode, bool, bytes]] = []
    fragmented = False
    for part in parts:
        data, at = cut.whole(part), 0
        while at < len(data):
            found, at = look(cut, data, at, fragmented=fragmented)
            for opcode, fin, payload in said(found):
                events.append((opcode, fin, payload))
                if opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                    fragmented = not fin
    return events


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("first", "opcode"), [(TEXT, Opcode.TEXT), (BYTES, Opcode.BINARY)])
def test_the_library_reads_what_is_written(first: int, opcode: Opcode, size: int, masked: bool) -> None:
    message = random.Random(size).randbytes(size)
    peer = opened(masked=masked)
    peer.receive_data(frame_of(first, message, b"mask" if masked else None))
    assert said(peer.events_received()) == [(opcode, True, message)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_what_the_library_writes_is_read(size: int, masked: bool) -> None:
    message = random.Random(size).randbytes(size)
    data = Frame(Opcode.BINARY, message).serialize(mask=masked)
    assert read_all(cutter(masked=masked), [data]) == [(Opcode.BINARY, True, message)]


FRAMES = st.one_of(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300)).map(lambda it: [Frame(*it)]),
    st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)).map(lambda it: [Frame(*it)]),
    st.lists(st.binary(max_size=200), min_size=2, max_size=4).map(
        lambda parts: [
            Frame(Opcode.CONT if n else Opcode.TEXT, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)
        ]
    ),
)


@given(frames=st.lists(FRAMES, max_size=8), masked=st.booleans(), seed=st.integers(0, 2**16))
def test_frames_of_all_kinds_are_the_librarys_wherever_reads_end(
    frames: list[list[Frame]], masked: bool, seed: int
) -> None:
    sent = [frame for group in frames for frame in group]
    data = b"".join(frame.serialize(mask=masked) for frame in sent)
    chance, parts = random.Random(seed), list[bytes]()
    while data:
        size = chance.choice([1, 2, 3, 7, 60, 500])
        parts.append(data[:size])
        data = data[size:]
    assert read_all(cutter(masked=masked), parts) == [(frame.opcode, frame.fin, bytes(frame.data)) for frame in sent]


@given(noise=st.binary(max_size=64), masked=st.booleans(), whole=st.booleans())
def test_noise_is_refused_as_the_library_refuses_it(noise: bytes, masked: bool, whole: bool) -> None:
    """A message first, so that the noise begins where a frame would."""
    data = Frame(Opcode.TEXT, b"hello").serialize(mask=masked) + noise
    alone = opened(masked=masked)
    alone.receive_data(data)
    cut = Cutter(ours := opened(masked=masked))
    cut.open()
    parts = [data] if whole else [data[n : n + 1] for n in range(len(data))]
    read = read_all(cut, parts)
    assert read[: len(said(alone.events_received()))] or not read
    assert (ours.close_sent is None) or ours.close_sent == alone.close_sent
    if alone.close_sent is not None and len(noise) >= 14:
        assert ours.close_sent == alone.close_sent


@pytest.mark.parametrize("masked", [False, True])
def test_what_is_too_large_is_the_librarys_to_refuse(masked: bool) -> None:
    protocol = opened(masked=masked)
    cut = Cutter(protocol)
    cut.open()
    data = Frame(Opcode.TEXT, bytes(LIMIT + 1)).serialize(mask=masked)
    assert read_all(cut, [data[:100]]) == []
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == 1009


@pytest.mark.parametrize("masked", [False, True])
def test_a_mask_where_none_may_be_and_none_where_one_must(masked: bool) -> None:
    protocol = opened(masked=masked)
    cut = Cutter(protocol)
    cut.open()
    assert read_all(cut, [Frame(Opcode.TEXT, b"hello").serialize(mask=not masked)]) == []
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == 1002


def test_each_mask_is_used_once_and_none_is_like_another() -> None:
    drawing = masks()
    drawn = [next(drawing)[0] for _ in range(3 * MASKS)]
    assert {len(mask) for mask in drawn} == {4}
    assert len(set(drawn)) > 3 * MASKS - 3  # two of four bytes may be alike, once in ten thousand runs


def test_a_handshake_in_any_parts_leaves_the_library_nothing_of_a_frame() -> None:
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=LIMIT)
    server = ServerProtocol(max_size=LIMIT)
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    [request] = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    data = b"".join(server.data_to_send()) + Frame(Opcode.TEXT, b"early").serialize(mask=False)
    for size in range(1, len(data)):
        peer = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=LIMIT)
        peer.key = client.key
        peer.send_request(peer.connect())
        cut, read = Cutter(peer), list[object]()
        for part in (data[n : n + size] for n in range(0, len(data), size)):
            part, at = cut.whole(part), 0  # noqa: PLW2901
            while at < len(part):
                found, at = look(cut, part, at)
                for one in found:
                    if isinstance(one, tuple | Frame):
                        read.append(one)
                    else:
                        cut.open()
        assert cut.is_plain
        assert said(read) == [(Opcode.TEXT, True, b"early")]


def test_a_handshake_that_drips_costs_the_library_a_look_at_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"))
    client.send_request(client.connect())
    request = b"".join(client.data_to_send())
    server, given = ServerProtocol(), list[bytes]()
    receive_data = server.receive_data

    def note(data: bytes) -> None:
        given.append(data)
        receive_data(data)

    monkeypatch.setattr(server, "receive_data", note)
    cut = Cutter(server)
    for n in range(len(request)):
        data = cut.whole(request[n : n + 1])
        assert cut.cut(data, 0)[1] == len(data)
    assert given == request.splitlines(keepends=True)
    assert cut.held == 0


def test_a_line_that_does_not_end_is_the_librarys_to_refuse() -> None:
    server = ServerProtocol()
    cut = Cutter(server)
    for _ in range(2 * LINE):
        if not server.eof_sent:
            cut.cut(cut.whole(b"x"), 0)
    assert server.eof_sent


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_frames_are_masked_alike_where_nothing_is_compiled(payload: bytes, mask: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "websockets.speedups", None)
        plain = runpy.run_path(frames.__file__, run_name="duologue.net.plain_frames")
    assert plain["apply_mask"] is not vars(frames)["apply_mask"]
    assert plain["frame_of"](TEXT, payload, mask) == frame_of(TEXT, payload, mask)
