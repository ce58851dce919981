"""What may be uploaded: bytes, files and streams, each with its size and its digest before the first byte leaves."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import anyio.lowlevel

from .wire import PAYLOAD, UploadForm

Body: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | AsyncIterable[bytes]
"""Bytes; the path of a file; a binary file that can seek, from where it stands; or an asynchronous iterable of bytes,
which is kept in a temporary file first, since size and digest go ahead of the bytes."""


class Source:
    """A body that can be read from any place, again and again."""

    __slots__ = ("_file", "_start", "form")

    def __init__(self, file: BinaryIO, start: int, form: UploadForm) -> None:
        self.form = form
        self._file = file
        self._start = start

    def read(self, offset: int, amount: int) -> bytes:
        """Bytes from `offset` on.

        Raises:
            OSError: They cannot be read, or are not there any more.
        """
        self._file.seek(self._start + offset)
        data = self._file.read(min(amount, PAYLOAD))
        if not data:
            raise OSError(f"the body has become shorter: {offset} of {self.form.size} bytes can be read")
        return data


@asynccontextmanager
async def opened(body: Body) -> AsyncGenerator[Source]:
    """Measure a body. Raises `OSError` where it cannot be read, `TypeError` for what is no body."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        yield await _measured(io.BytesIO(body))
    elif isinstance(body, (os.PathLike, AsyncIterable)):
        with _file_of(body) as file:
            if isinstance(body, AsyncIterable):
                async for data in body:
                    file.write(data)
                file.seek(0)
            yield await _measured(file)
    elif hasattr(body, "read") and hasattr(body, "seek"):
        yield await _measured(body)
    else:
        raise TypeError(f"{type(body).__name__} cannot be uploaded: give bytes, a path, a binary file or an iterable")


def _file_of(body: os.PathLike[str] | AsyncIterable[bytes]) -> BinaryIO:
    return Path(body).open("rb") if isinstance(body, os.PathLike) else cast("BinaryIO", tempfile.TemporaryFile())


async def _measured(file: BinaryIO) -> Source:
    start, size, digest = file.tell(), 0, hashlib.sha256()
    while data := file.read(4 * PAYLOAD):
        digest.update(data)
        size += len(data)
        await anyio.lowlevel.checkpoint()  # others have their turn
    return Source(file, start, UploadForm(size, digest.hexdigest()))
