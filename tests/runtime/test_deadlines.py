"""The heap of deadlines against a list that is sorted each time."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from duologue.deadlines import Deadline, Deadlines

TIMES = st.floats(min_value=0, max_value=100) | st.integers(min_value=0, max_value=5).map(float)


class DeadlinesAgainstAList(RuleBasedStateMachine):
    entries: Bundle[tuple[int, Deadline[str]]] = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.real: Deadlines[str] = Deadlines()
        self.naive: dict[int, tuple[float, str]] = {}
        self.count = 0

    @rule(target=entries, when=TIMES)
    def push(self, when: float) -> tuple[int, Deadline[str]]:
        self.count += 1
        self.naive[self.count] = (when, str(self.count))
        return self.count, self.real.push(when, str(self.count))

    @rule(when=TIMES, many=st.integers(min_value=50, max_value=200))
    def push_and_discard_many(self, when: float, many: int) -> None:
        for entry in [self.real.push(when, "gone") for _ in range(many)]:
            self.real.discard(entry)

    @rule(entry=entries)
    def discard(self, entry: tuple[int, Deadline[str]]) -> None:
        self.naive.pop(entry[0], None)
        self.real.discard(entry[1])

    @rule(now=TIMES)
    def due(self, now: float) -> None:
        due = sorted((when, number) for number, (when, _) in self.naive.items() if when <= now)
        assert self.real.due(now) == [self.naive.pop(number)[1] for _, number in due]

    @invariant()
    def agrees(self) -> None:
        assert len(self.real) == len(self.naive)
        assert self.real.next() == min((when for when, _ in self.naive.values()), default=None)
        assert len(self.real._heap) <= 2 * len(self.naive) + 66


DeadlinesAgainstAList.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
TestDeadlines = DeadlinesAgainstAList.TestCase


def test_equal_times_come_up_in_order_of_entry() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for number in range(100):
        deadlines.push(5.0, number)
    assert deadlines.due(4.999) == []
    assert deadlines.due(5.0) == list(range(100))


def test_discarding_twice_or_late_changes_nothing() -> None:
    deadlines: Deadlines[str] = Deadlines()
    first, second = deadlines.push(1.0, "first"), deadlines.push(2.0, "second")
    deadlines.discard(first)
    deadlines.discard(first)
    assert (len(deadlines), deadlines.next()) == (1, 2.0)
    assert deadlines.due(2.0) == ["second"]
    deadlines.discard(second)
    assert (len(deadlines), deadlines.next()) == (0, None)


@pytest.mark.usefixtures("only_new_objects")
def test_what_was_discarded_is_let_go() -> None:
    class Item:
        pass

    deadlines: Deadlines[Item] = Deadlines()
    item = Item()
    entry = deadlines.push(1.0, item)
    gone = weakref.ref(item)
    deadlines.discard(entry)
    del item
    gc.collect()
    assert gone() is None


def test_many_calls_that_end_in_time_leave_no_heap_behind() -> None:
    deadlines: Deadlines[int] = Deadlines()
    alive = [deadlines.push(1e9, number) for number in range(10)]
    for number in range(20_000):
        deadlines.discard(deadlines.push(30.0 + number, number))
    assert len(deadlines) == len(alive)
    assert len(deadlines._heap) <= 2 * len(alive) + 66
