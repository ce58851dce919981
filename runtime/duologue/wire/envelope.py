"""A declared wire profile: how the messages of one protocol look, as data.

The generator writes one into the package of a protocol that is not native; `DeclaredCodec` interprets it, at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from msgspec import Struct, field

Template: TypeAlias = "Mapping[str, Template] | Sequence[Template] | str | int | float | bool | None"
"""JSON with placeholders: a text `$name` stands for a value, the key or item `...` for the members of one."""

Kind: TypeAlias = Literal["request", "response", "error", "event", "ack", "cancel"]
"""What a message is."""

End: TypeAlias = Literal["client", "server"]

Validation: TypeAlias = Literal["strict", "warn", "off"]
"""What a client does with results and events that do not fit: refuse them, tell of each path once, or neither."""


class Rule(TypedDict, total=False):
    """One rule of `Envelope.incoming`: all of its conditions hold. Paths are dotted, and may hold list indexes.

    What is null counts as absent in `exists` and `absent`; `at` names the end that receives such messages, if only one
    does.
    """

    kind: Required[Kind]
    at: End
    exists: Sequence[str]
    absent: Sequence[str]
    equals: Mapping[str, str | int | float | bool | None]
    regex: Mapping[str, str]


class Params(TypedDict, total=False):
    """How params look: by name or by position; and whether they are left out when there are none."""

    style: Literal["named", "positional"]
    empty: Literal["omit", "send"]


class Result(TypedDict, total=False):
    """Where a result is, if not only where `reply` has it: the first path that is there; and what stands for none.

    Where `empty` is `omit`, nothing does.
    """

    paths: Sequence[str]
    empty: Template


class Error(TypedDict, total=False):
    """Where code, message and data of an error are; the codes of statuses, and the one for any other."""

    code: Sequence[str]
    message: Sequence[str]
    data: Sequence[str]
    codes: Mapping[str, int | str]
    default: int | str


class EventForm(TypedDict, total=False):
    """Where name and data of an event are; what joins several parts of a name; which members are no data.

    Where `style` is `positional`, data are an array in declared order.
    """

    name: Sequence[str]
    join: str
    data: str
    strip: Sequence[str]
    style: Literal["named", "positional"]


Shape = TypedDict(
    "Shape",
    {
        "notify": Required[Template],
        "from": End,
        "events": Sequence[str],
        "name": Sequence[str],
        "join": str,
        "data": str,
        "strip": Sequence[str],
        "style": Literal["named", "positional"],
    },
    total=False,
)
"""How some events look that are not as `notify` has them: those that one end sends, or those of some names.

A shape of a single event need not hold its name. The rest is as in `EventForm`.
"""


class Route(TypedDict, total=False):
    """What a call is sent with that names no route; variables of each route.

    `keep` has the names of variables, each with the action whose call gives it its value: the id of the last such call
    for that route.
    """

    default: Template
    keep: Mapping[str, str]


class Ack(TypedDict, total=False):
    """A first answer that is not the result: how it looks, which actions get it, and how their final answer looks.

    Calls of the actions in `settles` are answered by it alone, once they have succeeded.
    """

    send: Required[Template]
    to: Sequence[str]
    reply: Template
    settles: Sequence[str]


class Close(TypedDict, total=False):
    """How a connection is closed: a code (RFC 6455, section 7.4), and why."""

    code: Required[int]
    reason: str


class Step(TypedDict, total=False):
    """One message of the handshake: who says it, and its template. The other end keeps what its placeholders hold.

    `check` names a hook at the receiving end; where it refuses, `refuse` is said, and the connection ends with `close`.
    """

    client: Template
    server: Template
    check: str
    refuse: Template
    close: Close


class Introduction(TypedDict, total=False):
    """A call that the client makes after connecting; `save` keeps parts of its result as variables."""

    call: Required[str]
    params: Template
    save: Mapping[str, str]


class Connect(TypedDict, total=False):
    """What a client asks for when it connects; texts may hold `$variable`."""

    subprotocol: Sequence[str]
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class Keepalive(TypedDict, total=False):
    """An action, or an event from the client, that is sent every so many seconds."""

    action: Required[str]
    every: Required[float]
    params: Template
    route: Template


class Envelope(Struct, frozen=True, kw_only=True):
    """One wire profile. Everything but the rules may be left out; the first three templates only without actions.

    Attributes:
        request: Holds `$id` and `$action`; may hold `$params`, `$route`, `$meta` and variables.
        reply: Holds `$id`; may hold `$result`, `$action` and `$route`.
        reply_error: The same with `$code`, `$message` and `$data` instead of a result.
        notify: Holds `$event`, or `$event.0`, `$event.1` …, and `$data`.
        shapes: Events that look otherwise; the first that an event is one of counts.
        cancel: What tells the other end that nobody waits for `$id` any more.
        id: What an id is made of; `order` where messages have none, and answers come in the order of the requests.
        incoming: What a message is: the kind of the first rule that holds.
        after: Calls to make after connecting.
        batch: Whether an array is a batch of messages.
        hooks: Names of the values that users give.
        validation: What clients do unless they are told otherwise.
    """

    incoming: Sequence[Rule]
    request: Template = None
    reply: Template = None
    reply_error: Template = None
    notify: Template = None
    shapes: Sequence[Shape] = ()
    cancel: Template = None
    params: Params = field(default_factory=Params)
    id: Literal["integer", "string", "uuid", "order"] = "string"
    result: Result = field(default_factory=Result)
    error: Error = field(default_factory=Error)
    event: EventForm = field(default_factory=EventForm)
    route: Route = field(default_factory=Route)
    ack: Ack | None = None
    handshake: Sequence[Step] = ()
    after: Sequence[Introduction] = ()
    connect: Connect = field(default_factory=Connect)
    batch: bool = False
    keepalive: Keepalive | None = None
    hooks: Sequence[str] = ()
    validation: Validation = "strict"
