"""Examples of every action and event, as messages and as Python: the author's own, else made from the types."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from .. import ir
from ..breaking.samples import NoSample
from ..text import Code, json_block, name
from .frames import Frames
from .python import NotPython, Writer
from .typical import Typical


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of an example.

    Attributes:
        label: What it is: `request`, `item`, `answer`, `error` or `event`.
        text: JSON, indented.
        payload: The params, item, result, details or data in it, as JSON.
    """

    label: str
    text: Code
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What travels, in order, and the Python that makes it; none where no expression says the value."""

    messages: tuple[Message, ...]
    python: Code | None = None


class Examples:
    """Makes the examples of one protocol."""

    def __init__(self, protocol: ir.Protocol) -> None:
        self._protocol = protocol
        self._frames = Frames(protocol)
        self._writer = Writer(protocol)
        self._typical = Typical(protocol)
        self._errors = {error.code: error for error in protocol.errors}
        self._accessors = {namespace.name: f"{namespace.accessor}." for namespace in protocol.namespaces}

    def of_action(self, action: ir.ActionDef) -> tuple[Example, ...]:
        """Those of the spec; one that was made where it has none, unless no value of its types could be found."""
        try:
            if action.examples:
                return tuple(self._called(action, example) for example in action.examples)
            params = self._typical.definition(self._protocol.definition(action.params))
            result = self._typical.value(action.result)
            return (self._called(action, ir.ActionExample(params=params, result=result)),)
        except NoSample:
            return ()

    def _called(self, action: ir.ActionDef, example: ir.ActionExample) -> Example:
        messages = [_message("request", self._frames.request(action, example.params), example.params)]
        if example.error is not None:
            messages.append(self._refused(action, self._errors[example.error]))
        else:
            if action.item is not None:
                item = self._typical.value(action.item)
                messages.append(_message("item", self._frames.item(action, item), item))
            messages.append(_message("answer", self._frames.result(action, example.result), example.result))
        return Example(messages=tuple(messages), python=self._call(action, example))

    def _refused(self, action: ir.ActionDef, error: ir.ErrorDef) -> Message:
        details: ir.JsonValue = None
        if error.details is not None:
            details = self._typical.definition(self._protocol.definition(error.details))
        said = defaultdict(str, cast("Mapping[str, object]", details or {}))
        message = error.message.format_map(said)
        return _message("error", self._frames.failure(action, error, details, message), details)

    def _call(self, action: ir.ActionDef, example: ir.ActionExample) -> Code | None:
        given = cast("Mapping[str, ir.JsonValue]", example.params)
        try:
            arguments = self._writer.arguments(action.arguments, given)
        except NotPython:
            return None
        caller = "call.peer" if action.side is ir.Side.SERVER else "client"
        method = f"{caller}.{self._accessors.get(action.namespace or '', '')}{name(action.method)}"
        keep = "" if isinstance(action.result, ir.Null) or example.error is not None else "result = "
        return Code("\n".join(_statements(action, method, arguments, keep)))

    def of_event(self, event: ir.EventDef) -> tuple[Example, ...]:
        """The same of an event."""
        try:
            made = event.examples or (self._typical.definition(self._protocol.definition(event.class_name)),)
        except NoSample:
            return ()
        return tuple(self._sent(event, data) for data in made)

    def _sent(self, event: ir.EventDef, data: ir.JsonValue) -> Example:
        frame = self._frames.event(event, data)
        messages = () if frame is None else (_message("event", frame, data),)
        return Example(
            messages=messages, python=self._notified(event, data) if not event.side.from_server else self._watch(event)
        )

    def _watch(self, event: ir.EventDef) -> Code:
        method = f"{self._accessors.get(event.namespace or '', '')}{name(event.method)}"
        lines = (
            f"async with client.events.{method}() as events:",
            "    async for event in events:",
            "        print(event)",
        )
        return Code("\n".join(lines))

    def _notified(self, event: ir.EventDef, data: ir.JsonValue) -> Code | None:
        definition = self._protocol.definition(event.class_name)
        assert isinstance(definition, ir.ObjectDef), "the data of an event is an object"
        try:
            arguments = self._writer.arguments(definition.fields, cast("Mapping[str, ir.JsonValue]", data))
        except NotPython:
            return None
        return Code(f"await client.notify({name(event.class_name)}({arguments}))")


def _statements(action: ir.ActionDef, method: str, arguments: str, keep: str) -> Iterator[str]:
    match action.kind:
        case ir.ActionKind.UNARY:
            yield f"{keep}await {method}({arguments})"
        case ir.ActionKind.UPLOAD:
            given = f", {arguments}" if arguments else ""
            yield f'{keep}await {method}(b"hello"{given})'
        case ir.ActionKind.STREAM:
            yield f"async with {method}({arguments}) as stream:"
            yield "    async for item in stream:"
            yield "        print(item)"
            yield f"    {keep}await stream.result()"
        case ir.ActionKind.DOWNLOAD:
            yield f"async with {method}({arguments}) as download:"
            yield "    async for piece in download:"
            yield "        print(len(piece))"
            yield f"    {keep}await download.result()"


def _message(label: str, frame: str, payload: ir.JsonValue) -> Message:
    return Message(
        label=label,
        text=json_block(json.loads(frame)),
        payload=json.dumps(payload, ensure_ascii=False),
    )
