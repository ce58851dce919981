"""What one side brings to each of its connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..access.gate import Gate
from ..calling.interceptors import CallInterceptor
from ..drivers.port import Scope
from ..errors import ConnectionClosed
from ..events.publisher import Publisher
from ..handling.interceptors import NONE, Interceptors
from ..handling.keyed import KeyedCalls
from ..handling.service import Bound
from ..handling.uploads import HeldUploads
from ..limits import Limits
from ..net.compression import Deflate
from ..observing.observer import Observer, Observers
from ..observing.probes import Probes
from ..wire import Goaway, Hello, Message

if TYPE_CHECKING:
    from .connection import Connection


@dataclass(frozen=True, slots=True)
class Extras:
    """What users add to a side, and it does without: see `serve`, `Client.open`."""

    observers: Sequence[Observer] = ()
    interceptors: Interceptors = NONE
    probes: Probes | None = None
    proxies: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side: a server, or a client.

    Attributes:
        compression: How a server compresses; what a client offers is up to its dialer.
        handlers: Which handler answers which action or event of the peer's.
        keyed: The keyed calls of whatever the handlers belong to; `uploads` likewise.
        gate: Decides which of its calls and events the peer may have.
        make_peer: Makes what handlers find in `call.peer`.
        scope: Where keyed handlers run, so that they outlast their connection; without one the connection's end waits
            for theirs.
        publisher: Where this side's events come from; None for a side that publishes none.
        on_event: Is given the events that the peer publishes; `on_note` what it says about subscriptions.
        on_known: Is told who the peer is.
        on_leaving: Is told when the peer takes no more calls.
        on_closed: Is told when a connection is gone, and why.
        around_calls: What is put around the calls to its peers; `handlers` have theirs around them.
        probes: What a server answers to plain HTTP; nothing where there are none.
        observers: Are told of its connections; None where there are none.
    """

    hello: Hello
    limits: Limits
    compression: Deflate | None = None
    handlers: Mapping[str, Bound]
    make_peer: Callable[[Connection], Any]
    keyed: KeyedCalls
    uploads: HeldUploads
    gate: Gate
    scope: Scope | None = None
    publisher: Publisher | None = None
    on_event: Callable[[Message], None] | None = None
    on_note: Callable[[Message], None] | None = None
    on_known: Callable[[Connection, Hello], None] | None = None
    on_leaving: Callable[[Connection, Goaway], None] | None = None
    on_closed: Callable[[Connection, ConnectionClosed], None] | None = None
    around_calls: Sequence[CallInterceptor] = ()
    probes: Probes | None = None
    observers: Observers | None = None
