"""Models between Python and the wire: presence, defaults, strictness, and what this side does not know yet."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import core_schema
from tests.runtime.chat import EchoParams, Mood, Topic
from typing_extensions import TypeAliasType

from duologue.models import (
    Base64,
    Event,
    Int64,
    Json,
    Model,
    Params,
    UniqueItems,
    UnknownValue,
    UnknownVariant,
    _adapt,
    deferred,
)
from duologue.session.outcomes import decode


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class Rank(IntEnum):
    FIRST = 1
    LAST = -1


class Inner(Model):
    x: int = 1
    note: str | None = None


class Search(Params):
    name: str
    limit: int = 10
    ratio: float = 1
    exact: bool = False
    level: Level | UnknownValue = Level.LOW
    either: int | str = "none"
    kind: Literal["search"] = "search"
    owner: str | None = None
    parent: str | None
    inner: Inner = Inner()
    tags: list[str] = Field(default_factory=list)
    extra: Json = None


class Plain(Model):
    n: int = 5
    kind: Literal["plain"] = "plain"
    maybe: int | None = None
    nothing: int | None


class Node(Model):
    value: int = 0
    next: Node | None = None
    many: list[Node] = Field(default_factory=list)


class Walk(Params):
    start: Node
    steps: int = 2


class Twins(Model):
    foo_bar: int = Field(alias="foo_bar")
    foo_bar_: int = Field(alias="fooBar")


def wire(model: Model) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(model.to_wire())
    return decoded


# -------------------------------------------------------------------------------------------------- presence, defaults
def test_params_that_equal_their_default_are_not_sent() -> None:
    assert wire(Search(name="a", parent=None)) == {"name": "a", "parent": None, "kind": "search"}
    assert wire(Search(name="a", parent=None, limit=10, exact=False, level=Level.LOW, inner=Inner(x=1))).keys() == {
        *("name", "parent", "kind")
    }


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("limit", 11),
        ("ratio", 2.5),
        ("ratio", 1.5),
        ("exact", True),
        ("level", Level.HIGH),
        ("level", UnknownValue("middle")),
        ("either", 5),
        ("either", "some"),
        ("owner", "me"),
        ("owner", ""),
        ("tags", ["x"]),
        ("extra", 0),
        ("extra", False),
        ("extra", {"a": [1]}),
    ],
)
def test_params_that_differ_from_their_default_are_sent(member: str, value: object) -> None:
    params = Search(name="a", parent=None, **{member: value})  # type: ignore[arg-type]
    assert wire(params)[member] == value
    assert getattr(Search.from_wire(params.to_wire()), member) == value


def test_a_default_is_told_from_what_only_equals_it() -> None:
    class Mixed(Params):
        value: bool | int | float | str = 1

    for value in (True, 1.0, 1):
        returned = Mixed.from_wire(Mixed(value=value).to_wire()).value
        assert (type(returned), returned) == (type(value), value)


class UnknownShape(UnknownVariant):
    known_tags: ClassVar[frozenset[str]] = frozenset({"circle", "square"})
    kind: str


class Holder(Model):
    held: Json = None


class Preset(Params):
    any: Json = Field(default_factory=lambda: list[JsonValue]([1, {"a": 0}]))
    by_name: dict[str, Json] = Field(default_factory=lambda: dict[str, JsonValue](a=1))
    pair: tuple[Json, int] = (1, 2)
    model: Holder = Holder(held=1)
    shape: UnknownShape = UnknownShape.model_validate({"kind": "hexagon", "side": 1})
    zero: float = 0.0
    prices: list[Decimal] = Field(default_factory=lambda: [Decimal("0.10")])
    at: AwareDatetime = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("any", [True, {"a": 0}]),
        ("any", [1.0, {"a": 0}]),
        ("any", [1, {"a": False}]),
        ("any", [1]),
        ("by_name", {"a": True}),
        ("by_name", {"a": 1, "b": 1}),
        ("pair", (True, 2)),
        ("model", Holder(held=True)),
        ("shape", UnknownShape.model_validate({"kind": "hexagon", "side": True})),
        ("zero", -0.0),
        ("prices", [Decimal("0.1")]),
        ("at", datetime(2026, 1, 2, 13, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_what_only_equals_a_default_is_sent_however_deep_they_differ(member: str, value: object) -> None:
    params = Preset.model_validate({member: value})
    assert list(wire(params)) == [member]
    assert str(getattr(Preset.from_wire(params.to_wire()), member)) == str(getattr(params, member))


def test_what_is_the_same_as_a_default_is_not_sent_however_deep_it_is() -> None:
    assert wire(Preset()) == {}
    same = {"by_name": {"a": 1}, "model": Holder(held=1), "at": datetime(2026, 1, 2, 12, tzinfo=UTC)}
    assert wire(Preset.model_validate({**same, "any": [1, {"a": 0}], "prices": [Decimal("0.10")]})) == {}


def test_models_send_their_defaults_and_constants_but_no_absent_optional() -> None:
    assert wire(Plain(nothing=None)) == {"n": 5, "kind": "plain", "nothing": None}
    assert wire(Plain(nothing=1, maybe=2)) == {"n": 5, "kind": "plain", "nothing": 1, "maybe": 2}


def test_absent_optionals_read_none_and_absent_required_members_are_refused() -> None:
    read = Plain.from_wire('{"nothing": null}')
    assert (read.n, read.maybe, read.nothing) == (5, None, None)
    with pytest.raises(ValidationError, match="nothing"):
        Plain.from_wire("{}")


def test_models_inside_each_other_keep_their_own_rules() -> None:
    class Tree(Model):
        value: int = 0
        children: list[Tree] = Field(default_factory=list)
        best: Tree | None = None

    assert wire(Tree(children=[Tree(value=1)])) == {"value": 0, "children": [{"value": 1, "children": []}]}


def test_models_may_hold_each_other() -> None:
    text = '{"value": 2, "next": {"value": 1, "many": [{"value": 0, "many": []}]}, "many": []}'
    assert json.loads(Node.from_wire(text).to_wire()) == json.loads(text)
    assert wire(Walk(start=Node())) == {"start": {"value": 0, "many": []}}
    assert wire(Walk(start=Node(), steps=3)) == {"start": {"value": 0, "many": []}, "steps": 3}


def test_a_schema_that_only_refers_to_another_is_left_as_it_is() -> None:
    reference = core_schema.definition_reference_schema("elsewhere")
    assert _adapt(reference, dict, leave_out_defaults=True) == core_schema.definition_reference_schema("elsewhere")


def test_a_value_that_does_not_fit_its_field_is_not_sent() -> None:
    model = Plain(nothing=1)
    vars(model).update(n="five")
    with pytest.raises(Exception, match="Expected `int`"):
        model.to_wire()


# ----------------------------------------------------------------------------------------------------------- strictness
def test_unknown_members_are_refused_at_the_top_of_params_and_ignored_elsewhere() -> None:
    with pytest.raises(ValidationError, match="later"):
        EchoParams.from_wire('{"text": "a", "later": 1}')
    assert Search.from_wire('{"name": "a", "parent": null, "inner": {"x": 2, "later": 1}}').inner.x == 2
    assert Plain.from_wire('{"nothing": null, "later": 1}').n == 5


@pytest.mark.parametrize(
    "text",
    [
        '{"name": 1, "parent": null}',
        '{"name": "a", "parent": null, "limit": "10"}',
        '{"name": "a", "parent": null, "limit": true}',
        '{"name": "a", "parent": null, "limit": 1.0}',
        '{"name": "a", "parent": null, "exact": 1}',
        '{"name": "a", "parent": null, "exact": "true"}',
        '{"name": "a", "parent": null, "tags": "x"}',
        '{"name": "a", "parent": null, "ratio": NaN}',
        '{"name": "a", "parent": null, "ratio": Infinity}',
        '{"name": "a", "parent": null, "ratio": 1e999}',
        '{"name": "a", "parent": null, "kind": "other"}',
        '{"name": "a", "parent": null, "level": 1}',
        '{"name": "a"',
        "[]",
        "null",
    ],
)
def test_the_wire_is_read_strictly(text: str) -> None:
    with pytest.raises(ValidationError):
        Search.from_wire(text)


def test_constructors_convert_as_pydantic_does_and_refuse_what_json_cannot_say() -> None:
    assert Search(name="a", parent=None, limit="12").limit == 12  # type: ignore[arg-type]
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            Search(name="a", parent=None, ratio=value)


def test_names_that_differ_only_in_style_are_not_mixed_up() -> None:
    twins = Twins.from_wire('{"fooBar": 1, "foo_bar": 2}')
    assert (twins.foo_bar_, twins.foo_bar) == (1, 2)
    values: dict[str, Any] = {"foo_bar": 3, "foo_bar_": 4}
    assert wire(Twins(**values)) == {"foo_bar": 3, "fooBar": 4}
    with pytest.raises(ValidationError):
        Twins.from_wire('{"foo_bar_": 1, "foo_bar": 2}')


def test_wire_names_are_read_from_the_wire_alone_and_python_names_in_python() -> None:
    values: dict[str, Any] = {"room": "r", "from_": "ann", "text": "t"}
    topic = Topic(**values)
    assert wire(topic) == {"room": "r", "from": "ann", "text": "t"}
    assert Topic.from_wire(topic.to_wire()) == topic
    with pytest.raises(ValidationError):
        Topic.from_wire('{"room": "r", "from_": "ann", "text": "t"}')
    with pytest.raises(ValidationError):
        Topic(**{"room": "r", "from": "ann", "text": "t"})


# --------------------------------------------------------------------------------------------- what this side knows not
class Open(Model):
    one: Mood | UnknownValue
    many: list[Mood | UnknownValue] = Field(default_factory=list)
    maybe: Mood | UnknownValue | None = None
    by_name: dict[str, Mood | UnknownValue] = Field(default_factory=dict)
    pair: tuple[int, Mood | UnknownValue] | None = None


def test_unknown_values_are_kept_and_known_ones_are_their_enums_members() -> None:
    text = """{
        "one": "new", "many": ["calm", "new"], "maybe": "new", "by_name": {"a": "loud", "b": "new"}, "pair": [1, "new"]
    }"""
    model = Open.from_wire(text)
    assert json.loads(model.to_wire()) == json.loads(text)
    kinds = [type(value) for value in (model.one, *model.many, model.maybe, *model.by_name.values())]
    assert kinds == [UnknownValue, Mood, UnknownValue, UnknownValue, Mood, UnknownValue]
    assert model.pair is not None
    assert isinstance(model.pair[1], UnknownValue)
    known = Open.from_wire('{"one": "calm", "maybe": "loud", "pair": [1, "calm"]}')
    assert (known.one, known.maybe) == (Mood.CALM, Mood.LOUD)
    assert [type(known.one), type(known.maybe), type((known.pair or (0, ""))[1])] == [Mood, Mood, Mood]


def test_known_values_given_as_text_become_their_enums_members_too() -> None:
    assert type(Open(one="calm").one) is Mood  # type: ignore[arg-type]
    assert type(Open(one="new").one) is UnknownValue  # type: ignore[arg-type]
    assert Open(one=Mood.CALM).one is Mood.CALM


@pytest.mark.parametrize("value", ["1", "null", "true", "[]", "{}"])
def test_a_value_that_is_no_text_is_no_unknown_value(value: str) -> None:
    with pytest.raises(ValidationError):
        Open.from_wire(f'{{"one": {value}}}')


def test_bare_open_enums_read_known_values_first() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Mood | UnknownValue, Field(union_mode="left_to_right")])
    assert type(decode(adapter, b'"calm"')) is Mood
    assert type(decode(adapter, b'"new"')) is UnknownValue


class Circle(Model):
    kind: Literal["circle"] = "circle"
    radius: int


class Square(Model):
    kind: Literal["square"] = "square"
    side: int


class Drawing(Model):
    shape: Circle | Square | UnknownShape


def test_an_unknown_variant_keeps_everything_it_carried() -> None:
    text = '{"shape": {"kind": "hexagon", "side": 3, "deep": {"x": [1]}}}'
    shape = Drawing.from_wire(text).shape
    assert isinstance(shape, UnknownShape)
    assert (shape.kind, shape.model_extra) == ("hexagon", {"side": 3, "deep": {"x": [1]}})
    assert json.loads(Drawing(shape=shape).to_wire()) == json.loads(text)


def test_known_variants_are_read_as_what_they_are() -> None:
    assert Drawing.from_wire('{"shape": {"kind": "circle", "radius": 1}}').shape == Circle(radius=1)
    assert json.loads(Drawing(shape=Square(side=2)).to_wire()) == {"shape": {"kind": "square", "side": 2}}


@pytest.mark.parametrize("shape", ['{"kind": "circle"}', '{"kind": "square", "side": "1"}', "{}", '{"kind": 1}'])
def test_a_known_variant_that_does_not_fit_is_no_unknown_one(shape: str) -> None:
    with pytest.raises(ValidationError):
        Drawing.from_wire(f'{{"shape": {shape}}}')


# ---------------------------------------------------------------------------------------------- texts that mean more
class Special(Model):
    raw: Base64 = b""
    big: Int64 = 0
    price: Decimal = Decimal(0)
    parts: list[Base64] = Field(default_factory=list)
    maybe: Int64 | None = None


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\xfb\xff\xfe", b"?" * 100, b"plain"])
def test_bytes_travel_as_standard_base64(raw: bytes) -> None:
    model = Special(raw=raw, parts=[raw])
    assert "-" not in wire(model)["raw"]
    assert "_" not in wire(model)["raw"]
    assert Special.from_wire(model.to_wire()) == model


def test_the_alphabet_of_base64_is_the_standard_one() -> None:
    assert wire(Special(raw=b"\xfb\xff"))["raw"] == "+/8="


@pytest.mark.parametrize("text", ["-_8=", "QQ", "QQ=", "Q", "Q Q=", "QQ==\\n", "é", "QQ==QQ=="])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="base64"):
        Special.from_wire(f'{{"raw": "{text}"}}')


@pytest.mark.parametrize("number", [0, 1, -1, 2**53, 2**63 - 1, -(2**63)])
def test_64_bit_integers_travel_as_decimal_text(number: int) -> None:
    model = Special(big=number, maybe=number)
    assert wire(model)["big"] == str(number)
    assert Special.from_wire(model.to_wire()) == model


@pytest.mark.parametrize(
    "value",
    [
        *("1", '"01"', '"+1"', '"-0"', '" 1"', '"1_0"', '"1.0"', '"1e3"', '""', '"0x1"', '"\\uff11"'),
        *(f'"{2**63}"', f'"{-(2**63) - 1}"', f'"{"9" * 5000}"'),
    ],
)
def test_what_is_no_64_bit_integer_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        Special.from_wire(f'{{"big": {value}}}')


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "1", True, 1.0])
def test_constructors_refuse_what_is_no_64_bit_integer(value: object) -> None:
    with pytest.raises(ValidationError):
        Special(big=value)  # type: ignore[arg-type]


def test_decimals_travel_as_text_and_keep_their_digits() -> None:
    model = Special(price=Decimal("1.10"))
    assert wire(model)["price"] == "1.10"
    assert str(Special.from_wire(model.to_wire()).price) == "1.10"


class Either(Model):
    """Of each union, the first member is text on the wire."""

    counted: Int64 | bool | float | Base64 | Rank | list[int] | Inner | None = None
    priced: Decimal | int | date | list[int] | None = None


@pytest.mark.parametrize(
    ("member", "value", "sent"),
    [
        ("counted", 5, "5"),
        ("counted", True, True),
        ("counted", 1.5, 1.5),
        ("counted", b"x", "eA=="),
        ("counted", Rank.LAST, -1),
        ("counted", [1], [1]),
        ("counted", Inner(), {"x": 1}),
        ("priced", Decimal("1.10"), "1.10"),
        ("priced", 12345678901234567, 12345678901234567),
        ("priced", date(2026, 1, 2), "2026-01-02"),
        ("priced", [1], [1]),
    ],
)
def test_a_member_of_a_union_is_sent_as_what_it_is(member: str, value: object, sent: object) -> None:
    model = Either.model_validate({member: value})
    assert wire(model) == {member: sent}
    read = getattr(Either.from_wire(model.to_wire()), member)
    assert (type(read), read) == (type(value), value)


Day = TypeAliasType("Day", date)
Moment = TypeAliasType("Moment", "AwareDatetime | Day | None")


class Dated(Model):
    """Numbers beside dates, which stand first."""

    counted: date | Int64 | None = None
    priced: Moment | Decimal = None
    named: Day | Base64 | None = None
    many: list[Day | Dated | Decimal | timedelta] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("counted", 0),
        ("counted", 86400),
        ("counted", date(1970, 1, 1)),
        ("priced", Decimal(0)),
        ("priced", Decimal("1.5")),
        ("priced", date(2026, 1, 2)),
        ("priced", datetime(2026, 1, 2, tzinfo=UTC)),
        ("named", b"\xd7m\xf8\xe7\xae\xfc"),
        ("named", date(2026, 1, 2)),
        ("many", [Decimal(0), date(1970, 1, 1), timedelta(1), Dated(counted=0)]),
    ],
)
def test_numbers_are_not_read_as_dates(member: str, value: object) -> None:
    model = Dated.model_validate({member: value})
    read = getattr(Dated.from_wire(model.to_wire()), member)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(("member", "value"), [("big", True), ("big", "secret"), ("price", 1.5), ("price", "secret")])
def test_what_is_no_number_of_its_kind_is_not_sent_as_one(member: str, value: object) -> None:
    model = Special()
    vars(model)[member] = value
    with pytest.raises(TypeError, match=r"Expected `(int|Decimal)`") as caught:
        model.to_wire()
    assert "secret" not in str(caught.value)


def test_in_python_bytes_and_numbers_are_bytes_and_numbers() -> None:
    dumped = Special(raw=b"a", big=5).model_dump()
    assert (dumped["raw"], dumped["big"]) == (b"a", 5)


class Named(Event):
    event_name: ClassVar[str] = "named"
    x: int = 3


def test_events_send_their_defaults_and_ignore_what_is_new() -> None:
    assert Named().to_wire() == b'{"x":3}'
    assert Named.from_wire('{"x": 4, "later": 1}').x == 4


class Listed(Model):
    names: Annotated[list[str], UniqueItems] = Field(default_factory=list)
    parts: Annotated[list[Inner], UniqueItems] = Field(default_factory=list)
    any: Annotated[list[Json], Field(min_length=1), UniqueItems] | None = None


@pytest.mark.parametrize(
    "text",
    [
        '{"names": ["a", "a"]}',
        '{"parts": [{"x": 1}, {}]}',
        '{"any": [1, 1.0]}',
        '{"any": [{"a": [1], "b": 2}, {"b": 2, "a": [1]}]}',
        '{"any": [null, null]}',
        '{"any": []}',
    ],
)
def test_an_item_that_is_there_twice_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Listed.from_wire(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"names": ["a", "b"]}',
        '{"parts": [{"x": 1}, {"note": "n"}]}',
        '{"any": [1, true, 0, false, "1", null, [1], [[1]], {"1": 1}, {"1": true}]}',
    ],
)
def test_items_that_differ_in_json_are_no_repeats(text: str) -> None:
    read = Listed.from_wire(text)
    assert {name: len(getattr(read, name)) for name in read.model_fields_set} == {
        name: len(items) for name, items in json.loads(text).items()
    }


def test_looking_for_repeats_takes_time_that_grows_with_the_list_alone() -> None:
    started = time.perf_counter()
    Listed.from_wire(json.dumps({"any": [{"n": number} for number in range(30_000)]}))
    assert time.perf_counter() - started < 20  # each with each would take many minutes


def test_what_is_unknown_of_two_variants_tells_them_apart() -> None:
    class Shapes(Model):
        all: Annotated[list[UnknownShape], UniqueItems]

    assert len(Shapes.from_wire('{"all": [{"kind": "a", "n": 1}, {"kind": "a", "n": 2}]}').all) == 2
    with pytest.raises(ValidationError, match="an item that is there twice"):
        Shapes.from_wire('{"all": [{"kind": "a", "n": [1]}, {"n": [1], "kind": "a"}]}')


# ------------------------------------------------------------------------------------------------ stated wire forms
class Price(Model):
    value: Decimal


class Priced(Model):
    price: Annotated[Decimal, Field(ge=Decimal("0.10"))] = Decimal(1)
    rank: Rank = Rank.FIRST
    ranks: dict[str, list[Rank]] = Field(default_factory=dict)


@pytest.mark.parametrize(
    "payload",
    [
        *(
            '{"price": 1.5}',
            '{"price": 1}',
            '{"price": "1e5"}',
            '{"price": "+1"}',
            '{"price": " 1"}',
            '{"price": ".5"}',
        ),
        *('{"price": "NaN"}', '{"price": "0.09"}', '{"rank": true}', '{"rank": 1.0}', '{"rank": "1"}', '{"rank": 2}'),
        '{"ranks": {"a": [true]}}',
    ],
)
def test_decimals_are_text_and_no_member_of_an_enum_is_true(payload: str) -> None:
    with pytest.raises(ValidationError):
        Priced.from_wire(payload)


def test_decimals_are_written_out_and_read_again() -> None:
    for value, text in ((Decimal("1E+5"), "100000"), (Decimal("1E-7"), "0.0000001"), (Decimal("12.50"), "12.50")):
        sent = Price(value=value)
        assert wire(sent) == {"value": text}
        assert Price.from_wire(sent.to_wire()) == sent


def test_members_of_an_enum_of_numbers_are_read_as_such_in_models_and_in_results() -> None:
    read = Priced.from_wire('{"rank": -1, "ranks": {"a": [1]}}')
    assert read.rank is Rank.LAST
    assert read.ranks["a"][0] is Rank.FIRST
    assert decode(deferred(Rank), b"-1") is Rank.LAST
    with pytest.raises(ValidationError):
        decode(deferred(list[Rank]), b"[true]")
    assert Priced.model_validate({"rank": 1}).rank is Rank.FIRST
