"""The two ends that answer calls: each does what it is told and leaves marks in the ledger."""

from __future__ import annotations

from typing import Any

import anyio
from tests.simulation.ledger import Ledger, Run, Store
from tests.simulation.sdk import bank

from duologue import Call, Sink
from duologue.keyed import AnswerStore
from duologue.publisher import EventLog

BACK = "/back"
"""Ends the mark of what a handler asks its caller."""


async def work(ledger: Ledger, call: Call[Any], task: Any, *, detached: bool) -> Any:
    """Take time, leave the mark, take time; `detached` when a lost connection does not end it."""
    run = ledger.begin(call, task.mark)
    try:
        await _step(call, run, task.before, detached=detached)
        if task.ask_back:
            await call.peer.read(mark=f"{task.mark}{BACK}", before=0.1, after=task.after)
        if task.refuse == "before":
            raise bank.Refused(mark=task.mark)
        ledger.effects[task.mark] += 1
        await _step(call, run, task.after, detached=detached)
        if task.refuse == "after":
            raise bank.Refused(mark=task.mark)
        return bank.Receipt(mark=task.mark, padding=task.padding)
    except anyio.get_cancelled_exc_class():
        run.stopped = True
        raise
    finally:
        run.ended = anyio.current_time()


async def _step(call: Call[Any], run: Run, seconds: float, *, detached: bool) -> None:
    await anyio.sleep(seconds)
    run.after_loss |= call.connection.closed is not None and not detached


class Bank(bank.BankService):  # type: ignore[misc]
    """A server; a later one with the same store is the same server after a restart."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self.ledger = ledger
        self.store = store

    def answer_store(self) -> AnswerStore:
        return self.store.answers

    def event_log(self) -> EventLog:
        return self.store.log

    async def read(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=False)

    async def book(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=True)

    async def fire(self, call: Call[Any], params: Any) -> Any:
        receipt = await work(self.ledger, call, params, detached=False)
        if params.tell:
            await self.publisher.emit(bank.Booked(account=params.mark, number=0))
        return receipt

    async def list_(self, call: Call[Any], params: Any, out: Sink[Any]) -> Any:
        return await self._listed(call, params, out, detached=False)

    async def move(self, call: Call[Any], params: Any, out: Sink[Any]) -> Any:
        return await self._listed(call, params, out, detached=True)

    async def _listed(self, call: Call[Any], params: Any, out: Sink[Any], *, detached: bool) -> Any:
        for number in range(params.items):
            await out.send(bank.Count(mark=params.task.mark, number=number))
        return await work(self.ledger, call, params.task, detached=detached)


class Teller(bank.BankPeerService):  # type: ignore[misc]
    """What clients answer when the server calls them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def read(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=False)

    async def book(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=True)

    async def fire(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=False)
