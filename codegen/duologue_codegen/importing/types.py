"""JSON Schema as types of a spec: drafts 4 to 2020-12 as far as the two can say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from typing_extensions import override

from .. import names
from ..ir import PLAIN, ScalarKind
from ..resolve.constraints import WORDS
from ..schemas import FORMATS
from ..typetree import Entry, Long, annotated, present
from ..yamltext import Tree
from . import merging, spelling, tags, words
from .draft import Draft, Kind, shortened
from .fields import FieldReader
from .source import Place, Sources, is_list, is_map, listed, mapping, text
from .spelling import local, namespace
from .written import as_text, bounded_or_null, verbatim

Schema = dict[str, Any]

_TEXTS: Final = frozenset(ScalarKind) - PLAIN
"""Types that are text on the wire, and something else in Python."""


class TypeReader(FieldReader):
    """Declares types in a draft's `types`, each once, and reads schemas where types are used.

    `exact`: the document was written by `duologue export`; what a schema alone can say stays a schema.
    """

    def __init__(self, sources: Sources, draft: Draft, *, exact: bool = False) -> None:
        super().__init__(sources, draft, exact=exact)
        self._tagged: list[tags.Tagged] = []

    @override
    def settle(self) -> None:
        super().settle()
        tags.settle(self.draft.types, self._tagged)

    @override
    def _declaration(self, schema: Any, place: Place, name: str) -> Tree:
        tree = self.type(schema, place, names.pascal(name) or name, namespace(name))
        if is_map(schema) and "default" in schema:
            self.draft.leave_out("default", schema["default"])
        return tree

    # --------------------------------------------------------------------------------------------------- type positions
    @override
    def type(self, schema: Any, place: Place, name: str, space: str | None) -> Tree:
        """A schema as a type. `name`: what a class that is written in place is called; `space`: where it stands."""
        if schema is True:
            return "json"
        if schema is False:
            return self._widen("the schema allows nothing")
        schema = mapping(schema, place, "a schema")
        tree = self._bare(schema, place, name, space)
        if schema.get("nullable") is True:
            tree = self._union([tree, "null"], schema, place, name)
        return annotated(tree, self._notes(schema), python=self.hints(schema).get("python"))

    def _notes(self, schema: Schema) -> Entry:
        said = self.hints(schema)
        title, description = schema.get("title"), schema.get("description")
        if isinstance(title, str) and isinstance(description, str) and title != description:
            self.draft.notes.append(f"title: {shortened(title)}")
        examples = schema.get("examples", [schema["example"]] if "example" in schema else [])
        told = description if isinstance(description, str) else title
        return present(
            description=told if isinstance(told, str) else None,
            since=said.get("since"),
            deprecated=said.get("deprecated") or schema.get("deprecated") is True,
            experimental=said.get("experimental"),
            examples=list(examples) if is_list(examples) else None,
        )

    def _bare(self, schema: Schema, place: Place, name: str, space: str | None) -> Tree:
        if "$ref" in schema:
            return self._reference(schema, place, space)
        if "allOf" in schema:
            return self._all_of(schema, place, name, space)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                self._leftover(schema, (key,))
                return self._any_of(schema, key, place, name, space)
        if "const" in schema:
            self._leftover(schema, ("const",))
            return self._const(schema["const"])
        if "enum" in schema:
            self._leftover(schema, ("enum",))
            return self._enum(schema, place, name)
        kinds = words.kinds(schema, place)
        self._leftover(schema, [word for kind in kinds for word in words.BY_KIND[kind]])
        if not kinds:
            return "json"
        members = [self._typed(kind, schema, place, name, space) for kind in kinds]
        return members[0] if len(members) == 1 else self._union(members, schema, place, name)

    def _leftover(self, schema: Schema, known: Iterable[str]) -> None:
        """Tell what the spec has no word for."""
        for key, value in schema.items():
            if key not in words.ASIDE and key not in known and not self.is_hint(key):
                self.draft.leave_out(key, value)

    def _widen(self, why: str) -> Tree:
        self.draft.note(Kind.WIDENED, why)
        return "json"

    # ---------------------------------------------------------------------------------------------- references, merging
    def _reference(self, schema: Schema, place: Place, space: str | None) -> Tree:
        reference = text(schema["$ref"], place / "$ref")
        name = local(self.named(reference, place / "$ref"), space)
        bounds = {key: value for key, value in schema.items() if key in WORDS.values()}
        self._leftover(schema, ("$ref", *bounds))
        return Long(type=name, **bounds) if bounds else name

    def _all_of(self, schema: Schema, place: Place, name: str, space: str | None) -> Tree:
        own = {key: value for key, value in schema.items() if key != "allOf"}
        parts = merging.parts_of(schema, place)
        if not merging.says_nothing(own):
            parts.append(({key: value for key, value in own.items() if not merging.is_note(key)}, place))
        if len(parts) == 1:
            inner = self._bare(*parts[0], name, space)
            return annotated(inner, self._notes(parts[0][0]), python=self.hints(parts[0][0]).get("python"))
        merger = merging.Merger(self.sources)
        split = merger.split(parts)
        if split is not None:
            mixins = [local(self.named(reference, at), space) for reference, at in split.mixins]
            return self._object(split.own, place, name, space, mixins=mixins)
        try:
            merged = merger.merged(parts)
        except merging.Ambiguous as why:
            return self._widen(f"allOf: {why}")
        return self._bare(merged, place, name, space)

    # ------------------------------------------------------------------------------------------------- unions and enums
    def _any_of(self, schema: Schema, key: str, place: Place, name: str, space: str | None) -> Tree:
        at = place / key
        options = listed(schema[key], at)
        opened = self._open_enum(options, place, name) if not self.exact or self.hints(schema).get("open") else None
        if opened is not None:
            return opened
        tag = self.hints(schema).get("discriminator") or words.tag(schema.get("discriminator"))
        known = [
            (option, at / number)
            for number, option in enumerate(options)
            if not (is_map(option) and self.hints(option).get("unknown"))
        ]
        if tag or self.hints(schema).get("named"):
            return self._named_union(schema, known, tag, place, name, space)
        before = len(self.draft.notes)
        trees = [
            self.type(option, where, _option(name, option, n), space) for n, (option, where) in enumerate(known, 1)
        ]
        if self.exact and any(as_text(tree) is None for tree in trees):
            del self.draft.notes[before:]
            return Long(schema=verbatim(schema, self.sources, place, self.named))
        return self._union(trees, schema, place, name)

    def _named_union(
        self,
        schema: Schema,
        options: list[tuple[Any, Place]],
        tag: str | None,
        place: Place,
        name: str,
        space: str | None,
    ) -> Tree:
        rest = [(option, at) for option, at in options if self.exact or option != {"type": "null"}]
        members = [self._name_of(option, at, _option(name, option, n), space) for n, (option, at) in enumerate(rest, 1)]
        total = len(schema["anyOf"] if "anyOf" in schema else schema["oneOf"])
        tree: Tree = Long(present(oneOf=members, discriminator=tag, open=self.exact and len(rest) < total))
        if len(members) == 1:
            tree = members[0]
        elif tag and not self.exact:
            references = {
                option["$ref"]: f"{space}.{member}" if space and f"{space}.{member}" in self.draft.types else member
                for (option, _), member in zip(rest, members, strict=True)
                if is_map(option) and isinstance(option.get("$ref"), str)
            }
            self._tagged.append(tags.Tagged(tag, tags.values(schema.get("discriminator"), references)))
        return tree if len(rest) == len(options) else self._union([tree, "null"], schema, place, name)

    def _name_of(self, option: Any, place: Place, name: str, space: str | None) -> str:
        tree = self.type(option, place, name, space)
        plain = isinstance(tree, str) and not set(tree) & set("|[{")
        return str(tree) if plain else self.hoist(tree, name)

    def _open_enum(self, options: list[Any], place: Place, name: str) -> Tree | None:
        """Some texts or any other text, as two members of a union say it."""
        if len(options) != 2 or {"type": "string"} not in options:
            return None
        listed_ = next((o for o in options if is_map(o) and "enum" in o), None)
        if listed_ is None or not all(isinstance(value, str) for value in listed(listed_["enum"], place)):
            return None
        tree = self._enum(listed_, place, name)
        return Long({**tree, "open": True}) if isinstance(tree, Long) else None

    def _union(self, members: list[Tree], schema: Schema, place: Place, name: str) -> Tree:
        if "json" in members:
            return "json"
        plain = [self._without_notes(tree) for tree in members]
        rest = [tree for tree in plain if tree != "null"]
        bounded = bounded_or_null(rest[0]) if len(rest) == 1 < len(plain) else None
        if bounded is not None:
            return bounded
        if self.exact and any(as_text(tree) is None for tree in plain):
            return Long(schema=verbatim(schema, self.sources, place, self.named))
        options = listed(schema.get("anyOf", schema.get("oneOf", [])), place)
        found: list[str] = []
        for number, tree in enumerate(plain, 1):
            option = options[number - 1] if len(options) == len(plain) else None
            word = as_text(tree) or self.hoist(tree, _option(name, option, number) if len(rest) > 1 else name)
            found += [word] if word not in found else []
        if "string" in found:
            for word in [word for word in found if word in _TEXTS]:
                found.remove(word)
                self.draft.note(Kind.LEFT_OUT, f"{word}: it is a string as well")
        return "|".join(sorted(found, key="null".__eq__))  # null last; the others as they were

    def _without_notes(self, tree: Tree) -> Tree:
        """A member of a union: what is said of a plain type there becomes a comment."""
        if not isinstance(tree, Long) or tree.keys() != {"type", "description"} or as_text(tree["type"]) is None:
            return tree
        self.draft.notes.append(f"{as_text(tree['type'])}: {shortened(tree['description'])}")
        return as_text(tree["type"])

    def _const(self, value: Any) -> Tree:
        if value is None:
            return "null"
        if isinstance(value, str | bool | int):
            return Long(const=value)
        return self._widen(f"const: {shortened(value)}")

    def _enum(self, schema: Schema, place: Place, name: str) -> Tree:
        values = listed(schema["enum"], place / "enum")
        known = list(dict.fromkeys((type(value).__name__, value) for value in values if isinstance(value, str | int)))
        rest = [value for value in values if not isinstance(value, str | int)]
        kinds = {kind for kind, _ in known}
        if any(value is not None for value in rest) or len(kinds) != 1:
            return self._widen(f"enum: {shortened(values)}") if values != [None] else "null"
        plain = [value for _, value in known]
        if kinds == {"bool"}:
            tree: Tree = "boolean" if len(plain) == 2 else Long(const=plain[0])
        else:
            chosen = self.hints(schema).get("names") or spelling.enum_names(plain)
            tree = Long(present(enum=plain, names=chosen))
        return self._union([tree, "null"], schema, place, name) if None in rest else tree

    # ------------------------------------------------------------------------------------------------------ plain types
    def _typed(self, kind: str, schema: Schema, place: Place, name: str, space: str | None) -> Tree:
        match kind:
            case "array":
                return self._array(schema, place, name, space)
            case "object":
                return self._object_or_map(schema, place, name, space)
            case _:
                return self._scalar(kind, schema)

    def _scalar(self, kind: str, schema: Schema) -> Tree:
        form, encoding = schema.get("format"), schema.get("contentEncoding")
        known = FORMATS.get(form) if isinstance(form, str) and kind == "string" else None
        word = "bytes" if encoding == "base64" else known.value if known else kind
        if word != kind:  # of these, a pattern says what their type says
            bounds = words.hinted_bounds(self.hints(schema))
        else:
            bounds = words.bounds_of(schema, kind)
            for key in ("format", "contentEncoding"):
                if key in schema and key in words.BY_KIND[kind]:
                    self.draft.leave_out(key, schema[key])
        return Long(type=word, **bounds) if bounds else word

    def _array(self, schema: Schema, place: Place, name: str, space: str | None) -> Tree:
        items_ = schema.get("items")
        prefix = schema.get("prefixItems", items_ if is_list(items_) else None)
        key = "prefixItems" if "prefixItems" in schema else "items"
        if prefix is not None:
            return self._tuple(schema, listed(prefix, place / key), place / key, name, space)
        bounds = {word: schema[word] for word in words.ITEMS if schema.get(word) not in (None, False)}
        item = "json" if items_ is None else self.type(items_, place / "items", f"{name}Item", space)
        return Long(type=[item], **bounds) if bounds else [item]

    def _tuple(self, schema: Schema, prefix: list[Any], place: Place, name: str, space: str | None) -> Tree:
        closed = schema.get("items") is False or schema.get("additionalItems") is False
        if not prefix or not (closed or schema.get("maxItems") == len(prefix)):
            self._widen(f"items: the first {len(prefix)} have types of their own")
            return ["json"]
        parts = [self.type(item, place / n, f"{name}Item{n + 1}", space) for n, item in enumerate(prefix)]
        return Long(tuple=parts)

    def _object_or_map(self, schema: Schema, place: Place, name: str, space: str | None) -> Tree:
        extra = schema.get("additionalProperties")
        if "properties" in schema or "required" in schema or extra is False:
            return self._object(schema, place, name, space, mixins=self.hints(schema).get("with", []))
        return self._map(schema, extra, place, name, space)

    def _map(self, schema: Schema, extra: Any, place: Place, name: str, space: str | None) -> Tree:
        patterns = mapping(schema.get("patternProperties", {}), place / "patternProperties")
        value: Tree = "json"
        if len(patterns) == 1 and extra is None:
            [(pattern, inner)] = patterns.items()
            self.draft.leave_out("patternProperties", pattern)
            value = self.type(inner, place / "patternProperties" / pattern, f"{name}Value", space)
        elif patterns:
            self.draft.leave_out("patternProperties", list(patterns))
        elif extra is not None:
            value = self.type(extra, place / "additionalProperties", f"{name}Value", space)
        keys = schema.get("propertyNames")
        key = "string"
        if is_map(keys) and isinstance(keys.get("$ref"), str):
            key = local(self.named(keys["$ref"], place / "propertyNames" / "$ref"), space)
        elif keys not in (None, True):
            self.draft.leave_out("propertyNames", keys)
        return {key: value}

    # ---------------------------------------------------------------------------------------------------------- objects
    def _object(
        self, schema: Schema, place: Place, name: str, space: str | None, *, mixins: Iterable[str] = ()
    ) -> Long:
        for key in ("additionalProperties", "patternProperties", "propertyNames"):
            if schema.get(key) not in (None, True, False):
                self.draft.leave_out(key, schema[key])
        mixins = list(mixins)
        skip = {field for mixin in mixins for field in self.fields_of(mixin, space)} if self.exact else set[str]()
        fields = self.fields(schema, place, name, space, skip=skip)
        return Long({**({"with": mixins} if mixins else {}), "fields": fields})


def _option(name: str, option: Any, number: int) -> str:
    """What the class of a union's member is called: by its title, or its number."""
    title = option.get("title") if is_map(option) else None
    return f"{name}{(names.pascal(title) if isinstance(title, str) else None) or f'Option{number}'}"
