"""A log that outlives a full disk: what cannot be written is counted, and nobody waits or fails because of it."""

from __future__ import annotations

import logging
import os
from typing import TextIO

from typing_extensions import override


class SteadyHandler(logging.StreamHandler[TextIO]):
    """Writes past all buffers, and says how many records it could not write once it can again."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0
        self._is_torn = False

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record) + self.terminator
            if self._lost:
                text = self.format(self._told()) + self.terminator + text
        except Exception:  # noqa: BLE001 - whatever was logged cannot be put into words
            self.handleError(record)
            return
        try:
            self._write(("\n" if self._is_torn else "") + text)
            self._lost = 0
        except OSError:
            self._lost += 1

    def _told(self) -> logging.LogRecord:
        said = "%d records before this one could not be written: is the disk of the log full?"
        return logging.LogRecord(__name__, logging.ERROR, __file__, 0, said, (self._lost,), None)

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            written = os.write(self.stream.fileno(), data)
            self._is_torn = True  # until the rest of it is written, too
            data = data[written:]
        self._is_torn = False
