"""What one version may write and another cannot read, each with values that show it.

A gap is found by walking the type as its writer has it beside the type as its reader has it. Values are made where the
two part, and wrapped on the way back into whatever stands around them, so that each is a whole message in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Final, TypeAlias

from .. import ir
from ..problems import quote
from . import scalars
from .forms import (
    absent_meaning,
    between,
    default_kind,
    is_older_form,
    is_open,
    is_unknown_to,
    kind_of_values,
    limits_told,
    meaning,
    takes_value,
)
from .leaves import Leaf, Member, Others, called, is_alike, leaves, object_of, origin_of, tag_of
from .samples import NoSample, Sampler, unknown_member

_MANY: Final = 6
"""Values kept for one gap: the first that is refused becomes the witness."""

Wrap: TypeAlias = Callable[[ir.JsonValue], ir.JsonValue]
Presence = ir.Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One reason why a message is not read, or read as something else.

    Attributes:
        kind: What parts the two: a key of `findings.WIRE`.
        detail: What exactly: one thing, or how it is for the writer and how for the reader.
        values: Messages that show it, at least one of which should.
        path: Names of members from the message to the place.
        written: Where the writer has declared it; `read` where the reader has, if it does.
        differs: The message is read, but means something else.
    """

    kind: str
    detail: tuple[str, ...] = ()
    values: tuple[ir.JsonValue, ...]
    path: tuple[str, ...] = ()
    written: ir.Origin | None = None
    read: ir.Origin | None = None
    differs: bool = False


class Gaps:
    """Compares types of one protocol, as a writer has them, with those of another, as a reader has them.

    Args:
        in_terms: The writer knows that its reader is older, and uses nothing that is new: what remains are things that
            it cannot help.
    """

    def __init__(self, writer: ir.Protocol, reader: ir.Protocol, *, in_terms: bool = False) -> None:
        self._writer = writer
        self._reader = reader
        self._in_terms = in_terms
        self._sampler = Sampler(writer)
        self._random = Random(0)
        self._known: dict[tuple[str, str], tuple[Gap, ...]] = {}

    def between(self, written: ir.Type, read: ir.Type, *, absent: bool = False) -> tuple[Gap, ...]:
        """All gaps. `absent`: the reader takes null as well, for an optional member."""
        takes = list(leaves(self._reader, read))
        if absent:
            takes.append(ir.Null())
        gives = list(leaves(self._writer, written))
        return tuple(gap for leaf in gives for gap in self._missed(leaf, takes, alone=len(gives) == 1))

    # ------------------------------------------------------------------------------------------------------- choosing
    def _missed(self, leaf: Leaf, takes: Sequence[Leaf], *, alone: bool) -> tuple[Gap, ...]:
        """Why none of what the reader takes is this; nothing when one is."""
        best: tuple[Gap, ...] | None = None
        for other in sorted(takes, key=lambda other: -is_alike(leaf, other)):
            if self._in_terms and not is_older_form(leaf, other):
                continue
            gaps = self._pair(leaf, other)
            if not gaps:
                return ()
            if best is None and is_alike(leaf, other):
                best = gaps
        if best is not None or self._in_terms:
            return best or ()
        kind = self._kind(leaf, takes, alone=alone)
        readable = " or ".join(dict.fromkeys(called(other) for other in takes))
        detail = (called(leaf), readable) if kind == "type" else (called(leaf),)
        return self._gap(kind, detail, leaf, takes[0], lambda: self._values(leaf))

    def _kind(self, leaf: Leaf, takes: Sequence[Leaf], *, alone: bool) -> str:
        if isinstance(leaf, ir.Null):
            return "null"
        if isinstance(leaf, Others):
            return "unknown-member"
        members = [other for other in takes if not isinstance(other, ir.Null)]
        several = len(members) > 1 or not alone
        if isinstance(leaf, Member) and any(isinstance(other, Member) for other in takes):
            same = any(isinstance(o, Member) and o.union.discriminator == leaf.union.discriminator for o in takes)
            return "member" if same else "discriminator"
        return "member" if several and members else "type"

    def _pair(self, leaf: Leaf, other: Leaf) -> tuple[Gap, ...]:
        """Why one leaf is not read as another; a gap of kind `type` where they have nothing in common."""
        if isinstance(other, ir.Json):
            return ()
        written, read = object_of(leaf), object_of(other)
        match leaf, other:
            case _ if written is not None and read is not None:
                return self._tagged(leaf, other) or self._objects(written, read)
            case _, Others(union=union) if is_unknown_to(union, leaf):
                return ()
            case ir.Scalar(), ir.Scalar():
                return self._scalars(leaf, other)
            case ir.EnumDef(), ir.EnumDef():
                return self._enums(leaf, other)
            case ir.Array(), ir.Array():
                return self._arrays(leaf, other)
            case ir.Map(), ir.Map():
                return self._maps(leaf, other)
            case ir.Tuple(), ir.Tuple():
                return self._tuples(leaf, other)
            case ((ir.EnumDef() | ir.Const()), (ir.Scalar() | ir.EnumDef() | ir.Const())):
                return self._values_in(leaf, other)
            case ir.Null(), ir.Null():
                return ()
            case ir.Scalar(kind=kind), ir.EnumDef(open=True) if kind not in scalars.NOT_TEXT:
                return ()
            case _:
                return self._other_type(leaf, other)

    def _other_type(self, leaf: Leaf, other: Leaf) -> tuple[Gap, ...]:
        if self._in_terms:
            return ()
        return self._gap("type", (called(leaf), called(other)), leaf, other, lambda: self._values(leaf))

    # -------------------------------------------------------------------------------------------------------- scalars
    def _scalars(self, leaf: ir.Scalar, other: ir.Scalar) -> tuple[Gap, ...]:
        if not scalars.is_within(leaf.kind, other.kind):
            return self._gap("type", (called(leaf), called(other)), leaf, other, lambda: self._values(leaf))
        if self._in_terms:
            return ()
        found: dict[str, list[ir.JsonValue]] = {}
        for value in scalars.candidates(leaf, other.constraints, self._random):
            broken = scalars.violation(other, value)
            if broken is not None:
                found.setdefault(broken, []).append(value)
        limits, others = leaf.constraints, other.constraints
        if others.pattern is not None and others.pattern != limits.pattern and "pattern" not in found:
            found["unproven"] = [None]
        return tuple(
            Gap(kind=kind, detail=limits_told(limits, others, kind), values=tuple(values[:_MANY]))
            for kind, values in found.items()
        )

    def _values_in(self, leaf: ir.EnumDef | ir.Const, other: ir.Scalar | ir.EnumDef | ir.Const) -> tuple[Gap, ...]:
        """Values that are listed, read as what takes some of them."""
        if self._in_terms:
            return ()
        listed: list[ir.JsonValue] = (
            [leaf.value] if isinstance(leaf, ir.Const) else [member.value for member in leaf.members]
        )
        missed = [value for value in listed if not takes_value(other, value)]
        kind = "const" if isinstance(leaf, ir.Const) and isinstance(other, ir.Const) else "type"
        if missed:
            return self._gap(kind, (called(leaf), called(other)), leaf, other, lambda: missed[:_MANY])
        if isinstance(leaf, ir.EnumDef) and leaf.open and not (isinstance(other, ir.Scalar) or is_open(other)):
            return self._gap("unknown-value", (called(leaf),), leaf, other, lambda: ["a-later-value"])
        return ()

    def _enums(self, leaf: ir.EnumDef, other: ir.EnumDef) -> tuple[Gap, ...]:
        if self._in_terms:
            return ()
        if leaf.integers != other.integers:
            return self._gap(
                "type", (kind_of_values(leaf), kind_of_values(other)), leaf, other, lambda: self._values(leaf)
            )
        if other.open:
            return ()
        known = {member.value for member in other.members}
        gaps = [
            gap
            for member in leaf.members
            if member.value not in known
            for gap in self._gap("value", (quote(member.value),), leaf, other, lambda value=member.value: [value])  # type: ignore[misc]
        ]
        if leaf.open:
            gaps += self._gap("unknown-value", (called(leaf),), leaf, other, lambda: ["a-later-value"])
        return tuple(gaps)

    # ----------------------------------------------------------------------------------------------------- containers
    def _arrays(self, leaf: ir.Array, other: ir.Array) -> tuple[Gap, ...]:
        gaps = [
            self._inside(gap, "[]", lambda value: self._sampler.filled(leaf, value))
            for gap in self.between(leaf.item, other.item)
        ]
        if not self._in_terms:
            gaps += self._lengths(leaf, other)
            if other.unique_items and not leaf.unique_items and (leaf.max_items is None or leaf.max_items > 1):
                gaps += self._gap("unique", (), leaf, other, lambda: [self._twice(leaf)])
        return tuple(gap for gap in gaps if gap is not None)

    def _twice(self, array: ir.Array) -> list[ir.JsonValue]:
        item = Sampler(self._writer, Random(1)).value(array.item, 1)
        return [item] * max(array.min_items or 0, 2)

    def _lengths(self, leaf: ir.Array, other: ir.Array) -> tuple[Gap, ...]:
        counts: list[int] = []
        if other.min_items is not None and (leaf.min_items or 0) < other.min_items:
            counts.append(other.min_items - 1)
        if other.max_items is not None and (leaf.max_items is None or leaf.max_items > other.max_items):
            counts.append(other.max_items + 1)
        shown = (between(leaf.min_items, leaf.max_items), between(other.min_items, other.max_items))

        def values() -> list[ir.JsonValue]:
            return [
                self._sampler.value(replace(leaf, min_items=count, max_items=None), 0)
                for count in counts
                if count <= 20_000
            ]

        return self._gap("items", shown, leaf, other, values) if counts else ()

    def _maps(self, leaf: ir.Map, other: ir.Map) -> tuple[Gap, ...]:
        keys = [
            self._inside(gap, "{}", lambda key: {str(key): self._sampler.value(leaf.value, 1)})
            for gap in self.between(leaf.key, other.key)
        ]
        values = [
            self._inside(gap, "{}", lambda value: {self._sampler.key(leaf.key): value})
            for gap in self.between(leaf.value, other.value)
        ]
        return tuple(gap for gap in (*keys, *values) if gap is not None)

    def _tuples(self, leaf: ir.Tuple, other: ir.Tuple) -> tuple[Gap, ...]:
        if len(leaf.items) != len(other.items):
            if self._in_terms:
                return ()
            return self._gap(
                "tuple",
                (f"{len(leaf.items)} items", f"{len(other.items)} items"),
                leaf,
                other,
                lambda: self._values(leaf),
            )
        gaps: list[Gap | None] = []
        for index, (item, read) in enumerate(zip(leaf.items, other.items, strict=True)):

            def wrap(value: ir.JsonValue, index: int = index) -> ir.JsonValue:
                items = [self._sampler.value(each, 1) for each in leaf.items]
                return [*items[:index], value, *items[index + 1 :]]

            gaps += [self._inside(gap, f"[{index}]", wrap) for gap in self.between(item, read)]
        return tuple(gap for gap in gaps if gap is not None)

    # -------------------------------------------------------------------------------------------------------- objects
    def _tagged(self, leaf: Leaf, other: Leaf) -> tuple[Gap, ...]:
        """Members of unions that are told apart by different fields, or are different ones."""
        if not isinstance(other, Member) or self._in_terms:
            return ()
        written = object_of(leaf)
        assert written is not None
        if tag_of(written, other.union.discriminator) != other.tag:
            kind = (
                "discriminator"
                if isinstance(leaf, Member) and leaf.union.discriminator != other.union.discriminator
                else "member"
            )
            return self._gap(kind, (called(leaf),), leaf, other, lambda: self._values(leaf))
        return ()

    def _objects(self, written: ir.ObjectDef, read: ir.ObjectDef) -> tuple[Gap, ...]:
        pair = (written.class_name, read.class_name)
        if pair not in self._known:
            self._known[pair] = ()  # while it is looked into: a recursive type fits if the rest of it does
            self._known[pair] = tuple(gap for gap in self._members(written, read) if gap is not None)
        return self._known[pair]

    def _members(self, written: ir.ObjectDef, read: ir.ObjectDef) -> Iterator[Gap | None]:
        theirs = {field.name: field for field in read.fields}
        for field in written.fields:
            other = theirs.pop(field.name, None)
            if other is None:
                yield from self._unread(field, written, read)
            else:
                yield from self._member(field, other, written)
        for other in theirs.values():
            # What params no longer have has been told by the side that still sends it.
            if other.presence is Presence.REQUIRED and not (self._in_terms and read.base is ir.Base.PARAMS):
                yield from self._absent("lacking", other.name, written, None, other)

    def _unread(self, field: ir.Field, written: ir.ObjectDef, read: ir.ObjectDef) -> Iterator[Gap]:
        """A member that the reader does not know, which params refuse."""
        if read.base is not ir.Base.PARAMS:
            return
        constant = field.presence is Presence.CONST
        if self._in_terms and not constant:
            return
        values = self._made(lambda: [self._sampler.object(written, 0, also=field.name)])
        if values:
            kind = "const-unknown" if constant else "unknown"
            yield Gap(kind=kind, detail=(quote(field.name),), values=values, written=field.origin, read=read.origin)

    def _member(self, field: ir.Field, other: ir.Field, written: ir.ObjectDef) -> Iterator[Gap | None]:
        is_params = written.base is ir.Base.PARAMS
        leaves_out = field.presence in (Presence.OPTIONAL, Presence.MISSING)
        # A generated writer leaves a default out of params alone; others may do so everywhere.
        left_out = leaves_out or (field.presence is Presence.DEFAULT and (is_params or not self._in_terms))
        if other.presence is Presence.REQUIRED and left_out and not (self._in_terms and leaves_out):
            kind = "default-lacking" if field.presence is Presence.DEFAULT else "omitted"
            yield from self._absent(kind, field.name, written, field, other)
        elif left_out and absent_meaning(field) != absent_meaning(other):
            yield from self._absent(default_kind(field, other), field.name, written, field, other)
        for gap in self.between(field.type, other.type, absent=other.presence is Presence.OPTIONAL):
            yield self._inside(gap, field.name, lambda value: self._with(written, field.name, value), field, other)

    def _with(self, written: ir.ObjectDef, name: str, value: ir.JsonValue) -> ir.JsonValue:
        found = self._sampler.object(written, 0, without=name)
        return {
            field.name: value if field.name == name else found[field.name]
            for field in written.fields
            if field.name == name or field.name in found
        }

    def _absent(
        self, kind: str, name: str, written: ir.ObjectDef, field: ir.Field | None, other: ir.Field
    ) -> Iterator[Gap]:
        """The message in which a member is left out."""
        values = self._made(lambda: [self._sampler.object(written, 0, without=name)])
        if values:
            origin = field.origin if field is not None else written.origin
            differs = kind in ("default", "default-new", "default-gone")
            detail = (quote(name),) if field is None or not differs else (meaning(field), meaning(other))
            path = () if field is None else (name,)
            yield Gap(
                kind=kind, detail=detail, values=values, path=path, written=origin, read=other.origin, differs=differs
            )

    # --------------------------------------------------------------------------------------------------------- values
    def _gap(
        self, kind: str, detail: tuple[str, ...], leaf: Leaf, other: Leaf, make: Callable[[], Sequence[ir.JsonValue]]
    ) -> tuple[Gap, ...]:
        values = self._made(make)
        if not values:
            return ()
        return (Gap(kind=kind, detail=detail, values=values, written=origin_of(leaf), read=origin_of(other)),)

    def _made(self, make: Callable[[], Sequence[ir.JsonValue]]) -> tuple[ir.JsonValue, ...]:
        try:
            return tuple(make())
        except NoSample:
            return ()

    def _values(self, leaf: Leaf) -> list[ir.JsonValue]:
        """Values that a leaf may have."""
        match leaf:
            case Others(union=union):
                return [unknown_member(union)]
            case Member(definition=definition) | (ir.ObjectDef() as definition) | (ir.EnumDef() as definition):
                return [self._sampler.definition(definition)]
            case ir.Json():
                return [None, True, 7, "text", [], {"any": 1}, 1.5]
            case ir.Scalar():
                found = list(islice(scalars.candidates(leaf, ir.NO_CONSTRAINTS, self._random), _MANY))
                return found or [self._sampler.value(leaf)]
            case _:
                others = Sampler(self._writer, Random(2))
                return [self._sampler.value(leaf), others.value(leaf, 1), others.value(leaf, 1)]

    def _inside(
        self, gap: Gap, name: str, wrap: Wrap, field: ir.Field | None = None, other: ir.Field | None = None
    ) -> Gap | None:
        """The gap as it looks from one level further out; None where nothing can be put around it."""
        values = self._made(lambda: [wrap(value) for value in gap.values])
        if not values:
            return None
        written = gap.written or (field.origin if field is not None else None)
        read = gap.read or (other.origin if other is not None else None)
        return replace(gap, values=values, path=(name, *gap.path), written=written, read=read)
