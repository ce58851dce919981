"""Models of data that do not fit: what fits is converted, what does not stays as it came."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import pytest
from pydantic import AwareDatetime, Field
from typing_extensions import TypeAliasType

from duologue import Model
from duologue.session.lenient import as_it_came, lenient

Names = TypeAliasType("Names", list[str])


class Part(Model):
    size: int
    made: AwareDatetime | None = None


class Whole(Model):
    name: Annotated[str, Field(alias="theName", max_length=3)]
    parts: list[Part]
    by_key: dict[str, Part] | None = None
    one: Part | int | None = None
    names: Names | None = None
    self_: Annotated[Whole | None, Field(alias="self")] = None


def read(kind: Any, value: Any) -> tuple[Any, list[str]]:
    told: list[str] = []
    found = lenient(kind, json.dumps(value).encode(), lambda path, reason: told.append(path))
    return found, told


def test_what_fits_is_converted_beside_what_does_not() -> None:
    found, told = read(
        Whole,
        {
            "theName": "too long",
            "parts": [{"size": 1, "made": "2026-01-01T00:00:00Z"}, {"size": "2"}, 7, {}],
            "by_key": {"a": {"size": None}},
            "one": {"size": False},
            "names": ["x", 1],
            "self": {"theName": "ok", "parts": None},
            "unknown": 1,
        },
    )
    assert type(found).__name__ == "Whole"
    assert found.name == "too long"
    assert isinstance(found.parts[0].made, datetime)
    parts: list[Any] = list(found.parts)
    assert [getattr(part, "size", part) for part in parts] == [1, "2", 7, None]
    assert found.by_key["a"].size is None
    assert found.one.size is False
    assert found.names == ["x", 1]
    assert (type(found.self_).__name__, found.self_.name, found.self_.parts) == ("Whole", "ok", None)
    assert told == [
        "theName", "parts.1.size", "parts.2", "parts.3.size", "by_key.*.size", "one.size", "names.1", "self.parts",
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), [(Whole, 5), (list[int], {"a": 1}), (int | str, [1]), (int, "x")])
def test_what_is_something_else_altogether_stays_so(kind: Any, value: Any) -> None:
    assert read(kind, value) == (value, ["value"])


def test_keys_that_a_peer_makes_up_are_one_path(caplog: pytest.LogCaptureFixture) -> None:
    for key in range(5):
        as_it_came("test.keys", dict[str, Part], b'{"key%d": {"size": "a"}, "another%d": 1}' % (key, key), "warn")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert 'path="*.size"' in told[0]
    assert 'path="*"' in told[1]


def test_a_path_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        as_it_came("test.once", list[int], b'["a", "b"]', "warn")
    as_it_came("test.never", list[int], b'["a"]', "off")
    [line] = [record.getMessage() for record in caplog.records]
    assert "of=test.once" in line
    assert 'path="*"' in line


def test_more_paths_than_are_remembered_are_told_each_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue.session.lenient.MOST_TOLD", 0)
    for _ in range(2):
        as_it_came("test.many", list[int], b'["a"]', "warn")
    assert len(caplog.records) == 2
