"""Running services, as a port: what each way of running them has to be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from service_registry_sdk import LogLine, ServiceEntry, ServiceState

CURRENT: Final = "current"


class ExecutorError(Exception):
    """It could not be done; the message says what, and why."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A service on this machine.

    Attributes:
        home: Its folder: `current` in it is the installed package, if there is one.
    """

    entry: ServiceEntry
    home: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.entry.name

    @property
    def package(self) -> str:
        """The name of its package."""
        return self.home.name

    @property
    def folder(self) -> Path:
        """Where its programs are, and where they run."""
        return self.home / CURRENT if (self.home / CURRENT).is_dir() else self.home


@dataclass(frozen=True, slots=True)
class Observed:
    """How a service is found: running, stopped, or failed for a reason."""

    state: ServiceState
    reason: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self.state is ServiceState.RUNNING


class Executor(Protocol):
    """Starts, stops and looks at services of one kind. Calls for one service come one after the other."""

    async def start(self, unit: Unit) -> None:
        """Start it; where it runs already, nothing happens.

        Raises:
            ExecutorError: It cannot be started.
        """
        ...

    async def stop(self, unit: Unit, grace: float) -> None:
        """Ask it to end, and end it after `grace` seconds; where it does not run, nothing happens.

        Raises:
            ExecutorError: It still runs.
        """
        ...

    async def observe(self, unit: Unit) -> Observed:
        """Look at it.

        Raises:
            ExecutorError: Nobody can tell.
        """
        ...

    async def until_change(self, unit: Unit) -> None:
        """Return when it is worth looking again: at once when it ended, else after a while."""
        ...

    def read_logs(self, unit: Unit, tail: int, *, follow: bool) -> AsyncIterator[LogLine]:
        """The last lines of each output, then, to `follow`, those that come."""
        ...
