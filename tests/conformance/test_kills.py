"""`kill -9` at any byte of a call and shortly after it: the registry's effects happen once, and verdicts are true."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.forked import Fault, Registry
from tests.registry.callers import Callers, Change, audit, effects_of
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from typing_extensions import override

from duologue import CallError, CallOptions, Declared, Ran
from duologue_registry.storing.answers import StoredAnswers
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.port import Batch
from duologue_registry.storing.sqlite import SqliteJournal
from service_registry_sdk import AuditRecord, RegistryClient

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


class Mortal:
    """A registry that can be killed, and is started again in its place."""

    def __init__(self, data: Path, fault: Fault | None) -> None:
        self.kills = 0
        self._data = data
        self._fault = fault
        self._chance = random.Random(0)
        self._registry = Registry("--data", str(data), fault=fault)
        self._dead = anyio.Event()
        self.port = self._registry.port

    def kill(self) -> None:
        """At once, or when it has worked on for a moment in which nobody else does anything."""
        time.sleep(self._chance.choice([0, self._chance.uniform(0, 0.004)]))
        self._registry.kill()
        self.kills += 1
        self._dead.set()

    async def revive(self) -> None:
        while True:
            await self._dead.wait()
            await anyio.sleep(self._chance.uniform(0, 0.03))
            self._dead = anyio.Event()
            self._registry = Registry("--data", str(self._data), port=self.port, fault=self._fault)

    def end(self) -> None:
        self._registry.kill()


class Patient(Callers):
    """A caller whose registry is killed in each call, and who waits until it is back."""

    def __init__(self, client: RegistryClient, proxy: Proxy) -> None:
        super().__init__(0)
        self._client = client
        self._proxy = proxy
        self._cut: Cut | None = None

    async def be_struck(self, cuts: Sequence[Cut]) -> None:
        for number, self._cut in enumerate(cuts):
            await self.live_through(self._client, f"s{number}")

    @override
    async def note(self, key: str, call: Change) -> None:
        await self._client.connected()
        self._proxy.cut_after(self._cut)
        await self.settle(key, call)
        self._proxy.cut_after(None)

    async def settle(self, key: str, call: Change) -> None:
        await super().note(key, call)


class Impatient(Patient):
    """One who stops waiting early, and believes what is said then."""

    def __init__(self, client: RegistryClient, proxy: Proxy) -> None:
        super().__init__(client, proxy)
        self.verdicts: dict[str, str] = {}

    @override
    async def settle(self, key: str, call: Change) -> None:
        try:
            await call(options=CallOptions(key=key), timeout=self.chance.choice([self.chance.uniform(0.001, 0.1), 20]))
            self.verdicts[key] = "done"
        except CallError as error:
            self.verdicts[key] = "refused" if isinstance(error, Declared) else error.ran

    @override
    def check(self, records: list[AuditRecord]) -> None:
        effects = effects_of(records)
        both = {True, False}
        promised = {"done": {True}, "refused": {False}, Ran.NO: {False}, Ran.UNKNOWN: both, Ran.YES: both}
        for key, verdict in self.verdicts.items():
            assert (key in effects) in promised[verdict], f"{key}: {verdict}"
        assert effects.keys() <= self.verdicts.keys()
        assert set(self.verdicts.values()) >= {"done", Ran.UNKNOWN}


async def kills(kind: type[Patient], data: Path, cuts: Sequence[Cut], fault: Fault | None = None) -> int:
    """For each cut let a service be registered, changed and removed, and kill the registry there in each of the calls.

    Returns how often it was killed: where a call fits before the cut, it was not.
    """
    mortal = Mortal(data, fault)
    try:
        with anyio.fail_after(60 + 4 * len(cuts)):
            async with proxied(mortal.port) as proxy, anyio.create_task_group() as tasks:
                proxy.at_cut = mortal.kill
                tasks.start_soon(mortal.revive)
                async with RegistryClient.open(f"ws://127.0.0.1:{proxy.port}") as client:
                    caller = kind(client, proxy)
                    await caller.be_struck(cuts)
                    caller.check(await audit(client))
                tasks.cancel_scope.cancel()
    finally:
        mortal.end()
    return mortal.kills


@pytest.mark.parametrize(("kind", "ups", "downs"), [(Patient, (40, 90), (20,)), (Impatient, (40, 90), (0, 20, 35))])
async def test_some_kills(kind: type[Patient], ups: Sequence[int], downs: Sequence[int], tmp_path: Path) -> None:
    cuts = [*(Cut(Direction.UP, after) for after in ups), *(Cut(Direction.DOWN, after) for after in downs)]
    assert await kills(kind, tmp_path, cuts) >= 10


@pytest.mark.long  # a minute
@pytest.mark.parametrize("kind", [Patient, Impatient])
async def test_200_kills(kind: type[Patient], tmp_path: Path) -> None:
    cuts = [Cut(direction, after) for after in range(0, 600, 7) for direction in Direction]
    assert await kills(kind, tmp_path, cuts) >= 200


def answers_are_kept_in_memory_alone() -> None:
    write = SqliteJournal.write

    def forget(self: SqliteJournal, batch: Batch) -> None:
        write(self, replace(batch, kept=()))

    SqliteJournal.write = forget  # type: ignore[method-assign]


def answers_come_before_the_commit() -> None:
    async def late(self: JournaledStore, group: Any) -> None:
        batch, answers = await self._decide(group.waiting)
        self._keys.turn_over(batch.kept, ())
        for waiting, given in zip(group.waiting, answers, strict=True):
            waiting.answers = given
        group.written.set()
        await anyio.sleep(0.5)
        await self._io(self._journal.write, batch)
        self._apply(batch)

    JournaledStore._commit_group = late  # type: ignore[method-assign]


def the_epoch_changes_at_each_start() -> None:
    StoredAnswers.epoch = property(lambda self: str(os.getpid()))  # type: ignore[assignment, method-assign]


@pytest.mark.parametrize(
    ("fault", "cut"),
    [
        (answers_are_kept_in_memory_alone, Cut(Direction.DOWN, 10)),
        (answers_come_before_the_commit, Cut(Direction.UP, 10)),
        (the_epoch_changes_at_each_start, Cut(Direction.DOWN, 10)),
    ],
)
async def test_a_planted_bug_is_seen(fault: Fault, cut: Cut, tmp_path: Path) -> None:
    """The caller is told of an end that could not be, or asked to believe what did not happen."""
    with pytest.RaisesGroup(CallError, allow_unwrapped=True, flatten_subgroups=True):
        await kills(Patient, tmp_path, [cut], fault)
