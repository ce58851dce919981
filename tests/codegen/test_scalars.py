"""The YAML 1.2 core schema, and where the source of a scalar counts instead."""

import math

import pytest

from duologue_codegen import quantities, scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        # text here, but not in YAML 1.1
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("0b11", "0b11"),
        ("+0x1F", "+0x1F"),
        ("=", "="),
        # numbers
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("-19", -19),
        ("+1", 1),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
        ("٣", "٣"),
        ("9" * 64, int("9" * 64)),
        ("9" * 65, "9" * 65),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    found = scalars.resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_nan() -> None:
    found = scalars.resolve(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_overlong_numbers_are_told_apart_from_text() -> None:
    assert scalars.is_overlong_number("9" * 5000)
    assert not scalars.is_overlong_number("9" * 64)
    assert not scalars.is_overlong_number("x" * 5000)
    assert not scalars.is_overlong_number("9" * 5000 + "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [("500ms", 0.5), ("30s", 30.0), ("5min", 300.0), ("1h", 3600.0), ("1.5h", 5400.0), ("2d", 172_800.0), ("3 s", 3.0)],
)
def test_durations(text: str, value: float) -> None:
    assert quantities.seconds(text) == value


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1m", "0s", "1 hour", "1e3s", "1_0s", "30S", "9" * 16 + "s"])
def test_no_durations(text: str) -> None:
    assert quantities.seconds(text) is None


@pytest.mark.parametrize(("text", "value"), [("1B", 1), ("64KiB", 65_536), ("1.5KiB", 1536), ("2MB", 2_000_000)])
def test_sizes(text: str, value: int) -> None:
    assert quantities.size(text) == value


@pytest.mark.parametrize("text", ["64", "64KB", "0B", "1.5B", "-1KiB", "64kib"])
def test_no_sizes(text: str) -> None:
    assert quantities.size(text) is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(1000, "1000 bytes"), (1536, "1536 bytes"), (65_536, "64 KiB"), (1 << 20, "1 MiB"), (3 << 30, "3 GiB")],
)
def test_shown_sizes(amount: int, shown: str) -> None:
    assert quantities.shown_size(amount) == shown


@pytest.mark.parametrize(("text", "value"), [("10/s", 10.0), ("60/min", 1.0), ("0.5/s", 0.5), ("1/ms", 1000.0)])
def test_rates(text: str, value: float) -> None:
    assert quantities.per_second(text) == value


@pytest.mark.parametrize("text", ["10", "/s", "0/s", "10/week", "10 per s"])
def test_no_rates(text: str) -> None:
    assert quantities.per_second(text) is None
