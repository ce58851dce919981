"""The power is cut: nothing that was acknowledged is lost, and nothing is corrupt.

A process that uses the store is recorded operation by operation, below SQLite and Python. Then a disk is made as a cut
may leave it (`disks/disk.py` says how bad that can be), at one operation after the other, and the store is opened on
it: it has to hold exactly what the process had acknowledged, or that and the change which was being written.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.registry.disks.disk import Folder
from tests.registry.disks.recording import Mark, Op, Recorder, Recording
from tests.registry.disks.workload import digest

from duologue_registry.packages.blobs import Blobs
from duologue_registry.serving.tokens import TokenFile, TokensError
from duologue_registry.storing.checking import check_directory
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import StoreError

WORKLOAD: Final = Path(__file__).parent / "disks" / "workload.py"
ROOT: Final = Path(__file__).parents[2]


def record(recorder: Recorder, scratch: Path, synchronous: str) -> Recording:
    root = scratch / f"data-{synchronous}"
    root.mkdir()
    return recorder.record(root, [sys.executable, str(WORKLOAD), str(root), str(recorder.marks), synchronous])


@pytest.fixture(scope="module")
def recording(recorder: Recorder, scratch: Path) -> Recording:
    return record(recorder, scratch, "FULL")


class Lost(Exception):
    """A cut that cost something."""


def examine(left: Folder, before: Mark | None, after: Mark | None, place: Path, *, thorough: bool = False) -> None:
    """Open what a cut has left, and compare it with what was acknowledged before it, and after.

    To be `thorough` the log is folded, too, and has to lead to what is there.
    """
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    left.write(place)
    journal = SqliteJournal(place)
    try:
        journal.load()
        found = [row[0] for row in journal._db.execute("PRAGMA integrity_check")]
        state, epoch = digest(journal._db), journal._epoch
    except StoreError as error:
        raise Lost(str(error)) from None
    finally:
        journal.close()
    if found != ["ok"]:
        raise Lost(f"corrupt: {found}")
    if thorough and (problems := check_directory(place).problems):
        raise Lost(f"the log tells of something else: {problems}")
    if before is None:
        return
    possible = [mark for mark in (before, after) if mark is not None]
    if epoch != before.epoch:
        raise Lost("subscribers would have to begin anew")
    if state not in [mark.digest for mark in possible]:
        raise Lost("the store holds something else than was acknowledged")
    try:
        tokens = [token.name for token in TokenFile(place / "tokens.json").read()]
    except TokensError as error:
        raise Lost(str(error)) from None
    if tokens not in [mark.tokens for mark in possible]:
        raise Lost("the tokens are others")
    for name in before.blobs:
        path = Blobs(place / "packages").path(name)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != name:
            raise Lost("a package is gone, or damaged")


def cuts(recording: Recording, count: int, seed: int, within: range | None = None) -> Iterator[tuple[Folder, int, int]]:
    """What is left by so many cuts, spread over all operations; with the number of marks before, and the operation."""
    chance = random.Random(seed)
    moments = sorted(chance.choices(within or range(len(recording.ops) + 1), k=count))
    disk, marks, at = recording.disk(), 0, 0
    for moment in moments:
        for op in recording.ops[at:moment]:
            disk.apply(op)
            marks += op.kind == "m"
        at = moment
        yield disk.cut(chance), marks, moment


def lost(recording: Recording, count: int, seed: int, place: Path, within: range | None = None) -> list[str]:
    """What so many cuts have cost."""
    found: list[str] = []
    for turn, (left, number, moment) in enumerate(cuts(recording, count, seed, within)):
        try:
            examine(left, *around(recording, number), place, thorough=turn % 10 == 0)
        except Lost as error:
            found.append(f"cut before operation {moment}, after {number} marks: {error}")
    return found


RECOVER = """
import sys
from pathlib import Path
from duologue_registry.storing.checking import check_directory
from duologue_registry.storing.sqlite import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
journal.load()
journal.close()
"""


def around(recording: Recording, number: int) -> tuple[Mark | None, Mark | None]:
    """What was acknowledged last, after so many marks, and what is acknowledged next."""
    marks = recording.marks
    return (marks[number - 1] if number else None), (marks[number] if number < len(marks) else None)


def lost_while_recovering(
    recording: Recording, recorder: Recorder, scratch: Path, seed: int, *, recoveries: int, again: int
) -> list[str]:
    """Cut the power while the store is opened after a cut."""
    found: list[str] = []
    chance = random.Random(seed)
    for left, number, moment in cuts(recording, recoveries, seed):
        root = Path(tempfile.mkdtemp(dir=scratch))
        left.write(root)
        recovery = recorder.record(root, [sys.executable, "-c", RECOVER, str(root)])
        disk = recovery.disk()
        moments = sorted(chance.choices(range(len(recovery.ops)), k=again))
        for at, op in enumerate(recovery.ops):
            for _ in range(moments.count(at)):
                try:
                    examine(disk.cut(chance), *around(recording, number), scratch / "cut")
                except Lost as error:
                    found.append(f"cut before operation {moment}, then {at}: {error}")
            disk.apply(op)
    return found


def test_nothing_acknowledged_is_lost_in_500_power_cuts(recording: Recording, scratch: Path) -> None:
    assert lost(recording, 500, 0, scratch / "cut") == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_nothing_acknowledged_is_lost_in_10000_power_cuts(recording: Recording, scratch: Path, seed: int) -> None:
    assert lost(recording, 1_000, seed, scratch / "cut") == []


def test_a_second_cut_while_the_store_recovers(recording: Recording, recorder: Recorder, scratch: Path) -> None:
    assert lost_while_recovering(recording, recorder, scratch, 0, recoveries=1, again=20) == []


@pytest.mark.long
def test_many_second_cuts_while_the_store_recovers(recording: Recording, recorder: Recorder, scratch: Path) -> None:
    assert lost_while_recovering(recording, recorder, scratch, 1, recoveries=50, again=20) == []


# ---------------------------------------------------------------------------------------- what must be seen to be lost
def test_with_fewer_syncs_acknowledged_changes_are_lost(recorder: Recorder, scratch: Path) -> None:
    found = lost(record(recorder, scratch, "NORMAL"), 30, 0, scratch / "cut")
    assert len(found) > 10
    assert any("something else than was acknowledged" in each for each in found)


def _is_folder(recording: Recording, op: Op) -> bool:
    return op.a in recording.before.names or any(each.kind == "d" and each.b == op.a for each in recording.ops)


def _without(recording: Recording, missing: str) -> tuple[Recording, range]:
    """The same, as if a mistake of ours, or a disk that lies, had left out some syncs; and where that may be seen."""
    ops = recording.ops
    syncs = [at for at, op in enumerate(ops) if op.kind == "s"]
    names = [at for at in syncs if _is_folder(recording, ops[at])]
    touched = [at for at, op in enumerate(ops) if missing in (op.name, op.data.decode("latin1"))]
    gone = {at for at in names if any(0 < at - earlier <= 4 for earlier in touched)}
    if missing == "contents":
        touched, gone = [0, len(ops)], set(syncs) - set(names)
    assert gone
    left = [op for at, op in enumerate(ops) if at not in gone]
    return Recording(recording.before, left, ""), range(touched[0], touched[-1] - len(gone))


@pytest.mark.parametrize(
    ("missing", "cost"),
    [("contents", "something else"), ("registry.head", "begin anew"), ("tokens.json", "the tokens are others")],
)
def test_a_sync_that_is_missing_is_seen(recording: Recording, scratch: Path, missing: str, cost: str) -> None:
    less, within = _without(recording, missing)
    found = lost(less, 25, 0, scratch / "cut", within)
    assert any(cost in each for each in found), found
