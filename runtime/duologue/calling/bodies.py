"""What may be uploaded: bytes, files and streams, each with its size and its digest before the first byte leaves."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import ExitStack, asynccontextmanager
from inspect import isasyncgen
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeAlias

import anyio
import anyio.lowlevel

from ..errors import NotSent
from ..wire import PAYLOAD, UploadForm

Body: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | AsyncIterable[bytes]
"""Bytes; the path of a file; a binary file that can seek, from where it stands; or an asynchronous iterable of bytes,
which is kept in a temporary file first, since size and digest go ahead of the bytes."""

BLOCK: Final = 4 * PAYLOAD
"""Bytes that are measured before others have their turn."""

ReadAt: TypeAlias = Callable[[int, int], bytes | memoryview]
"""Gives at most so many bytes (the second number) from a place on (the first)."""


class Source:
    """A body that can be read from any place, again and again."""

    __slots__ = ("_read_at", "form")

    def __init__(self, read_at: ReadAt, form: UploadForm) -> None:
        self.form = form
        self._read_at = read_at

    def read(self, offset: int, amount: int) -> bytes | memoryview:
        """Bytes from `offset` on, at most `amount`.

        Raises:
            OSError: They cannot be read, or are not there any more.
        """
        data = self._read_at(offset, amount)
        if not data:
            raise OSError(f"the body has become shorter: {offset} of {self.form.size} bytes can be read")
        return data


@asynccontextmanager
async def opened(body: Body, limit: float | None) -> AsyncGenerator[Source]:
    """Measure a body, within `limit` seconds.

    Raises:
        NotSent: It takes longer.
        OSError: It cannot be read.
        TypeError: It is no body.
    """
    with ExitStack() as stack:
        source = None
        with anyio.move_on_after(limit):
            source = await _source(body, stack)
        if source is None:
            raise NotSent("the timeout passed while the body was read")
        yield source


async def _source(body: Body, stack: ExitStack) -> Source:
    if isinstance(body, (bytes, bytearray, memoryview)):
        view = memoryview(body).cast("B")
        return await _measured(lambda offset, amount: view[offset : offset + amount])
    if isinstance(body, os.PathLike):
        return await _measured(_reader(stack.enter_context(Path(body).open("rb"))))  # noqa: ASYNC230 - a local disk
    if isinstance(body, AsyncIterable):
        file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        await _spool(body, file)
        return await _measured(_reader(file))
    if hasattr(body, "read") and hasattr(body, "seekable"):
        return await _measured(_reader(body))
    kind = type(body).__name__
    raise TypeError(f"{kind} cannot be uploaded: give bytes, a pathlib.Path, a binary file or an async iterable")


async def _spool(body: AsyncIterable[bytes], file: IO[bytes]) -> None:
    chunks = aiter(body)
    try:
        async for data in chunks:
            file.write(data)
    finally:
        generator: Any = chunks
        if isasyncgen(generator):
            await generator.aclose()
    file.seek(0)


def _reader(file: Any) -> ReadAt:
    """Reads a file, whose beginning is where it stands now."""
    start = _start_of(file)

    def read_at(offset: int, amount: int) -> bytes:
        file.seek(start + offset)
        data: bytes = file.read(amount)
        return data

    return read_at


def _start_of(file: Any) -> int:
    if not file.seekable():
        raise TypeError("a file that cannot seek cannot be uploaded: give an async iterable of what it reads")
    if isinstance(file.read(0), str):
        raise TypeError("a file of text cannot be uploaded: open it with mode 'rb'")
    start: int = file.tell()
    return start


async def _measured(read_at: ReadAt) -> Source:
    size, digest = 0, hashlib.sha256()
    while data := read_at(size, BLOCK):
        digest.update(data)
        size += len(data)
        await anyio.lowlevel.checkpoint()  # others have their turn
    return Source(read_at, UploadForm(size, digest.hexdigest()))
