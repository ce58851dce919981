"""The output, a folder or a file: the only module that reads or writes it.

Writing a folder is all or nothing. New files are staged beside the output first, with copies of the old ones; only
then are they moved into place one by one. Whatever stops this half-way (an error, a full disk, a kill), the old files
are put back: at once, or by the next command that looks at the folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STAGE: Final = ".duologue-stage"
_JOURNAL: Final = "journal.json"
_MARK: Final = "Written by duologue "
_AT_ONCE: Final = 16
"""Files written at a time: a large package has hundreds, and each waits for the disk."""
_MARK_WITHIN: Final = 4096
"""Bytes at the beginning of a file in which the mark is looked for."""


class NotOurs(Exception):
    """A file that was not generated stands where one would be written. `paths` are relative to the output folder."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        super().__init__(", ".join(paths))


class Busy(Exception):
    """Another command is writing the same folder."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a folder differs from the files that belong there; paths are relative, with `/`."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    orphan: tuple[str, ...] = ()
    """Generated once, and no longer."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.orphan)


def compare(folder: Path, files: Mapping[str, str], package: str | None) -> Difference:
    """What writing `files` would do. `package` is the folder in which orphans are looked for, if there may be any."""
    _recover(folder)
    changed, missing = list[str](), list[str]()
    for path, text in files.items():
        found = _read(folder / path)
        if found is None:
            missing.append(path)
        elif found != text.encode():
            changed.append(path)
    return Difference(
        tuple(changed), tuple(missing), () if package is None else tuple(_orphans(folder, files, package))
    )


def write(folder: Path, files: Mapping[str, str], package: str | None) -> Difference:
    """Make the folder hold exactly these generated files, and say what was done. Other files are never touched.

    Raises:
        NotOurs: A file that was not generated is in the way. Nothing was written.
        Busy: Another command is writing there. Nothing was written.
        OSError: The folder cannot be written. It is as it was.
    """
    difference = compare(folder, files, package)
    strangers = tuple(path for path in difference.changed if not _is_ours(folder / path, files[path]))
    if strangers:
        raise NotOurs(strangers)
    if not difference:
        return difference
    created = _make_folder(folder)
    try:
        with _stage(folder) as stage:
            _Change(folder, stage, difference, files).run()
    except BaseException:
        if created is not None:  # others may have put something there by now, which stays
            _remove_empty(created.parent, [str((folder / _STAGE).relative_to(created.parent))])
        raise
    _remove_empty(folder, difference.orphan)
    return difference


def write_file(path: Path, text: str) -> None:
    """Write one file, all of it or nothing: whatever was there stays until it is whole.

    Raises OSError for `path`.
    """
    try:
        _replace(path, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():  # a terminal, say: nothing of it is lost, and it is not ours to replace
        path.write_bytes(data)
        return
    place = Path(os.path.realpath(path))  # a link goes on leading there
    draft = place.with_name(f".{place.name}.new")
    try:
        _write_through(draft, data)
        if place.exists():
            shutil.copymode(place, draft)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def _make_folder(folder: Path) -> Path | None:
    """Make the folder; the topmost one that did not exist."""
    first = next((path for path in reversed([folder, *folder.parents]) if not path.exists()), None)
    folder.mkdir(parents=True, exist_ok=True)
    return first


# ------------------------------------------------------------------------------------------------------ what is there
def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_ours(path: Path, text: str) -> bool:
    """Whether the file was generated: it says so, or is one of the two kinds that cannot say it."""
    found = _read(path) or b""
    if not text:  # a marker such as py.typed
        return not found.strip()
    if _MARK not in text:  # a licence: the same but for its holders
        return _without_holders(found.decode(errors="replace")) == _without_holders(text)
    return _has_mark(found)


def _has_mark(found: bytes) -> bool:
    return _MARK.encode() in found[:_MARK_WITHIN]


def _without_holders(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("Copyright (c) ")]


def _orphans(folder: Path, files: Mapping[str, str], package: str) -> Iterator[str]:
    for path in sorted((folder / package).rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if relative not in files and path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            with path.open("rb") as file:
                if _has_mark(file.read(_MARK_WITHIN)):
                    yield relative


# ------------------------------------------------------------------------------------------------------------ writing
@contextmanager
def _stage(folder: Path) -> Generator[Path]:
    """The stage. It has its owner from its first moment to its last, else others would take it for a dead command's."""
    stage, claim = folder / _STAGE, folder / f"{_STAGE}-{os.getpid()}"
    try:
        claim.mkdir(exist_ok=True)
        (claim / "owner").write_text(str(os.getpid()), encoding="ascii")
        claim.rename(stage)
    except BaseException as error:
        shutil.rmtree(claim, ignore_errors=True)
        if isinstance(error, OSError) and stage.is_dir():
            raise Busy(str(stage)) from None
        raise
    try:
        yield stage
    except BaseException:
        _roll_back(folder, stage)
        raise
    shutil.rmtree(stage, ignore_errors=True)  # once its owner is gone, another command may be at it as well


@dataclass(frozen=True, slots=True)
class _Change:
    folder: Path
    stage: Path
    difference: Difference
    files: Mapping[str, str]

    def run(self) -> None:
        written = (*self.difference.changed, *self.difference.missing)
        staged = [self.stage / f"new{number}" for number in range(len(written))]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(_write_through, staged, (self.files[path].encode() for path in written)))
        replaced = (*self.difference.changed, *self.difference.orphan)
        for number, path in enumerate(replaced):
            shutil.copy2(self.folder / path, self.stage / f"old{number}")
        journal = {"old": list(replaced), "made": list(self.difference.missing)}
        _write_through(self.stage / "draft", json.dumps(journal).encode())
        # From here on the old files are put back from their copies, should anything happen.
        (self.stage / "draft").replace(self.stage / _JOURNAL)
        for new, path in zip(staged, written, strict=True):
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            new.replace(self.folder / path)
        for path in self.difference.orphan:
            (self.folder / path).unlink()
        (self.stage / _JOURNAL).unlink()


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _roll_back(folder: Path, stage: Path) -> None:
    """Put everything back as the journal says; without one nothing had been moved yet."""
    journal = _read(stage / _JOURNAL)
    if journal is not None:
        record = json.loads(journal)
        for number, path in enumerate(record["old"]):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(stage / f"old{number}", stage / "restored")
            (stage / "restored").replace(folder / path)
        for path in record["made"]:
            (folder / path).unlink(missing_ok=True)
        (stage / _JOURNAL).unlink()
        _remove_empty(folder, record["made"])
    shutil.rmtree(stage, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Clean up after a command that was killed while it wrote."""
    for claim in folder.glob(f"{_STAGE}-*"):
        if not _is_alive(claim.name.rpartition("-")[2].encode()):
            shutil.rmtree(claim, ignore_errors=True)
    stage = folder / _STAGE
    if not stage.is_dir():
        return
    if _is_alive(_read(stage / "owner")):
        raise Busy(str(stage))
    _roll_back(folder, stage)


def _is_alive(owner: bytes | None) -> bool:
    if owner is None or not owner.strip().isdigit():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return int(owner) != os.getpid()


def _remove_empty(folder: Path, paths: Iterable[str]) -> None:
    """Remove folders that held nothing but these files."""
    for path in paths:
        for parent in (folder / path).parents:
            if parent == folder:
                break
            try:
                parent.rmdir()
            except FileNotFoundError:
                continue
            except OSError:  # something is in it
                break
