"""Numbers of connections, calls and events, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from typing_extensions import override

from ..close_codes import CloseCode
from ..errors import ConnectFailed, ConnectionClosed
from .observer import Fate, ObservedCall, Observer, Outcome

if TYPE_CHECKING:
    from ..connection.connection import Connection

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the durations that are counted together, in seconds."""

_CODES: Final = frozenset(CloseCode)

Labels: TypeAlias = tuple[str, ...]

Sample: TypeAlias = Callable[[], Mapping[Labels, float]]
"""Gives the values of a gauge as they are now: for each combination of its labels one, for no labels that of ``()``."""


class Metrics(Observer):
    """Counts what it is told, as an observer; `render` gives what `/metrics` answers.

    Labels have few values: names that the protocol does not have are all `_OTHER`, close codes of the peers' own
    `other`. One `Metrics` may be given to any number of servers and clients, and adds them up.
    """

    def __init__(self) -> None:
        self._open: Counter[Labels] = Counter()
        self._opened: Counter[Labels] = Counter()
        self._closed: Counter[Labels] = Counter()
        self._refused: Counter[Labels] = Counter()
        self._running: Counter[Labels] = Counter()
        self._calls: Counter[Labels] = Counter()
        self._durations: dict[Labels, _Histogram] = {}
        self._events: Counter[Labels] = Counter()
        self._resets: Counter[Labels] = Counter()
        self._reconnects: Counter[Labels] = Counter({(): 0})
        self._gauges: dict[str, tuple[str, Sequence[str], Sample]] = {}

    def gauge(self, name: str, text: str, sample: Sample, labels: Sequence[str] = ()) -> None:
        """Show a number of your own, too; it is asked for whenever they are read.

        Args:
            text: What it says, for people.
            sample: Gives its value for each combination of `labels`, ``{(): 1.0}`` where there are none.
        """
        self._gauges[name] = (text, tuple(labels), sample)

    def render(self) -> str:
        """All numbers as they are now."""
        lines: list[str] = []
        for name, kind, text, labels, values in self._families():
            lines += [f"# HELP {name} {_help(text)}", f"# TYPE {name} {kind}"]
            lines += [_line(name, labels, key, value) for key, value in sorted(values.items())]
        name, labels = "duologue_call_duration_seconds", ("direction", "action")
        lines += [f"# HELP {name} How long calls took.", f"# TYPE {name} histogram"]
        for key, histogram in sorted(self._durations.items()):
            lines += histogram.lines(name, labels, key)
        return "\n".join(lines) + "\n"

    def _families(self) -> Iterable[tuple[str, str, str, Sequence[str], Mapping[Labels, float]]]:
        """Each family but the durations: its name, kind, help, the names of its labels, its values."""
        role, call = ("role",), ("direction", "action")
        yield "duologue_connections", "gauge", "Connections that stand.", role, self._open
        yield "duologue_connections_opened_total", "counter", "Handshakes that succeeded.", role, self._opened
        yield "duologue_connections_closed_total", "counter", "Connections gone.", ("role", "code"), self._closed
        yield "duologue_refused_total", "counter", "What a limit refused, by its name.", ("limit",), self._refused
        yield "duologue_calls_running", "gauge", "Calls without an outcome yet.", call, self._running
        yield "duologue_calls_total", "counter", "Calls that have ended.", (*call, "status"), self._calls
        yield "duologue_events_total", "counter", "Events by what became of them.", ("event", "fate"), self._events
        yield "duologue_resets_total", "counter", "Streams of events that could not go on.", ("event",), self._resets
        yield "duologue_reconnects_total", "counter", "Times that a client came back, or tried.", (), self._reconnects
        for name, (text, labels, sample) in self._gauges.items():
            yield name, "gauge", text, labels, sample()

    # ------------------------------------------------------------------------------------------------------- observing
    @override
    def connection_opened(self, connection: Connection) -> None:
        role = (str(connection.session.role),)
        self._open[role] += 1
        self._opened[role] += 1

    @override
    def connection_closed(self, connection: Connection, closed: ConnectionClosed) -> None:
        role = str(connection.session.role)
        self._open[role,] -= 1
        self._closed[role, str(int(closed.close_code)) if closed.close_code in _CODES else "other"] += 1

    @override
    def refused(self, limit: str, peer: str, connection: Connection | None) -> None:
        self._refused[limit,] += 1

    @override
    def call_started(self, call: ObservedCall) -> None:
        self._running[call.direction, call.name] += 1

    @override
    def call_ended(self, call: ObservedCall, outcome: Outcome) -> None:
        key = (str(call.direction), call.name)
        self._running[key] -= 1
        self._calls[*key, outcome.status or "ok"] += 1
        histogram = self._durations.get(key)
        if histogram is None:
            histogram = self._durations[key] = _Histogram()
        histogram.add(outcome.duration)

    @override
    def events(self, connection: Connection, event: str, fate: Fate, count: int) -> None:
        self._events[event, str(fate)] += count

    @override
    def reset(self, events: Sequence[str], reason: str) -> None:
        self._resets.update((event,) for event in events)

    @override
    def reconnecting(self, error: ConnectionClosed | ConnectFailed, delay: float) -> None:
        self._reconnects[()] += 1


class _Histogram:
    """How many durations there were up to each bound, and their sum."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str, labels: Sequence[str], key: Labels) -> Iterable[str]:
        total = 0
        for bound, count in zip((*map(_number, BUCKETS), "+Inf"), self._counts, strict=True):
            total += count
            yield _line(f"{name}_bucket", (*labels, "le"), (*key, bound), total)
        yield _line(f"{name}_sum", labels, key, self._sum)
        yield _line(f"{name}_count", labels, key, total)


def _line(name: str, labels: Sequence[str], key: Labels, value: float) -> str:
    shown = ",".join(f'{label}="{_label(text)}"' for label, text in zip(labels, key, strict=True))
    return f"{name}{{{shown}}} {_number(value)}" if shown else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if math.isfinite(value):
        return str(int(value)) if value == int(value) else repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
