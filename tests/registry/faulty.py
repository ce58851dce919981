"""A disk that stops, or fills up, at a step that the test names."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from typing_extensions import override

from duologue_registry.packages.files import DiskFiles


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, `except Exception` and `finally` do nothing to the disk."""


class QuickFiles(DiskFiles):
    """Of what is thrown away at once nothing need survive a power cut."""

    @override
    def _settle(self, descriptor: int) -> None:
        pass


class FaultyFiles(QuickFiles):
    """Counts what is done, and lets nothing be done from one step on.

    Args:
        kill_at: The step at which the process dies: none after it leaves a trace, and a file is half written.
        full_at: The step at which the disk is full, until `has_space` is set.

    Attributes:
        steps: What was done, in words.
    """

    def __init__(self, *, kill_at: int | None = None, full_at: int | None = None) -> None:
        self.steps: list[str] = []
        self.has_space = False
        self._kill_at = kill_at
        self._full_at = full_at

    def fill(self, *, after: int) -> None:
        """Let the disk be full, so many steps from now."""
        self._full_at, self.has_space = len(self.steps) + after, False

    def _step(self, what: str, path: Path, *, needs_space: bool = True) -> None:
        number = len(self.steps)
        self.steps.append(f"{what} {path.name}")
        if self._kill_at is not None and number >= self._kill_at:
            raise Killed
        if self._full_at is not None and number >= self._full_at and needs_space and not self.has_space:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    @override
    def make_directory(self, path: Path) -> None:
        self._step("make", path)
        super().make_directory(path)

    @override
    def write(self, path: Path, blocks: Iterable[bytes], *, executable: bool = False) -> None:
        def half(blocks: Iterable[bytes], step: Callable[[], None]) -> Iterator[bytes]:
            for block in blocks:
                yield block[: len(block) // 2]
                step()
                yield block[len(block) // 2 :]

        self._step("open", path)
        super().write(path, half(blocks, lambda: self._step("write", path)), executable=executable)
        self._step("wrote", path, needs_space=False)

    @override
    def sync(self, path: Path) -> None:
        self._step("sync", path, needs_space=False)
        super().sync(path)

    @override
    def rename(self, old: Path, new: Path) -> None:
        self._step("rename", new)
        super().rename(old, new)

    @override
    def link(self, path: Path, target: str) -> None:
        self._step("link", path)
        super().link(path, target)

    @override
    def remove(self, path: Path) -> None:
        self._step("remove", path, needs_space=False)
        super().remove(path)
