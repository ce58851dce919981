"""A message has room for half a million mistakes: it is refused for the first few of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

from duologue import Model, Params
from duologue.models import validator_of
from duologue.session.outcomes import MOST_LISTED, decode, explain

Names = TypeAliasType("Names", list[str])
Nested = TypeAliasType("Nested", "dict[str, Nested] | list[int]")
Trees = TypeAliasType("Trees", "list[Tree]")


class Tree(Model):
    weights: list[int] = Field(default_factory=list[int])
    trees: Trees


class Point(Model):
    x: int
    y: int


class Many(Params):
    texts: list[str] | None = None
    alias: Names | None = None
    bounded: Annotated[list[str], Field(min_length=1)] | None = None
    defaulted: list[str] = Field(default_factory=list[str])
    points: list[Point] | None = None
    pairs: dict[str, int] | None = None
    either: list[int] | list[bool] | None = None
    inner: dict[str, list[int]] | None = None
    recursive: Nested | None = None
    tree: Tree | None = None


BAD: dict[str, Any] = {
    "texts": [1] * 1000,
    "alias": [1] * 1000,
    "bounded": [1] * 1000,
    "defaulted": [1] * 1000,
    "points": [{}] * 1000,
    "pairs": {str(n): "" for n in range(1000)},
    "either": ["a"] * 1000,
    "inner": {str(n): ["a"] * 40 for n in range(40)},
    "recursive": {str(n): ["a"] * 40 for n in range(40)},
    "tree": {"trees": [{"trees": [{"weights": ["a"] * 1000, "trees": []}] * 100}] * 10},
}


def mistakes(error: ValidationError) -> list[str]:
    return [".".join(map(str, entry["loc"])) for entry in error.errors()]


@pytest.mark.parametrize("member", BAD)
def test_a_collection_is_refused_for_its_first_bad_member(member: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Many.from_wire(json.dumps({member: BAD[member]}))
    assert 1 <= len(mistakes(caught.value)) <= 4, "a point lacks two members, a union has two sides"
    assert all(place.startswith(member) for place in mistakes(caught.value))


RESULTS: dict[str, tuple[Any, Any]] = {
    "list": (list[str], [1] * 1000),
    "alias": (Names, [1] * 1000),
    "pairs": (dict[str, Point], {str(n): {} for n in range(1000)}),
    "recursive": (Nested, {"a": {str(n): ["a"] * 40 for n in range(40)}}),
    "model": (Many, {"texts": [1] * 1000}),
    "models": (Trees, [{"weights": ["a"] * 1000, "trees": []}] * 100),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_so_is_a_result(kind: str) -> None:
    type_, bad = RESULTS[kind]
    adapter = TypeAdapter[Any](type_)
    with pytest.raises(ValidationError) as caught:
        decode(adapter, json.dumps(bad).encode())
    assert len(mistakes(caught.value)) <= 4
    assert validator_of(adapter) is validator_of(adapter), "made once"


def test_a_good_collection_is_read_to_its_end() -> None:
    many = Many(texts=["a"] * 1000, points=[Point(x=n, y=n) for n in range(1000)], recursive={"a": {"b": [1, 2]}})
    assert Many.from_wire(many.to_wire()) == many
    assert decode(TypeAdapter(dict[str, int]), b'{"a":1,"b":2}') == {"a": 1, "b": 2}


def test_members_of_a_model_are_all_named_unless_they_are_too_many() -> None:
    with pytest.raises(ValidationError) as few:
        Many.from_wire(json.dumps({f"no{n}": 1 for n in range(6)}))
    assert explain(few.value).endswith("no4: Extra inputs are not permitted; and 1 more")
    with pytest.raises(ValidationError) as many:
        Many.from_wire(json.dumps({f"no{n}": 1 for n in range(MOST_LISTED + 1)}))
    assert explain(many.value) == f"{MOST_LISTED + 1} members do not fit"
