"""The Chrome DevTools Protocol: domains become namespaces, commands actions, events events."""

from __future__ import annotations

import re
from typing import Any, Final

from typing_extensions import override

from ..grammar import SEMVER
from ..reserved import CALL_ARGUMENTS
from ..typetree import Entry, Long, annotated, present
from ..yamltext import Commented, Tree
from .draft import Draft, Kind
from .head import wire
from .source import Place, Sources, items, listed, mapping, member, text
from .spelling import class_name, local
from .types import TypeReader

Json = dict[str, Any]

# What the protocol's own generator writes behind the description of `binary`, which its JSON has no word for.
_BINARY: Final = "(Encoded as a base64 string when passed over JSON)"
_NOTES: Final = frozenset("id name description experimental deprecated optional".split())
_KNOWN: Final = {
    "domain": frozenset("domain description experimental deprecated dependencies types commands events".split()),
    "command": _NOTES | frozenset("parameters returns redirect handlers".split()),
    "event": _NOTES | {"parameters"},
}


def read(sources: Sources, protocol: str | None, version: str | None) -> Draft:
    """The protocol that one or more JSON files describe, such as `browser_protocol.json` and `js_protocol.json`."""
    draft = Draft(protocol or "devtools", version or "0.0.0")
    if version is None:
        _read_version(draft, sources)
    draft.defaults = {"scope": "public", "delivery": "volatile"}
    draft.head |= wire("cdp")
    domains = [found for root in sources.roots() for found in _domains(root)]
    reader = _Reader(sources, draft)
    for domain, place in domains:
        for type_, at in items(domain, "types", place):
            reader.declare(f"{domain['domain']}.{member(type_, 'id', at)}", type_, at)
    for domain, place in domains:
        reader.domain(domain, place)
    reader.settle()
    return draft


def _read_version(draft: Draft, sources: Sources) -> None:
    """That of the first file: `1.3` is 1.3.0."""
    document, place = sources.roots()[0]
    said = mapping(mapping(document, place).get("version", {}), place / "version")
    written = f"{said.get('major')}.{said.get('minor')}.0"
    if re.fullmatch(SEMVER, written):
        draft.version = written
    elif said:
        draft.leave_out("version", said)


def _domains(root: tuple[Any, Place]) -> list[tuple[Json, Place]]:
    document, place = root
    if "domains" not in mapping(document, place):
        raise place.refusal("this is no protocol of Chrome DevTools: `domains` is missing")
    found = list(items(document, "domains", place))
    for domain, at in found:
        member(domain, "domain", at)
    return found


class _Reader(TypeReader):
    """Types are called `Domain.Type`; what is said of them is nearly JSON Schema."""

    def domain(self, domain: Json, place: Place) -> None:
        space = str(domain["domain"])
        with self.draft.entry(self.draft.namespaces, space):
            self._leave(domain, _KNOWN["domain"])
            if needed := listed(domain.get("dependencies", []), place / "dependencies"):
                self.draft.notes.append(f"needs {', '.join(map(str, needed))}")
            said = _notes(domain)
        if said or space in self.draft.namespaces.comments:
            self.draft.namespaces[space] = said
        for command, at in items(domain, "commands", place):
            self._command(space, command, at)
        for event, at in items(domain, "events", place):
            self._event(space, event, at)

    def _command(self, space: str, command: Json, place: Place) -> None:
        local_name = member(command, "name", place)
        name = f"{space}.{local_name}"
        owner = class_name(name)
        with self.draft.entry(self.draft.actions, name):
            self._leave(command, _KNOWN["command"])
            if "redirect" in command:
                self.draft.notes.append(f"redirected to {command['redirect']}")
            params = self._properties(command, "parameters", place, owner, space, CALL_ARGUMENTS)
            result = self._properties(command, "returns", place, f"{owner}Result", space)
            self.draft.actions[name] = {
                **_notes(command),
                **({"params": params} if params else {}),
                **({"result": Long(fields=result)} if result else {}),
            }

    def _event(self, space: str, event: Json, place: Place) -> None:
        name = f"{space}.{member(event, 'name', place)}"
        with self.draft.entry(self.draft.events, name):
            self._leave(event, _KNOWN["event"])
            data = self._properties(event, "parameters", place, class_name(name), space)
            self.draft.events[name] = {**_notes(event), **({"data": data} if data else {})}

    def _leave(self, said: Json, known: frozenset[str]) -> None:
        for key, value in said.items():
            if key not in known:
                self.draft.leave_out(key, value)

    # ------------------------------------------------------------------------------------------------------------ types
    @override
    def _declaration(self, schema: Any, place: Place, name: str) -> Tree:
        space = name.partition(".")[0]
        return self._type(mapping(schema, place), place, class_name(name), space)

    def _type(self, said: Json, place: Place, name: str, space: str) -> Tree:
        return annotated(self._plain(said, place, name, space), _notes(said))

    def _plain(self, said: Json, place: Place, name: str, space: str) -> Tree:
        if "$ref" in said:
            self._leave(said, _NOTES | {"$ref"})
            return self._named(text(said["$ref"], place / "$ref"), space)
        kind = member(said, "type", place)
        if kind == "object" and "properties" in said:
            self._leave(said, _NOTES | {"type", "properties"})
            return Long(fields=self._properties(said, "properties", place, name, space))
        if kind == "array":
            self._leave(said, _NOTES | {"type", "items", "minItems", "maxItems"})
            return self._list(said, place, name, space)
        if kind in ("any", "object"):
            self._leave(said, _NOTES | {"type"})
            return "json" if kind == "any" else {"string": "json"}
        if kind == "binary" or (kind == "string" and str(said.get("description", "")).endswith(_BINARY)):
            self._leave(said, _NOTES | {"type"})
            return "bytes"
        schema = {key: value for key, value in said.items() if key not in _NOTES}
        return self._bare(schema, place, name, space)

    def _list(self, said: Json, place: Place, name: str, space: str) -> Tree:
        item: Tree = "json"
        if "items" in said:
            item = self._type(mapping(said["items"], place / "items"), place / "items", f"{name}Item", space)
        bounds = {key: said[key] for key in ("minItems", "maxItems") if key in said}
        return Long(type=[item], **bounds) if bounds else [item]

    def _named(self, reference: str, space: str) -> Tree:
        name = reference if "." in reference else f"{space}.{reference}"
        if name in self.draft.types:
            return local(name, space)
        self.draft.note(Kind.WIDENED, f"no type is called {name}")
        return "json"

    def _properties(
        self, owner: Json, key: str, place: Place, class_name: str, space: str, reserved: frozenset[str] = frozenset()
    ) -> Commented:
        """A field map of a list of properties."""
        at = place / key
        found = {
            member(mapping(said, at / n), "name", at / n): (said, at / n)
            for n, said in enumerate(listed(owner.get(key, []), at))
        }
        schema = {
            "properties": {wire: said for wire, (said, _) in found.items()},
            "required": [wire for wire, (said, _) in found.items() if said.get("optional") is not True],
        }
        return self._fields(schema, class_name, reserved, lambda wire, name: self._type(*found[wire], name, space))


def _notes(said: Json) -> Entry:
    description = said.get("description")
    return present(
        description=description if isinstance(description, str) and description else None,
        experimental=said.get("experimental") is True,
        deprecated=said.get("deprecated") is True,
    )
