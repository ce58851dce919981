"""Looking after the registry itself: what is kept for how long, copies of it, and how it does."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio

from duologue import CallError
from service_registry_sdk import (
    KeptLog,
    NoSpace,
    PackageInfo,
    PackageInUse,
    PackageRef,
    PruneParams,
    PruneResult,
    ReadOnly,
    RegistryStatus,
    RemovePackageParams,
    Retention,
)

from ..clock import Clock
from ..rules.model import Command, Outcome, PruneLog
from ..rules.packages import not_kept
from ..storing.store import REGISTRY, Request, Store
from .protection import Protection
from .shelf import Commit, Shelf

logger = logging.getLogger(__name__)

PRUNE_EVERY: Final = 3600.0
"""Seconds between two looks at what need no longer be kept; the first is at the start."""

REASON: Final = "no longer to be kept"


class Upkeep:
    """The upkeep of a registry that runs.

    Args:
        shelf: Without one there are no packages.
        keep: What it keeps by itself.
    """

    def __init__(self, store: Store, clock: Clock, shelf: Shelf | None, keep: Retention) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._keep = keep

    def status(self, agents: int, protection: Protection) -> RegistryStatus:
        """How it does; `agents` are attached."""
        store = self._store
        return RegistryStatus(
            epoch=store.position.epoch,
            revision=store.revision,
            log=KeptLog(first=store.first, last=store.position.seq),
            services=len(store.snapshot()),
            packages=len(store.documents(PackageInfo)),
            agents=agents,
            read_only=store.read_only,
            protection=protection.told(),
        )

    async def run(self) -> None:
        """Prune by and by, until cancelled."""
        if self._keep == Retention():
            return
        while True:
            try:
                await self.prune(PruneParams(keep=self._keep), self._commit)
            except (NoSpace, ReadOnly) as error:
                logger.warning("Nothing was pruned: %s", error)
            await anyio.sleep(PRUNE_EVERY)

    async def _commit(self, command: Command) -> Outcome:
        (answer,) = await self._store.commit([Request(command=command, actor=REGISTRY)])
        if isinstance(answer, CallError):
            raise answer
        return answer

    async def prune(self, params: PruneParams, commit: Commit) -> PruneResult:
        """Let go of what is not to be kept, or only say what that is."""
        first = await self._first_kept(params.keep)
        entries = first - self._store.first
        packages = [] if params.keep.packages is None else not_kept(self._store, params.keep.packages)
        if not params.dry_run:
            packages = [info for info in packages if await self._remove(info, commit)]
            if entries:
                # Told before it is done: a registry that ends in between goes on with its next look.
                await commit(PruneLog(first, entries, REASON))
                await self._store.forget_log(first)
        removed = [
            PackageRef(name=info.manifest.name, version=info.manifest.version, size=info.size) for info in packages
        ]
        return PruneResult(log_entries=entries, first=first, packages=removed)

    async def _first_kept(self, keep: Retention) -> int:
        """The number of the oldest entry to keep; the newest one of all stays, since the next is numbered after it."""
        first, last = self._store.first, self._store.position.seq
        if keep.log_entries is not None:
            first = max(first, last - keep.log_entries + 1)
        if keep.log_age is not None:
            young = await self._store.first_since(_so_long_ago(self._clock.now(), keep.log_age))
            first = max(first, last if young is None else young)
        # To let one go takes one that tells of it: a registry that is idle would do that for ever.
        return first if first > self._store.first + 1 else self._store.first

    async def _remove(self, info: PackageInfo, commit: Commit) -> bool:
        if self._shelf is None:
            return False
        params = RemovePackageParams(name=info.manifest.name, version=info.manifest.version, reason=REASON)
        try:
            await self._shelf.remove(params, commit)
        except PackageInUse:  # since the look at it
            return False
        return True


def _so_long_ago(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:  # no calendar goes back so far, and nothing is older: all is kept
        return datetime.min.replace(tzinfo=UTC)
