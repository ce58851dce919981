"""The store, as a port: the registry's state and its log, changed together or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from duologue import Answer as KeyedAnswer
from duologue import CallError, LogEntry, Position
from service_registry_sdk import AuditRecord

from ..rules.documents import D, Document, DocumentKey
from ..rules.model import Command, Outcome, Record

REGISTRY: Final = "registry"
"""The actor of what the registry does by itself."""


class StoreError(Exception):
    """A store that cannot be opened; the message says what to do."""


Key: TypeAlias = tuple[str, str]
"""An idempotency key: whose, and which."""


@dataclass(frozen=True, slots=True)
class KeyedBy:
    """Under which key the answer of a request is kept, and what that answer is when the rules accept it.

    What `answer` raises refuses the request.
    """

    key: Key
    answer: Callable[[Outcome], KeyedAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command, who gave it, and the idempotency key of the call that brought it.

    Attributes:
        keyed_by: The outcome and the answer of the call are kept in one transaction, or neither.
    """

    command: Command
    actor: str
    key: str | None = None
    keyed_by: KeyedBy | None = None


Answer: TypeAlias = Outcome | CallError
"""What became of a request; a refusal is an answer too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records of the log, newest first.

    Attributes:
        before: Only those with a lower number.
        since: Not before this time; `until`: before it.
    """

    limit: int
    before: int | None = None
    service: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction changed: the outcomes in order, and what of them went into the log."""

    outcomes: Sequence[Outcome]
    entries: Sequence[LogEntry]


Listener: TypeAlias = Callable[[Committed], None]


class Store(ABC):
    """State and log. Reads see what has been committed, and nothing else."""

    @property
    @abstractmethod
    def position(self) -> Position:
        """Epoch of the log, and the number of its newest entry; 0 when it is empty."""

    @property
    @abstractmethod
    def revision(self) -> int:
        """Grows by one with every mutation."""

    @property
    @abstractmethod
    def read_only(self) -> str | None:
        """Why nothing can be changed any more, or None."""

    @abstractmethod
    def get(self, name: str, /) -> Record | None:
        """One service."""

    @abstractmethod
    def document(self, key: DocumentKey, /) -> Document | None:
        """One document."""

    @abstractmethod
    def documents(self, kind: type[D], /) -> Sequence[D]:
        """All documents of a kind, oldest first."""

    @abstractmethod
    def snapshot(self) -> Sequence[Record]:
        """All services, oldest registration first."""

    @abstractmethod
    async def commit(self, requests: Iterable[Request]) -> Sequence[Answer]:
        """Decide the requests in order and keep what they change, in one transaction; one answer each.

        A request that the rules refuse changes nothing and hinders no other. When this returns, the changes are
        as durable as the store can make them. Who is cancelled while waiting does not know whether they were made.

        Raises:
            ReadOnly: Nothing was changed.
            NoSpace: Nothing was changed, and can be again once there is space.
            Unknown: The disk failed on the way; a restart shows what was kept.
        """

    @abstractmethod
    async def recall(self, key: Key) -> KeyedAnswer | None:
        """The answer kept under a key, for a day at least; None proves that nothing was changed under it.

        Waits for what is being committed under the key.

        Raises:
            ReadOnly: The disk failed, and nobody knows.
        """

    @abstractmethod
    async def keep(self, key: Key, answer: KeyedAnswer) -> None:
        """Keep the answer of a call that changed nothing; one that is there already stays.

        A store that is read-only keeps nothing: the call would be decided anew.
        """

    @abstractmethod
    async def tail(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        """The first entries with a number above `after`; None when some of them are no longer kept."""

    @property
    @abstractmethod
    def first(self) -> int:
        """The number of the oldest entry of the log that is kept."""

    @abstractmethod
    async def first_since(self, at: datetime) -> int | None:
        """The number of the oldest entry of the log that is not older than this; None when all are."""

    @abstractmethod
    async def forget_log(self, first: int) -> None:
        """Forget the entries of the log with a lower number, but for the newest of all; step by step.

        Raises:
            NoSpace: Some may be forgotten.
            ReadOnly: The disk failed; some may be forgotten.
        """

    @abstractmethod
    async def copy_to(self, path: Path) -> None:
        """Write all that is kept, as it is at one moment, to a new SQLite file. Commits wait meanwhile.

        Raises:
            NoSpace: Nothing was written.
            FailedPrecondition: This store keeps nothing.
        """

    @abstractmethod
    async def audit(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """Records of the log, newest first."""

    @abstractmethod
    def on_commit(self, listener: Listener) -> None:
        """Call the listener after every commit, in their order, before those who asked for it go on."""
