"""Every bound in one place: each buffer has a size, each wait an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB = 1024
MIB = 1024 * KIB

JOIN_FRAMES: Final = 16
JOIN_BYTES: Final = 16 * KIB
"""Frames leave together, but not too many: with everything joined the two ends work in turn instead of at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a connection and of a server. Sizes are bytes, times seconds.

    Attributes:
        frame: A whole message, in either direction. The peer is told in `hello`; beyond it the WebSocket layer closes
            the connection with 1009.
        fragments: Fragments of one message.
        outbound: Unsent bytes of a connection above which callers and handlers wait before they encode more. What is
            sent without waiting (refusals, pongs) may pass it by a message or two; then the connection is cut.
        write_deadline: How long a peer may take nothing of what waits for it before it is cut.
        handshake: From the accepted connection to the end of the opening handshake, TLS included.
        handshake_size: The opening handshake's request, or its answer, and what follows it before the connection is
            open; beyond it a server answers with HTTP 431, and a client gives up.
        idle: A peer from which no byte came for so long is gone. Pings go out after half of it. With `math.inf` silence
            says nothing, and no ping is ever sent: for peers that hang up on one.
        in_flight: Calls of the peer that may be running on a connection; more are refused with `resource_exhausted`,
            and events that it sends beyond are dropped.
        calls: Own calls that may wait for an answer on a connection; more wait for a free place.
        subscriptions: Subscriptions of one connection.
        stream_window: Items of a streaming call that may be under way to this side.
        bulk_window: Bytes of an upload or a download that may be under way to this side.
        event_queue: Events that wait for one event stream's reader; of `state` events there is one for each key.
        frames: Frames of the peer in a second, those of fragments and of control included; beyond it the connection is
            closed with 1008.
        frames_per_pass: Frames handled in one pass over a read, before others have four turns of the event loop;
            eight after a pass of more than a millisecond. Of a compressed frame each 4 KiB that come out of it, or 256
            bytes that go in, count as one more.
        pings: Pings and pongs of the peer in a second; beyond it the connection is closed with 1008.
        drain: How long shutdown lets running handlers finish.
        close: How long the closing handshake may take before the connection is aborted.
        reconnect: How long a server waits for a client that is lost: calls to it wait so long for its return.
        connections: Connections of a server, those in their handshake included; more wait in the kernel's backlog.
        handshakes: Those of them that have not sent their whole request yet, or their first message where that has to
            say who they are; for one more the one that has taken longest is cut.
        connections_per_address: Those of them from one address, in their handshake or not; more are refused with HTTP
            429, and cut at once when there are twice as many.
        connections_per_identity: Those of one identity; more are refused with HTTP 429.
        expiry_grace: How long after its credentials expired a connection may go on, to be given new ones.
    """

    frame: int = 1 * MIB
    fragments: int = 4096
    outbound: int = 1 * MIB
    write_deadline: float = 10.0
    handshake: float = 5.0
    handshake_size: int = 16 * KIB
    idle: float = 20.0
    in_flight: int = 256
    calls: int = 4096
    subscriptions: int = 256
    stream_window: int = 64
    bulk_window: int = 1 * MIB
    event_queue: int = 1024
    frames: int = 100_000
    frames_per_pass: int = 16
    pings: int = 50
    drain: float = 5.0
    close: float = 2.0
    reconnect: float = 10.0
    connections: int = 10_000
    handshakes: int = 1_000
    connections_per_address: int = 2_000
    connections_per_identity: int = 1_000
    expiry_grace: float = 5.0


def naming(limit: str | None, reason: str) -> str:
    """A reason as the peer is told it: it begins with the name of the limit, if it is about one."""
    return reason if limit is None else f"{limit}: {reason}"
