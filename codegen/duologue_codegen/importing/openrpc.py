"""OpenRPC: methods become actions; one without a result is a notification, an event from the client."""

from __future__ import annotations

from typing import Any, Final

from .. import names
from ..reserved import CALL_ARGUMENTS
from ..typetree import Entry, annotated, present
from ..unparse import literal_braces
from ..yamltext import Commented, Tree
from .draft import Draft
from .head import SPEC, begin, is_export, restore, single, wire
from .source import Place, Sources, entries, is_map, items, listed, mapping, member, text
from .spelling import class_name, namespace, unique
from .types import TypeReader

Json = dict[str, Any]

_ROOT: Final = frozenset("openrpc info methods components externalDocs $schema".split())
_METHOD: Final = frozenset("name description summary params result errors examples deprecated paramStructure".split())
_STATUSES: Final = {  # of the codes that JSON-RPC itself has
    -32700: "invalid_argument",
    -32600: "invalid_argument",
    -32601: "unimplemented",
    -32602: "invalid_argument",
    -32603: "internal",
}


def read(sources: Sources, protocol: str | None, version: str | None) -> Draft:
    """The protocol of one document; further files are those that it refers to."""
    document, place = single(sources)
    if "openrpc" not in mapping(document, place) or "methods" not in document:
        raise place.refusal("this is no OpenRPC document: `openrpc` and `methods` are expected")
    draft, exported = begin(document, place, _ROOT, name=protocol, version=version), is_export(document)
    order = _restore(draft, document, place) if exported else []
    if not exported:
        draft.head |= wire("openrpc")
        draft.defaults = {"scope": "public"}
    reader = _Reader(sources, draft, exact=exported)
    reader.components(document, place)
    for method, at in items(document, "methods", place):
        reader.method(method, at)
    reader.settle()
    _sort(draft.actions, order)
    return draft


def _restore(draft: Draft, document: Json, place: Place) -> list[str]:
    restore(draft, document, place)
    return [text(name, place / SPEC / "order") for name in listed(draft.head.pop("order", []), place / SPEC / "order")]


def _sort(actions: Commented, order: list[str]) -> None:
    """Actions in the order of the exported spec: those of the server are not among the methods."""
    entries_ = {name: actions[name] for name in order if name in actions} | dict(actions)
    actions.clear()
    actions.update(entries_)


class _Reader(TypeReader):
    def components(self, document: Json, place: Place) -> None:
        at = place / "components"
        components = mapping(document.get("components", {}), at)
        for name, schema, where in entries(components, "schemas", at):
            self.declare(name, schema, where)

    def method(self, method: Json, place: Place) -> None:
        if "$ref" in method:
            found, place = self.sources.follow(text(method["$ref"], place / "$ref"), place / "$ref")
            method = mapping(found, place)
        name = member(method, "name", place)
        called = "result" in method
        section = self.draft.actions if called else self.draft.events
        with self.draft.entry(section, name):
            section[name] = self._call(name, method, place) if called else self._notification(name, method, place)

    def _call(self, name: str, method: Json, place: Place) -> Entry:
        space, owner, said = namespace(name), self._class(name, method), self.hints(method)
        result, at = self._descriptor(method["result"], place / "result")
        stream = {"stream": self.type(said.pop("stream"), place, f"{owner}Item", space)} if "stream" in said else {}
        answered = self.type(result.get("schema", True), at / "schema", f"{owner}Result", space)
        answered = annotated(answered, _described(result, answered)) if not self.exact else answered
        errors = said.pop("errors", None) if self.exact else self._errors(method, place)
        deprecated = said.pop("deprecated", None)
        return {
            **self._notes(self._told(method, deprecated)),
            **self._params(method, place, owner, space, "params"),
            **stream,
            **({} if answered == "null" else {"result": answered}),
            **present(errors=errors, examples=self._examples(method, place)),
            **said,
        }

    def _notification(self, name: str, method: Json, place: Place) -> Entry:
        said = self._notes(self._told(method, None))
        data = self._params(method, place, self._class(name, method), namespace(name), "data")
        return {"from": "client", **said, **data}

    def _told(self, method: Json, deprecated: Any) -> Json:
        """What is said of a method, as a schema says it; and what there is no place for."""
        for key, value in method.items():
            if key not in _METHOD and not self.is_hint(key):
                self.draft.leave_out(key, value)
        if method.get("paramStructure") == "by-position":
            self.draft.leave_out("paramStructure", "by-position")
        summary, description = method.get("summary"), method.get("description")
        if isinstance(summary, str) and isinstance(description, str) and summary != description:
            self.draft.notes.append(f"summary: {summary}")
        said = {key: method[key] for key in method if key == "deprecated"}
        if deprecated is not None:
            said["x-duologue-deprecated"] = deprecated
        return {**said, "description": description if isinstance(description, str) else summary}

    # ------------------------------------------------------------------------------------------------ params and result
    def _class(self, name: str, method: Json) -> str:
        return class_name(name, self.hints(method).get("python", {}).get("name"))

    def _descriptor(self, said: Any, place: Place) -> tuple[Json, Place]:
        found = mapping(said, place)
        if "$ref" in found:
            value, place = self.sources.follow(text(found["$ref"], place / "$ref"), place / "$ref")
            found = mapping(value, place)
        return found, place

    def _params(self, method: Json, place: Place, owner: str, space: str | None, key: str) -> Entry:
        found: dict[str, tuple[Json, Place]] = {}
        for said, at in items(method, "params", place):
            descriptor, where = self._descriptor(said, at)
            found[member(descriptor, "name", where)] = descriptor, where
        mixins = self.hints(method).get("with", [])
        skip = {field for mixin in mixins for field in self.fields_of(mixin, space)}
        schema = {
            "properties": {wire: said.get("schema", True) for wire, (said, _) in found.items() if wire not in skip},
            "required": [wire for wire, (said, _) in found.items() if said.get("required") is True],
        }

        def read(wire: str, name: str) -> Tree:
            descriptor, where = found[wire]
            tree = self.type(descriptor.get("schema", True), where / "schema", name, space)
            return annotated(tree, _described(descriptor, tree)) if not self.exact else tree

        fields = self._fields(schema, owner, CALL_ARGUMENTS, read)
        return present(with_=mixins, **{key: fields})

    # ------------------------------------------------------------------------------------------------------------- more
    def _errors(self, method: Json, place: Place) -> list[str]:
        return [self._error(said, at) for said, at in items(method, "errors", place)]

    def _error(self, said: Json, place: Place) -> str:
        found, at = self._descriptor(said, place)
        code, message = found.get("code"), member(found, "message", at)
        if not isinstance(code, int) or isinstance(code, bool):
            raise (at / "code").refusal("a whole number expected")
        entry: Entry = {"status": _STATUSES.get(code, "unknown"), "code": code, "message": literal_braces(message)}
        errors = self.draft.errors
        known = next((name for name, other in errors.items() if other == entry), None)
        if known is not None:
            return known
        name = unique(names.snake(message)[:60].rstrip("_") if names.snake(message) else f"error_{abs(code)}", errors)  # type: ignore[index]
        with self.draft.entry(errors, name):
            if "data" in found:
                self.draft.leave_out("data", found["data"])
            errors[name] = entry
        return name

    def _examples(self, method: Json, place: Place) -> list[Entry]:
        if self.exact:
            return list(self.hints(method).get("examples", []))
        made: list[Entry] = []
        for said, at in items(method, "examples", place):
            pairing, where = self._descriptor(said, at)
            params = [self._descriptor(item, spot) for item, spot in items(pairing, "params", where)]
            entry: Entry = {"params": {str(item.get("name")): item.get("value") for item, _ in params}}
            if "result" in pairing:
                entry["result"] = self._descriptor(pairing["result"], where / "result")[0].get("value")
            made.append(entry)
        return made


def _described(descriptor: Json, tree: Tree) -> Entry:
    """What a descriptor says, where its schema does not."""
    told = descriptor.get("description", descriptor.get("summary"))
    already = is_map(tree) and "description" in tree
    return present(
        description=told if isinstance(told, str) and not already else None,
        deprecated=descriptor.get("deprecated") is True,
    )
