"""Payloads for the types of a protocol, made from its intermediate representation: right ones, and ones with a mistake.

Each mistake breaks one rule at one place of a payload that is right otherwise, and is named after the rule.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from duologue_codegen import ir

Around: TypeAlias = Callable[[Any], Any]
"""What a payload is around one of its parts."""

DEEP = 3
"""Below it nothing is written that can be left out: types may be recursive."""

TEXTS = {
    ir.ScalarKind.BYTES: ["", "aGk=", "AAEC", "+/8="],
    ir.ScalarKind.DATE: ["2026-02-28", "2024-02-29", "0001-01-01"],
    ir.ScalarKind.DATETIME: ["2026-02-28T10:00:00Z", "2026-02-28T10:00:00.25+01:00", "1999-12-31T23:59:59-11:30"],
    ir.ScalarKind.DURATION: ["PT10S", "P1DT2H", "PT0.5S", "P2W"],
    ir.ScalarKind.UUID: ["7f0c1f8e-4d0e-4b7e-9f3b-0a8f5a3f2a11", "00000000-0000-0000-0000-000000000000"],
    ir.ScalarKind.INT64: ["0", "-1", "9007199254740993"],
    ir.ScalarKind.DECIMAL: ["1", "-0.10", "12345678901234567890.5"],
}
ANYTHING: list[Any] = [None, True, 1, 1.5, "x", [1, [None]], {"a": {"b": []}}]
PATTERNED = {
    "^[a-z]+$": ["a", "xyz"],
    "^[0-9a-f]{64}$": ["0123456789abcdef" * 4],
    r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?$": ["1.0.0", "0.12.3-rc.1"],
}
"""Texts that follow the patterns of the golden specs; of others a few letters do."""

MISWRITTEN = {
    ir.ScalarKind.BYTES: {"not base64": "*", "unpadded base64": "aGk", "URL-safe base64": "-_8="},
    ir.ScalarKind.DATE: {
        "no day of the calendar": "2026-02-30",
        "a time with the date": "2026-02-28T00:00:00",
        "another order": "28.02.2026",
    },
    ir.ScalarKind.DATETIME: {
        "no offset": "2026-02-28T10:00:00",
        "a date alone": "2026-02-28",
        "no day of the calendar": "2026-02-30T10:00:00Z",
        "no hour of the day": "2026-02-28T25:00:00Z",
        "an offset without a colon": "2026-02-28T10:00:00+0100",
        "a space for the T": "2026-02-28 10:00:00Z",
        "seconds since 1970": "1772272800",
    },
    ir.ScalarKind.DURATION: {
        "no designator": "10",
        "no unit": "PT10",
        "no part": "P",
        "a clock's time": "00:00:10",
    },
    ir.ScalarKind.UUID: {
        "no hyphens": "7f0c1f8e4d0e4b7e9f3b0a8f5a3f2a11",
        "braces": "{7f0c1f8e-4d0e-4b7e-9f3b-0a8f5a3f2a11}",
        "a digit too few": "7f0c1f8e-4d0e-4b7e-9f3b-0a8f5a3f2a1",
        "a URN": "urn:uuid:7f0c1f8e-4d0e-4b7e-9f3b-0a8f5a3f2a11",
    },
    ir.ScalarKind.INT64: {
        "a fraction": "1.0",
        "a leading zero": "01",
        "a plus": "+1",
        "a space": " 1",
        "beyond 64 bits": "9223372036854775808",
    },
    ir.ScalarKind.DECIMAL: {
        "an exponent": "1e5",
        "a plus": "+1",
        "a space": " 1",
        "an underscore": "1_0",
        "no number": "NaN",
        "infinity": "Infinity",
        "no digit before the point": ".5",
    },
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A payload that breaks one rule."""

    rule: str
    payload: Any


class Payloads:
    """Makes payloads; the same ones for the same seed."""

    def __init__(self, protocol: ir.Protocol, seed: int) -> None:
        self.protocol = protocol
        self.random = random.Random(seed)

    # ---------------------------------------------------------------------------------------------------------- right
    def right(self, type_: ir.Type, depth: int = 0) -> Any:
        match type_:
            case ir.Scalar():
                return self._scalar(type_)
            case ir.Ref(name=name):
                return self._defined(self.protocol.definition(name), depth)
            case ir.Array(item=item, min_items=low, max_items=high, unique_items=unique):
                least = low or 0
                most = least if depth >= DEEP else min(least + 2, least + 2 if high is None else high)
                made = [self.right(item, depth + 1) for _ in range(self.random.randint(least, most))]
                return _distinct(made) if unique else made
            case ir.Map(key=key, value=value):
                count = 0 if depth >= DEEP else self.random.randint(0, 2)
                return {self.right(key, depth + 1): self.right(value, depth + 1) for _ in range(count)}
            case ir.Tuple(items=items):
                return [self.right(item, depth + 1) for item in items]
            case ir.Const(value=const):
                return const
            case ir.Nullable(inner=inner):
                return None if depth >= DEEP or self.random.random() < 0.3 else self.right(inner, depth + 1)
            case ir.Union(members=members):
                return self.right(self.random.choice(members), depth + 1)
            case ir.Null():
                return None
            case ir.Json():
                return self.random.choice(ANYTHING)

    def _defined(self, definition: ir.Definition, depth: int) -> Any:
        match definition:
            case ir.ObjectDef(fields=fields):
                chosen = [one for one in fields if not omittable(one) or (depth < DEEP and self.random.random() < 0.6)]
                return {one.name: self.right(one.type, depth + 1) for one in chosen}
            case ir.EnumDef(members=members, open=is_open):
                return "of tomorrow" if is_open and self.random.random() < 0.2 else self.random.choice(members).value
            case ir.UnionDef(variants=variants, discriminator=tag, unknown_class=unknown):
                if unknown and self.random.random() < 0.2:
                    return {tag: "of tomorrow", "more": [1]}
                return self.right(self._shallow(variants, depth).type, depth + 1)
            case ir.AliasDef(type=type_):
                return self.right(type_, depth)

    def _shallow(self, variants: tuple[ir.Variant, ...], depth: int) -> ir.Variant:
        """Deep down, one that ends soon: the first is taken to be such a one."""
        return variants[0] if depth >= DEEP else self.random.choice(variants)

    def _scalar(self, scalar: ir.Scalar) -> Any:
        rules = scalar.constraints
        match scalar.kind:
            case ir.ScalarKind.BOOLEAN:
                return self.random.choice([True, False])
            case ir.ScalarKind.STRING:
                return self._text(rules)
            case ir.ScalarKind.INTEGER | ir.ScalarKind.NUMBER:
                number = _within(rules, self.random)
                return int(number) if scalar.kind is ir.ScalarKind.INTEGER or number == int(number) else float(number)
            case ir.ScalarKind.INT64 | ir.ScalarKind.DECIMAL if _bounded(rules):
                number = _within(rules, self.random)
                return str(int(number)) if scalar.kind is ir.ScalarKind.INT64 else f"{number:f}"
            case kind:
                return self.random.choice(TEXTS[kind])

    def _text(self, rules: ir.Constraints) -> str:
        if rules.pattern in PATTERNED:
            return self.random.choice(
                [text for text in PATTERNED[rules.pattern] if len(text) >= (rules.min_length or 0)]
            )
        letters = "abcxyz" if rules.pattern else 'aZ0 _ä漢\U0001f600\n"'
        low = rules.min_length or (1 if rules.pattern else 0)
        high = min(low + 4, rules.max_length or low + 4)
        return "".join(self.random.choice(letters) for _ in range(self.random.randint(low, high)))

    # ---------------------------------------------------------------------------------------------------------- wrong
    def mistakes(self, type_: ir.Type, depth: int = 0) -> Iterator[Mistake]:
        """Payloads with one mistake each, one for each rule that the type has, here or further in."""
        match type_:
            case ir.Scalar():
                yield from self._wrong_scalar(type_)
            case ir.Ref(name=name):
                yield from self._wrong_definition(self.protocol.definition(name), depth)
            case ir.Array():
                yield from self._wrong_array(type_, depth)
            case ir.Map(key=key, value=value):
                yield from _other_kinds("object", "a map")
                yield from self._inside(value, depth, lambda wrong: {self.right(key, DEEP): wrong})
                if not isinstance(key, ir.Scalar) or key.constraints != ir.NO_CONSTRAINTS:
                    for one in self.mistakes(key, DEEP):
                        if isinstance(one.payload, str):
                            yield Mistake(f"key: {one.rule}", {one.payload: self.right(value, DEEP)})
            case ir.Tuple(items=items):
                yield from self._wrong_tuple(items, depth)
            case ir.Const(value=const):
                yield from self._wrong_const(const)
            case ir.Nullable(inner=inner):
                yield from (one for one in self.mistakes(inner, depth) if one.payload is not None)
            case ir.Null():
                yield from _other_kinds("null", "null")
            case ir.Union() | ir.Json():
                return  # what one member refuses another may take

    def _inside(self, type_: ir.Type, depth: int, around: Around) -> Iterator[Mistake]:
        if depth < DEEP:
            yield from (Mistake(one.rule, around(one.payload)) for one in self.mistakes(type_, depth + 1))

    def _wrong_scalar(self, scalar: ir.Scalar) -> Iterator[Mistake]:
        kind, rules = scalar.kind, scalar.constraints
        json_kind = {"integer": "integer", "number": "number", "boolean": "boolean"}.get(kind.value, "string")
        yield from _other_kinds(json_kind, kind.value)
        for rule, text in MISWRITTEN.get(kind, {}).items():
            yield Mistake(f"{kind.value}: {rule}", text)
        if kind is ir.ScalarKind.STRING:
            if rules.pattern is not None:
                yield Mistake("pattern", "☃" * max(rules.min_length or 1, 1))
            if rules.max_length is not None:
                yield Mistake("maxLength", "a" * (rules.max_length + 1))
            if rules.min_length:
                yield Mistake("minLength", "a" * (rules.min_length - 1))
            return
        for rule, number in _beyond(rules):
            written = kind in (ir.ScalarKind.INT64, ir.ScalarKind.DECIMAL)
            whole = kind in (ir.ScalarKind.INT64, ir.ScalarKind.INTEGER)
            value: Any = int(number) if whole else number if written else float(number)
            yield Mistake(f"{kind.value}: {rule}" if written else rule, str(value) if written else value)

    def _wrong_array(self, array: ir.Array, depth: int) -> Iterator[Mistake]:
        yield from _other_kinds("array", "an array")
        item = self.right(array.item, DEEP)
        if array.min_items:
            yield Mistake("minItems", [self.right(array.item, DEEP) for _ in range(array.min_items - 1)])
        if array.max_items is not None and not array.unique_items:
            yield Mistake("maxItems", [item] * (array.max_items + 1))
        if array.unique_items:
            yield Mistake("uniqueItems", [item, item])
        filled = [self.right(array.item, DEEP) for _ in range(max((array.min_items or 1) - 1, 0))]
        yield from self._inside(array.item, depth, lambda wrong: [*filled, wrong])

    def _wrong_tuple(self, items: tuple[ir.Type, ...], depth: int) -> Iterator[Mistake]:
        yield from _other_kinds("array", "a tuple")
        made = [self.right(item, DEEP) for item in items]
        yield Mistake("tuple: an item too few", made[:-1])
        yield Mistake("tuple: an item too many", [*made, made[0]])
        for index, item in enumerate(items):
            around = self._replacing(made, index)
            yield from self._inside(item, depth, around)

    @staticmethod
    def _replacing(made: list[Any], index: int) -> Around:
        return lambda wrong: [*made[:index], wrong, *made[index + 1 :]]

    @staticmethod
    def _wrong_const(const: object) -> Iterator[Mistake]:
        yield Mistake("const: another value", f"{const} " if isinstance(const, str) else "x")
        yield Mistake("const: null", None)
        if isinstance(const, bool):
            yield Mistake("const: another value", not const)
            yield Mistake("const: a number for a boolean", int(const))
        elif isinstance(const, int):
            yield Mistake("const: text for a number", str(const))
            yield Mistake("const: a boolean for a number", True)

    def _wrong_definition(self, definition: ir.Definition, depth: int) -> Iterator[Mistake]:
        match definition:
            case ir.ObjectDef():
                yield from self._wrong_object(definition, depth)
            case ir.EnumDef(members=members, integers=integers, open=is_open):
                yield from _other_kinds("integer" if integers else "string", "integer enum" if integers else "enum")
                if not is_open:
                    values = [member.value for member in members]
                    yield Mistake("enum: no member", 99 if integers else "☃")
                    yield Mistake(
                        "enum: text for a number" if integers else "enum: other case", _near(values[0], values)
                    )
            case ir.UnionDef(discriminator=None):
                return
            case ir.UnionDef():
                yield from self._wrong_union(definition, depth)
            case ir.AliasDef(type=type_):
                yield from self.mistakes(type_, depth)

    def _wrong_union(self, union: ir.UnionDef, depth: int) -> Iterator[Mistake]:
        yield from _other_kinds("object", "a union")
        tag = union.discriminator or ""
        yield Mistake("union: no tag", {"more": 1})
        yield Mistake("union: a tag that is no text", {tag: 1})
        if not union.open:
            yield Mistake("union: an unknown tag", {tag: "of tomorrow"})
        for variant in union.variants:
            if isinstance(variant.type, ir.Ref):
                member = self.protocol.definition(variant.type.name)
                assert isinstance(member, ir.ObjectDef)
                for one in self._wrong_object(member, depth + 1, but=tag):
                    payload: Any = one.payload
                    if isinstance(payload, dict):
                        yield Mistake(f"union: {one.rule}", payload)

    def _wrong_object(self, definition: ir.ObjectDef, depth: int, but: str | None = None) -> Iterator[Mistake]:
        yield from _other_kinds("object", "an object")
        whole = {one.name: self.right(one.type, DEEP) for one in definition.fields if not omittable(one)}
        for one in definition.fields:
            rest = {name: value for name, value in whole.items() if name != one.name}
            if one.name == but:
                continue
            if one.presence is ir.Presence.REQUIRED:
                yield Mistake("required", rest)
                if one.python_name != one.name and one.python_name not in whole:
                    yield Mistake("a name of Python's", {**rest, one.python_name: whole[one.name]})
            if one.presence is ir.Presence.CONST:
                yield Mistake("required: a constant", rest)
            if omittable(one) and not _takes_null(self.protocol, one.type):
                yield Mistake(f"null for an absent member ({one.presence.value})", {**rest, one.name: None})
            around = self._putting(rest, one.name)
            for wrong in self._inside(one.type, depth, around):
                if one.presence is not ir.Presence.OPTIONAL or wrong.payload[one.name] is not None:  # as above
                    yield wrong
        if definition.base is ir.Base.PARAMS:
            yield Mistake("an unknown member of params", {**whole, "unheard of": 1})

    @staticmethod
    def _putting(rest: dict[str, Any], name: str) -> Around:
        return lambda wrong: {**rest, name: wrong}


def omittable(field: ir.Field) -> bool:
    return field.presence not in (ir.Presence.REQUIRED, ir.Presence.CONST)


def _takes_null(protocol: ir.Protocol, type_: ir.Type) -> bool:
    match type_:
        case ir.Nullable() | ir.Null() | ir.Json():
            return True
        case ir.Ref(name=name):
            definition = protocol.definition(name)
            if isinstance(definition, ir.UnionDef):
                return any(_takes_null(protocol, variant.type) for variant in definition.variants)
            return isinstance(definition, ir.AliasDef) and _takes_null(protocol, definition.type)
        case ir.Union(members=members):
            return any(_takes_null(protocol, member) for member in members)
        case _:
            return False


_KINDS: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "integer": [1],
    "number": [1.5],
    "string": ["", "1"],
    "array": [[]],
    "object": [{}],
}


def _other_kinds(kind: str, what: str) -> Iterator[Mistake]:
    """JSON of every other kind; `1.0` is whole, and `1` is a number."""
    for other, values in _KINDS.items():
        if other != kind and not (kind == "number" and other == "integer"):
            for value in values:
                yield Mistake(f"{what}: {other}", value)
    if kind == "integer":
        yield Mistake(f"{what}: a whole number with a fraction", 1.0)


def _near(value: Any, values: list[Any]) -> Any:
    if isinstance(value, int):
        return str(value)
    return value.swapcase() if value.swapcase() not in values else f"{value} "


def _bounded(rules: ir.Constraints) -> bool:
    return any(
        one is not None for one in (rules.minimum, rules.maximum, rules.exclusive_minimum, rules.exclusive_maximum)
    )


def _within(rules: ir.Constraints, source: random.Random) -> Decimal:
    """A number that obeys the rules: from a bound inwards, in steps that they allow."""
    step = Decimal(str(rules.multiple_of)) if rules.multiple_of is not None else Decimal(1)
    low = _decimal(rules.minimum if rules.minimum is not None else rules.exclusive_minimum)
    high = _decimal(rules.maximum if rules.maximum is not None else rules.exclusive_maximum)
    start = low if low is not None else high - 10 * step if high is not None else Decimal(-5) * step
    start = (start / step).to_integral_value(rounding="ROUND_CEILING") * step
    candidates = [start + count * step for count in range(12)]
    return source.choice([one for one in candidates if _obeys(rules, one)])


def _obeys(rules: ir.Constraints, number: Decimal) -> bool:
    low, high = _decimal(rules.minimum), _decimal(rules.maximum)
    above, below = _decimal(rules.exclusive_minimum), _decimal(rules.exclusive_maximum)
    return (
        (low is None or number >= low)
        and (high is None or number <= high)
        and (above is None or number > above)
        and (below is None or number < below)
    )


def _beyond(rules: ir.Constraints) -> Iterator[tuple[str, Decimal]]:
    for rule, bound, offset in (
        ("minimum", rules.minimum, -1),
        ("maximum", rules.maximum, 1),
        ("exclusiveMinimum", rules.exclusive_minimum, 0),
        ("exclusiveMaximum", rules.exclusive_maximum, 0),
    ):
        if bound is not None:
            yield rule, Decimal(str(bound)) + offset
    if rules.multiple_of is not None:
        yield "multipleOf", _within(rules, random.Random(0)) + Decimal(str(rules.multiple_of)) / 2


def _decimal(bound: ir.Number | None) -> Decimal | None:
    return None if bound is None else Decimal(str(bound))


def _distinct(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept
