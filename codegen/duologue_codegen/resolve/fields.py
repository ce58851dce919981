"""Field maps: every key is a field, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .. import ir, names, reserved
from ..nodes import MapNode, Node, ScalarNode, describe, entries
from ..problems import quote
from ..spec import ConstForm, LongForm
from .context import RENAME, Context
from .drafts import UNRESOLVED, Body, EnumDraft, FieldDraft, Notes, ObjectDraft, UnionDraft, notes

if TYPE_CHECKING:
    from .types import Types

ABSENT = {"none": ir.Presence.OPTIONAL, "missing": ir.Presence.MISSING}
"""What `absent` may say."""

_NO_FIELDS: Final = (
    reserved.MODEL_MEMBERS, reserved.SHADOWING, reserved.LIBRARY_CLASSES, reserved.RUNTIME_CLASSES
)  # fmt: skip


class Fields:
    def __init__(self, context: Context, types: Types) -> None:
        self._context = context
        self._types = types

    def data(
        self, mixins: Iterable[ScalarNode], data: Node | None, namespace: str | None, owner: str, what: str,
        taken: frozenset[str] = frozenset(),
    ) -> Body:  # fmt: skip
        """Params, details or data: `with`, then a field map or the name of an object type."""
        if isinstance(data, ScalarNode) and not data.is_null:
            return self.collect([*mixins, data], None, namespace, owner, taken)
        if data is not None and not isinstance(data, MapNode):
            hint = "write `{}`, or remove the key" if isinstance(data, ScalarNode) else None
            self._context.complain(data, f"{what} are a mapping or an object type, not {describe(data)}", hint)
            data = None
        return self.collect(mixins, data, namespace, owner, taken)

    def collect(
        self, mixins: Iterable[ScalarNode], own: MapNode | None, namespace: str | None, owner: str,
        taken: frozenset[str] = frozenset(),
    ) -> Body:  # fmt: skip
        """Fields of an object: those of its mixins first. `taken` are Python names that its surroundings need."""
        found: dict[str, FieldDraft] = {}
        mixed: list[str] = []
        for mixin in mixins:
            draft = self._types.object_named(mixin, namespace, "`with`")
            mixed += [draft.class_name] if draft else []
            for field in draft.fields if draft else ():
                if field.name in found:
                    self._context.complain(
                        mixin, f"the field {quote(field.name)} of {quote(mixin.text)} is here already"
                    )
                elif field.chosen is not None:
                    found[field.name] = field
                else:
                    found[field.name] = field.renamed(names.field(field.name, taken) or field.python_name)
        for key, node in entries(own):
            made = self._field(key, node, namespace, owner, taken)
            if made is not None and made.name in found:
                self._context.complain(key, f"the field {quote(made.name)} is here already", "keep one of the two")
            elif made is not None:
                found[made.name] = made
        self.check_names(found.values(), taken)
        return Body(list(found.values()), tuple(mixed))

    def _field(
        self, key: ScalarNode, node: Node, namespace: str | None, owner: str, taken: frozenset[str]
    ) -> FieldDraft | None:
        wire = key.text.removesuffix("?")
        optional = wire != key.text
        if not wire or not wire.isprintable():
            self._context.complain(key, f"{quote(key.text)} is no name for a field")
            return None
        is_long = self._types.is_long(node, namespace)
        form = self._types.long_form(node, namespace, key)
        chosen = form.python.name if form and form.python else None
        python_name = chosen or names.field(wire, taken)
        if python_name is None:
            hint = "give it one: `{type: …, python: {name: …}}`"
            self._context.complain(key, f"no Python name can be made of {quote(wire)}", hint)
            return None
        if chosen and (not names.is_identifier(chosen) or any(chosen in listed for listed in _NO_FIELDS)):
            self._context.complain(key, f"{quote(chosen)} cannot be the name of a field in Python")
        inner = owner + (names.pascal(wire) or names.pascal(python_name) or "Field")
        type_ = UNRESOLVED
        if form is not None and isinstance(node, MapNode):
            type_ = self._types.from_form(form, node, namespace, inner, own_name=False)
        elif not is_long:
            type_ = self._types.resolve(node, namespace, inner, key)
        return self.draft(key, wire, python_name, type_, optional=optional, form=form)

    def draft(
        self,
        key: ScalarNode,
        wire: str,
        python_name: str,
        type_: ir.Type,
        *,
        optional: bool,
        form: LongForm | None = None,
    ) -> FieldDraft:
        """A field as far as its own line says; `form` when that line is a long form."""
        default = getattr(form, "default", None)
        if isinstance(form, ConstForm):
            presence = ir.Presence.CONST
        elif default is not None:
            presence = ir.Presence.DEFAULT
        else:
            presence = self._absent(form) if optional else ir.Presence.REQUIRED
        if form and form.python and form.python.absent and presence not in ABSENT.values():
            self._context.complain(
                key,
                f"`absent` says what an absent field reads as: {quote(wire)} never is",
                "write `name?`, or remove it",
            )
        if optional and presence is ir.Presence.CONST:
            self._context.complain(key, f"a const is always there: write {quote(wire)}, without `?`")
        elif optional and presence is ir.Presence.DEFAULT:
            self._context.complain(key, f"a default makes it optional already: write {quote(wire)}, without `?`")
        field = FieldDraft(
            name=wire,
            python_name=python_name,
            chosen=form.python.name if form and form.python else None,
            type=type_,
            presence=presence,
            origin=key.origin,
            default=default,
            notes=notes(form, form.examples) if form else Notes(),
        )
        if presence is ir.Presence.OPTIONAL:
            self._context.later(lambda: self._check_absent(key, type_))
        return field

    def _absent(self, form: LongForm | None) -> ir.Presence:
        """What the field reads as where it is absent: its own line says so, or the protocol."""
        chosen = form.python.absent if form and form.python else None
        return self._context.absent if chosen is None else ABSENT[chosen]

    def _check_absent(self, key: ScalarNode, type_: ir.Type) -> None:
        if accepts_null(self._types, type_):
            wire = key.text.removesuffix("?")
            hint = f"write `{wire}` (always sent, maybe null) or drop the null (left out when None)"
            message = f"{quote(key.text)} may be absent and null, which read the same in Python"
            self._context.complain(
                key, message, f"{hint}; `python: {{absent: missing}}`, here or at the top, tells them apart"
            )

    def check_names(self, fields: Iterable[FieldDraft], taken: frozenset[str] = frozenset()) -> None:
        """Python names of one object: each once, and none that is another field's name on the wire."""
        users: dict[str, FieldDraft] = {}
        fields = list(fields)
        wires = {field.name: field for field in fields}
        for field in fields:
            name = field.python_name
            other = users.setdefault(name, field)
            if other is not field:
                message = f"{quote(field.name)} and {quote(other.name)} are both {quote(name)} in Python"
                self._context.complain(field.origin, message, RENAME)
            elif name != field.name and wires.get(name, field).python_name != name:
                message = f"{quote(field.name)} is {quote(name)} in Python, which is another field's name on the wire"
                self._context.complain(field.origin, message, RENAME)
            elif name in taken:
                self._context.complain(field.origin, f"{quote(name)} is an argument of generated code", RENAME)


def accepts_null(types: Types, type_: ir.Type) -> bool:
    """Whether null is a value of the type. `json` does not count: it is asked for knowingly."""
    known = types.underlying(type_)
    if isinstance(known, ir.Nullable | ir.Null):
        return True
    if isinstance(known, ir.Union):
        return any(accepts_null(types, member) for member in known.members)
    draft = types.definition(known.name) if isinstance(known, ir.Ref) else None
    return isinstance(draft, UnionDraft) and any(accepts_null(types, member) for _, member in draft.members)


def scalar_or_enum(types: Types, type_: ir.Type) -> ir.Scalar | ir.Ref | None:
    """The type without its null when it is a scalar, an alias of one or an enum."""
    if isinstance(type_, ir.Nullable):
        type_ = type_.inner
    known = types.underlying(type_)
    if isinstance(known, ir.Nullable):
        return scalar_or_enum(types, known)
    if isinstance(known, ir.Ref) and not isinstance(types.definition(known.name), EnumDraft):
        return None
    return type_ if isinstance(known, ir.Scalar | ir.Ref) and isinstance(type_, ir.Scalar | ir.Ref) else None


def object_of(types: Types, type_: ir.Type) -> ObjectDraft | None:
    """The object that a type is, null or not."""
    known = types.underlying(type_.inner if isinstance(type_, ir.Nullable) else type_)
    if isinstance(known, ir.Nullable):
        return object_of(types, known)
    draft = types.definition(known.name) if isinstance(known, ir.Ref) else None
    return draft if isinstance(draft, ObjectDraft) else None
