"""Archives that are no packages: what they are, the member that is to be named, and a word of the reason."""

from __future__ import annotations

import gzip
import tarfile
from dataclasses import dataclass

from tests.registry.archives import (
    GOOD,
    Archive,
    big_pax,
    entry,
    packed,
    put,
    tar,
    with_header,
    with_manifest,
    with_members,
    with_tarfile,
    zeros,
)

OUTSIDE = "escaped"
"""What a successful escape would be called."""


@dataclass(frozen=True)
class Case:
    name: str
    make: Archive
    member: str
    reason: str


def _typed(kind: bytes, name: str = "x", linkname: str = "") -> Archive:
    return with_members(entry(name, type=kind, linkname=linkname))


def _paths() -> list[Case]:
    out, empty, absolute = "leads out", "empty components", "absolute"
    paths = {
        f"../{OUTSIDE}": out,
        f"../../../../../../tmp/{OUTSIDE}": out,
        f"bin/../../{OUTSIDE}": out,
        "..": out,
        "bin/..": out,
        f"/tmp/{OUTSIDE}": absolute,
        f"//tmp/{OUTSIDE}": absolute,
        f"C:/{OUTSIDE}": absolute,
        f"C:{OUTSIDE}": absolute,
        f"..\\{OUTSIDE}": "`\\`",
        f"bin\\..\\{OUTSIDE}": "`\\`",
        "config/x:stream": "`:`",
        "./bin/x": empty,
        "bin/./x": empty,
        "bin//x": empty,
        ".": empty,
        "bin/": empty,
        "": "no name",
        "bin/x.": "ends in a dot",
        "bin/x ": "ends in a dot or a space",
        "... /x": "ends in a dot",
        "/".join("d" * 17): "deeper",
    }
    return [Case(f"path {path!r}", with_header("x", put(0, path.encode().ljust(100, b"\0"))), path or "archive", reason)
            for path, reason in paths.items()]  # fmt: skip


def _kinds() -> list[Case]:
    only = "only regular files"
    return [
        Case("hard link", _typed(tarfile.LNKTYPE, linkname="manifest.yaml"), "x", "hard link"),
        Case("symbolic link", _typed(tarfile.SYMTYPE, linkname="/etc"), "x", "symbolic link"),
        Case("link upwards", _typed(tarfile.SYMTYPE, linkname="../.."), "x", "symbolic link"),
        Case(
            "write through a link",
            with_members(entry("out", type=tarfile.SYMTYPE, linkname="/tmp"), entry(f"out/{OUTSIDE}", b"x")),
            "out",
            "symbolic link",
        ),
        Case("character device", _typed(tarfile.CHRTYPE), "x", "character device"),
        Case("block device", _typed(tarfile.BLKTYPE), "x", "block device"),
        Case("FIFO", _typed(tarfile.FIFOTYPE), "x", "FIFO"),
        Case("contiguous file", _typed(tarfile.CONTTYPE), "x", "contiguous"),
        Case("sparse file", _typed(tarfile.GNUTYPE_SPARSE), "x", "sparse"),
        Case("unknown type", _typed(b"Z"), "x", only),
        Case("type of a vendor", _typed(b"D"), "x", only),
        Case("GNU long name", with_tarfile(tarfile.GNU_FORMAT, "d/" * 8 + "n" * 150), "././@LongLink", "long name"),
        Case("PAX path", with_tarfile(tarfile.PAX_FORMAT, "d/" * 8 + "n" * 150), "@PaxHeader", "extended header"),
        Case(
            "PAX path that leads out",
            with_tarfile(tarfile.PAX_FORMAT, "x", pax_headers={"path": f"../{OUTSIDE}"}),
            "@PaxHeader",
            "extended header",
        ),
        Case("PAX of 64 MiB", big_pax, "pax", "extended header"),
        Case("global PAX", _typed(tarfile.XGLTYPE, name="pax_global_header"), "pax_global_header", "global extended"),
    ]


def _headers() -> list[Case]:
    return [
        Case("size in base 256", with_header("x", put(124, b"\x80" + bytes(10) + b"\1")), "x", "size"),
        Case("negative size", with_header("x", put(124, b"\xff" * 12)), "x", "size"),
        Case("size with a sign", with_header("x", put(124, b"-0000000001\0")), "x", "size"),
        Case("size that is empty", with_header("x", put(124, bytes(12))), "x", "size"),
        Case("size of eight GiB", with_header("x", put(124, b"77777777777\0")), "x", "larger than"),
        Case("size beyond the end", with_header("x", put(124, b"00000100000\0")), "x", "ends in the middle"),
        Case("mode that is no number", with_header("x", put(100, b"rwxr-xr\0")), "x", "mode"),
        Case("setuid", with_members(entry("bin/x", b"x", mode=0o4755)), "bin/x", "setuid"),
        Case("setgid", with_members(entry("bin/x", b"x", mode=0o2755)), "bin/x", "setuid"),
        Case("sticky", with_members(entry("bin/x", b"x", mode=0o1755)), "bin/x", "sticky"),
        Case("wrong checksum", with_header("x", put(0, b"y"), checksum=False), "archive", "checksum"),
        Case("no checksum", with_header("x", put(148, b"        "), checksum=False), "x", "checksum"),
        Case("no magic", with_header("x", put(257, bytes(8))), "x", "ustar"),
        Case("other magic", with_header("x", put(257, b"pax\0\x0000\0")), "x", "ustar"),
        Case("name in Latin-1", with_header("x", put(0, b"caf\xe9")), "caf\\xe9", "UTF-8"),
        Case("name with a line break", with_header("x", put(0, b"a\nb")), "a\\nb", "printed"),
        Case("name with an escape", with_header("x", put(0, b"\x1b[2J")), "\\x1b[2J", "printed"),
        Case("name that turns around", with_header("x", put(0, "a\u202eb".encode())), "a\\u202eb", "printed"),
        Case("prefix that leads out", with_header("x", put(345, b"../..")), "../../x", "leads out"),
        Case("directory with contents", with_members(entry("d", b"x", type=tarfile.DIRTYPE)), "d", "contents"),
    ]


def _collisions() -> list[Case]:
    return [
        Case("twice", with_members(entry("a", b"1"), entry("a", b"2")), "a", "twice"),
        Case("manifest twice", with_members(entry("manifest.yaml", b"name: other")), "manifest.yaml", "twice"),
        Case("case", with_members(entry("a", b"1"), entry("A", b"2")), "A", "only case"),
        Case("case of a directory", with_members(entry("Scripts/x", b"1")), "Scripts/x", "only case"),
        Case("accents", with_members(entry("\u00e9", b"1"), entry("e\u0301", b"2")), "e\u0301", "only case"),
        Case("sharp s", with_members(entry("stra\u00dfe", b"1"), entry("strasse", b"2")), "strasse", "only case"),
        Case(
            "accents that meet once case is gone",
            with_members(entry("\u1e9b\u0323", b"1"), entry("\u1e69", b"2")),
            "\u1e69",
            "only case",
        ),
        Case("file below a file", with_members(entry("a", b"1"), entry("a/b", b"2")), "a/b", "file and a directory"),
        Case("directory over a file", with_members(entry("a", b"1"), entry("a", type=b"5")), "a", "file and a dir"),
        Case("file over a directory", with_members(entry("scripts", b"1")), "scripts", "file and a directory"),
        Case("the registry's own name", with_members(entry(".duologue-package", b"x")), ".duologue-package", "own"),
    ]


def _sizes() -> list[Case]:
    def many() -> bytes:
        return packed(tar([*GOOD, *(entry(f"f{number}") for number in range(10_001))]))

    def deep() -> bytes:
        return packed(tar([*GOOD, *(entry(f"{number}/a/b/c/d/e/f/g/h", b"") for number in range(1200))]))

    return [
        Case("bomb of 32 MiB", zeros(32 << 20), "archive", "times its size"),
        Case("bomb of many members", zeros(1 << 20, 40), "archive", "times its size"),
        Case("too many members", many, "f9997", "more than 10000"),
        Case("too many directories", deep, "1110/a/b/c/d/e/f/g/h", "more than 10000"),
    ]


def _envelopes() -> list[Case]:
    good = tar(GOOD)
    return [
        Case("nothing", lambda: b"", "archive", "ends in the middle"),
        Case("text", lambda: b"hello, I am a package", "archive", "gzip"),
        Case("a tar that is not compressed", lambda: good, "archive", "gzip"),
        Case("gzip of nothing", lambda: packed(b""), "archive", "ends in the middle"),
        Case("gzip of zeros", lambda: packed(bytes(10240)), "archive", "manifest.yaml"),
        Case("gzip of text", lambda: packed(b"hello " * 200), "hello", "checksum"),
        Case("no end", lambda: packed(tar(GOOD, end=b"")), "archive", "ends in the middle"),
        Case("half an end", lambda: packed(tar(GOOD, end=bytes(512))), "archive", "ends in the middle"),
        Case("more after the end", lambda: packed(good + good), "archive", "after its end"),
        Case("two gzip members", lambda: packed(good) + packed(good), "archive", "after the compressed"),
        Case("rubbish after gzip", lambda: packed(good) + b"x", "archive", "after the compressed"),
        Case("zip", lambda: b"PK\3\4" + bytes(100), "archive", "gzip"),
        Case("gzip with a wrong length", lambda: packed(good)[:-4] + b"\0\0\0\0", "archive", "length"),
        Case("gzip with a wrong CRC", lambda: packed(good)[:-8] + b"\0" * 4 + packed(good)[-4:], "archive", "check"),
        Case("gzip within gzip", lambda: packed(gzip.compress(good)), "archive", ""),
    ]


def _manifests() -> list[Case]:
    base = "name: web-api\nversion: 1.4.0\ntype: managed_process\n"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    ports = "ports:\n" + "".join(f"  p{number}: {8000 + number}\n" for number in range(65))
    texts = {
        "empty": ("", "mapping"),
        "a list": ("- a\n", "mapping"),
        "aliases": (base + bomb, "aliases"),
        "a key twice": (base + "name: other\n", "twice"),
        "deep": ("[" * 30_000, "deeper"),
        "large": (base + "description: " + "x" * 70_000, "larger"),
        "a tag": (base + "description: !!python/object/apply:os.system ['true']\n", "constructor"),
        "a name that leads out": (base.replace("web-api", "../web-api"), "name"),
        "a version that is none": (base.replace("1.4.0", "latest"), "version"),
        "a version that leads out": (base.replace("1.4.0", "1.4.0-../../x"), "version"),
        "a version that is a number": (base.replace("1.4.0", "1.4"), "quotes"),
        "no type": (base.replace("type: managed_process\n", ""), "type: it is missing"),
        "a key that nobody reads": (base + "depnds_on: [db]\n", "did you mean `depends_on`"),
        "a key that nobody can be told of": (base + '"\\uD800": 1\n', "\\ud800: nobody reads this"),
        "a port that nobody can be told of": (base + 'ports: {"\\uD800": 1}\n', "Invalid JSON"),
        "a port that is none": (base + "ports: {http: 70000}\n", "ports"),
        "a port with a long name": (base + f"ports: {{{'p' * 65}: 80}}\n", "at most 64 characters"),
        "a port without a name": (base + 'ports: {"": 80}\n', "at least 1 character"),
        "more ports than a service has": (base + ports, "ports: there are 65"),
        "passes that cannot be": (
            base + "health: {probe: {kind: tcp, address: 'h:1'}, passes: 3, window: 2}\n",
            "can never pass",
        ),
        "control characters": (base + "description: \x07\n", "manifest"),
    }
    cases = [
        Case(f"manifest: {name}", with_manifest(text), "manifest.yaml", word) for name, (text, word) in texts.items()
    ]
    return [
        *cases,
        Case("manifest that is no text", with_manifest(b"\xff\xfe\xfa"), "manifest.yaml", "YAML"),
        Case("manifest that is a directory", lambda: packed(tar([entry("manifest.yaml", type=b"5")])), "archive", "no"),
        Case("no manifest", lambda: packed(tar(GOOD[1:])), "archive", "no manifest.yaml"),
        Case("manifest below", lambda: packed(tar([entry("web/manifest.yaml", GOOD[0][1])])), "archive", "no manifest"),
        Case("nothing to start", lambda: packed(tar(GOOD[:1])), "scripts/start.sh", "missing"),
        Case(
            "nothing that could be started",
            lambda: packed(tar([GOOD[0], entry("scripts/start.sh", b"x", mode=0o644)])),
            "scripts/start.sh",
            "chmod",
        ),
        Case(
            "no health script",
            with_manifest(base + "health: {probe: {kind: script}}\n"),
            "scripts/health.sh",
            "missing",
        ),
    ]


CASES = [*_paths(), *_kinds(), *_headers(), *_collisions(), *_sizes(), *_envelopes(), *_manifests()]
