"""The intermediate representation: everything a template may see, with every name already decided.

Read this before writing anything that consumes it:

* **Names are final.** `python_name`, `class_name`, `constant`, … are valid identifiers, free of keywords, unique where
  they have to be. Nothing after this stage applies casing or dodges a keyword. `name` is always the name on the wire
  (or in the spec) and may hold any character: it enters Python text through `repr` alone.
* **Every inline object, enum and union was given a name**, so a `Ref` is the only way to reach one. `Ref.name` is the
  class name, which is the key of `Protocol.definition()`. All class names share one space, together with the names that
  generated modules import from the runtime, from typing and from builtins.
* **Definitions are ordered**: a definition comes after all it refers to, except inside a recursive group (self or
  mutual recursion is legal; members of a group keep the order of the spec). Params, error details and event data are
  definitions like any other (`ObjectDef.base` tells them apart), even when they are empty.
* **Events have a class of their own**: `data: SomeType` and `with: SomeType` copy fields, nothing derives from a type.
  The same goes for params, details and `with:` in types.
* **Null is never a member of a `Union`**: `A|B|null` is `Nullable(Union(A, B))`. `Nullable` is never nested and never
  holds `Null` or `Json`.
* **Constraints are merged**: `{type: Port, maximum: 1023}` is a `Scalar` that carries the bounds of `Port` as well.
* **Defaults and enum references have been checked** and come as `Value` nodes, which say what to build in Python, next
  to the plain JSON that stands on the wire.
* **Verbatim schemas are gone**: `{schema: …}` was lowered to the nodes below.
* Text in `doc`, `message`, examples … is what an author wrote: hostile until it went through `repr` or a filter.
* Everything is frozen. JSON values (`Json`) are plain lists and dicts: never change one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

# Any JSON value. Objects keep the order of the spec.
JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | dict[str, JsonValue] | None"
# A bound. `Decimal` for constraints of `decimal`, so that nothing is rounded.
Number: TypeAlias = "int | float | Decimal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where something was written: a file relative to the spec's folder, line and column from 1."""

    file: str
    line: int
    column: int


# ---------------------------------------------------------------------------------------------------------- types
class ScalarKind(StrEnum):
    """The builtin scalars. The comment says what stands in JSON and what Python reads."""

    STRING = "string"
    INTEGER = "integer"  # number without a fraction, -(2**53-1) … 2**53-1 by convention; int
    NUMBER = "number"  # float
    BOOLEAN = "boolean"
    BYTES = "bytes"  # standard base64 with padding; `duologue.Base64`, an alias of bytes
    DATE = "date"  # RFC 3339 full-date; datetime.date
    DATETIME = "datetime"  # RFC 3339 with an offset; pydantic.AwareDatetime
    DURATION = "duration"  # ISO 8601 such as PT10S; datetime.timedelta
    UUID = "uuid"  # uuid.UUID
    INT64 = "int64"  # decimal digits in a string; `duologue.Int64`, an alias of int
    DECIMAL = "decimal"  # decimal text in a string; decimal.Decimal


PLAIN: Final = frozenset({ScalarKind.STRING, ScalarKind.INTEGER, ScalarKind.NUMBER, ScalarKind.BOOLEAN})
"""Scalars that are in Python what they are in JSON; the others are text on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a scalar must obey; None means no such constraint. Only those that fit the scalar's kind are ever set."""

    pattern: str | None = None  # without look-around and back-references, unanchored as in JSON Schema
    min_length: int | None = None
    max_length: int | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    exclusive_minimum: Number | None = None
    exclusive_maximum: Number | None = None
    multiple_of: Number | None = None


NO_CONSTRAINTS = Constraints()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    kind: ScalarKind
    constraints: Constraints = NO_CONSTRAINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A definition, by its class name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    item: Type
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A JSON object used as a dictionary."""

    key: Scalar | Ref  # a plain string, or an alias or enum of strings
    value: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """An unnamed union: two members or more, tried in order of fit, none of them null or a union."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuple:
    """An array of exactly these items."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Const:
    value: str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nullable:
    """The value or null, and always present unless the field's presence says otherwise."""

    inner: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """Null alone: what an action without a result answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """Any JSON value, null included."""


Type: TypeAlias = "Scalar | Ref | Array | Map | Union | Tuple | Const | Nullable | Null | Json"


# --------------------------------------------------------------------------------------------------------- values
@dataclass(frozen=True, slots=True, kw_only=True)
class PlainValue:
    """A literal: `repr` of it is right."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarValue:
    """A scalar that Python does not write as its JSON: bytes, date, datetime, duration, uuid, int64, decimal."""

    kind: ScalarKind
    text: str  # as on the wire; for int64 the digits


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """A declared member of an enum."""

    enum: str  # class name
    member: str  # its Python name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListValue:
    """A list, or a tuple where the type is a `Tuple`."""

    items: tuple[Value, ...]
    is_tuple: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapValue:
    entries: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectValue:
    """An instance: class name and keyword arguments. Constants, and what was not written, are left to the class."""

    class_name: str
    arguments: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLiteral:
    """A value of type `Json`: plain Python lists, dicts and scalars."""

    value: JsonValue


Value: TypeAlias = "PlainValue | ScalarValue | EnumValue | ListValue | MapValue | ObjectValue | JsonLiteral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    value: Value
    wire: JsonValue

    @property
    def mutable(self) -> bool:
        """Whether every instance needs a value of its own (`default_factory`)."""
        return isinstance(self.value, ListValue | MapValue | ObjectValue | JsonLiteral)


# --------------------------------------------------------------------------------------------------- declarations
@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """`deprecated: true` leaves all three empty."""

    since: str | None = None
    use: str | None = None
    reason: str | None = None


class Presence(StrEnum):
    """How a field comes and goes."""

    REQUIRED = "required"  # always there, must be given
    OPTIONAL = "optional"  # may be absent: reads `T | None = None`, left out when None
    MISSING = "missing"  # may be absent: reads `T | MISSING = MISSING` (`python: {absent: missing}`)
    DEFAULT = "default"  # may be absent: reads as `Field.default`
    CONST = "const"  # always sent, never has to be given; `Field.type` is a `Const`


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    python_name: str
    type: Type  # without the None that an absent OPTIONAL field reads
    presence: Presence
    default: Default | None = None  # exactly with Presence.DEFAULT
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


class Base(StrEnum):
    """The runtime class that an object derives from."""

    MODEL = "Model"
    PARAMS = "Params"
    EVENT = "Event"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDef:
    class_name: str
    name: str | None  # in the spec (`Page.Frame`); None for one that we named: params, details, inline objects
    namespace: str | None = None  # where it was written; key of `Protocol.namespaces`
    base: Base
    fields: tuple[Field, ...]
    mixins: tuple[str, ...] = ()  # class names of the types whose fields come first; they are copied, not inherited
    event_name: str | None = None  # exactly with Base.EVENT
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumMember:
    value: str | int
    python_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumDef:
    """`StrEnum` or `IntEnum`. An open one reads `Enum | UnknownValue` (enum first) and holds text only."""

    class_name: str
    name: str | None
    namespace: str | None = None
    members: tuple[EnumMember, ...]
    integers: bool = False
    open: bool = False
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A member of a named union. `tag` is the discriminator's value (None in a union without one)."""

    type: Type  # a `Ref` to an ObjectDef in a union with a discriminator
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionDef:
    class_name: str
    name: str | None
    namespace: str | None = None
    variants: tuple[Variant, ...]
    discriminator: str | None = None  # wire name of the tag
    discriminator_python: str | None = None
    unknown_class: str | None = None  # exactly when the union is open; needs a discriminator
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)

    @property
    def open(self) -> bool:
        return self.unknown_class is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasDef:
    """A name for any other type: a constrained scalar, an array, a map, a tuple, an unnamed union, …"""

    class_name: str
    name: str | None
    namespace: str | None = None
    type: Type
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


Definition: TypeAlias = "ObjectDef | EnumDef | UnionDef | AliasDef"


# --------------------------------------------------------------------------------------------------------- errors
class Status(StrEnum):
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    INVALID_ARGUMENT = "invalid_argument"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    PERMISSION_DENIED = "permission_denied"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    OUT_OF_RANGE = "out_of_range"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    DATA_LOSS = "data_loss"
    UNAUTHENTICATED = "unauthenticated"

    @property
    def class_name(self) -> str:
        """Name of the runtime's class for this status: `NotFound` for `not_found`."""
        return "".join(word.capitalize() for word in self.value.split("_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDef:
    """A declared error: a class that derives from `Declared[details]` and from the class of its status."""

    class_name: str
    code: str  # on the wire
    number: int | None = None  # the same where wire profiles have numbers for codes
    namespace: str | None = None
    status: Status
    message: str  # `str.format` template; its fields are *wire* names of the details
    python_message: str  # the same with *Python* names
    details: str | None  # class name of an ObjectDef; None when there are none
    arguments: tuple[Field, ...]  # the fields of `details`: keyword arguments of the constructor
    retry_after: float | None = None  # seconds
    doc: str | None = None
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


# -------------------------------------------------------------------------------------------------------- actions
class Side(StrEnum):
    """Who calls an action, or sends an event."""

    CLIENT = "client"
    SERVER = "server"
    BOTH = "both"

    @property
    def from_client(self) -> bool:
        return self is not Side.SERVER

    @property
    def from_server(self) -> bool:
        return self is not Side.CLIENT

    @property
    def ends(self) -> tuple[Side, ...]:
        """One, or both."""
        return (Side.CLIENT, Side.SERVER) if self is Side.BOTH else (self,)


class Effect(StrEnum):
    SAFE = "safe"  # may run twice
    KEYED = "keyed"  # at most once a key, recorded
    UNSAFE = "unsafe"  # never retried


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None means the server's own."""

    rate: Rate | None = None
    concurrency: int | None = None
    request: int | None = None  # bytes
    response: int | None = None  # bytes


class ActionKind(StrEnum):
    """What travels besides params and result."""

    UNARY = "unary"  # nothing
    STREAM = "stream"  # items, before the result
    UPLOAD = "upload"  # bytes, with the params
    DOWNLOAD = "download"  # bytes, before the result


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The bytes of an upload or a download."""

    media: str  # media type, as in `application/gzip`
    max_size: int  # bytes
    resumable: bool = True  # False: an upload that does not go on where it was after a lost connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A paged list: `params.cursor` takes what `result.next_cursor` said; absent on the last page."""

    items: str  # Python name of the result's array
    item: Type
    cursor: str  # Python name in params
    next_cursor: str  # Python name in the result


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExample:
    """Checked against the types. Exactly one of `result` and `error` counts: `error` is a code, or None."""

    params: JsonValue
    result: JsonValue = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDef:
    name: str  # on the wire: `list_services`, `Page.navigate`
    method: str  # Python name inside its namespace: `navigate`
    service_method: str  # Python name of the handler, namespaces flattened: `page_navigate`
    constant: str  # name of the descriptor: `PAGE_NAVIGATE`
    namespace: str | None  # wire name, key of `Protocol.namespaces`; None at the root
    side: Side
    params: str  # class name of an ObjectDef with Base.PARAMS
    arguments: tuple[Field, ...]  # its fields: keyword-only arguments, none called as one that the method has anyway
    result: Type
    kind: ActionKind
    item: Type | None  # exactly with ActionKind.STREAM: what is sent before the result
    transfer: Transfer | None  # exactly with ActionKind.UPLOAD and ActionKind.DOWNLOAD
    scope: tuple[str, ...]  # all are needed; () = public
    effect: Effect
    errors: tuple[str, ...]  # class names of ErrorDefs, defaults first, no repeats
    timeout: float | None  # seconds; None = never
    limits: Limits = Limits()
    pages: Pages | None = None
    doc: str | None = None
    examples: tuple[ActionExample, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


# --------------------------------------------------------------------------------------------------------- events
class Delivery(StrEnum):
    LOG = "log"  # every one, in order, resumable
    STATE = "state"  # latest per key, coalesced
    VOLATILE = "volatile"  # best effort, losses counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A path into the event that subscribers may ask for: equal to a value, or to any of a list."""

    path: str  # on the wire: `report.status`
    attributes: tuple[str, ...]  # the same in Python
    keyword: str  # argument of the subscribing method: `report_status`
    type: Scalar | Ref  # scalar, or `Ref` to an enum or to an alias of a scalar; never nullable


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDef:
    name: str  # on the wire
    class_name: str  # its ObjectDef (Base.EVENT)
    constant: str  # name of the descriptor
    member: str  # in the EventType enum
    method: str  # inside its namespace: `client.events.page.frame_navigated`
    flat_method: str  # with the namespace: `page_frame_navigated`; handlers are `on_` + this
    namespace: str | None
    side: Side  # who sends it; CLIENT = a notification
    delivery: Delivery
    scope: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    key: tuple[tuple[str, ...], ...] = ()  # attribute paths; only with Delivery.STATE (and may be empty: one value)
    key_paths: tuple[str, ...] = ()  # the same on the wire
    doc: str | None = None
    examples: tuple[JsonValue, ...] = ()
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


# ------------------------------------------------------------------------------------------------------- protocol
@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A group of actions and events. Each accessor class exists only where `Protocol` has something to put in it."""

    name: str  # on the wire: `Page`; may hold dots itself
    accessor: str  # `client.page`
    client_class: str
    sync_client_class: str
    peer_class: str
    events_class: str
    sync_events_class: str
    doc: str | None = None
    deprecated: Deprecation | None = None
    experimental: bool = False
    since: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    name: str
    doc: str | None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonNames:
    """Names of what is generated as a whole."""

    distribution: str  # service-registry-sdk
    package: str  # service_registry_sdk
    prefix: str  # Registry
    client: str  # RegistryClient
    sync_client: str  # RegistrySyncClient
    peer: str  # RegistryPeer
    service: str  # RegistryService
    peer_service: str  # RegistryPeerService
    server: str  # RegistryServer
    events: str  # RegistryEvents
    sync_events: str  # RegistrySyncEvents
    event: str  # RegistryEvent, the alias of all events
    event_type: str  # EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    name: str
    version: str
    grammar: int
    sources: tuple[str, ...]  # the root file first, then imports, relative to the spec's folder, `/` between parts
    python: PythonNames
    wire: str = "native"  # name of the profile that says how messages look; `declared` for the spec's own
    envelope: Mapping[str, JsonValue] | None = None  # its options, all written out; None for `native`
    description: str | None = None
    license: str | None = None
    authors: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    scopes: tuple[Scope, ...] = ()
    roles: tuple[Role, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    definitions: tuple[Definition, ...] = ()
    errors: tuple[ErrorDef, ...] = ()
    actions: tuple[ActionDef, ...] = ()
    events: tuple[EventDef, ...] = ()
    _by_class: dict[str, Definition] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_class", {definition.class_name: definition for definition in self.definitions})

    def definition(self, class_name: str) -> Definition:
        """The definition of that class name; KeyError when there is none, which a checked protocol never asks for."""
        return self._by_class[class_name]

    @property
    def client_actions(self) -> tuple[ActionDef, ...]:
        return tuple(action for action in self.actions if action.side.from_client)

    @property
    def server_actions(self) -> tuple[ActionDef, ...]:
        return tuple(action for action in self.actions if action.side.from_server)

    @property
    def server_events(self) -> tuple[EventDef, ...]:
        return tuple(event for event in self.events if event.side.from_server)

    @property
    def notifications(self) -> tuple[EventDef, ...]:
        return tuple(event for event in self.events if event.side.from_client)
