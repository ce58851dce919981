"""Filters: the same decision on both ends, from values in Python and from JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import pytest
from msgspec import Raw
from pydantic import Field
from tests.runtime.chat import SAID, TOPIC, TYPING, Mood, Said, Topic, Typing
from typing_extensions import override

from duologue.descriptors import Delivery, EventDescriptor
from duologue.errors import InvalidArgument, Ran
from duologue.events.filters import SIZE, VALUES, Filter, encode_filter, value_at
from duologue.models import Base64, Event, Int64, Model, UnknownValue


class Place(Model):
    city: str
    floor: int | None = None


class Moved(Event):
    event_name: ClassVar[str] = "moved"
    mood: Mood | UnknownValue
    place: Place
    former: Place | None = None
    serial: Int64 = 0
    token: Base64 = b""
    ratio: float = 0.0
    exact: bool = False
    note: Mood | UnknownValue | None = Field(default=None)


PATHS: dict[str, tuple[str, ...]] = {
    "mood": ("mood",),
    "place.city": ("place", "city"),
    "place.floor": ("place", "floor"),
    "former.city": ("former", "city"),
    "serial": ("serial",),
    "token": ("token",),
    "ratio": ("ratio",),
    "exact": ("exact",),
    "note": ("note",),
}
MOVED: EventDescriptor[Moved] = EventDescriptor(model=Moved, delivery=Delivery.LOG, filters=PATHS)
EVENT = Moved(
    mood=Mood.CALM, place=Place(city="Ulm", floor=2), former=Place(city="Bonn"), serial=2**60, token=b"\xff", ratio=1.5
)


def passes(event: Event, **values: object) -> bool:
    by_path = {path.replace("__", "."): value for path, value in values.items()}
    return Filter([MOVED], encode_filter(MOVED, by_path)).matches(event)


@pytest.mark.parametrize(
    ("path", "equal", "other", "text"),
    [
        ("mood", Mood.CALM, Mood.LOUD, '"calm"'),
        ("mood", "calm", "new", '"calm"'),
        ("place.city", "Ulm", "ulm", '"Ulm"'),
        ("place.floor", 2, 3, "2"),
        ("former.city", "Bonn", "Ulm", '"Bonn"'),
        ("serial", 2**60, 2**60 + 1, f'"{2**60}"'),
        ("token", b"\xff", b"\xfe", '"/w=="'),
        ("ratio", 1.5, 1.25, "1.5"),
        ("exact", False, True, "false"),
    ],
)
def test_a_field_must_equal_the_value_or_one_of_several(path: str, equal: Any, other: Any, text: str) -> None:
    assert bytes(encode_filter(MOVED, {path: equal})[path]).decode() == text
    for values, expected in ((equal, True), (other, False), ([other, equal], True), ([other], False), ([], False)):
        assert Filter([MOVED], encode_filter(MOVED, {path: values})).matches(EVENT) is expected, values
    assert passes(EVENT, **{path.replace(".", "__"): None}), "None means that it does not matter"


@pytest.mark.parametrize("several", [("calm", "loud"), {"calm"}, frozenset({"calm"}), ["calm"]])
def test_any_collection_holds_several_values(several: object) -> None:
    assert passes(EVENT, mood=several)


def test_all_fields_must_match() -> None:
    assert passes(EVENT, mood="calm", place__city="Ulm")
    assert not passes(EVENT, mood="calm", place__city="Bonn")
    assert not passes(EVENT, mood="loud", place__city="Ulm")


def test_without_values_everything_passes() -> None:
    assert Filter([MOVED], {}).matches(EVENT)
    assert Filter([SAID, TYPING], {}).matches(Typing(who="x"))


def test_a_value_of_the_future_can_be_asked_for() -> None:
    assert passes(Moved(mood=UnknownValue("new"), place=Place(city="Ulm")), mood="new")
    assert not passes(EVENT, mood="new")


def test_an_absent_value_equals_nothing() -> None:
    nowhere = Moved(mood=Mood.CALM, place=Place(city="Ulm"))
    assert not passes(nowhere, former__city="Bonn")
    assert not passes(nowhere, place__floor=0)
    assert value_at(nowhere, ("former", "city")) is None
    assert value_at(EVENT, ("place", "city")) == "Ulm"


def test_a_filter_of_several_events_holds_for_each() -> None:
    both = Filter([SAID, TOPIC], {"room": Raw(b'"a"')})
    assert both.matches(Said(room="a", text=""))
    assert not both.matches(Said(room="b", text=""))
    assert not both.matches(Topic.from_wire('{"room": "b", "from": "x", "text": ""}'))


def test_an_event_that_the_filter_does_not_speak_of_passes() -> None:
    assert Filter([SAID], {"room": Raw(b'"a"')}).matches(Typing(who="x"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("number", '"1"'),
        ("number", "true"),
        ("number", "1.5"),
        ("number", "null"),
        ("number", "{}"),
        ("number", '[1, "2"]'),
        ("number", "[[1]]"),
        ("room", "1"),
        ("room", "null"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(path: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"filter {path}: ") as caught:
        Filter([SAID], {path: Raw(text.encode())})
    assert caught.value.ran is Ran.NO


def test_null_is_no_value_of_an_optional_field_either() -> None:
    for path in ("place.floor", "note"):
        with pytest.raises(InvalidArgument):
            Filter([MOVED], {path: Raw(b"null")})


@pytest.mark.parametrize(("path", "value"), [("number", "many"), ("room", "\ud800"), ("room", ["a", "\ud800"])])
def test_a_value_in_python_that_does_not_fit_is_refused_before_anything_is_sent(path: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match=f"filter {path}: ") as caught:
        encode_filter(SAID, {path: value})
    assert caught.value.ran is Ran.NO


def test_a_path_that_is_not_declared_is_refused_and_the_declared_ones_told() -> None:
    with pytest.raises(InvalidArgument, match="said has no filter text; it has: room, number"):
        Filter([SAID], {"text": Raw(b'"x"')})
    with pytest.raises(InvalidArgument, match="typing has no filter room; it has: none"):
        Filter([SAID, TYPING], {"room": Raw(b'"x"')})


def test_a_descriptor_that_names_no_field_is_told() -> None:
    wrong: EventDescriptor[Said] = EventDescriptor(
        model=Said, delivery=Delivery.LOG, filters={"room.size": ("room", "size")}
    )
    with pytest.raises(TypeError, match="has no field size"):
        Filter([wrong], {"room.size": Raw(b"1")})


def test_what_one_end_encodes_the_other_reads() -> None:
    values = {"mood": [Mood.CALM, "new"], "serial": 5, "token": [b"a", b"b"]}
    encoded = encode_filter(MOVED, values)
    again = {path: json.loads(bytes(raw)) for path, raw in encoded.items()}
    assert again == {"mood": ["calm", "new"], "serial": "5", "token": ["YQ==", "Yg=="]}
    Filter([MOVED], encoded)


# ----------------------------------------------------------------------------------------------------------- how much
def test_a_filter_holds_so_many_values_in_all_and_no_more() -> None:
    numbers = list(range(VALUES - 1))
    full = Filter([SAID], encode_filter(SAID, {"room": "a", "number": numbers}))
    assert full.matches(Said(room="a", text="", number=numbers[-1]))
    assert not full.matches(Said(room="a", text="", number=VALUES))
    with pytest.raises(InvalidArgument, match=f"filter: at most {VALUES} values for one subscription") as caught:
        Filter([SAID], encode_filter(SAID, {"room": ["a", "b"], "number": numbers}))
    assert caught.value.ran is Ran.NO


def test_a_filter_is_so_large_and_no_larger() -> None:
    room = "x" * (SIZE - 2)  # and its quotes
    assert Filter([SAID], encode_filter(SAID, {"room": room})).matches(Said(room=room, text=""))
    for values in ({"room": room + "x"}, {"room": room, "number": 1}):
        with pytest.raises(InvalidArgument, match=f"filter: at most {SIZE} bytes of values") as caught:
            Filter([SAID], encode_filter(SAID, values))
        assert caught.value.ran is Ran.NO


def test_many_values_are_not_looked_through_one_by_one() -> None:
    compared: list[int] = []

    class Counted(int):
        @override
        def __eq__(self, other: object) -> bool:
            compared.append(1)
            return int.__eq__(self, cast("int", other))

        __hash__ = int.__hash__

    many = Filter([SAID], encode_filter(SAID, {"number": list(range(VALUES))}))
    assert many.matches(Said.model_construct(room="a", text="", number=Counted(VALUES - 1)))
    assert len(compared) <= 4, "as many as may share a place of a hash table"


def test_an_event_that_is_named_again_and_again_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    parse = Filter._parse

    def note(self: Filter, descriptor: EventDescriptor[Event], wanted: Mapping[str, Raw]) -> Any:
        read.append(descriptor.name)
        return parse(self, descriptor, wanted)

    monkeypatch.setattr(Filter, "_parse", note)
    Filter([SAID, TOPIC] * 1000, {"room": Raw(b'"a"')})
    assert read == ["said", "topic"]


def test_events_share_the_values_of_their_filter() -> None:
    both = Filter([SAID, TOPIC], {"room": Raw(b'["a", "b"]')})
    (_, said), (_, topic) = both._fields["said"][0], both._fields["topic"][0]
    assert said is topic
