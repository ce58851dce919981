"""What the protocol says of a payload, JSON Schema and the models at both ends of a connection say alike.

Payloads come from the intermediate representation (`payloads`): right ones, and ones with one mistake. The verdict on
each is that of an independent validator, on what `duologue export json-schema` writes, and that of the functions with
which a server reads params, and a client results, items and events. Where they differ `DIFFERENCES` says why; a
difference that is not there fails, and so does one that is there and no longer seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import Field, TypeAdapter, ValidationError
from tests.codegen.payloads import Mistake, Payloads

from duologue.models import UnknownValue, deferred, to_json
from duologue.session.outcomes import decode
from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.exporting.json_schema import export

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "absent": "absent_sdk",
    "everything": "every_thing_sdk",
    "foreign": "foreign_sdk",
    "recursive": "recursive_sdk",
    "registry": "service_registry_sdk",
}
OFTEN = 4
"""How often each rule is broken in a protocol by default."""

_MORE_FORMS = "pydantic's parsers know more forms than the one that everybody writes; what is read is the same value"
DIFFERENCES: dict[str, str] = {
    "integer: a whole number with a fraction": "to JSON Schema `1.0` is an integer; the wire's integers have no point",
    "integer enum: a whole number with a fraction": "the same",
    "null for an absent member (optional)": "readers take null for absence, which others' writers mean by it",
    "required: a constant": "a constant says nothing that its reader does not know",
    "int64: maximum": "bounds of text are none to JSON Schema; the export tells them as a hint",
    "decimal: minimum": "the same",
    "datetime: an offset without a colon": _MORE_FORMS,
    "datetime: a space for the T": _MORE_FORMS,
    "datetime: seconds since 1970": _MORE_FORMS,
    "duration: a clock's time": _MORE_FORMS,
    "uuid: no hyphens": _MORE_FORMS,
    "uuid: braces": _MORE_FORMS,
    "uuid: a URN": _MORE_FORMS,
}

# ------------------------------------------------------------------------------------- formats, as their standards say
FORMATS = FormatChecker(formats=())
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_SECONDS = r"\d+(\.\d+)?S"
_CLOCK = rf"T(\d+H(\d+M({_SECONDS})?)?|\d+M({_SECONDS})?|{_SECONDS})"
_DURATION = rf"P(\d+W|(\d+Y(\d+M(\d+D)?)?|\d+M(\d+D)?|\d+D)({_CLOCK})?|{_CLOCK})"


def follows(name: str) -> Callable[[Callable[[str], bool]], Callable[[str], bool]]:
    def enter(check: Callable[[str], bool]) -> Callable[[str], bool]:
        def fits(value: object) -> bool:
            return not isinstance(value, str) or check(value)

        FORMATS.checks(name)(fits)
        return check

    return enter


@follows("date")
def is_date(text: str) -> bool:
    """RFC 3339, full-date."""
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


@follows("date-time")
def is_datetime(text: str) -> bool:
    """RFC 3339, date-time."""
    return len(text) > 11 and is_date(text[:10]) and bool(re.fullmatch(f"[Tt]{_TIME}", text[10:], re.IGNORECASE))


@follows("duration")
def is_duration(text: str) -> bool:
    """RFC 3339, appendix A, and fractions of seconds, which ISO 8601 has."""
    return bool(re.fullmatch(_DURATION, text))


@follows("uuid")
def is_uuid(text: str) -> bool:
    """RFC 4122, section 3."""
    return bool(re.fullmatch(r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}", text))


@follows("int64")
def is_int64(text: str) -> bool:
    """What docs/spec.md says; JSON Schema leaves formats beyond its own to whoever uses them."""
    return bool(re.fullmatch(r"-?\d+", text)) and -(2**63) <= int(text) < 2**63


# ------------------------------------------------------------------------------------------------------------- verdicts
@dataclass(frozen=True, slots=True)
class Target:
    """Something that crosses the wire: its type, its schema, and what the end that gets it does."""

    name: str
    type: ir.Type
    schema: Any  # whose types are only partly known
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]

    def by_schema(self, payload: Any) -> bool:
        return bool(self.schema.is_valid(payload))

    def by_model(self, payload: Any) -> bool:
        try:
            self.read(json.dumps(payload).encode())
        except ValidationError:
            return False
        return True


@cache
def protocol_of(case: str) -> ir.Protocol:
    return compile_spec(GOLDEN / case / "spec.yaml")


@cache
def targets(case: str) -> list[Target]:
    return list(made_of(protocol_of(case), case))


def made_of(protocol: ir.Protocol, case: str) -> Iterator[Target]:
    package = import_module(f"tests.codegen.golden.{case}.expected.{CASES[case]}")
    document = export(protocol)
    whole = package.PROTOCOL.whole()
    descriptors = {one.name: one for one in (*whole.client_actions, *whole.server_actions)}

    def target(name: str, type_: ir.Type, read: Callable[[bytes], Any], write: Callable[[Any], bytes]) -> Target:
        schema = {"$defs": document["$defs"], **document["$defs"][name]}
        return Target(f"{case}: {name}", type_, Draft202012Validator(schema, format_checker=FORMATS), read, write)

    def model(name: str, class_name: str) -> Target:
        cls = getattr(package, class_name)
        return target(name, ir.Ref(name=class_name), cls.from_wire, cls.to_wire)

    def adapted(name: str, type_: ir.Type, adapter: TypeAdapter[Any]) -> Target:
        return target(name, type_, partial(decode, adapter), lambda value: to_json(adapter.serializer, value))

    for definition in protocol.definitions:
        if definition.name is None:
            continue
        if isinstance(definition, ir.ObjectDef):
            yield model(definition.name, definition.class_name)
        else:
            found: Any = getattr(package, definition.class_name)
            is_open = isinstance(definition, ir.EnumDef) and definition.open
            known = Annotated[found | UnknownValue, Field(union_mode="left_to_right")] if is_open else found
            yield adapted(definition.name, ir.Ref(name=definition.class_name), deferred(known))
    for action in protocol.actions:
        yield model(f"{action.name}.params", action.params)
        yield adapted(f"{action.name}.result", action.result, descriptors[action.name].result)
        if action.item is not None:
            yield adapted(f"{action.name}.item", action.item, descriptors[action.name].item)
    for event in protocol.events:
        yield model(f"{event.name}.data", event.class_name)


def chosen(mistakes: Iterator[Mistake], seen: Counter[str], *, most: int | None) -> Iterator[Mistake]:
    for one in mistakes:
        seen[one.rule] += 1
        if most is None or seen[one.rule] <= most:
            yield one


def rule_of(mistake: Mistake) -> str:
    """Without where the rule was met."""
    return re.sub(r"^((union|key): )+", "", mistake.rule)


def judge(case: str, seed: int, *, right: int, most: int | None) -> set[str]:
    """Judge what one seed makes; the listed differences that were seen."""
    seen: Counter[str] = Counter()
    differing: set[str] = set()
    unlisted: list[str] = []
    for target in targets(case):
        payloads = Payloads(protocol_of(case), seed)
        for _ in range(right):
            payload = payloads.right(target.type)
            assert target.by_schema(payload), f"{target.name}: the schema refuses {payload}: {told(target, payload)}"
            sent = json.loads(target.write(target.read(json.dumps(payload).encode())))
            assert target.by_schema(sent), f"{target.name}: what is read from {payload} is sent as {sent}"
        for one in chosen(payloads.mistakes(target.type), seen, most=most):
            schema, model = target.by_schema(one.payload), target.by_model(one.payload)
            if schema or model:
                rule = rule_of(one)
                if rule in DIFFERENCES and schema is not model:
                    differing.add(rule)
                else:
                    both = "both take" if schema and model else "the schema takes" if schema else "the model takes"
                    unlisted.append(f"{target.name}: {one.rule}: {both} {json.dumps(one.payload)[:200]}")
    assert not unlisted, f"{len(unlisted)}:\n" + "\n".join(unlisted)
    return differing


def told(target: Target, payload: Any) -> str:
    return next((error.message for error in target.schema.iter_errors(payload)), "")


def judged(*, seeds: range, right: int, most: int | None) -> None:
    seen: set[str] = set()
    for case in CASES:
        for seed in seeds:
            seen |= judge(case, seed, right=right, most=most)
    assert seen == set(DIFFERENCES), "listed, and no longer so"


def test_schema_and_models_agree() -> None:
    judged(seeds=range(1), right=1, most=OFTEN)


@pytest.mark.long
def test_schema_and_models_agree_on_many() -> None:
    judged(seeds=range(2), right=6, most=60)
