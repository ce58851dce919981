"""The answers of keyed calls, and where they are kept: each key has one, for as long as it may come again."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct, field

from ..auth import ANONYMOUS
from ..errors import Ran, ResourceExhausted, Status
from ..limits import MIB
from ..wire import ErrorBody

TTL: Final = 24 * 3600.0
"""Seconds for which an answer is kept: a retry under an older key is not attempted."""


class Answer(Struct, frozen=True):
    """How a keyed call ended: its result as JSON, or its error.

    Attributes:
        mark: The call's `fingerprint`: another one must not come under the same key.
    """

    mark: str
    data: bytes | None = None
    error: ErrorBody | None = None

    @classmethod
    def restore(cls, mark: str, data: bytes | None, error: bytes | None) -> Answer:
        """One that was written down, its error as `error_json` gave it."""
        return cls(mark, data, None if error is None else msgspec.json.decode(error, type=ErrorBody))

    def error_json(self) -> bytes | None:
        """The error, as a store can write it down."""
        return None if self.error is None else msgspec.json.encode(self.error)

    @property
    def size(self) -> int:
        """Bytes of the result, or of the error."""
        return len(self.data or self.error_json() or b"")


SPENT: Final = ErrorBody(
    "outcome_unknown", Status.UNKNOWN, "the handler was stopped, or failed, before it left an answer for this key"
)
"""What a retry is told when the handler had started and left no record."""

NOT_KEPT: Final = ErrorBody(
    "outcome_unknown", Status.UNKNOWN, "the handler left an answer for this key, and there was no room to keep it"
)
"""What a retry is told when the answer had to go, or was too large from the beginning."""

SHARE: Final = 0.1
"""The part of a store in memory that one identity may have."""


class AnswerStore(Protocol):
    """Where the answers of keyed calls are kept; keys belong to one identity."""

    @property
    def epoch(self) -> str:
        """Changes whenever answers were lost: then a retry of an earlier attempt proves nothing."""
        ...

    @property
    def ttl(self) -> float:
        """Seconds for which an answer is kept."""
        ...

    async def recall(self, identity: str, key: str) -> Answer | None:
        """The answer recorded for a key, if there is one; the key stays as it is."""
        ...

    async def claim(self, identity: str, key: str, mark: str) -> Answer | None:
        """The answer recorded for a key; None when its handler is to run now.

        From then on the key is spent: until an answer is recorded, a later claim finds `SPENT`. Only a store that
        records the answer in the same transaction as the effect may answer None again, since there no record proves
        that there was no effect.
        """
        ...

    async def record(self, identity: str, key: str, answer: Answer) -> None:
        """Keep the answer of a claimed key; one that is there already stays."""
        ...


class Claim:
    """The key that a handler runs under, for a service that records the answer in the transaction of its effect.

    Attributes:
        identity: Whose key it is.
        mark: The call's `fingerprint`.
        token_id: With which of the identity's tokens it was called; None where they have no ids.
    """

    __slots__ = ("_answered", "_data", "_encode", "identity", "key", "mark", "token_id")

    def __init__(
        self, identity: str, key: str, mark: str, encode: Callable[[Any], bytes], token_id: str | None = None
    ) -> None:
        self.identity = identity
        self.key = key
        self.mark = mark
        self.token_id = token_id
        self._encode = encode
        self._answered: Any = None
        self._data = b""

    def answer(self, result: Any) -> Answer:
        """What to record when the handler is going to return this result.

        Raises:
            ResourceExhausted: The result is larger than the action may give.
        """
        self._answered, self._data = result, self._encode(result)
        return Answer(self.mark, data=self._data)

    def encoded(self, result: Any) -> bytes:
        """A result as JSON: what was recorded for it, if it is what `answer` was told of."""
        return self._data if self._data and result is self._answered else self._encode(result)


class _Share(Struct):
    """What one identity has of a store: so many keys, and the bytes of their answers, the oldest first."""

    keys: int = 0
    size: int = 0
    sizes: dict[str, int] = field(default_factory=dict[str, int])


class MemoryAnswers:
    """Answers for as long as the process lives.

    One identity may have a tenth of the keys and of the bytes: nobody takes all of them from the others. Those who are
    anonymous share one identity, so this does not hold for them. A key is never forgotten before its time, since its
    retry would run twice: beyond the keys further keyed calls are refused, with `resource_exhausted`. Beyond the bytes
    the oldest answers go, those of the identity itself or, where there is no room for all, of whoever has most; a retry
    of such a call is told `NOT_KEPT`, as is that of a call whose answer is larger than all an identity may have.

    Args:
        capacity: Keys that are younger than `ttl`.
        size: Bytes of their answers.
        share: The part of both that one identity may have; 1 where there is but one.
    """

    def __init__(
        self,
        *,
        ttl: float = TTL,
        capacity: int = 100_000,
        size: int = 64 * MIB,
        share: float = SHARE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = secrets.token_urlsafe(12)
        self.ttl = ttl
        self._now = now
        self._capacity = capacity
        self._room = self._size = size
        self._share = share
        self._answers: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._shares: dict[str, _Share] = {}

    async def recall(self, identity: str, key: str) -> Answer | None:
        self._forget_old()
        found = self._answers.get((identity, key))
        return None if found is None else found[1]

    async def claim(self, identity: str, key: str, mark: str) -> Answer | None:
        found = await self.recall(identity, key)
        if found is not None:
            return found
        if len(self._answers) >= self._capacity:
            raise ResourceExhausted(f"{self._capacity} keyed calls are remembered already", ran=Ran.NO)
        share, most = self._shares.get(identity, _Share()), self._part(identity, self._capacity)
        if share.keys >= most:
            raise ResourceExhausted(f"{most} keyed calls of this identity are remembered already", ran=Ran.NO)
        self._answers[identity, key] = (self._now(), Answer(mark, error=SPENT))
        self._shares[identity] = share
        share.keys += 1
        return None

    async def record(self, identity: str, key: str, answer: Answer) -> None:
        found = self._answers.get((identity, key))
        if found is None or found[1].error is not SPENT:  # too old to be asked for, or recorded already
            return
        if not self._make_room(identity, answer.size):
            answer = Answer(answer.mark, error=NOT_KEPT)
        else:
            share = self._shares[identity]
            share.sizes[key] = answer.size
            share.size += answer.size
            self._room -= answer.size
        self._answers[identity, key] = (found[0], answer)

    def _part(self, identity: str, whole: int) -> int:
        return whole if identity == ANONYMOUS else max(1, int(whole * self._share))

    def _make_room(self, identity: str, size: int) -> bool:
        most = self._part(identity, self._size)
        if size > most:
            return False
        while self._shares[identity].size + size > most:
            self._empty(identity)
        while size > self._room:
            self._empty(max(self._shares, key=lambda name: self._shares[name].size))
        return True

    def _empty(self, identity: str) -> None:
        """Let go of the oldest answer of an identity; its key stays."""
        key = next(iter(self._shares[identity].sizes))
        self._release(identity, key)
        since, answer = self._answers[identity, key]
        self._answers[identity, key] = (since, Answer(answer.mark, error=NOT_KEPT))

    def _release(self, identity: str, key: str) -> None:
        share = self._shares[identity]
        size = share.sizes.pop(key, 0)
        share.size -= size
        self._room += size

    def _forget_old(self) -> None:
        oldest = self._now() - self.ttl
        while self._answers and next(iter(self._answers.values()))[0] < oldest:
            (identity, key), _ = self._answers.popitem(last=False)
            self._release(identity, key)
            self._shares[identity].keys -= 1
            if not self._shares[identity].keys:
                del self._shares[identity]
