"""The answers of keyed calls: which are kept, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from duologue import Answer, AnswerStore
from service_registry_sdk import AgentUnavailable, NoSpace, PackageExists, SignatureRefused

from ..clock import Clock
from .store import Key, Store

TTL: Final = 24 * 3600.0
"""Seconds, from its first attempt, for which clients may send a call again under its key."""

MARGIN: Final = 3600.0
"""Seconds that an answer is kept for longer: an attempt may be that long on its way."""

PASSING: Final = frozenset({AgentUnavailable.code, NoSpace.code, PackageExists.code, SignatureRefused.code})
"""Refusals that the same call may not meet again: nothing was changed, and a retry is decided anew."""

_FORGET_AT_ONCE: Final = 1000  # in one transaction; more than one can add


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is kept.

    Attributes:
        at: On the store's own clock, which `KnownKeys` explains.
    """

    key: Key
    answer: Answer
    at: float


class KnownKeys:
    """The keys that have an answer, from the oldest to the newest.

    Their age is measured in the time that the registry has been running, since the time of day may jump: then an
    answer would be forgotten before its time, and a retry would run twice. What passes between two runs is not
    counted, so that an answer can be kept for too long, and never for too short a time.
    """

    def __init__(self, loaded: Mapping[Key, float], clock: Clock) -> None:
        self._at = dict(loaded)
        self._clock = clock
        self._before = max(loaded.values(), default=0.0) - clock.monotonic()

    def __contains__(self, key: Key) -> bool:
        return key in self._at

    def now(self) -> float:
        """The time that answers are kept with."""
        return self._before + self._clock.monotonic()

    def outdated(self) -> list[Key]:
        """Keys that nobody may ask for any more; not too many at once."""
        oldest = self.now() - TTL - MARGIN
        old: list[Key] = []
        for key, at in self._at.items():
            if at >= oldest or len(old) == _FORGET_AT_ONCE:
                break
            old.append(key)
        return old

    def turn_over(self, kept: Iterable[Kept], forgotten: Iterable[Key]) -> None:
        """Add keys that are kept by now, and forget others."""
        self._at.update({each.key: each.at for each in kept})
        for key in forgotten:
            del self._at[key]


class StoredAnswers(AnswerStore):
    """The answers in the registry's store. Where there is none, there was no effect: `claim` spends no key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    @override
    def epoch(self) -> str:
        return self._store.position.epoch

    @property
    @override
    def ttl(self) -> float:
        return TTL

    @override
    async def recall(self, identity: str, key: str) -> Answer | None:
        return await self._store.recall((identity, key))

    @override
    async def claim(self, identity: str, key: str, mark: str) -> Answer | None:
        return await self.recall(identity, key)

    @override
    async def record(self, identity: str, key: str, answer: Answer) -> None:
        if answer.error is None or answer.error.code not in PASSING:
            await self._store.keep((identity, key), answer)
