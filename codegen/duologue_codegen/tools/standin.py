"""A service that nobody wrote: it answers with the spec's examples, or with data made from its types."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from msgspec.structs import replace
from pydantic import TypeAdapter
from typing_extensions import override

from duologue import (
    Action,
    Bound,
    ByteSink,
    Call,
    CallError,
    Event,
    Params,
    Peer,
    Protocol,
    Service,
    Sink,
    Unimplemented,
    Upload,
)
from duologue.session.outcomes import decode

from .. import ir
from ..breaking.samples import NoSample, Sampler

_MOST_ITEMS: Final = 5
"""Items of a stream."""
_MOST_BYTES: Final = 64 * 1024
"""Of a download."""
_STATES: Final = 8
"""How many different ones of a `state` event are told: each is kept, and new subscribers get them all."""


class StandIn(Service[Peer]):
    """Serves a protocol. The same question gets the same answer, for the same seed.

    Args:
        table: That of the protocol's package.
        seed: What the answers that are made are chosen by.
    """

    protocol: ClassVar[Protocol]
    peer_type: ClassVar[type[Peer]] = Peer

    def __init__(self, protocol: ir.Protocol, table: Protocol, seed: str) -> None:
        self.spec = protocol
        self._table = table
        self._seed = seed

    @classmethod
    def of(cls, protocol: ir.Protocol, table: Protocol, seed: str = "0") -> StandIn:
        """The service of one protocol."""
        kind: type[StandIn] = type("StandIn", (cls,), {"protocol": table})
        return kind(protocol, table, seed)

    @override
    def handlers(self) -> Sequence[Bound]:
        answers: dict[ir.ActionKind, Callable[..., Any]] = {
            ir.ActionKind.UNARY: self._unary,
            ir.ActionKind.STREAM: self._stream,
            ir.ActionKind.UPLOAD: self._upload,
            ir.ActionKind.DOWNLOAD: self._download,
        }
        actions = {action.name: action for action in self.spec.client_actions}
        bound = [
            Bound(one.name, partial(answers[actions[one.name].kind], actions[one.name], one), action=_unlimited(one))
            for one in self._table.client_actions
        ]
        return (*bound, *(Bound(one.name, _ignore, event=one) for one in self._table.notifications))

    def events(self, number: int) -> Sequence[Event]:
        """One event of each kind that the server sends; examples first, then what is made."""
        found: list[Event] = []
        models = {one.name: one.model for one in self._table.events}
        for event in self.spec.server_events:
            turn = number % _STATES if event.delivery is ir.Delivery.STATE else number
            if turn < len(event.examples):
                data: Any = event.examples[turn]
            else:
                try:
                    data = self._sampler(event.name, turn).value(ir.Ref(name=event.class_name))
                except NoSample:
                    continue
            found.append(models[event.name].from_wire(json.dumps(data)))
        return found

    # ------------------------------------------------------------------------------------------------------- handlers
    async def _unary(self, action: ir.ActionDef, descriptor: Any, _: Call[Any], params: Params) -> Any:
        return self._result(action, descriptor, params)

    async def _stream(
        self, action: ir.ActionDef, descriptor: Any, _: Call[Any], params: Params, sink: Sink[Any]
    ) -> Any:
        result = self._result(action, descriptor, params)
        assert action.item is not None, "a stream has items"
        for number in range(self._random(action.name, params.to_wire().decode()).randint(1, _MOST_ITEMS)):
            made = self._made(action.name, action.item, self._sampler(action.name, params.to_wire().decode(), number))
            await sink.send(_read(descriptor.item, made))
        return result

    async def _upload(self, action: ir.ActionDef, descriptor: Any, _: Call[Any], params: Params, __: Upload) -> Any:
        return self._result(action, descriptor, params)

    async def _download(
        self, action: ir.ActionDef, descriptor: Any, _: Call[Any], params: Params, sink: ByteSink
    ) -> Any:
        result = self._result(action, descriptor, params)
        assert action.transfer is not None, "a download has bytes"
        size = min(action.transfer.max_size, _MOST_BYTES)
        await sink.send(self._random(action.name, params.to_wire().decode()).randbytes(size))
        return result

    # -------------------------------------------------------------------------------------------------------- answers
    def _result(self, action: ir.ActionDef, descriptor: Any, params: Params) -> Any:
        sent = json.loads(params.to_wire())
        example = _example(action, lambda said: json.loads(type(params).from_wire(json.dumps(said)).to_wire()) == sent)
        if example is not None and example.error is not None:
            raise self._error(action, example.error)
        if example is not None:
            return _read(descriptor.result, example.result)
        made = self._made(action.name, action.result, self._sampler(action.name, params.to_wire().decode()))
        return _read(descriptor.result, self._last_page(action, made))

    def _made(self, name: str, type_: ir.Type, sampler: Sampler) -> Any:
        try:
            return sampler.value(type_)
        except NoSample as error:
            raise Unimplemented(f"{name} has no example, and no answer could be made: {error}") from None

    def _last_page(self, action: ir.ActionDef, made: Any) -> Any:
        """Without a next page, or whoever reads all pages would never end."""
        if action.pages is None or not isinstance(action.result, ir.Ref):
            return made
        definition = self.spec.definition(action.result.name)
        assert isinstance(definition, ir.ObjectDef), "pages are objects"
        cursor = next(one.name for one in definition.fields if one.python_name == action.pages.next_cursor)
        return {key: value for key, value in made.items() if key != cursor}

    def _error(self, action: ir.ActionDef, code: str) -> CallError:
        declared = next(one for one in self.spec.errors if one.code == code)
        kind: Any = next(one for one in self._table.errors if one.code == code)
        if declared.details is None:
            return kind.restore(declared.message.format_map(_Shown()), None)  # type: ignore[no-any-return]
        made: Any = self._made(action.name, ir.Ref(name=declared.details), self._sampler(code))
        return kind.restore(declared.message.format_map(_Shown(made)), kind.details_type.from_wire(json.dumps(made)))  # type: ignore[no-any-return]

    def _random(self, *question: object) -> Random:
        return Random("|".join(map(str, (self._seed, *question))))  # noqa: S311 - the same each time is the purpose

    def _sampler(self, *question: object) -> Sampler:
        return Sampler(self.spec, self._random(*question), later=0.0)


def _unlimited(action: Action[Any, Any]) -> Action[Any, Any]:
    """Tests ask as often as they like."""
    return replace(action, rate=None, concurrency=None)


def hooks_of(protocol: ir.Protocol) -> dict[str, Any]:
    """What a server that lets everybody in says where its handshake asks: that all is right, or some text."""
    envelope: Any = protocol.envelope or {}
    checks = {step["check"] for step in envelope.get("handshake") or () if "check" in step}
    return {name: name in checks or f"a {name}" for name in envelope.get("hooks") or ()}


class _Shown(dict[str, Any]):
    """Details as a message shows them."""

    def __missing__(self, name: str) -> str:
        return "none"


def _example(action: ir.ActionDef, is_same: Callable[[Any], bool]) -> ir.ActionExample | None:
    """The example of these params, else the first that has a result."""
    exact = next((one for one in action.examples if is_same(one.params)), None)
    return exact or next((one for one in action.examples if one.error is None), None)


def _read(adapter: TypeAdapter[Any], value: Any) -> Any:
    return decode(adapter, json.dumps(value).encode())


async def _ignore(_: Call[Any], __: Event) -> None:
    """What clients send is taken, and that is all."""
