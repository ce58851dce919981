"""Keyed calls step by step: who waits for a handler, who gives up, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
from typing_extensions import override

from duologue import Answer
from duologue.errors import Cancelled, Ran
from duologue.handling.answers import MemoryAnswers
from duologue.handling.keyed import KeyedCalls


class Waiting:
    """A future that only cancels."""

    def done(self) -> bool:
        return False

    def set_result(self, result: Any, /) -> None:
        pass

    def __await__(self) -> Generator[Any, None, Any]:
        yield


class GivenUp(BaseException):
    pass


class Calls:
    """Keyed calls whose handlers' tasks take a step when they are told to."""

    def __init__(self) -> None:
        self.keyed = KeyedCalls(MemoryAnswers())
        self.runs = 0
        self.cancelled = 0
        self.lost: float | None = None
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.tasks: list[Coroutine[Any, Any, None]] = []

    def cancel(self, task: object = None) -> None:
        """An executor's, or a timer's."""
        self.cancelled += 1

    @property
    def executor(self) -> Any:
        return self

    def future(self) -> Waiting:
        return Waiting()

    def call_at(self, when: float, callback: Callable[[], None]) -> Calls:
        self.due.append((when, callback))
        return self

    def lingers(self) -> float | None:
        return self.lost

    def spawn(self, body: Callable[[], Coroutine[Any, Any, None]]) -> Calls:
        self.tasks.append(body())
        return self

    async def handle(self) -> Answer:
        self.runs += 1
        return Answer("mark", data=b"1")

    def place(self) -> Coroutine[Any, Any, tuple[Answer, bool]]:
        """A call that waits for its handler."""
        call = self.keyed.answer("", "key", "mark", self.handle, self.spawn, self)
        call.send(None)
        return call

    def run(self) -> None:
        for task in self.tasks:
            with pytest.raises(StopIteration):
                task.send(None)
        self.tasks.clear()


def give_up(call: Coroutine[Any, Any, Any]) -> None:
    with pytest.raises(GivenUp):
        call.throw(GivenUp())


def test_a_handler_that_nobody_wants_before_its_first_step_does_not_run_and_leaves_the_key() -> None:
    calls = Calls()
    give_up(calls.place())
    assert calls.cancelled == 0, "a task that is cancelled before its first step would never take it"
    calls.run()
    assert (calls.runs, calls.keyed._runs) == (0, {})
    again = calls.place()
    calls.run()
    assert calls.runs == 1, "the key is as free as before"
    again.close()


def test_whoever_joins_a_handler_that_was_given_up_before_its_first_step_still_wants_it() -> None:
    calls = Calls()
    first = calls.place()
    give_up(first)
    second = calls.place()
    assert len(calls.tasks) == 1
    calls.run()
    assert calls.runs == 1
    with pytest.raises(StopIteration) as answered:
        second.send(None)
    assert answered.value.value == (Answer("mark", data=b"1"), True)


def test_what_is_told_to_whoever_comes_when_it_was_given_up() -> None:
    calls = Calls()
    give_up(calls.place())
    run = next(iter(calls.keyed._runs.values()))
    calls.run()
    assert isinstance(run.refusal, Cancelled)
    assert run.refusal.ran is Ran.NO


def test_a_handler_whose_callers_are_lost_ends_in_time_unless_one_comes_back() -> None:
    calls = Calls()
    first = calls.place()
    calls.lost = 30.0
    give_up(first)
    [(when, end)] = calls.due
    assert (when, calls.cancelled) == (30.0, 0)
    second = calls.place()
    assert calls.cancelled == 1, "it is the handler's end that is cancelled, not the handler"
    give_up(second)
    assert len(calls.due) == 2
    end()
    calls.run()
    assert calls.runs == 0


def test_a_handler_that_was_given_up_while_its_key_was_claimed_does_not_run() -> None:
    """On an event loop that tells it so only at the next checkpoint, and the store had none that let itself be told."""
    calls = Calls()
    waited = calls.place()
    run = next(iter(calls.keyed._runs.values()))

    class Claiming(MemoryAnswers):
        @override
        async def claim(self, identity: str, key: str, mark: str) -> Answer | None:
            run.give_up()
            return await super().claim(identity, key, mark)

    calls.keyed.store = Claiming()
    calls.run()
    assert (calls.runs, calls.cancelled) == (0, 1)
    with pytest.raises(Cancelled) as caught:
        waited.send(None)
    assert caught.value.ran is Ran.NO
