"""Uploads as the called end holds them: bytes in a file, until all are there and their digest is right."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import anyio.lowlevel
from typing_extensions import override

from ..auth import ANONYMOUS
from ..drivers.port import Executor, Timer
from ..errors import Aborted, CallError, DataLoss, Ran, ResourceExhausted
from ..limits import MIB
from ..wire import PAYLOAD, UploadForm
from .answers import Claim
from .keyed import reused


class Upload:
    """What the handler of an upload is given: bytes that are all there, and were checked.

    Attributes:
        size: How many bytes.
        sha256: Their digest, in hexadecimal.
        path: The file that holds them. It is emptied and removed when the handler ends; one that wants to keep it moves
            it away (`os.replace`).
    """

    __slots__ = ("_readers", "path", "sha256", "size")

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        self.path = path
        self.size = size
        self.sha256 = sha256
        self._readers: list[BinaryIO] = []

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes in order, at most 64 KiB at once."""
        file = self.path.open("rb")
        self._readers.append(file)
        return _Chunks(file)

    async def read(self) -> bytes:
        """All of the bytes at once."""
        return b"".join([data async for data in self])

    def close(self) -> None:
        """The handler has ended."""
        for file in self._readers:
            file.close()


class _Chunks(AsyncIterator[bytes]):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @override
    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        if data := self._file.read(PAYLOAD):
            return data
        raise StopAsyncIteration


class Holder(Protocol):
    """Who receives an upload."""

    def fail(self, error: CallError) -> None:
        """It will not be complete, as far as this holder is concerned."""
        ...


class HeldUpload:
    """An upload that is under way, waits to be gone on with, or is in the hands of its handler.

    Its file is made when the first byte comes, and is open only while bytes are written: however many uploads are held,
    they hold no descriptors.

    Attributes:
        owner: The identity and the key that it belongs to.
        token_id: The token that it was opened with, whoever goes on with it; None for one without an id.
        mark: The fingerprint of its call.
        received: Bytes that are held.
        holder: Who receives it now; None while nobody does.
        complete: Whether all is there, and as it was declared.
        started: Whether its handler runs, or is about to: it stays until that has ended.
        expiry: When it is given up, while nobody receives it.
    """

    def __init__(self, claim: Claim, form: UploadForm, folder: Path | None) -> None:
        self.owner = (claim.identity, claim.key)
        self.token_id = claim.token_id
        self.mark = claim.mark
        self.form = form
        self.received = 0
        self.holder: Holder | None = None
        self.complete = False
        self.started = False
        self.expiry: Timer | None = None
        self._ended = False
        self._folder = folder
        self._path: Path | None = None
        self._digest = hashlib.sha256()

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody receives it, and no handler has it."""
        return self.holder is None and not self.started

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Hold more bytes.

        Raises:
            ResourceExhausted: There is no place for them; what is held is of no use any more.
        """
        assert not self._ended, "nothing comes after the end"
        try:
            descriptor = self._open()
            try:
                for data in pieces:
                    written = 0
                    while written < len(data):
                        written += os.write(descriptor, data[written:])
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _no_place(error) from error
        for data in pieces:
            self._digest.update(data)
            self.received += len(data)

    def _open(self) -> int:
        if self._path is not None:
            return os.open(self._path, os.O_WRONLY | os.O_APPEND)
        descriptor, name = tempfile.mkstemp(prefix="upload-", dir=self._folder)
        self._path = Path(name)
        return descriptor

    def finish(self) -> None:
        """All came.

        Raises:
            DataLoss: It is not what was declared.
            ResourceExhausted: There is no place for the file of an upload that is empty.
        """
        if self.received != self.form.size:
            raise DataLoss(f"{self.received} bytes came, and {self.form.size} were declared", ran=Ran.NO)
        if self._digest.hexdigest() != self.form.sha256:
            raise DataLoss("the bytes do not have the digest that was declared", ran=Ran.NO)
        if self._path is None:
            self.write(())
        self._ended = self.complete = True

    def opened(self) -> Upload:
        """What the handler is given."""
        assert self._path is not None, "it is complete"
        return Upload(self._path, self.form.size, self.form.sha256)

    def discard(self, executor: Executor | None) -> None:
        """Remove the file, unless the handler has moved it away."""
        self._ended = True
        if self.expiry is not None:
            self.expiry.cancel()
        if self._path is None:
            return
        remains: _Remains | None = None
        if executor is not None and self.received > _Remains.STEP:
            with suppress(OSError):  # it was moved away; or no descriptor is left, and all goes at once
                remains = _Remains(os.open(self._path, os.O_WRONLY), self.received)
        with suppress(FileNotFoundError):
            self._path.unlink()
        if executor is not None and remains is not None:
            remains.shrink(executor)


class _Remains:
    """A file that was removed, as long as it is open: the disk gets its blocks back bit by bit.

    All of a large one at once takes long enough for every other call to notice.
    """

    STEP: Final = 4 * MIB

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    def shrink(self, executor: Executor) -> None:
        self._size -= self.STEP
        if self._size > 0 and not os.fstat(self._descriptor).st_nlink:  # else it was moved away, and is in use
            os.ftruncate(self._descriptor, self._size)
            executor.call_soon(lambda: self.shrink(executor))

    def __del__(self) -> None:
        os.close(self._descriptor)


KEEP: Final = 600.0
"""Seconds for which an upload is held after its connection was lost."""


COUNT: Final = 1024
"""Uploads that are held at once: a quarter, which one identity may have, is `Limits.in_flight` of one connection."""


class HeldUploads:
    """The uploads that are under way to one service, on whatever connections they come.

    One identity (for a client: its server) may have half of `capacity`, and a quarter of `count`: nobody takes all the
    places from the others. Those who are anonymous share one identity, so this does not hold for them. When a limit is
    reached, uploads that nobody goes on with are given up, the oldest first, the identity's own where the limit is its
    own; then new ones are refused with `resource_exhausted`. One of which nothing came is not held when its connection
    is lost.

    Args:
        folder: Where to hold them; the system's folder for temporary files when not given. After a crash files named
            ``upload-*`` may be left there.
        capacity: Bytes that may be declared at once.
        count: Uploads that may be held at once.
        keep: Seconds for which an upload is held after its connection was lost.
    """

    def __init__(
        self,
        folder: os.PathLike[str] | str | None = None,
        *,
        capacity: int = 4096 * MIB,
        count: int = COUNT,
        keep: float = KEEP,
    ) -> None:
        self._keep = keep
        self._folder = None if folder is None else Path(folder)
        self._capacity = capacity
        self._count = count
        self._held: dict[tuple[str, str], HeldUpload] = {}
        self._users: dict[object, Executor] = {}

    def acquire(self, user: object, executor: Executor) -> None:
        """Whoever has begun an upload can come back through this server, or client, until it is released."""
        self._users[user] = executor

    def release(self, user: object) -> None:
        """Nobody comes back through this one any more."""
        self._users.pop(user, None)
        if not self._users:
            for held in list(self._held.values()):
                if held.is_abandoned:
                    self.drop(held)

    def take(self, claim: Claim, form: UploadForm, holder: Holder) -> HeldUpload:
        """The upload under a key: a new one, or one to go on with; whoever received it until now is told.

        Raises:
            FailedPrecondition: Another one is under way under this key.
            ResourceExhausted: There is no place for it.
        """
        held = self._held.get((claim.identity, claim.key))
        if held is not None and held.mark != claim.mark:
            if not held.is_abandoned:
                raise reused()
            self.drop(held)
            held = None
        if held is None:
            held = self._make(claim, form)
        elif held.started:  # the call will join the handler
            return held
        if held.expiry is not None:
            held.expiry.cancel()
        if held.holder is not None:
            held.holder.fail(Aborted("another attempt goes on with this upload", ran=Ran.NO))
        held.holder = holder
        return held

    def abandon(self, held: HeldUpload) -> None:
        """The connection that it came on was lost: hold it for the next attempt, if there can be one."""
        held.holder = None
        if self._users and held.received:
            executor = next(iter(self._users.values()))
            held.expiry = executor.call_at(executor.now() + self._keep, lambda: self.drop(held))
        else:
            self.drop(held)

    def drop(self, held: HeldUpload) -> None:
        """It is done with, or not wanted any more."""
        if self._held.get(held.owner) is held:
            del self._held[held.owner]
            held.discard(next(iter(self._users.values()), None))

    def forget(self, whom: str) -> None:
        """Drop what an identity has here, or what was opened with one token."""
        for held in list(self._held.values()):
            if whom in (held.owner[0], held.token_id):
                if held.holder is not None:
                    held.holder.fail(Aborted("the credentials of this upload were revoked", ran=Ran.NO))
                self.drop(held)

    def _make(self, claim: Claim, form: UploadForm) -> HeldUpload:
        self._make_place(claim.identity, form.size)
        held = self._held[claim.identity, claim.key] = HeldUpload(claim, form, self._folder)
        return held

    def _make_place(self, identity: str, size: int) -> None:
        given_up: list[HeldUpload] = []
        if identity != ANONYMOUS:
            own = [held for held in self._held.values() if held.owner[0] == identity]
            given_up = _in_the_way(own, size, self._count // 4, self._capacity // 2, "of this identity")
        rest = [held for held in self._held.values() if held not in given_up]
        given_up += _in_the_way(rest, size, self._count, self._capacity, "in all")
        for held in given_up:
            self.drop(held)


def _in_the_way(held: list[HeldUpload], size: int, count: int, capacity: int, whose: str) -> list[HeldUpload]:
    """The abandoned uploads that have to go before one more fits, the oldest first.

    Raises:
        ResourceExhausted: It would not fit then either.
    """
    places, room = count - len(held), capacity - size - sum(upload.form.size for upload in held)
    given_up: list[HeldUpload] = []
    for upload in held:
        if places > 0 and room >= 0:
            break
        if upload.is_abandoned:
            given_up.append(upload)
            places, room = places + 1, room + upload.form.size
    if places <= 0:
        raise ResourceExhausted(f"{count} uploads {whose} are under way already", ran=Ran.NO)
    if room < 0:
        raise ResourceExhausted(f"uploads of {capacity} bytes {whose} are under way already", ran=Ran.NO)
    return given_up


def _no_place(error: OSError) -> ResourceExhausted:
    reason = f"the upload cannot be held: {error.strerror or error}"
    return ResourceExhausted(reason, ran=Ran.NO, code="no_space")
