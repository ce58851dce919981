"""Names that are looked up when they are first needed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from duologue import Later, exported_later
from duologue.descriptors import Delivery, EventDescriptor
from duologue.events.filters import Filter, encode_filter, wire_path

MODULES = {
    "late/__init__.py": "",
    "late/one.py": """
from duologue import Later, Model
Two = Later(".two", "Two", __name__)
class One(Model):
    two: Two | None = None
    many: list[Two]
""",
    "late/two.py": """
from duologue import Later, Model
One = Later(".one", "One", __name__)
class Two(Model):
    name: str
    one: None | One = None
""",
    "late/holder.py": """
from typing import Annotated
from duologue import Event, Later, Model
from pydantic import Field, Strict
Two = Later(".two", "Two", __name__)
class Holder(Model):
    field: Annotated[Two | None, Field(alias="other")] = None
    either: int | Two = 1
class Moved(Event):
    event_name = "moved"
    two: Annotated[Two, Strict()]
""",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of two modules that need each other."""
    for path, text in MODULES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield "late"
    for name in [name for name in sys.modules if name.partition(".")[0] == "late"]:
        del sys.modules[name]


def test_models_that_need_each_other_are_read_and_nothing_is_loaded_before(package: str) -> None:
    one: Any = Later(".one", "One", f"{package}.here")
    assert f"{package}.one" not in sys.modules
    cls = one.resolve()
    assert f"{package}.two" not in sys.modules, "the class is there, and what it names is not needed yet"
    read = cls.from_wire('{"many": [{"name": "a", "one": {"many": []}}]}')
    assert f"{package}.two" in sys.modules
    assert type(read.many[0]).__name__ == "Two"
    assert type(read.many[0].one) is cls
    assert read.to_wire() == b'{"many":[{"name":"a","one":{"many":[]}}]}'
    with pytest.raises(ValidationError, match=r"many\.0\.name"):
        cls.from_wire('{"many": [{"name": 1}]}')


def test_attributes_and_calls_are_those_of_what_it_stands_for(package: str) -> None:
    two: Any = Later(".two", "Two", f"{package}.here")
    assert two(name="a").name == "a"
    assert two.model_fields.keys() == {"name", "one"}
    assert repr(two) == "Two"


def test_whoever_asks_what_kind_of_thing_it_is_does_not_load_it(package: str) -> None:
    two: Any = Later(".two", "Two", f"{package}.here")
    assert not hasattr(two, "__origin__")
    holder: Any = Later(".holder", "Holder", f"{package}.here").resolve()
    assert f"{package}.two" not in sys.modules
    assert holder.from_wire('{"other": {"name": "a"}}').field.name == "a"


def test_events_are_filtered_by_what_stands_in_another_module(package: str) -> None:
    moved: Any = Later(".holder", "Moved", f"{package}.here").resolve()
    paths = {"two.name": ("two", "name")}
    descriptor: EventDescriptor[Any] = EventDescriptor(model=moved, delivery=Delivery.VOLATILE, filters=paths)
    accepted = Filter([descriptor], encode_filter(descriptor, {"two.name": "a"}))
    assert [accepted.matches(moved.from_wire(f'{{"two": {{"name": "{name}"}}}}')) for name in "ab"] == [True, False]
    assert wire_path(moved, ("two", "name")) == "two.name"


def test_a_name_that_is_not_there_is_an_error_where_it_is_used(package: str) -> None:
    with pytest.raises(AttributeError, match="Three"):
        Later(".two", "Three", f"{package}.here").resolve()


def test_a_package_gives_its_names_when_they_are_asked_for(package: str) -> None:
    __import__(package)
    get, names = exported_later(package, {".two": ("Two",)})
    assert "Two" in names()
    assert f"{package}.two" not in sys.modules
    assert get("Two").__name__ == "Two"
    assert vars(sys.modules[package])["Two"] is get("Two"), "found without being asked for again"
    with pytest.raises(AttributeError, match="module 'late' has no attribute 'Three'"):
        get("Three")
