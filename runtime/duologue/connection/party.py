"""What one side brings to each of its connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ..access.gate import Gate
from ..calling.interceptors import CallInterceptor
from ..drivers.port import Scope
from ..errors import ConnectionClosed
from ..events.publisher import Publisher
from ..events.undeclared import Undeclared
from ..handling.interceptors import NONE, Interceptors
from ..handling.keyed import KeyedCalls
from ..handling.service import Bound, Call
from ..handling.uploads import HeldUploads
from ..limits import Limits
from ..net.compression import Deflate
from ..observing.observer import Observer, Observers
from ..session.speech import Speech
from ..wire import Goaway, Hello, Message, Validation
from .hooks import Hook, Hooks

if TYPE_CHECKING:
    from ..observing.probes import Probes
    from .connection import Connection


class Extras(Struct, frozen=True):
    """What users add to a side, and it does without: see `serve`, `Client.open`."""

    observers: Sequence[Observer] = ()
    interceptors: Interceptors = NONE
    probes: Probes | None = None
    proxies: Sequence[str] = ()
    hooks: Hooks = field(default_factory=dict[str, Hook])
    validation: Validation | None = None


class Party(Struct, frozen=True, kw_only=True):
    """One side: a server, or a client.

    Attributes:
        speech: How it speaks the protocol.
        hooks: Values that users give to a declared protocol.
        validation: What a client does with results that do not fit; a server's peers are held to the protocol.
        keepalive: What a client goes on saying, in a task of each connection.
        on_undeclared: Is given what comes to a server and is not in the spec.
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
    speech: Speech
    hooks: Hooks = field(default_factory=dict[str, Hook])
    validation: Validation = "strict"
    compression: Deflate | None = None
    handlers: Mapping[str, Bound]
    make_peer: Callable[[Connection], Any]
    keyed: KeyedCalls
    uploads: HeldUploads
    gate: Gate
    scope: Scope | None = None
    publisher: Publisher | None = None
    on_event: Callable[[Message], None] | None = None
    keepalive: Callable[[Connection], Coroutine[Any, Any, None]] | None = None
    on_undeclared: Callable[[Call[Any], Undeclared], Awaitable[None]] | None = None
    on_note: Callable[[Message], None] | None = None
    on_known: Callable[[Connection, Hello], None] | None = None
    on_leaving: Callable[[Connection, Goaway], None] | None = None
    on_closed: Callable[[Connection, ConnectionClosed], None] | None = None
    around_calls: Sequence[CallInterceptor] = ()
    probes: Probes | None = None
    observers: Observers | None = None
