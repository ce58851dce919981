"""Keyed actions: at most one effect for one idempotency key, and the same answer for every retry under it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ..drivers.port import Executor, Future, Task, Timer, wake
from ..errors import CallError, Cancelled, FailedPrecondition, Ran
from ..wire import Keys, UploadForm
from .answers import SPENT, Answer, AnswerStore


def fingerprint(action: str, params: bytes, upload: UploadForm | None = None) -> str:
    """Of a call: the same for the same action, the same params in their canonical form and the same upload."""
    digest = hashlib.sha256(action.encode() + b"\0" + params)
    if upload is not None:
        digest.update(b"\0%d %b" % (upload.size, upload.sha256.encode()))
    return digest.hexdigest()


class Wait(Protocol):
    """How a call waits for the answer of its key, on its connection.

    Attributes:
        executor: The connection's.
    """

    @property
    def executor(self) -> Executor: ...

    def lingers(self) -> float | None:
        """When a handler has to end whose last caller left just now; None for at once, since it was told to stop."""
        ...


class _Run:
    """One handler, and all the calls that wait for its answer."""

    __slots__ = (
        "_cancel",
        "answer",
        "cancelled",
        "linger",
        "mark",
        "refusal",
        "replayed",
        "started",
        "task",
        "unwanted",
        "waiters",
    )

    task: Task

    def __init__(self, mark: str, cancel: Callable[[Task], None]) -> None:
        self.mark = mark
        self._cancel = cancel  # in turn: a call that is to end with it, and was asked before, has its own end first
        self.answer: Answer | None = None
        self.refusal: CallError | None = None
        self.replayed = False
        self.started = False
        self.unwanted = False
        self.cancelled = False
        self.linger: Timer | None = None
        self.waiters: list[Future] = []

    def give_up(self) -> None:
        """Nobody wants the answer any more."""
        self.unwanted = True
        if self.started and not self.cancelled:  # before its first step it would never take it, and twice is too often
            self.cancelled = True
            self._cancel(self.task)

    def join(self, waiting: Future) -> None:
        """Another call wants the answer."""
        self.waiters.append(waiting)
        self.unwanted = False
        self.stay()

    def leave(self, waiting: Future, wait: Wait) -> None:
        """A call waits no more; when no other does, the handler is to end, or has a while to be joined again."""
        self.waiters.remove(waiting)
        if self.waiters:
            return
        if (until := wait.lingers()) is None:
            self.give_up()
        else:
            self.linger = wait.executor.call_at(until, self.give_up)

    def stay(self) -> None:
        """Its end is near for another reason, or far."""
        if self.linger is not None:
            self.linger.cancel()
            self.linger = None


class KeyedCalls:
    """The keyed calls of one service, on whatever connections they come."""

    def __init__(self, store: AnswerStore) -> None:
        self.store = store
        self.told = Keys(store.epoch, int(store.ttl * 1000))
        self._runs: dict[tuple[str, str], _Run] = {}

    def is_running(self, identity: str, key: str) -> bool:
        """Whether a handler runs under a key now."""
        return (identity, key) in self._runs

    async def knows(self, identity: str, key: str) -> bool:
        """Whether `answer` would give another call's answer, now or when it is there."""
        return (identity, key) in self._runs or await self.store.recall(identity, key) is not None

    async def answer(
        self,
        identity: str,
        key: str,
        mark: str,
        handler: Callable[[], Awaitable[Answer]],
        spawn: Callable[[Callable[[], Coroutine[Any, Any, None]]], Task],
        wait: Wait,
    ) -> tuple[Answer, bool]:
        """Run the handler of a call, or join the one that runs, or give the answer that is recorded.

        Args:
            mark: The call's fingerprint.
            spawn: Starts the handler's task, which outlives the connection.
            wait: How this call waits; a handler whose last caller lost its connection goes on for a while.

        Returns:
            The answer, and whether it is an earlier call's.

        Raises:
            FailedPrecondition: Another call came under this key before.
        """
        run = self._runs.get((identity, key))
        joined = run is not None
        if run is None:
            run = self._runs[identity, key] = _Run(mark, wait.executor.cancel)
            run.task = spawn(lambda: self._carry_out(identity, key, run, handler))
        elif run.mark != mark:
            raise reused()
        await self._wait(run, wait)
        if run.refusal is not None:
            raise run.refusal
        assert run.answer is not None, "a run ends with an answer or a refusal"
        if run.answer.mark != mark:
            raise reused()
        return run.answer, joined or run.replayed

    def give_up(self, identity: str, key: str) -> None:
        """Stop the handler that runs under a key, whoever waits for it."""
        self._runs[identity, key].give_up()

    async def _wait(self, run: _Run, wait: Wait) -> None:
        waiting = wait.executor.future()
        run.join(waiting)
        try:
            await waiting
        except BaseException:
            run.leave(waiting, wait)
            raise

    async def _carry_out(self, identity: str, key: str, run: _Run, handler: Callable[[], Awaitable[Answer]]) -> None:
        run.started = True
        try:
            if run.unwanted:
                raise Cancelled("given up before it started", ran=Ran.NO)
            run.answer = await self.store.claim(identity, key, run.mark)
            run.replayed = run.answer is not None
            if run.cancelled and run.answer is None:  # while the store was not to be disturbed
                raise Cancelled("given up before it started", ran=Ran.NO)
            if run.answer is None:
                answer = await handler()
                await self.store.record(identity, key, answer)
                run.answer = answer
        except CallError as error:
            run.refusal = error
        finally:
            if run.answer is None and run.refusal is None:  # stopped
                run.answer = Answer(run.mark, error=SPENT)
            run.stay()
            del self._runs[identity, key]
            for waiting in run.waiters:
                wake(waiting)


def reused() -> FailedPrecondition:
    """What a call is told whose key belongs to another one."""
    return FailedPrecondition("another call came under this idempotency key before", ran=Ran.NO, code="key_reused")
