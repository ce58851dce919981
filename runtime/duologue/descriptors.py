"""Descriptors: the frozen tables in which a generated package declares its protocol.

One descriptor an action, one an event, used by both ends. They hold no behaviour; the runtime reads them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import TypeAdapter
from typing_extensions import TypeVar

from .errors import CallError
from .later import Later
from .models import Event, Params

if TYPE_CHECKING:
    from .wire import Envelope

API_LEVEL: Final = 1
"""Grows when generated packages of an older generator stop working, or newer ones need more than this runtime has."""

P = TypeVar("P", bound=Params)
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - the item of a stream, beside P and R
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Effect(enum.Enum):
    """What running an action twice does."""

    SAFE = "safe"
    """Nothing more than running it once."""
    KEYED = "keyed"
    """At most one effect for one idempotency key."""
    UNSAFE = "unsafe"
    """A second effect: never retried."""


class Delivery(enum.Enum):
    """What an event's subscribers are promised."""

    LOG = "log"
    """Every one, in order, resumable."""
    STATE = "state"
    """The latest for each key; older ones may be skipped."""
    VOLATILE = "volatile"
    """Best effort; losses are counted."""


class Rate(Struct, frozen=True, kw_only=True):
    """A token bucket: `per_second` calls in the long run, `burst` at once."""

    per_second: float
    burst: int


class Action(Struct, Generic[P, R], frozen=True, kw_only=True):
    """One action.

    Attributes:
        name: Name on the wire.
        scope: Scopes that the caller must hold; empty for a public action.
        timeout: Seconds that a call may take when the caller does not say; None for no end.
        max_request: Bytes of params at most; None for the connection's frame limit. `max_response` likewise.
        concurrency: Calls of this action that one connection may have running.
    """

    name: str
    params: type[P]
    result: TypeAdapter[R]
    scope: tuple[str, ...] = ()
    effect: Effect = Effect.UNSAFE
    errors: tuple[type[CallError], ...] = ()
    timeout: float | None = 30.0
    max_request: int | None = None
    max_response: int | None = None
    rate: Rate | None = None
    concurrency: int | None = None

    @property
    def result_type(self) -> Any:
        """The type that `result` adapts."""
        return self.result._type  # noqa: SLF001 - pydantic has no other way to ask

    @property
    def has_no_result(self) -> bool:
        """Whether null is all that it answers."""
        return self.result_type is None


class StreamAction(Action[P, R], Generic[P, I, R], frozen=True, kw_only=True):
    """An action that sends items before its result."""

    item: TypeAdapter[I]


class UploadAction(Action[P, R], frozen=True, kw_only=True):
    """An action whose caller sends bytes before the handler starts; its effect is `KEYED`.

    Attributes:
        media: The media type of the bytes.
        max_size: Bytes at most.
        resumable: Whether an upload goes on where it was after its connection was lost.
    """

    media: str = "application/octet-stream"
    max_size: int
    resumable: bool = True


class DownloadAction(Action[P, R], frozen=True, kw_only=True):
    """An action whose handler sends bytes before its result.

    Attributes:
        media: The media type of the bytes.
        max_size: Bytes at most.
    """

    media: str = "application/octet-stream"
    max_size: int


class EventDescriptor(Struct, Generic[E_co], frozen=True, kw_only=True):
    """One event.

    Attributes:
        scope: Scopes that a subscriber must hold; empty for a public event.
        filters: For each dotted path on the wire that subscribers may filter by, the attribute path in Python.
        key: For `Delivery.STATE`, the attribute paths whose values tell one state from another.
    """

    model: type[E_co]
    delivery: Delivery
    scope: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    key: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        """The event's name on the wire."""
        return self.model.event_name


class NamespaceTable(Struct, frozen=True, kw_only=True):
    """The table of one namespace, which is loaded when the namespace is used; see `Protocol`."""

    client_actions: tuple[Action[Any, Any], ...] = ()
    server_actions: tuple[Action[Any, Any], ...] = ()
    events: tuple[EventDescriptor[Event], ...] = ()
    notifications: tuple[EventDescriptor[Event], ...] = ()


class Protocol(Struct, frozen=True, kw_only=True):
    """A protocol: the one table that both ends share.

    Attributes:
        client_actions: What the client may call, outside of namespaces.
        server_actions: What the server may call.
        events: What the server may publish.
        notifications: Events that the client may send.
        namespaces: By their names, where each has its `NamespaceTable`.
        wire: How messages look; None for the native wire format.

    Raises:
        ImportError: The package was generated for another API level of the runtime.
    """

    name: str
    version: str
    api_level: int
    client_actions: tuple[Action[Any, Any], ...] = ()
    server_actions: tuple[Action[Any, Any], ...] = ()
    events: tuple[EventDescriptor[Event], ...] = ()
    notifications: tuple[EventDescriptor[Event], ...] = ()
    errors: tuple[type[CallError], ...] = ()
    scopes: Mapping[str, str] = field(default_factory=dict[str, str])
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    namespaces: Mapping[str, Later] = field(default_factory=dict[str, Later])
    wire: Envelope | None = None

    def __post_init__(self) -> None:
        if self.api_level > API_LEVEL:
            raise ImportError(
                f"{self.name} {self.version} was generated for API level {self.api_level} of duologue,"
                f" and this one has level {API_LEVEL}: upgrade duologue (pip install -U duologue)"
            )
        if self.api_level < API_LEVEL:
            raise ImportError(
                f"{self.name} {self.version} was generated for API level {self.api_level} of duologue,"
                f" and this one has level {API_LEVEL}: upgrade that package, or generate it anew"
            )

    def whole(self) -> Protocol:
        """The same with what its namespaces have; loads them all."""
        if not self.namespaces:
            return self
        namespaces: list[NamespaceTable] = [part.resolve() for part in self.namespaces.values()]
        return replace(
            self,
            client_actions=(*self.client_actions, *(action for part in namespaces for action in part.client_actions)),
            server_actions=(*self.server_actions, *(action for part in namespaces for action in part.server_actions)),
            events=(*self.events, *(event for part in namespaces for event in part.events)),
            notifications=(*self.notifications, *(event for part in namespaces for event in part.notifications)),
            namespaces={},
        )

    def event(self, name: str) -> EventDescriptor[Event] | None:
        """The event of that wire name that the server publishes; loads its namespace."""
        return next((event for event in self.part_of(name).events if event.name == name), None)

    def part_of(self, name: str) -> Protocol | NamespaceTable:
        """The table that has an action or event of that wire name, if there is one; loads its namespace."""
        part = self.namespaces.get(name.rpartition(".")[0])
        found: NamespaceTable | None = None if part is None else part.resolve()
        return self if found is None else found
