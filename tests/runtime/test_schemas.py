"""The JSON Schema of what models read: names, bounds and openness, in JSON Schema's words and in those of `export`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import pytest
from pydantic import MISSING, Discriminator, Field, TypeAdapter
from typing_extensions import TypeAliasType

from duologue import Base64, Int64, Json, Model, UniqueItems, UnknownValue
from duologue.handling.schemas import schema_of
from duologue.models import UnknownVariant


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Cat(Model):
    kind: Literal["cat"] = "cat"


class Dog(Model):
    kind: Literal["dog"] = "dog"


class UnknownPet(UnknownVariant):
    known_tags: ClassVar[frozenset[str]] = frozenset({"cat", "dog"})
    kind: str


Price = TypeAliasType("Price", Annotated[Decimal, Field(ge=Decimal("0.10"), lt=Decimal("1E+3"))])
KnownPet: TypeAlias = Annotated[Cat | Dog, Discriminator("kind")]
OpenMood: TypeAlias = Mood | UnknownValue
IN_ORDER: Final = Field(union_mode="left_to_right")


class Everything(Model):
    exact: Decimal
    price: Price = Decimal("1.5")
    serial: Annotated[Int64, Field(alias="serialNumber")] = 0
    raw: Base64
    level: Level | MISSING = MISSING
    mood: Annotated[OpenMood, IN_ORDER] = Mood.CALM
    moods: dict[str, Annotated[OpenMood, IN_ORDER]] = {}  # noqa: RUF012 - as generated code has it: pydantic copies defaults
    maybe: Annotated[OpenMood | None, IN_ORDER] = None
    either: Annotated[OpenMood | None, IN_ORDER]
    tags: Annotated[list[str], UniqueItems] = []  # noqa: RUF012
    votes: dict[Annotated[str, Field(pattern="^x")], bool] = {}  # noqa: RUF012
    pet: Annotated[KnownPet | UnknownPet, IN_ORDER]
    known: KnownPet | None = None
    note: Json = None


SCHEMA, DEFINITIONS = schema_of(TypeAdapter(Everything))
DECIMAL: Final = {"type": "string", "format": "decimal"}
ANOTHER: Final = {
    "type": "object",
    "properties": {"kind": {"type": "string", "not": {"enum": ["cat", "dog"]}}},
    "required": ["kind"],
    "x-duologue-unknown": True,
}
CAT, DOG, MOOD = ({"$ref": f"#/$defs/{name}"} for name in ("Cat", "Dog", "Mood"))


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("exact", DECIMAL),
        ("price", {"$ref": "#/$defs/Price", "default": "1.5"}),
        ("serialNumber", {"type": "string", "format": "int64", "default": "0"}),
        ("raw", {"type": "string", "contentEncoding": "base64"}),
        ("level", {"$ref": "#/$defs/Level", "x-duologue-python": {"absent": "missing"}}),
        ("mood", {**MOOD, "default": "calm"}),
        ("moods", {"type": "object", "additionalProperties": MOOD, "default": {}}),
        ("maybe", MOOD),
        ("either", {"anyOf": [MOOD, {"type": "null"}]}),
        ("tags", {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": []}),
        (
            "votes",
            {
                "type": "object",
                "propertyNames": {"type": "string", "pattern": "^x"},
                "additionalProperties": {"type": "boolean"},
                "default": {},
            },
        ),
        ("pet", {"oneOf": [CAT, DOG, ANOTHER], "x-duologue-discriminator": "kind"}),
        ("note", {"$ref": "#/$defs/JsonValue"}),
        ("known", {"oneOf": [CAT, DOG], "x-duologue-discriminator": "kind"}),
    ],
)
def test_a_field(name: str, schema: Mapping[str, Any]) -> None:
    assert SCHEMA["properties"][name] == schema


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("Price", {**DECIMAL, "x-duologue-minimum": "0.10", "x-duologue-exclusiveMaximum": "1000"}),
        ("Level", {"type": "integer", "enum": [1, 2]}),
        (
            "Mood",
            {"anyOf": [{"type": "string", "enum": ["calm", "loud"]}, {"type": "string"}], "x-duologue-open": True},
        ),
        (
            "Cat",
            {"type": "object", "properties": {"kind": {"type": "string", "const": "cat"}}, "required": ["kind"]},
        ),
    ],
)
def test_a_type_with_a_name(name: str, schema: Mapping[str, Any]) -> None:
    assert DEFINITIONS[name] == schema


def test_what_has_to_be_there() -> None:
    assert sorted(SCHEMA["required"]) == ["either", "exact", "pet", "raw"]
    assert sorted(DEFINITIONS) == ["Cat", "Dog", "JsonValue", "Level", "Mood", "Price"]
