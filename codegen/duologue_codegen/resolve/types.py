"""Types: what stands in a type position, and the definitions that come of it."""

from __future__ import annotations

from collections.abc import Iterable

from .. import ir, names, typetext
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe
from ..problems import quote
from ..spec import (
    LONG_FORM_KEYS,
    LONG_FORMS,
    EnumForm,
    FieldsForm,
    LongForm,
    OneOfForm,
    SchemaForm,
    TupleForm,
    TypeForm,
)
from . import constraints, enums
from .context import IN_PLACE, RENAME, Context, Symbol
from .drafts import (
    UNRESOLVED,
    AliasDraft,
    AnyDraft,
    EnumDraft,
    ObjectDraft,
    UnionDraft,
    notes,
)
from .fields import Fields
from .verbatim import Verbatim

BUILTINS: frozenset[str] = frozenset([*ir.ScalarKind, "null", "json"])

# What people write who come from another language.
_FOREIGN = {
    "str": "string", "text": "string", "int": "integer", "int32": "integer", "long": "int64", "float": "number",
    "double": "number", "bool": "boolean", "none": "null", "any": "json", "timestamp": "datetime", "time": "datetime",
    "binary": "bytes", "guid": "uuid", "timedelta": "duration",
}  # fmt: skip
_OBJECT_HINT = "an object is written `{fields: {…}}`"


class Types:
    """Reads type positions. Definitions are made on demand, each once.

    Attributes:
        unions: The unions without a name, and where each stands.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.fields = Fields(context, self)
        self.unions: list[tuple[Node, ir.Union]] = []
        self._by_class: dict[str, Symbol] = {}
        self._started: set[str] = set()

    # -------------------------------------------------------------------------------------------- declarations
    def enter(self, symbols: Iterable[Symbol]) -> None:
        """Give every declared type its class name."""
        for symbol in symbols:
            if symbol.local in LONG_FORM_KEYS or symbol.name in BUILTINS:
                hint = "it would be taken for the grammar's own word"
                self.context.complain(symbol.key, f"a type cannot be called {quote(symbol.local)}", hint)
            chosen = _chosen_name(symbol.node)
            self.context.check_chosen(chosen, symbol.key.origin)
            prefix = names.pascal(symbol.namespace) or "" if symbol.namespace else ""
            symbol.class_name = chosen or prefix + (names.pascal(symbol.local) or "Type")
            self.context.claim(symbol.class_name, f"type {quote(symbol.name)}", symbol.key.origin)
            self._by_class.setdefault(symbol.class_name, symbol)

    def define(self, symbol: Symbol) -> AnyDraft | None:
        """The definition of a declared type; None while it is being made, or when it is wrong."""
        name = symbol.class_name
        if name in self._started:
            return self.context.definitions.get(name)
        self._started.add(name)
        node = symbol.node
        is_long = self.is_long(node, symbol.namespace)
        form = self._long_form(node, symbol.key) if is_long else None
        if isinstance(form, FieldsForm | EnumForm | OneOfForm) and isinstance(node, MapNode):
            draft = self.named(form, node, symbol.namespace, name, symbol.name, symbol.key.origin)
        else:
            draft = self._other(symbol, node, form, is_long=is_long)
        draft.namespace = symbol.namespace
        if form is not None:
            draft.notes = notes(form, form.examples)
            self._of_no_field(form, node)
        self.context.definitions[name] = draft
        return draft

    def _other(self, symbol: Symbol, node: Node, form: LongForm | None, *, is_long: bool) -> AnyDraft:
        """The definition of a type that is no object, enum or union in our own long form: most often an alias."""
        name = symbol.class_name
        if isinstance(form, SchemaForm):
            body = Verbatim(self.context, self, declared=name).lower(form.schema_, symbol.namespace, name)
            made = self.context.definitions.get(name)
            if made is not None:
                made.name, made.origin = symbol.name, symbol.key.origin
                return made
        elif form is not None:
            body = self.plain(form, node, symbol.namespace, name)
        else:
            body = UNRESOLVED if is_long else self.resolve(node, symbol.namespace, name, symbol.key)
        return AliasDraft(class_name=name, name=symbol.name, origin=symbol.key.origin, type=body)

    def definition(self, class_name: str) -> AnyDraft | None:
        symbol = self._by_class.get(class_name)
        return self.define(symbol) if symbol else self.context.definitions.get(class_name)

    def underlying(self, type_: ir.Type) -> ir.Type:
        """Through aliases to what a type is; a `Ref` that comes out names an object, an enum or a named union."""
        seen: set[str] = set()
        while isinstance(type_, ir.Ref) and type_.name not in seen:
            seen.add(type_.name)
            draft = self.definition(type_.name)
            if not isinstance(draft, AliasDraft):
                return type_ if draft is not None else UNRESOLVED
            type_ = draft.type
        return UNRESOLVED if isinstance(type_, ir.Ref) else type_

    # ------------------------------------------------------------------------------------------ type positions
    def resolve(self, node: Node, namespace: str | None, name: str, at: Node) -> ir.Type:
        """The type that a node says. `name` is the class name for an object or enum that is written in place."""
        if isinstance(node, ScalarNode):
            return self._text(node, namespace)
        if isinstance(node, SeqNode):
            if len(node) != 1:
                hint = "a list type is `[Item]`; a tuple is `{tuple: [A, B]}`, a union `A|B`"
                self.context.complain(node, f"a list type holds exactly one type, not {len(node)}", hint)
                return UNRESOLVED
            return ir.Array(item=self.resolve(node[0], namespace, f"{name}Item", node))
        if not self.is_long(node, namespace):
            return self._map(node, namespace, name)
        form = self._long_form(node, at)
        if form is None:
            return UNRESOLVED
        self._of_no_field(form, node)
        if form.python and form.python.name and not isinstance(form, FieldsForm | EnumForm | OneOfForm):
            self.context.complain(node.keys_at["python"], "there is no class here to name")
        return self.from_form(form, node, namespace, name, own_name=True)

    def from_form(self, form: LongForm, node: MapNode, namespace: str | None, name: str, *, own_name: bool) -> ir.Type:
        """The type of a long form. With `own_name`, `python: {name}` names the class; else it names a field."""
        if not isinstance(form, FieldsForm | EnumForm | OneOfForm):
            return self.plain(form, node, namespace, name)
        chosen = form.python.name if own_name and form.python else None
        self.context.check_chosen(chosen, node.origin)
        class_name = chosen or name
        hint = RENAME if own_name else IN_PLACE
        if not self.context.claim(class_name, "a type written in place", node.origin, hint):
            return UNRESOLVED
        draft = self.named(form, node, namespace, class_name, None, node.origin)
        draft.namespace, draft.notes = namespace, notes(form, form.examples)
        self.context.definitions[class_name] = draft
        return ir.Ref(name=class_name)

    def long_form(self, node: Node, namespace: str | None, at: Node) -> LongForm | None:
        """The long form that a node is, if it is one (also an unusable one: then a problem has been told)."""
        return self._long_form(node, at) if self.is_long(node, namespace) else None

    # ------------------------------------------------------------------------------------------------- forms
    def named(
        self,
        form: FieldsForm | EnumForm | OneOfForm,
        node: MapNode,
        namespace: str | None,
        class_name: str,
        name: str | None,
        origin: ir.Origin,
    ) -> AnyDraft:
        if isinstance(form, FieldsForm):
            body = self.fields.collect(form.with_, form.fields, namespace, class_name)
            return ObjectDraft(class_name=class_name, name=name, origin=origin, fields=body.fields, mixins=body.mixins)
        if isinstance(form, EnumForm):
            members, integers = enums.members(self.context, form.enum, form.names)
            if form.open and integers:
                self.context.complain(node.keys_at["open"], "an open enum holds text, not numbers")
            return EnumDraft(
                class_name=class_name, name=name, origin=origin, members=members, integers=integers, open=form.open
            )
        return self._union(form, node, namespace, class_name, name, origin)

    def plain(self, form: LongForm, node: Node, namespace: str | None, name: str) -> ir.Type:
        assert isinstance(node, MapNode)
        if isinstance(form, TypeForm):
            base = self.resolve(form.type, namespace, name, node.keys_at["type"])
            asked = constraints.given(form)
            if not asked or base is UNRESOLVED:
                return base
            inner = base.inner if isinstance(base, ir.Nullable) else base
            known = self.underlying(inner)
            if known is UNRESOLVED:
                return base
            if isinstance(base, ir.Nullable) and not isinstance(known, ir.Nullable):
                known = ir.Nullable(inner=known)
            return constraints.constrain(self.context, known, asked, node)
        if isinstance(form, TupleForm):
            return ir.Tuple(
                items=tuple(
                    self.resolve(item, namespace, f"{name}Item{index}", form.tuple_)
                    for index, item in enumerate(form.tuple_, 1)
                )
            )
        if isinstance(form, SchemaForm):
            return Verbatim(self.context, self).lower(form.schema_, namespace, name)
        return self._const(node["const"])

    def _const(self, node: Node) -> ir.Type:
        value = node.value if isinstance(node, ScalarNode) else None
        if not isinstance(value, str | int | bool):
            hint = "write the type `null`" if isinstance(node, ScalarNode) and node.is_null else None
            message = f"a const is text, a whole number, `true` or `false`, not {describe(node)}"
            self.context.complain(node, message, hint)
            return UNRESOLVED
        return ir.Const(value=value)

    def _union(
        self,
        form: OneOfForm,
        node: MapNode,
        namespace: str | None,
        class_name: str,
        name: str | None,
        origin: ir.Origin,
    ) -> UnionDraft:
        draft = UnionDraft(
            class_name=class_name,
            name=name,
            origin=origin,
            members=[(member, self._name(member, member.text, 0, namespace)) for member in form.one_of],
        )
        if len(draft.members) < 2:
            self.context.complain(node["oneOf"], "a union has two members or more")
        discriminator = node.get("discriminator")
        draft.discriminator = discriminator if isinstance(discriminator, ScalarNode) else None
        if form.open and draft.discriminator is None:
            hint = "say which field tells the members apart: `discriminator: kind`"
            self.context.complain(node.keys_at["open"], "an open union needs a discriminator", hint)
        elif form.open:
            draft.unknown_class = f"Unknown{class_name}"
            self.context.claim(draft.unknown_class, f"the unknown members of {quote(class_name)}", origin)
        return draft

    def _map(self, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        [(key, value)] = node.items()
        key_node = node.keys_at[key]
        key_type = self._name(key_node, key, 0, namespace)
        return self._mapped(key_node, key_type, self.resolve(value, namespace, f"{name}Value", key_node))

    def _mapped(self, at: Node | ir.Origin, key: ir.Type, value: ir.Type) -> ir.Type:
        def check() -> None:
            known = self.underlying(key)
            draft = self.definition(known.name) if isinstance(known, ir.Ref) else None
            fits = isinstance(known, ir.Scalar) and known.kind is ir.ScalarKind.STRING
            if not fits and not (isinstance(draft, EnumDraft) and not draft.integers) and known is not UNRESOLVED:
                self.context.complain(at, "the key of a map is `string` or a type of strings", _OBJECT_HINT)

        self.context.later(check)
        return ir.Map(
            key=key if isinstance(key, ir.Scalar | ir.Ref) else ir.Scalar(kind=ir.ScalarKind.STRING), value=value
        )

    # -------------------------------------------------------------------------------------------------- text
    def _text(self, node: ScalarNode, namespace: str | None) -> ir.Type:
        if node.is_null:
            if node.text == "":
                self.context.complain(node, "a type expected, not nothing", "write `null` for no value, `json` for any")
                return UNRESOLVED
            return ir.Null()
        try:
            expression = typetext.parse(node.text)
        except typetext.BadType as bad:
            hint = "a type is `Name`, `[Item]`, `{string: Value}` or several joined by `|`"
            self.context.complain(node, f"{quote(node.text)} is no type: {bad.args[0]}", hint)
            return UNRESOLVED
        return self._expression(node, expression, namespace)

    def _expression(self, node: ScalarNode, expression: typetext.Expression, namespace: str | None) -> ir.Type:
        match expression:
            case typetext.Name():
                return self._name(node, expression.text, expression.offset, namespace)
            case typetext.ListOf():
                return ir.Array(item=self._expression(node, expression.item, namespace))
            case typetext.MapOf():
                key = self._name(node, expression.key.text, expression.key.offset, namespace)
                return self._mapped(node, key, self._expression(node, expression.value, namespace))
            case typetext.OneOf():
                members = [self._expression(node, member, namespace) for member in expression.members]
                return self.union_of(members, node)

    def union_of(self, members: list[ir.Type], at: Node) -> ir.Type:
        """`A|B|null`; null is taken out, unions are flattened."""
        flat: list[ir.Type] = []
        nullable = False
        for written in members:
            nullable = nullable or isinstance(written, ir.Nullable)
            member = written.inner if isinstance(written, ir.Nullable) else written
            if isinstance(member, ir.Null):
                nullable = True
            elif member in flat and member is not UNRESOLVED:
                self.context.complain(at, "the union names a type twice")
            else:
                flat.extend(member.members if isinstance(member, ir.Union) else [member])
        if any(member is UNRESOLVED for member in flat):
            return UNRESOLVED
        if any(isinstance(member, ir.Json) for member in flat):
            if len(flat) > 1:
                self.context.complain(at, "`json` takes any value already", "write `json` alone")
            return ir.Json()
        if not flat:
            return ir.Null()
        inner = flat[0]
        if len(flat) > 1:
            inner = ir.Union(members=tuple(flat))
            self.unions.append((at, inner))
        return ir.Nullable(inner=inner) if nullable else inner

    def _name(self, node: ScalarNode, text: str, offset: int, namespace: str | None) -> ir.Type:
        if (symbol := self.context.find(self.context.types, text, namespace)) is not None:
            return ir.Ref(name=symbol.class_name)
        if text in BUILTINS:
            return builtin(text)
        foreign = _FOREIGN.get(text.lower())
        hint = f"write `{foreign}`" if foreign else self.context.suggest(text, self.context.types, namespace, BUILTINS)
        origin = node.origin
        if "\n" not in node.text and offset:
            origin = ir.Origin(file=node.file, line=node.line, column=node.column + offset + (not node.plain))
        if text in ("object", "dict", "map", "array", "list"):
            hint = f"{_OBJECT_HINT}, a list `[Item]`, a map `{{string: Value}}`"
        self.context.complain(origin, f"no type is called {quote(text)}", hint)
        return UNRESOLVED

    def object_named(self, node: ScalarNode, namespace: str | None, what: str) -> ObjectDraft | None:
        """The object type that a node names, complete; else a problem."""
        type_ = self._name(node, node.text, 0, namespace)
        if not isinstance(type_, ir.Ref):
            if type_ is not UNRESOLVED:
                self.context.complain(node, f"{what} is an object type, not {quote(node.text)}", _OBJECT_HINT)
            return None
        draft = self.definition(type_.name)
        if draft is None:
            self.context.complain(node, f"{quote(node.text)} includes itself")
        elif not isinstance(draft, ObjectDraft):
            known = self.underlying(type_)
            draft = self.definition(known.name) if isinstance(known, ir.Ref) else None
            if isinstance(draft, ObjectDraft):
                return draft
            if known is not UNRESOLVED:
                self.context.complain(node, f"{what} is an object type; {quote(node.text)} is none", _OBJECT_HINT)
        return draft if isinstance(draft, ObjectDraft) else None

    # ------------------------------------------------------------------------------------------------- shape
    def is_long(self, node: Node, namespace: str | None) -> bool:
        """Whether a mapping is a long form (perhaps a wrong one) and no map type."""
        if not isinstance(node, MapNode):
            return False
        if len(node) != 1 or not LONG_FORM_KEYS.isdisjoint(node):
            return True
        [key] = node
        return key != "string" and key not in BUILTINS and self.context.find(self.context.types, key, namespace) is None

    def _long_form(self, node: Node, at: Node) -> LongForm | None:
        assert isinstance(node, MapNode)
        kinds = [key for key in LONG_FORMS if key in node]
        if len(kinds) == 1:
            return self.context.read(LONG_FORMS[kinds[0]], node, f"a type with `{kinds[0]}`", at, _OBJECT_HINT)
        if kinds:
            listed = " and ".join(quote(kind) for kind in kinds)
            hint = "one of `type`, `fields`, `enum`, `const`, `oneOf`, `tuple`, `schema`"
            self.context.complain(node.keys_at[kinds[1]], f"{listed} do not go together", hint)
        elif not node:
            self.context.complain(node, "an empty mapping is no type", _OBJECT_HINT)
        elif len(node) == 1:
            [key] = node
            close = self.context.suggest(key, self.context.types, None, [*LONG_FORMS, "string"])
            told = f"{close} {_OBJECT_HINT}" if close else f"{_OBJECT_HINT}; a map `{{string: Value}}`"
            self.context.complain(node.keys_at[key], f"unknown key {quote(key)} in a type", told)
        else:
            stray = next((key for key in node if key not in LONG_FORM_KEYS), None)
            place = node.keys_at[stray] if stray else node
            message = f"unknown key {quote(stray)} in a type" if stray else "this mapping is no type: it lacks `type`"
            self.context.complain(place, message, f"{_OBJECT_HINT}; a map `{{string: Value}}`")
        return None

    def _of_no_field(self, form: LongForm, node: Node) -> None:
        """Tell what a field alone may say."""
        assert isinstance(node, MapNode)
        hint = "say it where the type is used"
        if getattr(form, "default", None) is not None:
            self.context.complain(node.keys_at["default"], "a default belongs to a field", hint)
        if form.python and form.python.absent:
            self.context.complain(node.keys_at["python"], "`absent` belongs to a field", hint)


def builtin(name: str) -> ir.Type:
    if name == "null":
        return ir.Null()
    return ir.Json() if name == "json" else ir.Scalar(kind=ir.ScalarKind(name))


def _chosen_name(node: Node) -> str | None:
    """`python: {name}` of a declaration, looked at before anything is resolved; its shape is checked later."""
    python = node.get("python") if isinstance(node, MapNode) else None
    chosen = python.get("name") if isinstance(python, MapNode) else None
    if isinstance(chosen, ScalarNode) and names.is_identifier(chosen.text):
        return chosen.text
    return None
