"""AsyncAPI 3: operations become actions where they reply, else events. The document is read as the server's."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import override

from ..reserved import CALL_ARGUMENTS, UPLOAD_ARGUMENTS
from ..typetree import Entry, Long, present
from ..yamltext import Commented, Tree
from .draft import Draft, Kind
from .head import begin, is_export, restore, single, wire
from .source import Place, Sources, entries, is_map, items, mapping, member, text
from .spelling import class_name, namespace
from .types import TypeReader

Json = dict[str, Any]

_ROOT: Final = frozenset("asyncapi id info operations channels components defaultContentType".split())
_OPERATION: Final = frozenset("action channel messages reply title summary description".split())
_MESSAGE: Final = frozenset("payload name title summary description deprecated contentType examples".split())
_SCHEMAS: Final = ("application/vnd.aai.asyncapi", "application/schema+", "application/vnd.oai.openapi")


def read(sources: Sources, protocol: str | None, version: str | None) -> Draft:
    """The protocol of one document; further files are those that it refers to."""
    document, place = single(sources)
    stated = mapping(document, place).get("asyncapi")
    if not isinstance(stated, str) or not stated.startswith("3."):
        raise place.refusal("this is no AsyncAPI document of version 3: `asyncapi: 3.…` is expected")
    draft, exported = begin(document, place, _ROOT, name=protocol, version=version), is_export(document)
    if exported:
        restore(draft, document, place)
    else:
        draft.head |= wire("asyncapi")
        draft.defaults = {"scope": "public", "delivery": "volatile"}
    reader = _Reader(sources, draft, exact=exported)
    components, at = mapping(document.get("components", {}), place / "components"), place / "components"
    for name, schema, where in entries(components, "schemas", at):
        reader.declare(name, *reader.schema(schema, where))
    if not exported:
        reader.channels(document, place)
    for name, operation, where in entries(document, "operations", place):
        reader.operation(name, operation, where)
    reader.settle()
    return draft


class _Reader(TypeReader):
    def __init__(self, sources: Sources, draft: Draft, *, exact: bool) -> None:
        super().__init__(sources, draft, exact=exact)
        self._named: dict[Place, str] = {}
        self._used: set[Place] = set()

    def _followed(self, said: Any, place: Place) -> tuple[Json, Place]:
        found = mapping(said, place)
        if "$ref" in found:
            value, place = self.sources.follow(text(found["$ref"], place / "$ref"), place / "$ref")
            found = mapping(value, place)
        return self._with_traits(found, place), place

    def _with_traits(self, found: Json, place: Place) -> Json:
        """What traits say, unless the object itself says otherwise."""
        made: Json = {}
        for trait, at in items(found, "traits", place):
            made |= self._followed(trait, at)[0]
        return {**made, **{key: value for key, value in found.items() if key != "traits"}}

    def schema(self, said: Any, place: Place) -> tuple[Any, Place]:
        """A schema, out of what may say its format too."""
        if not (is_map(said) and "schemaFormat" in said):
            return said, place
        form = member(said, "schemaFormat", place)
        if form.startswith(_SCHEMAS):
            return said.get("schema", True), place / "schema"
        self.draft.note(Kind.WIDENED, f"a schema in the format {form}")
        return True, place

    # ------------------------------------------------------------------------------------------------------- operations
    def operation(self, name: str, said: Any, place: Place) -> None:
        operation, place = self._followed(said, place)
        if self.hints(operation).get("of"):  # the other direction of one that both ends use
            return
        action = member(operation, "action", place)
        if action not in ("send", "receive"):
            raise (place / "action").refusal(f"`send` or `receive` expected, not {action}")
        messages = self._messages(operation, place)
        if not messages:
            self.draft.leave_out("an operation without messages", name)
        for key, message, at in messages:
            called = self.hints(operation).get("name", name) if len(messages) == 1 else key
            section = self.draft.actions if "reply" in operation else self.draft.events
            if called in section:
                self.draft.leave_out(name, f"{called} is in another operation already")
                continue
            with self.draft.entry(section, called):
                self._leave(operation, _OPERATION)
                parts = _Parts(called, operation, place, message, at, from_client=action == "receive")
                section[called] = self._action(parts) if "reply" in operation else self._event(parts)

    @override
    def settle(self) -> None:
        super().settle()
        for place, name in self._named.items():
            if place not in self._used:
                self.draft.leave_out("a message that no operation uses", name)

    def channels(self, document: Json, place: Place) -> None:
        """Where messages go: of a WebSocket there is one address, and a spec does not say it."""
        for name, said, where in entries(document, "channels", place):
            channel, at = self._followed(said, where)
            for message, inner, spot in entries(channel, "messages", at):
                self._named[self._followed(inner, spot)[1]] = f"{message} of channel {name}"
            for key, value in channel.items():
                if key not in ("messages", "title", "summary", "description"):
                    self.draft.leave_out(f"{key} of channel {name}", value)

    def _messages(self, operation: Json, place: Place) -> list[tuple[str, Json, Place]]:
        """The messages of an operation, or of a reply: its own, else all of its channel."""
        found: list[tuple[str, Json, Place]] = []
        if "messages" in operation:
            for said, at in items(operation, "messages", place):
                message, where = self._followed(said, at)
                reference = str(said.get("$ref", "")).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
                found.append((str(message.get("name") or reference or where.last), message, where))
                self._used.add(where)
            return found
        if "channel" not in operation:
            return found
        channel, at = self._followed(operation["channel"], place / "channel")
        for key, said, where in entries(channel, "messages", at):
            message, spot = self._followed(said, where)
            found.append((str(message.get("name") or key), message, spot))
            self._used.add(spot)
        return found

    def _leave(self, said: Json, known: frozenset[str]) -> None:
        for key, value in said.items():
            if key not in known and not self.is_hint(key):
                self.draft.leave_out(key, value)

    # ----------------------------------------------------------------------------------------------- actions and events
    def _action(self, parts: _Parts) -> Entry:
        said, space = self.hints(parts.operation), namespace(parts.name)
        owner = class_name(parts.name, said.get("python", {}).get("name"))
        reply, at = self._followed(parts.operation["reply"], parts.place / "reply")
        reserved = UPLOAD_ARGUMENTS if "upload" in said else CALL_ARGUMENTS
        body = self._body(parts, "params", owner, reserved)
        item, result = self._answers(reply, at, owner, space)
        side = {} if parts.from_client or "from" in said else {"from": "server"}
        return {**side, **self._told(parts), **body, **item, **result, **_rest(said)}

    def _answers(self, reply: Json, place: Place, owner: str, space: str | None) -> tuple[Entry, Entry]:
        """Items and result of a reply: any of several messages that are no items is the result."""
        item: Entry = {}
        results: list[Tree] = []
        for number, (_, message, at) in enumerate(self._messages(reply, place), 1):
            schema, where = self.schema(message.get("payload", True), at / "payload")
            if self.exact and self.hints(message).get("item"):
                item = {"stream": self.type(schema, where, f"{owner}Item", space)}
                continue
            if not self.exact:
                self._leave(message, _MESSAGE)
            name = f"{owner}Result" if number == 1 or self.exact else f"{owner}Result{number}"
            results.append(self.type(schema, where, name, space))
        if not results:
            return item, {}
        result = results[0] if len(results) == 1 else self._union(results, {}, place, f"{owner}Result")
        return item, {} if result == "null" else {"result": result}

    def _event(self, parts: _Parts) -> Entry:
        said = self.hints(parts.operation)
        body = self._body(parts, "data", class_name(parts.name, said.get("python", {}).get("name")), frozenset())
        side = {"from": "client"} if parts.from_client and "from" not in said else {}
        return {**side, **self._told(parts), **body, **_rest(said)}

    def _told(self, parts: _Parts) -> Entry:
        operation, message = parts.operation, parts.message
        if not self.exact:
            self._leave(message, _MESSAGE)
        words = [holder.get(key) for holder in (operation, message) for key in ("description", "summary", "title")]
        texts = list(dict.fromkeys(word for word in words if isinstance(word, str)))
        self.draft.notes.extend(texts[1:])
        return present(
            description=texts[0] if texts else None,
            deprecated=self.hints(operation).get("deprecated", message.get("deprecated") is True),
        )

    def _body(self, parts: _Parts, key: str, owner: str, reserved: frozenset[str]) -> Entry:
        """The payload as params or data: a declared object, the fields of one in place, or one field for all of it."""
        space = namespace(parts.name)
        schema, place = self.schema(parts.message.get("payload", {"properties": {}}), parts.at / "payload")
        if self.exact:
            mixins = self.hints(mapping(schema, place, "a schema")).get("with", [])
            skip = {field for mixin in mixins for field in self.fields_of(mixin, space)}
            return present(with_=mixins, **{key: self.fields(schema, place, owner, space, reserved, skip)})
        tree = self.type(schema, place, owner, space)
        if isinstance(tree, Long) and "fields" in tree and "description" in tree:
            self.draft.notes.append(str(tree["description"]))
        return _as_body(tree, key) if self._is_object(schema, place) else self._wrapped(tree, key)

    def _is_object(self, schema: Any, place: Place) -> bool:
        if is_map(schema) and isinstance(schema.get("$ref"), str):
            return self._is_object(*self.sources.follow(schema["$ref"], place / "$ref"))
        if not is_map(schema):
            return False
        return "properties" in schema or (
            "allOf" in schema and all(self._is_object(s, p) for s, p in items(schema, "allOf", place))
        )

    def _wrapped(self, tree: Tree, key: str) -> Entry:
        self.draft.note(Kind.WRAPPED, "the payload is no object with fields")
        return {key: Commented({"payload": tree})}


def _as_body(tree: Tree, key: str) -> Entry:
    """Fields in place, or the name of the type that has them."""
    if isinstance(tree, Long) and "fields" in tree:
        return present(with_=tree.get("with"), **{key: tree["fields"]})
    name = tree["type"] if isinstance(tree, Long) and "type" in tree else tree
    return {key: name}


def _rest(said: Entry) -> Entry:
    """What an export says of an operation besides."""
    return {key: value for key, value in said.items() if key not in ("deprecated", "of", "name")}


class _Parts:
    """An operation with one of its messages."""

    def __init__(
        self, name: str, operation: Json, place: Place, message: Json, at: Place, *, from_client: bool
    ) -> None:
        self.name = name
        self.operation = operation
        self.place = place
        self.message = message
        self.at = at
        self.from_client = from_client
