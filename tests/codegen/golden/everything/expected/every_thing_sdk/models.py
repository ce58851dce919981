"""Types of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from duologue import Base64, Event, Int64, Json, Model, Params, UniqueItems, UnknownValue
from pydantic import AwareDatetime, Field
from typing_extensions import TypeAliasType

from .unknown import UnknownShape

Flag = TypeAliasType("Flag", bool)


Name = TypeAliasType("Name", Annotated[str, Field(pattern="^[a-z]+$", min_length=1, max_length=20)])
"""A name."""


ShortName = TypeAliasType("ShortName", Annotated[str, Field(pattern="^[a-z]+$", min_length=1, max_length=5)])


Ratio = TypeAliasType(
    "Ratio", Annotated[Annotated[float, Field(allow_inf_nan=False)], Field(le=1.5, gt=0, multiple_of=0.25)]
)


Price = TypeAliasType("Price", Annotated[Decimal, Field(ge=Decimal("0.10"))])


Big = TypeAliasType("Big", Annotated[Int64, Field(le=9223372036854775806)])


Key = TypeAliasType("Key", Base64)


Anything = TypeAliasType("Anything", Json)


Nothing = TypeAliasType("Nothing", None)


Names = TypeAliasType("Names", list[Name])


UniqueNames = TypeAliasType("UniqueNames", Annotated[list[Name], Field(min_length=1, max_length=3), UniqueItems])


Scores = TypeAliasType("Scores", dict[str, int])


class Mood(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    HAPPY = "happy"
    SAD = "sad"
    ON = "on"
    VALUE_1_10 = "1.10"
    TWO_HUNDREDS = "2xx"


Moods = TypeAliasType("Moods", dict[Name, Annotated[Mood | UnknownValue, Field(union_mode="left_to_right")]])


ByMood = TypeAliasType("ByMood", dict[Annotated[Mood | UnknownValue, Field(union_mode="left_to_right")], int])


Pair = TypeAliasType("Pair", tuple[str, int])


class TripleItem2(StrEnum):
    X = "x"
    Y = "y"


class A(Model):
    a: str


Triple = TypeAliasType("Triple", tuple[Pair, TripleItem2, list[A] | None])


MaybeName = TypeAliasType("MaybeName", Name | None)


Either = TypeAliasType("Either", str | int | None)


Lists = TypeAliasType("Lists", list[Name | Flag])


MapsOfLists = TypeAliasType("MapsOfLists", dict[str, list[A]])


class Level(IntEnum):
    """How much."""

    VALUE_1 = 1
    VALUE_2 = 2
    MINUS_3 = -3


class B(Model):
    """Since version 1.10.

    Deprecated since 2.0: use `A`. Too long.
    """

    a: str
    b: int | None = None


class C(Model):
    """Deprecated."""

    a: str
    b: int | None = None
    c: bool = False


class Tree(Model):
    """Recursive."""

    name: Name
    left: "Tree | None" = None
    right: "Tree | None"
    others: "list[Tree]" = []
    by_name: "dict[str, Tree]" = {}


class OddFields(Model):
    with_: Annotated[Literal[7], Field(alias="with")] = 7


class Odd(Model):
    """Fields of any name."""

    type: str
    description: str
    enum: str
    fields: OddFields
    default: str | None = None
    const: Literal["yes"] = "yes"
    from_: Annotated[str, Field(alias="from")]
    self_: Annotated[str, Field(alias="self")]
    klass: Annotated[str, Field(alias="class")]
    list_: Annotated[list[str], Field(alias="list")]
    copy_: Annotated[str, Field(alias="copy")]
    field_model_dump_all: Annotated[str, Field(alias="model_dump_all")]
    foo_bar: Annotated[str, Field(alias="fooBar")]
    with_space: Annotated[str, Field(alias="with space")]
    kebab_case: Annotated[str, Field(alias="kebab-case")]
    n2nd: Annotated[str, Field(alias="2nd")]
    schema_: Annotated[str, Field(alias="schema")]
    timeout: timedelta


class DefaultsInline(StrEnum):
    P = "p"
    Q = "q"


class Circle(Model):
    kind: Literal["circle"] = "circle"
    radius: float


class Square(Model):
    kind: Literal["square"] = "square"
    side: float


Shape = TypeAliasType(
    "Shape",
    Annotated[
        Annotated[Circle | Square, Field(discriminator="kind")] | UnknownShape, Field(union_mode="left_to_right")
    ],
)
"""Open: later versions may add members, which arrive as `UnknownShape`."""


class Defaults(Model):
    text: str = "1.0"
    source: str = "1.10"
    whole: int = 16
    part: Ratio = 0.5
    flag: Flag = True
    mood: Mood | UnknownValue = Mood.ON
    level: Level = Level.MINUS_3
    inline: DefaultsInline = DefaultsInline.Q
    wait: timedelta = timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500000)
    day: date = date(2026, 2, 28)
    at: AwareDatetime = datetime(2026, 2, 28, 10, tzinfo=timezone(timedelta(seconds=3600)))
    id: UUID = UUID("00000000-0000-4000-8000-000000000000")
    raw: Base64 = b"hi"
    big: Big = 9007199254740993
    price: Price = Decimal("19.99")
    any: Json = {"a": [1, None, 2.5]}
    none: Name | None = None
    names: Names = ["ann"]
    pair: Pair = ("a", 1)
    scores: Scores = {"1": 1}
    shape: Shape = Circle(radius=2)
    tree: Tree = Tree(name="ann", right=None)
    either: Either = 5


Closed = TypeAliasType("Closed", Annotated[Circle | Square, Field(discriminator="kind")])


Plain = TypeAliasType("Plain", A | Name | int)


class VerbatimTagsItem(StrEnum):
    HOT = "hot"
    COLD = "cold"


class VerbatimInner(Model):
    x: bool | None = None


class Verbatim(Model):
    """Written in JSON Schema."""

    id: UUID
    tags: Annotated[list[VerbatimTagsItem], Field(min_length=1)]
    size: Annotated[int, Field(ge=0)] = 3
    """How big."""
    when: AwareDatetime | None = None
    maybe: Name | None = None
    more: dict[str, str | None] | None = None
    pair: tuple[str, float] | None = None
    inner: VerbatimInner | None = None
    data: Base64 | None = None
    free: Json | None = None
    one: str | int | None = None
    kind: Literal["v"] = "v"


class VerbatimEnum(StrEnum):
    A = "a"
    B = "b"


class BadNameDetails(Model):
    a: str
    name: Name
    from_: Annotated[str | None, Field(alias="from")] = None
    message_: Annotated[str, Field(alias="message")]
    self_: Annotated[str, Field(alias="self")]


class FromTypeDetails(Model):
    a: str
    b: int | None = None


class NothingParams(Params):
    pass


class CloseParams(Params):
    """Named like a member of the client."""


class ListParams(Params):
    cursor: str | None = None


class ListResult(Model):
    items: list[A]
    next_cursor: str | None = None


class AllOfItInner(Model):
    x: int


class AllOfItManyItemY(StrEnum):
    P = "p"


class AllOfItManyItem(Model):
    y: AllOfItManyItemY


class AllOfItByKeyValue(Model):
    z: str


class AllOfItParams(Params):
    """Most of an action."""

    a: str
    b: int | None = None
    c: bool = False
    timeout_: Annotated[timedelta, Field(alias="timeout")]
    options_: Annotated[str | None, Field(alias="options")] = None
    self_: Annotated[str, Field(alias="self")]
    inner: AllOfItInner
    many: list[AllOfItManyItem]
    by_key: dict[str, AllOfItByKeyValue]


class AllOfItItem(Model):
    step: int


class AllDone(Model):
    done: bool


class TypedParams(Params):
    a: str
    b: int | None = None


class MaybeParams(Params):
    pass


class AskParams(Params):
    question: str


class PutParams(Params):
    """Take bytes."""

    name: Name
    body_: Annotated[str, Field(alias="body")]
    mood: Mood | UnknownValue = Mood.SAD


class GetParams(Params):
    """Give bytes."""

    name: Name
    body: str | None = None


class GetResult(Model):
    size: int


class UploadingParams(Params):
    """Named like what binds its handler."""


class MoreParams(Params):
    pass


class Logged(Event):
    event_name: ClassVar[str] = "logged"
    text: str
    mood: Mood | UnknownValue
    a: A


class Single(Event):
    event_name: ClassVar[str] = "single"
    n: int


class Keyed(Event):
    event_name: ClassVar[str] = "keyed"
    n: int
    a: A


class Copied(Event):
    event_name: ClassVar[str] = "copied"
    a: str
    name: Name
    left: Tree | None = None
    right: Tree | None
    others: list[Tree] = []
    by_name: dict[str, Tree] = {}


class Typing(Event):
    event_name: ClassVar[str] = "typing"
    who: Name


class BothWays(Event):
    event_name: ClassVar[str] = "both_ways"
    who: Name
