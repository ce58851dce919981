"""The two ends that answer calls: each does what it is told and leaves marks in the ledger."""

from __future__ import annotations

import hashlib
from typing import Any

import anyio
from tests.simulation.ledger import Ledger, Run, Store
from tests.simulation.sdk import bank

from duologue import AnswerStore, ByteSink, Call, EventLog, HeldUploads, Sink, Upload

BACK = "/back"
"""Ends the mark of what a handler asks its caller."""

HELD = 30.0
"""Seconds for which an upload is held for a caller that was lost: less than a simulation's end is quiet."""


async def work(ledger: Ledger, call: Call[Any], task: Any, *, detached: bool, body: Upload | None = None) -> Any:
    """Take time, leave the mark, take time; `detached` when a lost connection does not end it."""
    run = ledger.begin(call, task.mark)
    try:
        if body is not None:
            data = await body.read()
            run.came = len(data), hashlib.sha256(data).hexdigest()
        await _step(call, run, task.before, detached=detached)
        if task.ask_back:
            run.asks = True
            await call.peer.read(mark=f"{task.mark}{BACK}", before=0.1, after=task.after)
            run.asks = False
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


def content(mark: str, size: int) -> bytes:
    """The bytes that are uploaded, or given, under a mark; no two places of them are alike."""
    return hashlib.shake_128(mark.encode()).digest(size)


class Transfers:
    """What both ends do with bytes."""

    ledger: Ledger

    def hold_uploads(self) -> HeldUploads:
        return HeldUploads(self.ledger.folder, keep=HELD)

    async def put(self, call: Call[Any], params: Any, body: Upload) -> Any:
        return await work(self.ledger, call, params, detached=True, body=body)

    async def get(self, call: Call[Any], params: Any, out: ByteSink) -> Any:
        data = content(params.mark, params.size)
        await out.send(data[: params.size // 2])
        receipt = await work(self.ledger, call, params, detached=False)
        await out.send(data[params.size // 2 :])
        if params.rot:
            out._digest.update(b"what the digest is of was not sent")
        return receipt


class Bank(Transfers, bank.BankService):  # type: ignore[misc]
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


class Teller(Transfers, bank.BankPeerService):  # type: ignore[misc]
    """What clients answer when the server calls them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def read(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=False)

    async def book(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=True)

    async def fire(self, call: Call[Any], params: Any) -> Any:
        return await work(self.ledger, call, params, detached=False)
