"""Durations, sizes and rates as a spec writes them: `30s`, `64KiB`, `10/s`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s?([A-Za-z]+)", re.ASCII)
_RATE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s?/\s?([a-z]+)", re.ASCII)

DURATION_HINT = "write a number and a unit, as in `500ms`, `30s`, `5min`, `1h`"
SIZE_HINT = "write a number and a unit, as in `64KiB`, `1MiB`"
RATE_HINT = "write a number for each unit of time, as in `10/s`, `100/min`"


def seconds(text: str) -> float | None:
    """Seconds of a duration; None when it is none. Zero is no duration: it would end everything at once."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _SECONDS:
        return None
    amount = Decimal(match[1]) * _SECONDS[match[2]]
    return float(amount) if amount > 0 else None


def size(text: str) -> int | None:
    """Bytes of a size; None when it is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _BYTES:
        return None
    amount = Decimal(match[1]) * _BYTES[match[2]]
    return int(amount) if amount >= 1 and amount == int(amount) else None


def shown_size(amount: int) -> str:
    """Bytes for a reader: `64 MiB`, `1000 bytes`."""
    for unit in ("GiB", "MiB", "KiB"):
        if amount % _BYTES[unit] == 0:
            return f"{amount // _BYTES[unit]} {unit}"
    return f"{amount} bytes"


def per_second(text: str) -> float | None:
    """How many a second; None when it is no rate."""
    match = _RATE.fullmatch(text)
    if match is None or match[2] not in _SECONDS or not Decimal(match[1]):
        return None
    return float(Decimal(match[1]) / _SECONDS[match[2]])


def written_seconds(amount: float) -> str:
    """A duration that reads as this many seconds: the shortest text, in the largest unit of those."""
    return _written(amount, [*reversed(_SECONDS)], seconds, "")


def written_rate(amount: float) -> str:
    """A rate that reads as this many a second."""
    return _written(amount, ["s", "min", "h", "d", "ms"], per_second, "/")


def written_size(amount: int) -> str:
    """A size that reads as this many bytes."""
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if amount % _BYTES[unit] == 0)
    return f"{amount // _BYTES[unit]}{unit}"


def _written(amount: float, units: Sequence[str], read: Callable[[str], float | None], sign: str) -> str:
    found: list[str] = []
    for unit in units:
        count = Decimal(amount) * _SECONDS[unit] if sign else Decimal(amount) / _SECONDS[unit]
        for digits in range(10):
            text = f"{count:.{digits}f}{sign}{unit}"
            if read(text) == amount:
                found.append(text)
                break
    if not found:
        raise ValueError(f"{amount} cannot be written with nine digits behind the point")
    # `500ms` rather than `0.5s`, `1min` rather than `60s`.
    return min(found, key=lambda text: ("." in text, len(re.sub(r"[^0-9.].*", "", text))))
