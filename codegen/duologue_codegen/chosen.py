"""What an author chose: names in Python that a spec's own would not give, and what an absent field reads as."""

from __future__ import annotations

from . import ir, names

_ABSENT = {ir.Presence.OPTIONAL: "none", ir.Presence.MISSING: "missing"}


def absent(protocol: ir.Protocol) -> ir.Presence:
    """What absent fields of the protocol read as unless they say otherwise."""
    fields = [f for d in protocol.definitions if isinstance(d, ir.ObjectDef) for f in d.fields]
    seen = {field.presence for field in fields}
    only_missing = ir.Presence.MISSING in seen and ir.Presence.OPTIONAL not in seen
    return ir.Presence.MISSING if only_missing else ir.Presence.OPTIONAL


def of_type(definition: ir.Definition) -> dict[str, str]:
    """`python` of a declared type."""
    space, name = definition.namespace, definition.name or ""
    prefix = names.pascal(space) or "" if space else ""
    derived = prefix + (names.pascal(name.removeprefix(f"{space}.")) or "")
    return {} if definition.class_name == derived else {"name": definition.class_name}


def of_field(field: ir.Field, reserved: frozenset[str], absent: ir.Presence) -> dict[str, str]:
    """`python` of a field that stands among the arguments `reserved`."""
    python = {} if field.python_name == names.field(field.name, reserved) else {"name": field.python_name}
    if field.presence in _ABSENT and field.presence is not absent:
        python["absent"] = _ABSENT[field.presence]
    return python


def of_members(definition: ir.EnumDef) -> dict[str, str]:
    """`names` of an enum."""
    return {
        str(member.value): member.python_name
        for member in definition.members
        if member.python_name != names.enum_member(member.value)
    }
