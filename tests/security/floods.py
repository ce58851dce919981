"""What a peer may do to a server with nothing but a socket. Each flood says how it was ended, or what it was told."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Final

from tests.runtime.hostile import DEFLATE, HANDSHAKE, OURS, Hostile, bomb, frame, message, tables
from tests.security.victim import SIGNED_IN
from websockets.frames import Opcode

PIECE: Final = 64
"""Frames that are sent at once."""


def pour(peer: Hostile, data: bytes, times: int) -> None:
    """Send again and again, until it is enough or the server has."""
    with suppress(OSError):
        for _ in range(times):
            peer.send(data)


def told(peer: Hostile) -> str:
    """What the server refuses."""
    while not (error := peer.hear().get("error")):
        pass
    return str(error["message"])


def calls_at_once(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        peer.send(b"".join(message(id=str(n), action="nap", params={"seconds": 60}) for n in range(400)))
        return told(peer)


def calls_whose_answers_are_not_read(port: int) -> str:
    with Hostile(port, SIGNED_IN, small=True) as peer:
        for turn in range(5):
            ids = (f"{turn} {n}" for n in range(200))
            params = {"text": "x" * 100, "times": 1000}
            pour(peer, b"".join(message(id=id, action="echo", params=params) for id in ids), 1)
        time.sleep(1)  # longer than `Limits.write_deadline` lets nothing be taken
        return peer.end()


def pings(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, frame(b"x" * 125, Opcode.PING) * PIECE, 100)
        return peer.end()


def pings_before_login(port: int) -> str:
    with Hostile(port) as peer:
        pour(peer, frame(b"x" * 125, Opcode.PING) * PIECE, 100)
        return peer.end()


def subscriptions(port: int) -> str:
    with Hostile(port, SIGNED_IN + OURS) as peer:
        peer.say(
            hello={"protocol": "chat", "version": "1.0.0", "api": 1, "session": f"{time.monotonic_ns()}", "gen": 1}
        )
        for number in range(400):
            peer.say(id=f"{number}", action="subscribe", params={"events": ["said"], "sub": f"{number}"})
        return told(peer)


def unknown_actions(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, message(id="1", action="x" * 1000) * PIECE, 20)
        return told(peer)


def the_same_id(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, message(id="1", action="nap", params={"seconds": 60}) * PIECE, 20)
        return peer.end()


def long_ids(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, message(id="x" * 100_000, action="echo", params={"text": "on"}), 20)
        return told(peer)


def deep_json(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, frame(b'{"id":"1","action":"echo","params":' + b"[" * 400_000), 5)
        return told(peer)


def huge_json(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        pour(peer, frame(b'{"id":"1","action":"echo","params":{"text":"' + b"x" * 8_000_000), 1)
        return peer.end()


def a_deflate_bomb(port: int) -> str:
    with Hostile(port, SIGNED_IN + DEFLATE) as peer:
        pour(peer, bomb(30_000_000), 1)
        return peer.end()


def many_small_bombs(port: int) -> str:
    with Hostile(port, SIGNED_IN + DEFLATE) as peer:
        pour(peer, bomb(1_000_000), 20)
        return told(peer)


def compressed_nothing(port: int) -> str:
    with Hostile(port, SIGNED_IN + DEFLATE) as peer:
        pour(peer, tables(500_000), 1)
        return told(peer)


def empty_fragments(port: int) -> str:
    with Hostile(port, SIGNED_IN) as peer:
        peer.send(frame(b"", fin=False))
        pour(peer, frame(b"", Opcode.CONT, fin=False) * 1000, 660)
        return peer.end()


def dripping_handshakes(port: int) -> str:
    """200 at once, a byte each now and then, until they are cut."""
    sockets: list[socket.socket] = []
    for _ in range(200):
        one = socket.create_connection(("127.0.0.1", port))
        one.setblocking(False)
        sockets.append(one)
    for byte in HANDSHAKE[:120]:
        living: list[socket.socket] = []
        for one in sockets:
            try:
                one.send(bytes([byte]))
                living.append(one)
            except OSError:
                one.close()
        sockets = living
        if not sockets:
            return "cut"
        time.sleep(0.05)
    return f"{len(sockets)} still open"


def tiny_frames(port: int) -> str:
    with Hostile(port, SIGNED_IN + OURS) as peer:
        pour(peer, message(cancel="nothing") * 6400, 4)  # in one go: a sender that gets little time sends few a second
        return peer.end()


@dataclass(frozen=True)
class Flood:
    """What a peer does, and the limit that it meets.

    Attributes:
        word: What is in the server's last word to it, or in what the server knows of its end where it is cut.
    """

    act: Callable[[int], str]
    word: str
    is_cut: bool = False


FLOODS: Final = {
    flood.act.__name__: flood
    for flood in (
        Flood(calls_at_once, "in_flight: 256 calls"),
        Flood(calls_whose_answers_are_not_read, "write_deadline: the peer took nothing", is_cut=True),
        Flood(pings, "1008 pings: more than 50"),
        Flood(pings_before_login, "1008 pings: more than 50"),
        Flood(tiny_frames, "1008 frames: more than 5000"),
        Flood(dripping_handshakes, "handshake: it took longer", is_cut=True),
        Flood(subscriptions, "subscriptions: 256"),
        Flood(unknown_actions, "no action is called xxx"),
        Flood(the_same_id, "4400 id 1 is in flight already"),
        Flood(long_ids, "Expected `str` of length <= 64 - at `$.id`"),
        Flood(deep_json, "nested deeper than 64"),
        Flood(huge_json, "1009 frame with 8000044 bytes exceeds limit of 1048576"),
        Flood(a_deflate_bomb, "1009 frame: more than 1048576 bytes"),
        Flood(many_small_bombs, "not JSON"),
        Flood(compressed_nothing, "not JSON"),
        Flood(empty_fragments, "1009 fragments: more than 4096"),
    )
}


def repeat(pipe: Pipe, flood: Callable[[int], str], port: int, seconds: float) -> None:
    """Do it again and again; sends how it ended each time."""
    verdicts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        verdicts[flood(port)] += 1
    pipe.send(verdicts)
