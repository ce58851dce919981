"""One service of a node: started, watched, started again when it ends, stopped, and what is told of it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from service_registry_sdk import LogLine, ManagedProcess, RestartPolicy, ServiceEntry, ServiceState

from .executor import Executor, ExecutorError, Observed, Unit
from .records import ServiceRecord, write_record

logger = logging.getLogger(__name__)

REPLACE_GRACE: Final = 10.0
"""Seconds that a version has to end in, before another one is started in its place."""

LOOK_AGAIN: Final = 1.0
"""Seconds until a service is looked at again that could not be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How an agent starts again what ends by itself; seconds.

    Attributes:
        first: Before the first time; then twice as long each time, up to `longest`.
        steady: Whoever runs for so long begins anew with `first`.
        settle: A service that ends within it after its start did not start.
        most: After so many times in a row it is left alone.
    """

    first: float = 0.5
    longest: float = 30.0
    steady: float = 10.0
    settle: float = 0.3
    most: int = 10

    def pause(self, attempts: int) -> float:
        """Before the next start, after so many."""
        return min(self.first * 2.0**attempts, self.longest)


class Supervisor:
    """A service that this agent runs.

    Args:
        tell: Is given what the service is, whenever that changes.

    Attributes:
        seen: As it was last seen.
        starts: How often it was started.
    """

    def __init__(
        self,
        record: ServiceRecord,
        home: Path,
        executor: Executor,
        tell: Callable[[ServiceEntry, Observed], None],
        patience: Patience,
    ) -> None:
        self.seen = Observed(ServiceState.STOPPED)
        self.starts = 0
        self._unit = Unit(record.entry, home)
        self._is_wanted = record.is_wanted
        self._executor = executor
        self._tell = tell
        self._patience = patience
        self._turn = anyio.Lock()
        self._poked = anyio.Event()
        self._is_adopted = False
        self._attempts = 0
        self._up_since = 0.0

    @property
    def unit(self) -> Unit:
        """What it runs."""
        return self._unit

    @property
    def is_given_up(self) -> bool:
        """Whether it does not run, and is not going to be started again."""
        return self.seen.state in (ServiceState.STOPPED, ServiceState.FAILED) and not self._starts_again

    def read_logs(self, tail: int, *, follow: bool) -> AsyncIterator[LogLine]:
        """What it has written; see `Executor.read_logs`."""
        return self._executor.read_logs(self._unit, tail, follow=follow)

    async def run(self) -> None:
        """Look after it until cancelled, which leaves it as it is."""
        await self._adopt()
        while True:
            if self.seen.is_running:
                await self._until_change()
                async with self._turn:
                    if self.seen.is_running:
                        self._see(await self._outcome(self._executor.observe(self._unit)))
            elif self._starts_again:
                await self._start_again()
            else:
                self._poked = anyio.Event()
                await self._poked.wait()

    async def start(self, entry: ServiceEntry) -> Observed:
        """Start it, as registered now, and keep it running from then on. Returns what became of it."""
        async with self._turn:
            if self.seen.is_running and not _runs_as(self._unit.entry, entry):
                await self._executor.stop(self._unit, REPLACE_GRACE)
            self._unit = Unit(entry, self._unit.home)
            self._want(True)
            self._attempts = 0
            await self._start()
            self._poked.set()
            return self.seen

    async def stop(self, grace: float) -> Observed:
        """Stop it, and leave it so. Returns what became of it."""
        async with self._turn:
            self._want(False)
            with anyio.CancelScope(shield=True):  # half stopped is no state to leave it in
                self._see(Observed(ServiceState.STOPPING))
                self._see(await self._outcome(self._stopped(grace)))
            return self.seen

    # ------------------------------------------------------------------------------------------------------ by itself
    async def _adopt(self) -> None:
        """What runs already is gone on with; what is to run, and does not, is started."""
        async with self._turn:
            if self._is_adopted:  # somebody was quicker, and has started it, or stopped it
                return
            self._is_adopted = True
            found = await self._outcome(self._executor.observe(self._unit))
            if self._is_wanted and not found.is_running:
                await self._start()
            elif found.is_running or self._is_wanted:
                self._see(found)

    @property
    def _starts_again(self) -> bool:
        execution = self._unit.entry.execution
        if not self._is_wanted or self.seen.state is ServiceState.STOPPING:
            return False
        if not isinstance(execution, ManagedProcess) or self._attempts >= self._patience.most:
            return False  # systemd and Docker have policies of their own
        failed = self.seen.state is ServiceState.FAILED
        return execution.restart is RestartPolicy.ALWAYS or (failed and execution.restart is RestartPolicy.ON_FAILURE)

    async def _start_again(self) -> None:
        self._poked = anyio.Event()
        with anyio.move_on_after(self._patience.pause(self._attempts)):
            await self._poked.wait()  # somebody has started it, or stopped it
            return
        async with self._turn:
            if not self.seen.is_running and self._starts_again:
                self._attempts += 1
                await self._start()

    async def _start(self) -> None:
        self._see(Observed(ServiceState.STARTING))
        self.starts += 1
        self._see(await self._outcome(self._started()))
        self._up_since = anyio.current_time()

    async def _started(self) -> Observed:
        await self._executor.start(self._unit)
        with anyio.move_on_after(self._patience.settle):
            while (await self._executor.observe(self._unit)).is_running:
                await self._until_change()
        return await self._executor.observe(self._unit)

    async def _stopped(self, grace: float) -> Observed:
        await self._executor.stop(self._unit, grace)
        return Observed(ServiceState.STOPPED)

    async def _outcome(self, work: Awaitable[Observed]) -> Observed:
        """What came of it. Whatever an executor raises is a failure of its service, and not the end of all others'."""
        try:
            return await work
        except ExecutorError as error:
            return Observed(ServiceState.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - what is run here is strangers', and may be found in any way
            return Observed(ServiceState.FAILED, f"its agent cannot look after it (incident {self._incident(error)})")

    async def _until_change(self) -> None:
        try:
            await self._executor.until_change(self._unit)
        except Exception as error:  # noqa: BLE001 - as above; what it has come to, the next look tells
            self._incident(error)
            await anyio.sleep(LOOK_AGAIN)

    def _incident(self, error: Exception) -> str:
        """Log it; returns the number by which the log tells of it."""
        number = secrets.token_hex(6)
        logger.error("%s: its executor failed (incident %s)", self._unit.name, number, exc_info=error)
        return number

    def _see(self, found: Observed) -> None:
        if found.is_running and anyio.current_time() - self._up_since >= self._patience.steady:
            self._attempts = 0
        if found != self.seen:
            self.seen = found
            self._tell(self._unit.entry, found)

    def _want(self, is_wanted: bool) -> None:  # noqa: FBT001 - what else
        self._is_adopted = True
        self._is_wanted = is_wanted
        try:
            write_record(self._unit.home, ServiceRecord(self._unit.entry, is_wanted))
        except OSError as error:  # it is done all the same; only an agent that is started anew will not know
            logger.error("%s: whether it is to run cannot be written down: %s", self._unit.name, error)  # noqa: TRY400
        self._poked.set()


def _runs_as(old: ServiceEntry, new: ServiceEntry) -> bool:
    return (old.version, old.execution) == (new.version, new.execution)
