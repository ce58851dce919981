"""The grammar of `wire:` as pydantic models: how the messages of a protocol look."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from . import grammar as g
from .grammar import Grammar
from .nodes import Node, ScalarNode, SeqNode, describe

NATIVE = "native"
PROFILES = ("jsonrpc2", "cdp")
"""The profiles that are given, each a file in `profiles/`."""

KINDS = ("request", "response", "error", "event", "ack", "cancel")
ENDS = ("client", "server")
_END = g.one_of(*ENDS)

_TEMPLATE_SCHEMA: dict[str, Any] = {
    "description": "JSON with placeholders: `$id`, `$action`, `$params` …; the key `...` spreads a value's members.",
    "anyOf": [{"type": "object"}, {"type": "array"}],
}


def _read_template(node: Node) -> Node:
    if isinstance(node, ScalarNode):
        hint = "as in `{id: $id, method: $action, params: $params}`, or `[2, $id, $action, $params]`"
        raise g.refuse(f"an object or an array expected, not {describe(node)}", hint)
    return node


def _read_code(node: Node) -> int | str:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise g.refuse(f"a code is a whole number or text, not {describe(node)}")
    return value


def _read_close_code(node: Node) -> int:
    code = g.read_integer(node)
    if not (code in _CLOSE_CODES or 3000 <= code <= 4999):
        raise g.refuse(f"{code} is no close code that may be sent", "use 4000 to 4999, which are a protocol's own")
    return code


_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
"""Those that the registry of RFC 6455 has, without those that are never sent."""

Template: TypeAlias = Annotated[Any, g.Reader(_read_template, _TEMPLATE_SCHEMA)]
Code: TypeAlias = Annotated["int | str", g.Reader(_read_code, {"type": ["integer", "string"]})]
CloseCode: TypeAlias = Annotated[int, g.Reader(_read_close_code, {"type": "integer", "minimum": 1000, "maximum": 4999})]
_STYLE = g.one_of("named", "positional")


class WireParamsSpec(Grammar):
    """How params look."""

    style: Annotated[str, _STYLE] | None = Field(
        None, description="An object (`named`), or an array in declared order (`positional`)."
    )
    empty: Annotated[str, g.one_of("omit", "send")] | None = Field(
        None, description="Whether params without members are left out, or sent as `{}`."
    )


class WireRuleSpec(Grammar):
    """What a message is: the first rule whose conditions all hold. Paths are dotted, and may hold list indexes."""

    kind: Annotated[str, g.one_of(*KINDS)] = Field(description="What it is.")
    at: Annotated[str, _END] | None = Field(None, description="The end that receives such messages, if only one does.")
    exists: g.OneOrMany | None = Field(None, description="Paths at which something stands that is not null.")
    absent: g.OneOrMany | None = Field(None, description="Paths at which nothing stands, or null.")
    equals: g.Mapping | None = Field(None, description="What stands at a path: text, a number, `true`, `false`, null.")
    regex: g.TextMap | None = Field(None, description="What a text at a path matches.")


class WireResultSpec(Grammar):
    """Results, where they are not only where `reply` has them."""

    paths: g.OneOrMany | None = Field(None, description="Where a result is; the first path that is there.")
    empty: g.Anything | None = Field(
        None, description="What is sent for no result; `null` by default, and nothing with `omit`."
    )


class WireErrorSpec(Grammar):
    """Errors."""

    code: g.OneOrMany | None = Field(None, description="Where the code is, if not where `reply_error` has it.")
    message: g.OneOrMany | None = Field(None, description="Where the message is.")
    data: g.OneOrMany | None = Field(None, description="Where the data are.")
    codes: g.Mapping | None = Field(
        None,
        description="Codes of statuses, and of what is `not_json` or `not_a_message`; declared errors have theirs.",
    )
    default: Code | None = Field(None, description="The code of every other error.")


class WireEventSpec(Grammar):
    """Events, where they are not only as `notify` has them."""

    name: g.OneOrMany | None = Field(None, description="Where the name is; several paths are joined.")
    join: g.Text | None = Field(None, description="What joins the parts of a name; `.` by default.")
    data: g.Text | None = Field(None, description="Where the data are.")
    strip: g.OneOrMany | None = Field(None, description="Members there that are no data.")
    style: Annotated[str, _STYLE] | None = Field(
        None, description="Data are an object (`named`), or an array in declared order (`positional`)."
    )


class WireShapeSpec(WireEventSpec):
    """Events that look otherwise than `notify`: those of one end, or of some names."""

    notify: Template = Field(description="How they look. For a single event it need not hold `$event`.")
    from_: Annotated[str, _END] | None = Field(None, alias="from", description="The end that sends them.")
    events: g.OneOrMany | None = Field(None, description="Their names.")


class WireRouteSpec(Grammar):
    """What messages are for, besides the connection: a session, an object, a subscription."""

    default: g.Anything | None = Field(None, description="What a call is sent with that names no route.")
    keep: g.Words | None = Field(
        None, description="Variables of each route, each with the action whose calls give it their id."
    )


class WireAckSpec(Grammar):
    """A first answer that is not the result."""

    send: Template = Field(description="How it looks.")
    to: g.Texts | None = Field(None, description="Actions whose calls get it from our servers.")
    reply: Template | None = Field(None, description="How the final answer to those calls looks.")
    settles: g.Texts | None = Field(None, description="Actions that are answered by it alone.")


class WireCloseSpec(Grammar):
    """How a connection is closed."""

    code: CloseCode = Field(description="The close code.")
    reason: g.Text | None = Field(None, description="Why, as the other end is told.")


class WireStepSpec(Grammar):
    """One message of the handshake; the other end keeps what its placeholders hold."""

    client: Template | None = Field(None, description="What the client says.")
    server: Template | None = Field(None, description="What the server says.")
    check: g.Text | None = Field(None, description="Hook of the other end that says whether it is right.")
    refuse: Template | None = Field(None, description="What is said where it is not, before the connection ends.")
    close: WireCloseSpec | None = Field(None, description="How the connection is closed where it is not.")


class WireCallSpec(Grammar):
    """A call that the client makes after connecting."""

    call: g.Text = Field(description="An action that the client calls.")
    params: g.Mapping | None = Field(None, description="Its params; texts may be placeholders of variables.")
    save: g.TextMap | None = Field(None, description="Variables, each with its path in the result.")


class WireConnectSpec(Grammar):
    """What a client asks for when it connects. Texts may hold placeholders of variables."""

    subprotocol: g.OneOrMany | None = Field(None, description="WebSocket subprotocols, the best first.")
    path: g.Text | None = Field(None, description="Path of the URL, where the user gives none.")
    query: g.TextMap | None = Field(None, description="What is added to the URL's query.")
    headers: g.TextMap | None = Field(None, description="Headers of the handshake.")


class WireKeepaliveSpec(Grammar):
    """What a client sends every so often."""

    action: g.Text = Field(description="An action that the client calls, or an event that it sends.")
    every: g.Duration = Field(description="How often.")
    params: g.Mapping | None = Field(None, description="Its params.")
    route: g.Anything | None = Field(None, description="Its route.")


class WireSpec(Grammar):
    """How messages look: templates to fill, and rules for what comes."""

    extends: Annotated[str, g.one_of(*PROFILES)] | None = Field(
        None, description="A given profile; what is written here takes the place of what it says."
    )
    request: Template | None = Field(None, description="A call: `$id` `$action` `$params` `$route` `$meta`.")
    reply: Template | None = Field(None, description="Its result: `$id` `$result` `$action` `$route`.")
    reply_error: Template | None = Field(
        None, description="Its error: `$id` `$code` `$message` `$data` `$action` `$route`."
    )
    notify: Template | None = Field(None, description="An event: `$event` (or `$event.0` …) `$data` `$route`.")
    shapes: Annotated[SeqNode, g.list_of("WireShapeSpec")] | None = Field(
        None, description="Events that look otherwise than `notify`; the first shape that an event is one of counts."
    )
    cancel: Template | None = Field(None, description="Nobody waits for the answer to `$id` any more.")
    params: WireParamsSpec | None = Field(None, description="How params look.")
    id: Annotated[str, g.one_of("integer", "string", "uuid", "order")] | None = Field(
        None,
        description="What an id is made of; `string` by default. With `order` there are none: answers keep the order.",
    )
    incoming: Annotated[SeqNode, g.list_of("WireRuleSpec")] | None = Field(
        None, description="What a message is; made from the templates when it is left out."
    )
    result: WireResultSpec | None = Field(None, description="Results.")
    error: WireErrorSpec | None = Field(None, description="Errors.")
    event: WireEventSpec | None = Field(None, description="Events.")
    route: WireRouteSpec | None = Field(None, description="Routes.")
    ack: WireAckSpec | None = Field(None, description="A first answer that is not the result.")
    handshake: Annotated[SeqNode, g.list_of("WireStepSpec")] | None = Field(
        None, description="Messages before all others."
    )
    after: Annotated[SeqNode, g.list_of("WireCallSpec")] | None = Field(
        None, description="Calls that the client makes after connecting."
    )
    connect: WireConnectSpec | None = Field(None, description="How a client connects.")
    batch: g.Boolean | None = Field(None, description="Whether an array is a batch of messages.")
    keepalive: WireKeepaliveSpec | None = Field(None, description="What a client sends every so often.")
    hooks: g.Texts | None = Field(None, description="Names of the values that users give for placeholders.")
    validation: Annotated[str, g.one_of("strict", "warn", "off")] | None = Field(
        None, description="What clients do with results and events that do not fit, unless told otherwise."
    )


ITEMS: dict[str, type[Grammar]] = {
    "shapes": WireShapeSpec,
    "incoming": WireRuleSpec,
    "handshake": WireStepSpec,
    "after": WireCallSpec,
}
"""What the items of the lists are."""
