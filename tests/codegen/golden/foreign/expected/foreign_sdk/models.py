"""Types of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar

from duologue import Event, Model, Params
from pydantic import MISSING, Field
from typing_extensions import TypeAliasType

Value = TypeAliasType("Value", "str | Annotated[float, Field(allow_inf_nan=False)] | bool | Values | ValueMap | None")


Values = TypeAliasType("Values", list[Value])


ValueMap = TypeAliasType("ValueMap", dict[str, Value])


Nested = TypeAliasType("Nested", "list[Nested]")


class Leaf(Model):
    leaf: str


Either = TypeAliasType("Either", "Leaf | Eithers")


Eithers = TypeAliasType("Eithers", list[Either])


class Signs(StrEnum):
    EMPTY = ""
    PLUS = "+"
    MINUS = "-"
    NONE = "None"
    NOT = "not"
    ONE = "1"
    VALUE_1 = "-1"
    MRO = "mro"
    A_B = "a b"
    A = "ä"
    HAN = "漢"


class Ends(IntEnum):
    VALUE_0 = 0
    MINUS_1 = -1
    VALUE_9007199254740991 = 9007199254740991


class Presence(Model):
    a: str | MISSING | None = MISSING
    bee: Annotated[str | MISSING, Field(alias="b")] = MISSING
    c: str | None = None
    d: str | None = None
    e: str | None


class Names(Model):
    """Experimental: it may change or go in any version."""

    foo_bar_2: Annotated[str, Field(alias="fooBar")]
    foo_bar: str
    grosse: Annotated[int | None, Field(alias="Größe")] = None
    with_dot: Annotated[int, Field(alias="with.dot")]
    with_space: Annotated[int, Field(alias="with space")]
    with_slash: Annotated[int, Field(alias="with/slash#")]
    ref: Annotated[str, Field(alias="$ref")]
    n1st: Annotated[str, Field(alias="1st")]
    print: str
    type: str
    id: str
    object_: Annotated[str, Field(alias="object")]
    list_: Annotated[list[str], Field(alias="list")]
    field_model_validate: Annotated[str, Field(alias="model_validate")]
    validate_: Annotated[str | None, Field(alias="validate")] = None
    at_type: Annotated[str | None, Field(alias="@type")] = None


class TextDocumentDidOpenParams(Params):
    text: str | None = None
    uri: str
    version: int | None = None
    language_id: Annotated[str, Field(alias="languageId")]


class CancelRequestParams(Params):
    id: int | str


class N2faParams(Params):
    pass


class CloseParams(Params):
    """Named like a member of every client."""


class PrintParams(Params):
    pass


class WindowShowMessage(Event):
    event_name: ClassVar[str] = "window/showMessage"
    message: str
