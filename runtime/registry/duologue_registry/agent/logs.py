"""What processes write: files that do not grow for ever, and reading their ends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import anyio

from service_registry_sdk import LogLine, LogLineSource

FOLDER: Final = "logs"
LONGEST_LINE: Final = 8 * 1024
LOOK_EVERY: Final = 0.2
"""Seconds between two looks for lines that were written."""

_READ: Final = 64 * 1024


def append_to(home: Path, source: str) -> IO[bytes]:
    """The file of an output. What is written goes to its end, wherever that is by then: it may be cut meanwhile."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    return _path(home, source).open("ab")


def bound(home: Path, size: int) -> None:
    """Put aside the end of what was written, where it is too much; what was put aside before is lost."""
    for source in LogLineSource:
        path = _path(home, source)
        if path.is_file() and path.stat().st_size > size:
            with suppress(OSError):  # a full disk is no reason to let it grow
                path.with_suffix(".1").write_bytes(_end_of(path, size))
            os.truncate(path, 0)


def _end_of(path: Path, size: int) -> bytes:
    """So many bytes, and no more: who writes quicker than this reads would never let it come to an end."""
    with path.open("rb") as file:
        file.seek(-size, os.SEEK_END)
        return file.read(size)


async def read_lines(home: Path, tail: int, *, follow: bool) -> AsyncIterator[LogLine]:
    """The last lines of each output, then, to `follow`, those that come."""
    ends = [_End(source, _path(home, source)) for source in LogLineSource]
    for end in ends:
        for line in end.last(tail):
            yield line
    while follow:
        await anyio.sleep(LOOK_EVERY)
        for end in ends:
            for line in end.new():
                yield line


class _End:
    """Where one output has been read to."""

    def __init__(self, source: LogLineSource, path: Path) -> None:
        self._source = source
        self._path = path
        self._position = 0
        self._rest = b""

    def last(self, count: int) -> list[LogLine]:
        """The last lines that are there, as many as a few MiB hold of them."""
        size = self._size()
        data = b""
        while size - len(data) > 0 and data.count(b"\n") <= count and len(data) < count * LONGEST_LINE:
            start = max(0, size - len(data) - _READ)
            data = self._read(start, size - len(data) - start) + data
        self._position = size
        *lines, self._rest = data.split(b"\n")
        return [self._line(line, None) for line in lines[-count:]] if count else []

    def new(self) -> list[LogLine]:
        """The lines that were written since."""
        size = self._size()
        if size < self._position:  # it was cut, and begins anew
            self._position, self._rest = 0, b""
        data = self._rest + self._read(self._position, min(size - self._position, 16 * _READ))
        self._position += len(data) - len(self._rest)
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        now = datetime.now(UTC)
        return [self._line(line, now) for line in lines]

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _read(self, start: int, amount: int) -> bytes:
        if amount <= 0:
            return b""
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                return file.read(amount)
        except OSError:
            return b""

    def _line(self, line: bytes, at: datetime | None) -> LogLine:
        text = line[:LONGEST_LINE].decode("utf-8", "replace").removesuffix("\r")
        return LogLine(source=self._source, text=text, at=at)


def _path(home: Path, source: str) -> Path:
    return home / FOLDER / f"{source}.log"
