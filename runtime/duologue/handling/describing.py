"""`describe`: a server tells what it serves, so that a caller without its package can check what it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, cast

import anyio.lowlevel
from msgspec.structs import replace
from pydantic import Field, TypeAdapter

from ..auth import ANONYMOUS, Identity
from ..descriptors import (
    Action,
    DownloadAction,
    Effect,
    EventDescriptor,
    Protocol,
    Rate,
    UploadAction,
)
from ..errors import CallError, Declared, NotFound, PermissionDenied, Unauthenticated
from ..events.filters import wire_path
from ..models import Event, Params, deferred
from .interceptors import Interceptors, around_handler
from .schemas import Schema, schema_of
from .service import Bound, Call, Service

if TYPE_CHECKING:
    from ..access.gate import Descriptor

Entry: TypeAlias = dict[str, Any]
Part: TypeAlias = "tuple[Descriptor, str, str]"
"""An action or event, the section that it belongs to, and who calls or sends it."""
Key: TypeAlias = tuple[str, str]
"""The section of an action or event, and its name: an event may be called as an action is."""

_SECTIONS: Final = ("actions", "events")
_MOST_NAMES: Final = 256
_LONGEST: Final = 256


class DescribeParams(Params):
    """Params of `describe`.

    Attributes:
        names: The actions and events that are asked for, by their names on the wire; all of them when not given. An
            action and an event may have the same name: both are told, as far as the caller may use them.
    """

    names: Annotated[list[Annotated[str, Field(max_length=_LONGEST)]] | None, Field(max_length=_MOST_NAMES)] = None


DESCRIBE: Final = Action(
    name="describe",
    params=DescribeParams,
    result=deferred(dict[str, Any]),
    effect=Effect.SAFE,
    rate=Rate(per_second=5, burst=50),
    concurrency=4,
)
"""What a caller of `describe` asks; a server may want a scope beside it."""


class Description:
    """What one service serves, told to each caller as far as that one may use it.

    Args:
        scope: Scopes that whoever asks must hold.
    """

    def __init__(self, protocol: Protocol, scope: tuple[str, ...]) -> None:
        self._protocol = protocol
        self._scope = scope
        self._parts: Mapping[Key, Part] | None = None
        self._told: dict[str, tuple[Entry, dict[str, Schema]]] = {}

    def bound(self) -> Bound:
        """The action, and what answers it."""
        return Bound(DESCRIBE.name, self.answer, action=replace(DESCRIBE, scope=self._scope))

    async def answer(self, call: Call[Any], params: DescribeParams) -> Entry:
        """Describe what the caller may use.

        Raises:
            Unauthenticated: Nobody knows who asks.
            PermissionDenied: What is asked for by its name is not for the caller.
            NotFound: Nothing is called so.
            ResourceExhausted: The caller takes no message of this size.
        """
        _require_somebody(call.identity)
        parts = self._all()
        wanted = [key for key, (descriptor, _, _) in parts.items() if _may(call, descriptor)]
        if params.names is not None:
            names = dict.fromkeys(params.names)
            wanted = [key for name in names for key in self._permitted(call, parts, wanted, name)]
        return await self._document([parts[key] for key in wanted])

    @staticmethod
    def _permitted(call: Call[Any], parts: Mapping[Key, Part], permitted: Sequence[Key], name: str) -> list[Key]:
        """What is called so and the caller may use: the action, the event, or both."""
        keys = [(section, name) for section in _SECTIONS if (section, name) in parts]
        if not keys:
            close = get_close_matches(name, [known for _, known in permitted], n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise NotFound(f"no action or event is called {name!r}{hint}")
        refusals = {key: call.connection.refusal(parts[key][0]) for key in keys}
        denied = [refusal.message for refusal in refusals.values() if refusal is not None]
        if len(denied) == len(keys):
            raise PermissionDenied(denied[0])
        return [key for key, refusal in refusals.items() if refusal is None]

    def _all(self) -> Mapping[Key, Part]:
        """All actions and events of the protocol; loads its namespaces."""
        if self._parts is None:
            whole, parts = self._protocol.whole(), dict[Key, Part]()
            sections: tuple[tuple[str, str, Iterable[Descriptor]], ...] = (
                ("actions", "client", whole.client_actions),
                ("actions", "server", whole.server_actions),
                ("events", "server", whole.events),
                ("events", "client", whole.notifications),
            )
            for section, side, descriptors in sections:
                for one in descriptors:
                    key = (section, one.name)
                    parts[key] = (one, section, "both" if key in parts else side)
            self._parts = MappingProxyType(parts)
        return self._parts

    async def _document(self, parts: Sequence[Part]) -> Entry:
        sections: dict[str, Entry] = {"actions": {}, "events": {}, "errors": {}}
        definitions: dict[str, Schema] = {}
        for descriptor, section, side in parts:
            entry, needed = self._entry(section, descriptor.name, descriptor)
            sections[section][descriptor.name] = {"from": side, **entry}
            definitions |= needed
            for error in descriptor.errors if isinstance(descriptor, Action) else ():
                sections["errors"][error.code], needed = self._entry("errors", error.code, error)
                definitions |= needed
            await (
                anyio.lowlevel.checkpoint()
            )  # the first time each takes a few milliseconds, and others have their turn
        scopes = {scope for descriptor, _, _ in parts for scope in descriptor.scope}
        return {
            "protocol": self._protocol.name,
            "version": self._protocol.version,
            "scopes": {scope: self._protocol.scopes.get(scope, "") for scope in sorted(scopes)},
            **sections,
            "$defs": definitions,
        }

    def _entry(self, section: str, name: str, said: Any) -> tuple[Entry, dict[str, Schema]]:
        """What is told of one thing, and the types that it needs."""
        key = f"{section} {name}"
        if key not in self._told:
            entry, needed = _TOLD[section](said), dict[str, Schema]()
            for word, value in entry.items():
                if isinstance(value, TypeAdapter):
                    entry[word], definitions = schema_of(cast("Any", value))
                    needed |= definitions
            self._told[key] = entry, needed
        return self._told[key]


def served_by(service: Service[Any], interceptors: Interceptors) -> dict[str, Bound]:
    """Who answers what; `describe` among them, where it is built in and somebody may ask for it."""
    handlers = {bound.name: around_handler(bound, interceptors.handlers) for bound in service.handlers()}
    if service.protocol.wire is None and service.describe_scope is not None:
        described = Description(service.protocol, service.describe_scope).bound()
        handlers.setdefault(described.name, described)
    return handlers


def _require_somebody(identity: Identity) -> None:
    if identity.name == ANONYMOUS and not identity.unrestricted:
        raise Unauthenticated("describe is for those who have shown who they are: connect with a token")


def _may(call: Call[Any], descriptor: Descriptor) -> bool:
    return call.connection.refusal(descriptor) is None


def _action(action: Any) -> Entry:
    return _present(
        params=TypeAdapter(action.params),
        result=action.result,
        item=getattr(action, "item", None),
        upload=_transfer(action) if isinstance(action, UploadAction) else None,
        download=_transfer(action) if isinstance(action, DownloadAction) else None,
        scope=list(action.scope),
        effect=action.effect.value,
        errors=[error.code for error in action.errors] or None,
        limits=_present(request=action.max_request, response=action.max_response) or None,
    ) | {"timeout": action.timeout}


def _event(event: EventDescriptor[Event]) -> Entry:
    return {
        "data": TypeAdapter(event.model),
        "delivery": event.delivery.value,
        "scope": list(event.scope),
        "filter": list(event.filters),
        "key": [wire_path(event.model, path) for path in event.key],
    }


def _error(error: type[CallError]) -> Entry:
    details = error.details_type if issubclass(error, Declared) else None
    return _present(status=error.status.value, details=None if details is None else TypeAdapter(details))


_TOLD: Final[Mapping[str, Callable[[Any], Entry]]] = {"actions": _action, "events": _event, "errors": _error}
"""What is told of one thing of each section: types, where schemas are to stand."""


def _transfer(action: Any) -> Entry:
    resumable = action.resumable if isinstance(action, UploadAction) else None
    return _present(media=action.media, max=action.max_size, resumable=resumable)


def _present(**members: object) -> Entry:
    return {name: value for name, value in members.items() if value is not None}
