"""The one place that decides who may do what, and how often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from ..auth import Identity
from ..descriptors import Action, EventDescriptor, Rate
from ..errors import Status
from ..session.outcomes import unrun
from ..wire import ErrorBody

Descriptor: TypeAlias = Action[Any, Any] | EventDescriptor[Any]


class Rights(Struct, frozen=True):
    """The scopes that somebody holds; `everything` for all that there are."""

    scopes: frozenset[str] = frozenset()
    everything: bool = False

    def cover(self, descriptor: Descriptor) -> bool:
        """Whether an action may be called, or an event received."""
        return self.everything or self.scopes.issuperset(descriptor.scope)


NO_RIGHTS: Final = Rights()

EPSILON: Final = 1e-6
"""Who waits as long as told finds a token, whatever floating point makes of it."""


class Gate:
    """Decides for one service, on whatever connections its peers come.

    Args:
        roles: The scopes of each role.
        now: The clock of the rates, in seconds.
    """

    def __init__(self, roles: Mapping[str, tuple[str, ...]], now: Callable[[], float]) -> None:
        self._roles = roles
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._running: dict[tuple[str, str], int] = {}

    def rights_of(self, identity: Identity) -> Rights:
        """What an identity holds: its own scopes, and those of its roles."""
        own = frozenset(identity.scopes)
        of_roles = {scope for role in identity.roles for scope in self._roles.get(role, ())}
        return Rights(own if own >= of_roles else own | of_roles, identity.unrestricted)

    def admit(self, rights: Rights, descriptor: Descriptor) -> ErrorBody | None:
        """Why somebody may not call an action, or receive an event; None when they may."""
        if rights.cover(descriptor):
            return None
        missing = " and ".join(scope for scope in descriptor.scope if scope not in rights.scopes)
        return unrun(Status.PERMISSION_DENIED, f"{descriptor.name} needs the scope {missing}")

    def enter(self, whom: str, action: Action[Any, Any]) -> ErrorBody | None:
        """Take a place among the calls of an action; why there is none, or None when it was taken.

        Whoever takes one gives it back with `leave`.
        """
        which = (whom, action.name)
        if action.concurrency is not None and self._running.get(which, 0) >= action.concurrency:
            text = f"{action.name}: {action.concurrency} calls of yours are running already"
            return unrun(Status.RESOURCE_EXHAUSTED, text)
        if action.rate is not None and (wait := self._draw(which, action.rate)) > 0:
            text = f"{action.name}: at most {action.rate.per_second:g} calls a second"
            return unrun(Status.RESOURCE_EXHAUSTED, text, retry_after=wait)
        if action.concurrency is not None:
            self._running[which] = self._running.get(which, 0) + 1
        return None

    def leave(self, whom: str, action: Action[Any, Any]) -> None:
        """A handler has ended."""
        if action.concurrency is None:
            return
        which = (whom, action.name)
        left = self._running[which] - 1
        if left:
            self._running[which] = left
        else:
            del self._running[which]

    def _draw(self, which: tuple[str, str], rate: Rate) -> float:
        """Take a token; 0.0, or the seconds until there is one."""
        now = self._now()
        bucket = self._buckets.get(which)
        if bucket is None:
            bucket = self._buckets[which] = _Bucket(rate, now)
        wait = bucket.draw(now)
        self._forget_full(now)
        return wait

    def _forget_full(self, now: float) -> None:
        """Forget those that are full, which are as good as none, up to the first that is not.

        That one is looked at again after all others: however slowly it fills, none that are full stay with it.
        """
        while self._buckets:
            which, bucket = next(iter(self._buckets.items()))
            if not bucket.is_full(now):
                self._buckets.move_to_end(which)
                return
            del self._buckets[which]


class _Bucket:
    """A token bucket."""

    __slots__ = ("_at", "_level", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._level = float(rate.burst)
        self._at = now

    def draw(self, now: float) -> float:
        """Take a token; 0.0, or the seconds until there is one."""
        self._level, self._at = self._level_at(now), now
        if self._level < 1 - EPSILON:
            return (1 - self._level) / self._rate.per_second
        self._level -= 1
        return 0.0

    def is_full(self, now: float) -> bool:
        return self._level_at(now) >= self._rate.burst

    def _level_at(self, now: float) -> float:
        return min(self._rate.burst, self._level + (now - self._at) * self._rate.per_second)
