"""A disk, and what may be left on it when the power is cut.

What was synced is there. Of what was not, each 512-byte sector may have been written or not, in any order; a file may
have grown over what was never written, and holds anything there; names that were made, removed or renamed since their
directory was synced may have been, in order or not. A rename is whole or has not been: journals of file systems see to
that.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .recording import Op

SECTOR: Final = 512


@dataclass(frozen=True)
class Folder:
    """Files and folders by their inodes; `names` has those of each folder."""

    root: int
    files: dict[int, bytes]
    names: dict[int, dict[str, int]]

    @classmethod
    def of(cls, path: Path) -> Folder:
        """What is there."""
        found = cls(path.stat().st_ino, {}, {})
        found._read(path)
        return found

    def _read(self, path: Path) -> None:
        names = self.names[path.stat().st_ino] = {}
        for entry in path.iterdir():
            inode = names[entry.name] = entry.stat().st_ino
            if entry.is_dir():
                self._read(entry)
            else:
                self.files[inode] = entry.read_bytes()

    def write(self, path: Path) -> None:
        """Make it so in an empty directory that is there."""
        self._write(path, self.root)

    def _write(self, path: Path, inode: int) -> None:
        for name, each in self.names[inode].items():
            if each in self.names:
                (path / name).mkdir()
                self._write(path / name, each)
            else:
                (path / name).write_bytes(self.files[each])


@dataclass(slots=True)
class _File:
    durable: bytes
    pending: list[tuple[int, bytes | None]] = field(default_factory=list[tuple[int, "bytes | None"]])
    """Writes at an offset; without data, the file was cut there, or grew up to there."""


@dataclass(frozen=True, slots=True, eq=False)
class _Naming:
    """A name was made, removed or moved."""

    removed: tuple[int, str] | None
    made: tuple[int, str, int] | None


class Disk:
    """Follows the operations of a process, and knows at each what may be left of them."""

    def __init__(self, before: Folder) -> None:
        self._root = before.root
        self._files = {inode: _File(data) for inode, data in before.files.items()}
        self._names = {inode: dict(names) for inode, names in before.names.items()}
        self._pending: list[_Naming] = []

    def apply(self, op: Op) -> None:
        """Follow one operation."""
        match op.kind:
            case "w":
                self._files[op.a].pending.append((op.b, op.data))
            case "t":
                self._files[op.a].pending.append((op.b, None))
            case "s":
                self._sync(op.a)
            case "c" | "d":
                if op.kind == "c":
                    self._files[op.b] = _File(b"")
                else:
                    self._names[op.b] = {}
                self._pending.append(_Naming(None, (op.a, op.name, op.b)))
            case "l":
                self._pending.append(_Naming(None, (op.a, op.name, op.b)))
            case "u":
                self._pending.append(_Naming((op.a, op.name), None))
            case "r":
                self._pending.append(_Naming((op.a, op.name), (op.b, op.data.decode(), op.c)))
            case _:
                pass

    def _sync(self, inode: int) -> None:
        file = self._files.get(inode)
        if file is not None:
            file.durable, file.pending = _written(file.durable, file.pending), []
            return
        for naming in self._pending:
            if inode in _folders(naming):
                _name(self._names, naming)
        self._pending = [naming for naming in self._pending if inode not in _folders(naming)]

    def killed(self) -> Folder:
        """What is there when the process is killed, and the machine goes on."""
        names = {inode: dict(each) for inode, each in self._names.items()}
        for naming in self._pending:
            _name(names, naming)
        return Folder(self._root, {i: _written(f.durable, f.pending) for i, f in self._files.items()}, names)

    def cut(self, chance: random.Random) -> Folder:
        """What may be there after a power cut."""
        names = {inode: dict(each) for inode, each in self._names.items()}
        for naming in _survivors(chance, self._pending):
            _name(names, naming)
        return Folder(self._root, {inode: _torn(chance, file) for inode, file in self._files.items()}, names)


def _folders(naming: _Naming) -> set[int]:
    return {each[0] for each in (naming.removed, naming.made) if each is not None}


def _name(names: dict[int, dict[str, int]], naming: _Naming) -> None:
    if naming.removed is not None:
        names[naming.removed[0]].pop(naming.removed[1], None)
    if naming.made is not None:
        folder, name, inode = naming.made
        names[folder][name] = inode


def _written(data: bytes, writes: Iterable[tuple[int, bytes | None]]) -> bytes:
    contents = bytearray(data)
    for offset, piece in writes:
        _put(contents, offset, piece, b"\0")
    return bytes(contents)


def _put(contents: bytearray, offset: int, piece: bytes | None, filling: bytes) -> None:
    if len(contents) < offset:
        contents += filling * (offset - len(contents))
    if piece is None:
        del contents[offset:]
    else:
        contents[offset : offset + len(piece)] = piece


def _survivors(chance: random.Random, pending: list[_Naming]) -> list[_Naming]:
    if chance.random() < 0.5:
        return pending[: chance.randint(0, len(pending))]
    return [naming for naming in pending if chance.random() < 0.5]


def _torn(chance: random.Random, file: _File) -> bytes:
    if not file.pending:
        return file.durable
    share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    filling = bytes([chance.choice((0, 0, 0xA5))])
    contents = bytearray(file.durable)
    in_order = chance.randint(0, len(file.pending)) if chance.random() < 0.5 else None
    for number, (offset, piece) in enumerate(file.pending):
        if in_order is not None and number > in_order:
            break
        whole = in_order is not None and number < in_order
        for at, sector in _sectors(offset, piece):
            if whole or chance.random() < share:
                _put(contents, at, sector, filling)
    return bytes(contents)


def _sectors(offset: int, piece: bytes | None) -> Iterable[tuple[int, bytes | None]]:
    """The parts of a write that a disk writes whole or not at all."""
    if piece is None:
        return [(offset, None)]
    found: list[tuple[int, bytes | None]] = []
    start = 0
    while start < len(piece):
        end = min(len(piece), (offset + start) // SECTOR * SECTOR + SECTOR - offset)
        found.append((offset + start, piece[start:end]))
        start = end
    return found
