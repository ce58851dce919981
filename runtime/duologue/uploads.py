"""Uploads as the called end holds them: bytes in a file, until all are there and their digest is right."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import anyio.lowlevel

from .errors import Aborted, CallError, DataLoss, Ran, ResourceExhausted
from .limits import MIB
from .wire import PAYLOAD, UploadForm


class Upload:
    """What the handler of an upload is given: bytes that are all there, and were checked.

    Attributes:
        size: How many bytes.
        sha256: Their digest, in hexadecimal.
        path: The file that holds them until the handler ends; one that wants to keep it moves it away (`os.replace`).
    """

    __slots__ = ("path", "sha256", "size")

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        self.path = path
        self.size = size
        self.sha256 = sha256

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes in order, at most 64 KiB at once."""
        with self.path.open("rb") as file:
            while data := file.read(PAYLOAD):
                yield data
                await anyio.lowlevel.checkpoint()

    async def read(self) -> bytes:
        """All of the bytes at once."""
        return b"".join([data async for data in self])


class Holder(Protocol):
    """Who receives an upload."""

    def fail(self, error: CallError) -> None:
        """It will not be complete, as far as this holder is concerned."""
        ...


class HeldUpload:
    """An upload that is under way, or waits to be gone on with.

    Attributes:
        mark: The fingerprint of its call.
        received: Bytes that are held.
        holder: Who receives it now; None when its connection was lost.
        complete: Whether all is there, and as it was declared.
    """

    def __init__(self, mark: str, form: UploadForm, folder: Path | None) -> None:
        self.mark = mark
        self.form = form
        self.received = 0
        self.holder: Holder | None = None
        self.complete = False
        descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._digest = hashlib.sha256()

    def write(self, data: memoryview) -> None:
        """Hold more bytes.

        Raises:
            ResourceExhausted: There is no place for them.
        """
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            reason = f"the upload cannot be held: {error.strerror or error}"
            raise ResourceExhausted(reason, ran=Ran.NO, code="no_space") from error
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
        self._file.close()
        self.complete = True

    def opened(self) -> Upload:
        """What the handler is given."""
        return Upload(self.path, self.form.size, self.form.sha256)

    def discard(self) -> None:
        """Give back the file."""
        self._file.close()
        with suppress(FileNotFoundError):  # the handler may have moved it away
            self.path.unlink()


KEEP: Final = 600.0
"""Seconds for which an upload is held after its connection was lost."""


class HeldUploads:
    """The uploads that are under way to one service, on whatever connections they come.

    Args:
        folder: Where to hold them; the system's folder for temporary files when not given.
        capacity: Bytes that may be declared at once. When that is reached, uploads that nobody goes on with are given
            up, the oldest first; then new ones are refused.
        keep: Seconds for which an upload is held after its connection was lost.
    """

    def __init__(
        self, folder: os.PathLike[str] | str | None = None, *, capacity: int = 4096 * MIB, keep: float = KEEP
    ) -> None:
        self.keep = keep
        self._folder = None if folder is None else Path(folder)
        self._capacity = capacity
        self._held: dict[tuple[str, str], HeldUpload] = {}

    def take(self, identity: str, key: str, mark: str, form: UploadForm, holder: Holder) -> HeldUpload:
        """The upload under a key: a new one, or one to go on with; whoever receives it now is told.

        Raises:
            CallError: There is no place for it.
        """
        held = self._held.get((identity, key))
        if held is not None and held.mark != mark:  # another call's, which never began: the key is this one's now
            self.drop(identity, key, held)
            held = None
        if held is None:
            self._make_place(form.size)
            try:
                held = HeldUpload(mark, form, self._folder)
            except OSError as error:
                raise ResourceExhausted(f"the upload cannot be held: {error}", ran=Ran.NO, code="no_space") from error
            self._held[identity, key] = held
        elif held.holder is not None:
            held.holder.fail(Aborted("another attempt goes on with this upload", ran=Ran.NO))
        held.holder = holder
        return held

    def drop(self, identity: str, key: str, held: HeldUpload) -> None:
        """It is done with, or not wanted any more."""
        if self._held.get((identity, key)) is held:
            del self._held[identity, key]
            held.discard()

    def drop_abandoned(self) -> None:
        """Give up what nobody receives now."""
        for (identity, key), held in list(self._held.items()):
            if held.holder is None:
                self.drop(identity, key, held)

    def _make_place(self, size: int) -> None:
        declared = sum(held.form.size for held in self._held.values()) + size
        for (identity, key), held in list(self._held.items()):
            if declared <= self._capacity:
                return
            if held.holder is None:
                declared -= held.form.size
                self.drop(identity, key, held)
        if declared > self._capacity:
            raise _full(self._capacity)


def _full(capacity: int) -> CallError:
    return ResourceExhausted(f"uploads of {capacity} bytes in all are under way already", ran=Ran.NO)
