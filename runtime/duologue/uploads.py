"""Uploads as the called end holds them: bytes in a file, until all are there and their digest is right."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import anyio.lowlevel
from typing_extensions import override

from .drivers.port import Executor, Timer
from .errors import Aborted, CallError, DataLoss, Ran, ResourceExhausted
from .keyed import Claim, reused
from .limits import MIB
from .wire import PAYLOAD, UploadForm


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

    Attributes:
        owner: The identity and the key that it belongs to.
        mark: The fingerprint of its call.
        received: Bytes that are held.
        holder: Who receives it now; None while nobody does.
        complete: Whether all is there, and as it was declared.
        started: Whether its handler runs, or is about to: it stays until that has ended.
        expiry: When it is given up, while nobody receives it.
    """

    def __init__(self, claim: Claim, form: UploadForm, folder: Path | None) -> None:
        self.owner = (claim.identity, claim.key)
        self.mark = claim.mark
        self.form = form
        self.received = 0
        self.holder: Holder | None = None
        self.complete = False
        self.started = False
        self.expiry: Timer | None = None
        descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
        self._descriptor: int | None = descriptor
        self._path = Path(name)
        self._digest = hashlib.sha256()

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody receives it, and no handler has it."""
        return self.holder is None and not self.started

    def write(self, data: memoryview) -> None:
        """Hold more bytes.

        Raises:
            ResourceExhausted: There is no place for them; what is held is of no use any more.
        """
        assert self._descriptor is not None, "nothing comes after the end"
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            raise _no_place(error) from error
        self._digest.update(data)
        self.received += len(data)

    def finish(self) -> None:
        """All came.

        Raises:
            DataLoss: It is not what was declared.
        """
        if self.received != self.form.size:
            raise DataLoss(f"{self.received} bytes came, and {self.form.size} were declared", ran=Ran.NO)
        if self._digest.hexdigest() != self.form.sha256:
            raise DataLoss("the bytes do not have the digest that was declared", ran=Ran.NO)
        assert self._descriptor is not None, "it ends once"
        os.close(self._descriptor)
        self._descriptor = None
        self.complete = True

    def opened(self) -> Upload:
        """What the handler is given."""
        return Upload(self._path, self.form.size, self.form.sha256)

    def discard(self, executor: Executor | None) -> None:
        """Remove the file, unless the handler has moved it away."""
        if self.expiry is not None:
            self.expiry.cancel()
        with suppress(FileNotFoundError):
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY)
            self._path.unlink()
        if self._descriptor is not None:
            remains, self._descriptor = _Remains(self._descriptor, self.received), None
            if executor is not None:
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


class HeldUploads:
    """The uploads that are under way to one service, on whatever connections they come.

    Args:
        folder: Where to hold them; the system's folder for temporary files when not given. After a crash files named
            ``upload-*`` may be left there.
        capacity: Bytes that may be declared at once. When that is reached, uploads that nobody goes on with are given
            up, the oldest first; then new ones are refused.
        keep: Seconds for which an upload is held after its connection was lost.
    """

    def __init__(
        self, folder: os.PathLike[str] | str | None = None, *, capacity: int = 4096 * MIB, keep: float = KEEP
    ) -> None:
        self._keep = keep
        self._folder = None if folder is None else Path(folder)
        self._capacity = capacity
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
        if self._users:
            executor = next(iter(self._users.values()))
            held.expiry = executor.call_at(executor.now() + self._keep, lambda: self.drop(held))
        else:
            self.drop(held)

    def drop(self, held: HeldUpload) -> None:
        """It is done with, or not wanted any more."""
        if self._held.get(held.owner) is held:
            del self._held[held.owner]
            held.discard(next(iter(self._users.values()), None))

    def forget(self, identity: str) -> None:
        """Drop what an identity has here."""
        for held in list(self._held.values()):
            if held.owner[0] == identity:
                if held.holder is not None:
                    held.holder.fail(Aborted("all uploads of this identity are dropped", ran=Ran.NO))
                self.drop(held)

    def _make(self, claim: Claim, form: UploadForm) -> HeldUpload:
        self._make_place(form.size)
        try:
            held = HeldUpload(claim, form, self._folder)
        except OSError as error:
            raise _no_place(error) from error
        self._held[held.owner] = held
        return held

    def _make_place(self, size: int) -> None:
        excess = sum(held.form.size for held in self._held.values()) + size - self._capacity
        abandoned = [held for held in self._held.values() if held.is_abandoned]
        if excess > sum(held.form.size for held in abandoned):
            raise ResourceExhausted(f"uploads of {self._capacity} bytes in all are under way already", ran=Ran.NO)
        for held in abandoned:
            if excess <= 0:
                return
            excess -= held.form.size
            self.drop(held)


def _no_place(error: OSError) -> ResourceExhausted:
    reason = f"the upload cannot be held: {error.strerror or error}"
    return ResourceExhausted(reason, ran=Ran.NO, code="no_space")
