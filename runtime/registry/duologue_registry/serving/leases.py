"""Leases: who has to be heard of, and until when.

A lease is a promise in both directions. The service is heard of at least once in every TTL; the registry declares it
failed no earlier than one TTL after the last heartbeat that it acknowledged. Only TTLs are durable: a registry that
starts gives every lease one full TTL of grace. A service that stays failed after its lease has ended is removed when
`forget_after` has passed, counted by the running registry. When very many run out at once, `protection` holds back.

Nothing here waits or writes: `take_due` names the commands to commit, `sync` is told of every commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from service_registry_sdk import LeaseLost

from ..clock import Clock
from ..rules.model import ExpireLease, Record, RemoveExpired
from ..rules.states import ALIVE
from .protection import Protection


class _Phase(Enum):
    HELD = "held"
    ENDING = "ending"
    """Declared due, and not yet committed: from here on no heartbeat is acknowledged, or it would be in vain."""
    LOST = "lost"


@dataclass(slots=True)
class _Watch:
    phase: _Phase
    due: float
    ttl: timedelta


class Leases:
    """The leases of the services that hold one, or lost it.

    Attributes:
        protection: Whether the ends of leases are held back.
    """

    def __init__(self, clock: Clock, *, forget_after: float) -> None:
        self._clock = clock
        self._forget_after = forget_after
        self._watches: dict[str, _Watch] = {}
        self.protection = Protection(clock)

    def load(self, records: Iterable[Record]) -> None:
        """Give every lease one full TTL from now."""
        for record in records:
            self.sync(record.entry.name, record)

    def sync(self, name: str, record: Record | None) -> None:
        """Take note of what was committed."""
        watch = self._watches.get(name)
        ttl = record.entry.lease if record else None
        if record is None or ttl is None:
            self._watches.pop(name, None)
        elif record.lease_lost:
            if watch is None or watch.phase is not _Phase.LOST:
                self._watches[name] = _Watch(_Phase.LOST, self._clock.monotonic() + self._forget_after, ttl)
        elif record.entry.state not in ALIVE:
            self._watches.pop(name, None)
        elif watch is None or watch.phase is _Phase.LOST or (watch.phase is _Phase.HELD and watch.ttl != ttl):
            self._watches[name] = _Watch(_Phase.HELD, self._clock.monotonic() + ttl.total_seconds(), ttl)

    def touch(self, name: str) -> bool:
        """Renew the lease, and tell whether there is one to renew."""
        watch = self._watches.get(name)
        if watch is None or watch.phase is not _Phase.HELD:
            return False
        watch.due = self._clock.monotonic() + watch.ttl.total_seconds()
        return True

    def heartbeat(self, record: Record) -> datetime:
        """Renew the lease and answer when it ends; one of a service that is not running does not run out.

        Raises:
            LeaseLost: It has none, or has it no more.
        """
        entry = record.entry
        waits = entry.lease is not None and not record.lease_lost and entry.state not in ALIVE
        if entry.lease is None or not (waits or self.touch(entry.name)):
            raise LeaseLost(name=entry.name)
        return self._clock.now() + entry.lease

    def take_due(self) -> list[ExpireLease | RemoveExpired]:
        """What has to be committed now. When it was, or could not be, `settle` has to be called."""
        now = self._clock.monotonic()
        held = {name: watch for name, watch in self._watches.items() if watch.phase is _Phase.HELD}
        overdue = [name for name, watch in held.items() if watch.due <= now]
        lost = [name for name, watch in self._watches.items() if watch.phase is _Phase.LOST and watch.due <= now]
        if not self.protection.may_end(len(overdue), len(held)):
            overdue = []
        for name in overdue:
            held[name].phase = _Phase.ENDING
        return [*map(ExpireLease, overdue), *map(RemoveExpired, lost)]

    def settle(self, name: str, record: Record | None) -> None:
        """A due lease that did not end after all, for whatever reason, is held for one more TTL."""
        watch = self._watches.get(name)
        if watch is not None and watch.phase is _Phase.ENDING:
            del self._watches[name]
            self.sync(name, record)
