"""Packages for tests: good ones, and those that somebody would send who means harm."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from duologue_registry.packages.building import build_package
from duologue_registry.packages.checking import check_file, digest_of
from service_registry_sdk import PackageInfo

MANIFEST = "name: {name}\nversion: {version}\ntype: managed_process\n"
START = "#!/bin/sh\nexec sleep 60\n"

Entry: TypeAlias = tuple[tarfile.TarInfo, bytes]
Archive: TypeAlias = Callable[[], bytes]


def write_sources(folder: Path, name: str = "web-api", version: str = "1.4.0", **files: str | bytes) -> Path:
    """The folder of a package; `files` are further ones, with `__` for `/` in their paths."""
    contents: dict[str, str | bytes] = {
        "manifest.yaml": MANIFEST.format(name=name, version=version),
        "scripts/start.sh": START,
        **{path.replace("__", "/"): text for path, text in files.items()},
    }
    for path, text in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        if path.startswith(("scripts/", "bin/")):
            target.chmod(0o755)
    return folder


def make_package(folder: Path, name: str = "web-api", version: str = "1.4.0", **files: str | bytes) -> Path:
    """A package that was built in a folder."""
    sources = write_sources(folder / f"{name}-{version}-sources", name, version, **files)
    return build_package(sources, folder).path


def info_of(path: Path) -> PackageInfo:
    """What a registry would say of a package."""
    size, sha256 = digest_of(path)
    return PackageInfo(
        manifest=check_file(path).manifest,
        size=size,
        sha256=sha256,
        uploaded_at=datetime(2026, 1, 1, tzinfo=UTC),
        uploaded_by="ann",
        revision=1,
    )


# ------------------------------------------------------------------------------------------------------------- by hand
def entry(name: str, data: bytes = b"", **changes: Any) -> Entry:
    """A member; `changes` are attributes of its header."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o755
    for key, value in changes.items():
        setattr(info, key, value)
    return info, data


GOOD: list[Entry] = [
    entry("manifest.yaml", MANIFEST.format(name="web-api", version="1.4.0").encode()),
    entry("scripts", type=tarfile.DIRTYPE),
    entry("scripts/start.sh", START.encode()),
]


def header(info: tarfile.TarInfo, patch: Callable[[bytearray], None] | None = None, *, checksum: bool = True) -> bytes:
    """The block of a header, with some bytes put in by hand."""
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    if patch is not None:
        patch(block)
        if checksum:
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            block[148:156] = b"%06o\0 " % total
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def tar(entries: Iterable[Entry], *, end: bytes = bytes(1024)) -> bytes:
    return b"".join(header(info) + padded(data) for info, data in entries) + end


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def with_members(*more: Entry) -> Archive:
    """A good package, and something in it that is not."""
    return lambda: packed(tar([*GOOD, *more]))


def with_header(name: str, patch: Callable[[bytearray], None], data: bytes = b"x", *, checksum: bool = True) -> Archive:
    """A good package with a member whose header was changed by hand."""
    info, _ = entry(name, data)
    return lambda: packed(tar(GOOD, end=b"") + header(info, patch, checksum=checksum) + padded(data) + bytes(1024))


def put(offset: int, value: bytes) -> Callable[[bytearray], None]:
    def patch(block: bytearray) -> None:
        block[offset : offset + len(value)] = value

    return patch


def with_tarfile(format_: int, *names: str, **attributes: Any) -> Archive:
    """A package as Python's own module writes it."""

    def make() -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", format=format_) as file:
            for info, data in GOOD:
                file.addfile(info, io.BytesIO(data))
            for name in names:
                info, data = entry(name, b"x", **attributes)
                file.addfile(info, io.BytesIO(data))
        return out.getvalue()

    return make


def with_manifest(text: bytes | str) -> Archive:
    data = text.encode() if isinstance(text, str) else text
    return lambda: packed(tar([entry("manifest.yaml", data), *GOOD[1:]]))


def zeros(member_size: int, count: int = 1) -> Archive:
    """A bomb: members full of zeros, compressed as well as gzip can."""

    def make() -> bytes:
        squeeze = zlib.compressobj(9, wbits=31)
        out = [squeeze.compress(tar(GOOD, end=b""))]
        block = bytes(1 << 20)
        for number in range(count):
            info, _ = entry(f"config/{number}")
            info.size = member_size
            out.append(squeeze.compress(header(info)))
            out += [squeeze.compress(block) for _ in range(member_size >> 20)]
        return b"".join([*out, squeeze.compress(bytes(1024)), squeeze.flush()])

    return make


def big_pax() -> bytes:
    """An extended header of 64 MiB that says nothing."""
    squeeze = zlib.compressobj(1, wbits=31)
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    info.size = 64 << 20
    out = [squeeze.compress(header(info))]
    out += [squeeze.compress(bytes(1 << 20)) for _ in range(64)]
    return b"".join([*out, squeeze.compress(tar(GOOD)), squeeze.flush()])
