"""What hostile peers do, each in a process of its own: `python -m tests.runtime.attacks NAME PORT`.

An attack is bounded in time and bytes. It prints how the server ended it, as far as its peer was told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Final

from tests.runtime.hostile import OURS, Hostile, message

MIB: Final = 1 << 20
SECONDS: Final = 2.0
"""How long an attack goes on that nobody ends."""

MOST: Final = 256 * MIB
"""Bytes that an attack sends at most."""

Attack = Callable[[int], list[str]]
ATTACKS: Final[dict[str, Attack]] = {}


def attack(function: Attack) -> Attack:
    ATTACKS[function.__name__] = function
    return function


def flood(peer: Hostile, data: bytes, *, reading: bool = False) -> list[str]:
    """Send something again and again until the server ends the connection, or time or bytes are used up."""
    reader = Thread(target=_read, args=(peer, ends := list[str]()), daemon=True)
    if reading:
        reader.start()
    until, sent = time.monotonic() + SECONDS, 0
    peer.socket.settimeout(0.2)
    with suppress(OSError):
        while time.monotonic() < until and sent < MOST:
            with suppress(TimeoutError):
                sent += peer.socket.send(data[sent % len(data) :])
    peer.socket.settimeout(3.0)
    if reading:
        reader.join(5.0)
        return ends
    return [peer.end()]


def _read(peer: Hostile, ends: list[str]) -> None:
    while (end := peer.end()) == "still open" and peer.socket.timeout != 3.0:
        pass
    ends.append(end)


# ---------------------------------------------------------------------------------------------------------- messages
@attack
def calls(port: int) -> list[str]:
    """As many as the server answers, all of them good."""
    with Hostile(port, OURS) as peer:
        return flood(peer, message(id="1", action="count", params={}) * 1000, reading=True)


@attack
def unread_calls(port: int) -> list[str]:
    with Hostile(port, OURS) as peer:
        return flood(peer, message(id="1", action="echo", params={"text": "x" * 100}) * 1000)


def main() -> None:
    print(json.dumps(ATTACKS[sys.argv[1]](int(sys.argv[2]))), flush=True)


if __name__ == "__main__":
    main()
