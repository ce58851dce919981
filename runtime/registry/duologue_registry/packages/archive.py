"""Reading archives of strangers, one member after the other, in bounded memory.

Only what a package needs is understood: gzip around plain `ustar` headers, regular files and directories. There are no
extended headers, and so no second place where a name, a size or a type could hide. Python's `tarfile` is not used: its
filters were got round more than once, and it reads an extended header of any size before it asks one.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from service_registry_sdk import BadPackage

BLOCK: Final = 512
CHUNK: Final = 64 * 1024
MIB: Final = 1024 * 1024
WHOLE: Final = "archive"
"""What stands for the member where the archive as a whole is meant."""

MARK: Final = ".duologue-package"
"""The file that is put beside the members, where they are unpacked: it tells which archive they came from."""

_ADVICE: Final = "build packages with `duologue-registry package build`"
_KINDS: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"7": "a contiguous file",
    b"g": "a global extended header",
    b"x": "an extended header",
    b"L": "a GNU long name",
    b"K": "a GNU long link",
    b"S": "a sparse file",
}
_MAGIC: Final = (b"ustar\x0000", b"ustar  \x00")
_OCTAL: Final = re.compile(rb"[0-7]+")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How large a package may be, whatever its archive says.

    Attributes:
        members: Files and directories.
        size: Bytes of all files together.
        depth: Directories within each other.
        ratio: Bytes that one compressed byte may become, once there are more than `slack`.
    """

    members: int = 10_000
    size: int = 2048 * MIB
    depth: int = 16
    ratio: int = 200
    slack: int = 16 * MIB


LIMITS: Final = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file or a directory.

    Attributes:
        path: Relative, with `/` between components that are plain names.
        size: Bytes of the file; 0 for a directory.
    """

    path: str
    size: int
    is_directory: bool
    is_executable: bool


def read_archive(file: BinaryIO, limits: ArchiveLimits = LIMITS) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """The members in order, each with its bytes in pieces of at most 64 KiB; bytes not taken are skipped.

    Raises:
        BadPackage: It is none, or not one to be trusted: which member, and why. Nothing after that is read.
    """
    stream = _Gunzip(file, limits)
    names = _Names(limits)
    size = 0
    while (header := stream.read(BLOCK)) != bytes(BLOCK):
        member = _member_of(header)
        names.add(member)
        size += member.size
        if size > limits.size:
            raise BadPackage(member=member.path, reason=f"the files are larger than {limits.size} bytes together")
        content = _Content(stream, member)
        yield member, content
        content.skip()
    stream.finish()


class _Gunzip:
    """A gzip stream, inflated piece by piece."""

    def __init__(self, file: BinaryIO, limits: ArchiveLimits) -> None:
        self._file = file
        self._limits = limits
        self._inflate = zlib.decompressobj(wbits=31)
        self._ready = bytearray()
        self._taken = self._given = 0

    def read(self, amount: int, member: str = WHOLE) -> bytes:
        """Exactly so many bytes."""
        while len(self._ready) < amount:
            if not self._fill():
                raise BadPackage(member=member, reason="the archive ends in the middle")
        data = bytes(self._ready[:amount])
        del self._ready[:amount]
        return data

    def finish(self) -> None:
        """After the first block of zeros: a second one, padding, and the end."""
        self.read(BLOCK)
        while True:
            if self._ready.strip(b"\0"):
                raise BadPackage(member=WHOLE, reason="there is something after its end")
            self._ready.clear()
            if not self._fill():
                break
        if self._inflate.unused_data or self._file.read(1):
            raise BadPackage(member=WHOLE, reason="there is something after the compressed data")

    def _fill(self) -> bool:
        """Inflate some more; False at the end."""
        if self._inflate.eof:
            return False
        data = self._inflate.unconsumed_tail
        if not data:
            data = self._file.read(CHUNK)
            self._taken += len(data)
        try:
            out = self._inflate.decompress(data, CHUNK)
        except zlib.error as error:
            text = str(error).partition(": ")[2] or str(error)
            raise BadPackage(member=WHOLE, reason=f"it is no gzip file, or a damaged one: {text}") from None
        if not data and not out and not self._inflate.eof:
            raise BadPackage(member=WHOLE, reason="the compressed data ends in the middle")
        self._given += len(out)
        if self._given > max(self._limits.slack, self._taken * self._limits.ratio):
            reason = f"it unpacks to more than {self._limits.ratio} times its size: it is made to fill disks"
            raise BadPackage(member=WHOLE, reason=reason)
        self._ready += out
        return True


class _Content:
    """The bytes of one member."""

    def __init__(self, stream: _Gunzip, member: Member) -> None:
        self._stream = stream
        self._member = member
        self._left = member.size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        data = self._stream.read(min(CHUNK, self._left), self._member.path)
        self._left -= len(data)
        if not self._left:
            self._stream.read(-self._member.size % BLOCK, self._member.path)
        return data

    def skip(self) -> None:
        for _ in self:
            pass


# ------------------------------------------------------------------------------------------------------------- headers
def _member_of(header: bytes) -> Member:
    kind = header[156:157]
    name = _name(header)
    if _octal(header[148:156], name, "checksum") != sum(header) - sum(header[148:156]) + 8 * 32:
        raise BadPackage(member=WHOLE, reason="a header is damaged: its checksum is wrong")
    if header[257:265] not in _MAGIC:
        raise BadPackage(member=name, reason=f"its header is not of the ustar format; {_ADVICE}")
    if kind not in (b"0", b"\0", b"5"):
        what = _KINDS.get(kind, f"of the unknown type {kind!r}")
        raise BadPackage(member=name, reason=f"it is {what}; only regular files and directories are taken; {_ADVICE}")
    size, mode = _octal(header[124:136], name, "size"), _octal(header[100:108], name, "mode")
    if mode & 0o7000:
        raise BadPackage(member=name, reason="it is setuid, setgid or sticky")
    is_directory = kind == b"5"
    if is_directory and size:
        raise BadPackage(member=name, reason="it is a directory with contents of its own")
    path = name.removesuffix("/") if is_directory else name
    _check_path(path, name)
    return Member(path, size, is_directory, bool(mode & 0o100))


def _name(header: bytes) -> str:
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    name = header[:100].partition(b"\0")[0]
    raw = prefix + b"/" + name if prefix else name
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadPackage(member=ascii(raw)[2:-1], reason="its name is not UTF-8") from None
    if not text.isprintable():
        raise BadPackage(member=ascii(text)[1:-1], reason="its name has characters that cannot be printed")
    return text


def _octal(field: bytes, name: str, what: str) -> int:
    digits = field.strip(b"\0 ")
    if not _OCTAL.fullmatch(digits):
        raise BadPackage(member=name or WHOLE, reason=f"its {what} is no octal number: {field!r}")
    return int(digits, 8)


def _check_path(path: str, name: str) -> None:
    """Only what stays below the folder that it is unpacked to, on whatever system."""
    reason = None
    parts = path.split("/")
    if not path:
        reason = "it has no name"
    elif path.startswith("/") or _DRIVE.match(path):
        reason = "its path is absolute"
    elif ".." in parts:
        reason = "its path leads out of the package"
    elif "." in parts or "" in parts:
        reason = f"its path has empty components, or `.`; {_ADVICE}"
    elif parts[0] == MARK:
        reason = "this name is the registry's own"
    elif "\\" in path or ":" in path:
        reason = "its path has `\\` or `:` in it"
    elif any(part != part.rstrip(". ") for part in parts):
        reason = "a component of its path ends in a dot or a space"
    if reason is not None:
        raise BadPackage(member=name or WHOLE, reason=reason)


class _Names:
    """The paths so far, as a file system that knows no upper case would tell them apart."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._known: dict[str, tuple[str, bool]] = {}
        self._listed: set[str] = set()

    def add(self, member: Member) -> None:
        parts = member.path.split("/")
        if len(parts) > self._limits.depth:
            raise BadPackage(member=member.path, reason=f"it lies deeper than {self._limits.depth} directories")
        for end in range(1, len(parts)):
            self._enter("/".join(parts[:end]), member, is_directory=True)
        self._enter(member.path, member, is_directory=member.is_directory)
        if member.path in self._listed:
            raise BadPackage(member=member.path, reason="it is there twice")
        self._listed.add(member.path)

    def _enter(self, path: str, member: Member, *, is_directory: bool) -> None:
        folded = _folded(path)
        if folded not in self._known:
            if len(self._known) >= self._limits.members:
                reason = f"there are more than {self._limits.members} files and directories"
                raise BadPackage(member=member.path, reason=reason)
            self._known[folded] = path, is_directory
            return
        known, was_directory = self._known[folded]
        if known != path:
            raise BadPackage(member=member.path, reason=f"only case or accents tell it from {known}")
        if is_directory != was_directory:
            raise BadPackage(member=member.path, reason=f"{path} is a file and a directory")


def _folded(path: str) -> str:
    """Equal for what is equal up to case and accents: Unicode's canonical caseless match, D145."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
