"""What a server says of itself decides as its own models do: read as a spec, it takes and refuses the same payloads."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from pydantic import ValidationError
from tests.codegen.payloads import Mistake, Payloads

from duologue import Identity
from duologue.handling.describing import DescribeParams, Description
from duologue.session.outcomes import decode
from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.importing.described import read
from duologue_codegen.importing.mending import written
from duologue_codegen.importing.source import ImportRefused
from duologue_codegen.loaded import Loaded

GOLDEN = Path(__file__).parent / "golden"
CASES = [
    *("absent", "everything", "files", "foreign", "minimal", "one_way", "recursive"),
    pytest.param("registry", marks=pytest.mark.long),
]
OFTEN = 3
"""How often each rule is broken in a protocol."""


def description(table: Any) -> dict[str, Any]:
    def refuse_nothing(_: object) -> None:
        return None

    anybody: Any = SimpleNamespace(
        identity=Identity(name="anybody", unrestricted=True), connection=SimpleNamespace(refusal=refuse_nothing)
    )
    found: dict[str, Any] = json.loads(json.dumps(anyio.run(Description(table, ()).answer, anybody, DescribeParams())))
    return found


def readers(table: Any) -> dict[str, Callable[[bytes], Any]]:
    """What is read, by where it stands."""
    found: dict[str, Callable[[bytes], Any]] = {}
    for action in (*table.client_actions, *table.server_actions):
        found[f"{action.name}.params"] = action.params.from_wire
        found[f"{action.name}.result"] = partial(decode, action.result)
        if hasattr(action, "item"):
            found[f"{action.name}.item"] = partial(decode, action.item)
    for event in (*table.events, *table.notifications):
        found[f"{event.name}.data"] = event.model.from_wire
    return found


def types(protocol: ir.Protocol) -> Iterator[tuple[str, ir.Type]]:
    for action in protocol.actions:
        yield f"{action.name}.params", ir.Ref(name=action.params)
        yield f"{action.name}.result", action.result
        if action.item is not None:
            yield f"{action.name}.item", action.item
    for event in protocol.events:
        yield f"{event.name}.data", ir.Ref(name=event.class_name)


def chosen(mistakes: Iterator[Mistake], seen: Counter[str]) -> Iterator[Mistake]:
    for one in mistakes:
        seen[one.rule] += 1
        if seen[one.rule] <= OFTEN:
            yield one


def takes(read_: Callable[[bytes], Any], payload: Any) -> bool:
    try:
        read_(json.dumps(payload).encode())
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_a_description_decides_as_the_models_do(case: str) -> None:
    protocol = compile_spec(GOLDEN / case / "spec.yaml")
    payloads, seen = Payloads(protocol, 7), Counter[str]()
    with ExitStack() as stack:
        original = stack.enter_context(closing(Loaded(protocol)))
        _, understood = written(read(description(original.table)))
        again = stack.enter_context(closing(Loaded(understood)))
        ours, theirs = readers(original.table), readers(again.table)
        assert set(ours) == set(theirs)
        for name, type_ in types(protocol):
            right = [payloads.right(type_) for _ in range(3)]
            wrong = [one.payload for one in chosen(payloads.mistakes(type_), seen)]
            differing = [one for one in (*right, *wrong) if takes(ours[name], one) != takes(theirs[name], one)]
            assert differing == [], name


def test_a_description_keeps_more_than_types() -> None:
    protocol = compile_spec(GOLDEN / "everything" / "spec.yaml")
    with closing(Loaded(protocol)) as package:
        _, understood = written(read(description(package.table)))

    def kept(one: ir.Protocol) -> object:
        actions = [(a.name, a.side, a.kind, a.scope, a.effect, a.timeout, a.transfer) for a in one.actions]
        events = [(e.name, e.side, e.delivery, e.scope, [f.path for f in e.filters], e.key_paths) for e in one.events]
        raised = {error for action in one.actions for error in action.errors}
        errors = {(error.code, error.status) for error in one.errors if error.class_name in raised}
        return one.name, one.version, sorted(actions, key=str), sorted(events, key=str), errors

    assert kept(understood) == kept(protocol)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "a mapping expected"),
        ({"protocol": "x"}, "`version` is missing"),
        ({"protocol": "x", "version": "1.0.0", "actions": {"a": 1}}, "a mapping expected"),
        (
            {"protocol": "x", "version": "1.0.0", "actions": {"a": {"result": {"$ref": "/etc/passwd"}}}},
            "refers to nothing but itself",
        ),
        ({"protocol": "x", "version": "1.0.0", "actions": {"a": {"result": {"$ref": "#/$defs/B"}}}}, "leads nowhere"),
        ({"protocol": "x", "version": "1.0.0", "actions": {"a": {"effect": "magic"}}}, "no spec can be made of it"),
        (
            {"protocol": "x", "version": "1.0.0", "actions": {"a": {"timeout": math.inf, "limits": {"request": "x"}}}},
            "no spec can be made of it",
        ),
    ],
)
def test_what_is_no_description_is_refused(document: Any, why: str) -> None:
    with pytest.raises(ImportRefused, match=why.replace("$", r"\$")):
        written(read(document))
