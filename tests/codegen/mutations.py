"""Specs changed at random, by a seed: what authors do to them, and what nobody would."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.problems import SpecErrors

BASES = (
    """
duologue: 1
protocol: shop
version: 1.0.0
scopes: {read: Look., write: Change.}
roles: {guest: [read], owner: [read, write]}
types:
  Name: {type: string, pattern: '^[a-z][a-z0-9-]*$', maxLength: 12}
  Size: {enum: [small, medium, large]}
  Mood: {enum: [happy, sad], open: true}
  Level: {enum: [1, 2, 3]}
  Price: {type: number, minimum: 0, maximum: 1000}
  Circle: {fields: {kind: {const: circle}, radius: number}}
  Square: {fields: {kind: {const: square}, side: number, name?: Name}}
  Line: {fields: {kind: {const: line}, length: integer}}
  Shape: {oneOf: [Circle, Square], discriminator: kind}
  Open: {oneOf: [Circle, Line], discriminator: kind, open: true}
  Item:
    fields:
      name: Name
      size: Size
      price?: Price
      level: {type: Level, default: 2}
      tags: {type: [string], maxItems: 4}
      shape: Shape
      note: string|null
      parts?: [Item]
errors:
  sold_out: {status: not_found, details: {name: Name, left?: integer}}
actions:
  find:
    params: {name: Name, size?: Size, limit: {type: integer, default: 10, minimum: 1}}
    result: [Item]
    scope: read
    effect: safe
  add:
    params: {item: Item, dry?: boolean, mood: {type: Mood, default: sad}}
    result: {fields: {id: uuid, at: datetime}}
    scope: write
    effect: keyed
    errors: [sold_out]
  watch: {params: {names: {type: [Name], minItems: 1}}, stream: Open, result: integer, scope: read}
  ask:
    from: server
    params: {question: string, size?: Size}
    result: {fields: {answer: string, sure?: boolean}}
    scope: public
events:
  sold: {data: {item: Item, count: integer}, delivery: log, scope: read, filter: [count, item.size]}
  priced: {data: {name: Name, price: Price}, delivery: state, key: [name], scope: read}
  seen: {from: client, data: {name: Name}, delivery: volatile, scope: public}
""",
    """
duologue: 1
protocol: types
version: 1.0.0
types:
  Text: {type: string, minLength: 1, maxLength: 8}
  Big: {type: int64, minimum: 0}
  Money: {type: decimal, maximum: 99.5}
  Step: {type: number, multipleOf: 0.25}
  Pair: {tuple: [string, integer]}
  Scores: {string: integer}
  ByText: {Text: Pair}
  Either: string|integer|null
  Maybe: '[Text]|null'
  Unique: {type: [integer], uniqueItems: true, maxItems: 3}
  Node: {fields: {value: Either, next?: Node, more: {type: [Node], default: []}}}
  All:
    fields:
      text: Text
      big?: Big
      money: Money
      step: Step
      pair: Pair
      scores: Scores
      by_text?: ByText
      either: Either
      maybe: Maybe
      unique: Unique
      node?: Node
      day: date
      wait?: duration
      raw: bytes
      any?: json
      flag: {type: boolean, default: true}
      kind: {const: all}
actions:
  give:
    params: {all: All, text?: Text, flag: {type: boolean, default: false}, either: Either}
    result: Node
    scope: public
  take: {params: {maybe: Maybe, pair?: Pair}, result: All, scope: public}
  both: {from: both, params: {node: Node, scores: Scores, tag: {const: x}}, result: Either, scope: public}
events:
  told: {data: {all: All, id: uuid}, delivery: log, scope: public}
""",
)
TYPES = [
    "string",
    "integer",
    "number",
    "boolean",
    "json",
    "bytes",
    "date",
    "datetime",
    "uuid",
    "int64",
    "decimal",
    "Name",
]
WORDS = ["client", "server", "both", "safe", "keyed", "unsafe", "log", "state", "volatile", "public", "read", "write"]


def mutated(seed: int, folder: Path) -> tuple[ir.Protocol, ir.Protocol]:
    """A spec, and the same with one to three changes that still make a spec; always the same for a seed."""
    random = Random(seed)
    base = yaml.load(BASES[seed % len(BASES)], yaml.CSafeLoader)
    old = _compile(base, folder)
    assert old is not None
    for _ in range(500):
        changed = copy.deepcopy(base)
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            change(changed, random)
        if changed != base and (new := _compile(changed, folder)) is not None:
            return old, new
    raise AssertionError(f"no change of seed {seed} makes a spec")


def _compile(spec: object, folder: Path) -> ir.Protocol | None:
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    try:
        return compile_spec(path)
    except SpecErrors:
        return None


def change(spec: dict[str, Any], random: Random) -> None:
    """One change, somewhere below the head."""
    places = [place for place in _places(spec) if len(place) > 1]
    *way, last = random.choice(places)
    holder: Any = spec
    for step in way:
        holder = holder[step]
    value: Any = holder[last]
    kind = random.random()
    if kind < 0.15:
        del holder[last]
    elif kind < 0.3 and isinstance(last, str):
        _rename(holder, last, random)
    elif isinstance(value, dict):
        _change_mapping(cast("dict[str, Any]", value), random)
    elif isinstance(value, list):
        _change_list(holder[last], random)
    else:
        holder[last] = _other(value, random)


def _places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found, everything = [way] if way else [], node
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if way or key in ("types", "errors", "actions", "events", "roles"):
                found += _places(value, (*way, key))
    elif isinstance(node, list):
        for index, value in enumerate(everything):
            found += _places(value, (*way, index))
    return found


def _rename(holder: dict[str, Any], key: str, random: Random) -> None:
    """Another name, or the mark that it may be absent put on or taken off; the order stays."""
    bare = key.removesuffix("?")
    other = random.choice([f"{bare}?", bare, f"{bare}_new"])
    items = [(other if name == key else name, value) for name, value in holder.items()]
    holder.clear()
    holder.update(items)


def _change_mapping(value: dict[str, Any], random: Random) -> None:
    added: list[tuple[str, Any]] = [
        ("extra?", random.choice(TYPES)),
        ("extra", random.choice(TYPES)),
        ("extra", {"type": "integer", "default": 3}),
        ("extra", {"const": "yes"}),
        ("open", True),
        ("default", random.choice([1, "sad", "small", True, []])),
        ("maxLength", random.randint(1, 20)),
        ("minimum", random.randint(0, 9)),
        ("maxItems", random.randint(0, 9)),
        ("pattern", random.choice(["^[a-z]+$", "^.{2,}$", "[0-9]"])),
        ("uniqueItems", True),
        ("from", random.choice(WORDS)),
        ("effect", random.choice(WORDS)),
        ("python", {"name": "renamed"}),
        ("deprecated", True),
    ]
    if "params" in value or "result" in value:
        added += [("result", random.choice(TYPES)), ("stream", "string"), ("limits", {"rate": "1/s"})]
    key, what = random.choice(added)
    value[key] = what


def _change_list(value: list[Any], random: Random) -> None:
    match random.choice(["add", "shuffle", "remove"]):
        case "add":
            value.append(random.choice(["huge", "Line", "write", 4, "string", "Circle"]))
        case "shuffle":
            random.shuffle(value)
        case _ if value:
            del value[random.randrange(len(value))]
        case _:
            pass


def _other(value: object, random: Random) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return random.choice([value + 1, value - 1, value * 2, 0])
        case str() if random.random() < 0.7:
            other = random.choice(TYPES)
            return random.choice(
                [other, f"{value}|null", value.removesuffix("|null"), [value], f"{value}|boolean", {"string": value}]
            )
        case _:
            return random.choice(WORDS)
