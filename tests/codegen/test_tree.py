"""The output folder: compared exactly, written whole or not at all, and nobody else's file is touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from duologue_codegen import tree

MARK = '"""Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT."""\n'
OLD = {"sdk/a.py": MARK + "a = 1\n", "sdk/b.py": MARK + "b = 1\n", "sdk/gone/c.py": MARK, "sdk/py.typed": ""}
NEW = {"sdk/a.py": MARK + "a = 2\n", "sdk/b.py": MARK + "b = 1\n", "sdk/new/d.py": MARK, "sdk/py.typed": ""}


def on_disk(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tree.write(tmp_path / "out", OLD, "sdk")
    return tmp_path / "out"


def test_writing_makes_the_folder_what_it_should_be(folder: Path) -> None:
    assert on_disk(folder) == OLD
    assert tree.write(folder, NEW, "sdk") == tree.Difference(("sdk/a.py",), ("sdk/new/d.py",), ("sdk/gone/c.py",))
    assert on_disk(folder) == NEW
    assert not (folder / "sdk/gone").exists()


def test_writing_the_same_touches_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert not tree.write(folder, OLD, "sdk")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_comparing_names_what_is_changed_missing_and_orphan(folder: Path) -> None:
    (folder / "sdk/b.py").write_text(MARK + "b = 3\n", encoding="utf-8")
    (folder / "sdk/own.py").write_text("mine = True\n", encoding="utf-8")
    (folder / "sdk/py.typed").unlink()
    found = tree.compare(folder, NEW, "sdk")
    assert found.changed == ("sdk/a.py", "sdk/b.py")
    assert found.missing == ("sdk/new/d.py", "sdk/py.typed")
    assert found.orphan == ("sdk/gone/c.py",)
    assert (folder / "sdk/gone/c.py").exists()


def test_line_ends_count(folder: Path) -> None:
    (folder / "sdk/a.py").write_bytes((MARK + "a = 1\n").replace("\n", "\r\n").encode())
    assert tree.compare(folder, OLD, "sdk").changed == ("sdk/a.py",)


def test_files_of_others_are_left_alone(folder: Path) -> None:
    (folder / "sdk/own.py").write_text("mine = True\n", encoding="utf-8")
    (folder / "notes.md").write_text(MARK, encoding="utf-8")  # outside the package nothing is an orphan
    (folder / "sdk/link.py").symlink_to(folder / "sdk/a.py")
    tree.write(folder, NEW, "sdk")
    assert (folder / "sdk/own.py").read_text(encoding="utf-8") == "mine = True\n"
    assert (folder / "notes.md").exists()
    assert (folder / "sdk/link.py").is_symlink()


@pytest.mark.parametrize("path", ["sdk/a.py", "sdk/py.typed", "LICENSE"])
def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path, path: str) -> None:
    files = {**NEW, "LICENSE": "MIT License\n\nCopyright (c) Somebody\n\nPermission is granted.\n"}
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("mine\n", encoding="utf-8")
    with pytest.raises(tree.NotOurs) as caught:
        tree.write(tmp_path, files, "sdk")
    assert caught.value.paths == (path,)
    assert on_disk(tmp_path) == {path: "mine\n"}


def test_a_licence_with_other_holders_is_our_own(tmp_path: Path) -> None:
    first = {"LICENSE": "MIT License\n\nCopyright (c) One\n\nPermission is granted.\n"}
    tree.write(tmp_path, first, "sdk")
    second = {"LICENSE": first["LICENSE"].replace("One", "One, Two")}
    assert tree.write(tmp_path, second, "sdk").changed == ("LICENSE",)
    assert on_disk(tmp_path) == second


STEPS = range(24)


def failing(monkeypatch: pytest.MonkeyPatch, at: int) -> list[str]:
    """Let the n-th operation that changes the disk fail; the operations that were begun."""
    begun: list[str] = []

    def guarded(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def call(*args: object, **kwargs: object) -> object:
            begun.append(name)
            if len(begun) == at + 1:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync"), (shutil, "copy2")):
        guarded(owner, name)
    return begun


@pytest.mark.parametrize("at", STEPS)
def test_a_failure_leaves_the_tree_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    with monkeypatch.context() as patch:
        begun = failing(patch, at)
        try:
            tree.write(folder, NEW, "sdk")
            failed = False
        except OSError:
            failed = True
    assert failed == (len(begun) > at)
    assert on_disk(folder) == (OLD if failed else NEW)


def test_the_failures_above_hit_every_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        begun = failing(patch, 1000)
        tree.write(folder, NEW, "sdk")
    assert {"replace", "unlink", "mkdir", "fsync", "copy2"} == set(begun)
    assert len(begun) <= len(STEPS)


def test_a_failure_to_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        failing(patch, 8)
        with pytest.raises(OSError, match="No space"):
            tree.write(tmp_path / "a/b", NEW, "sdk")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_what_others_have_put_into_a_new_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def stopped(_: int) -> None:
        (tmp_path / "a/b/mine").mkdir(parents=True, exist_ok=True)
        (tmp_path / "a/b/mine/notes.txt").write_text("mine\n", encoding="utf-8")
        raise stop

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(type(stop)):
        tree.write(tmp_path / "a/b", NEW, "sdk")
    assert on_disk(tmp_path) == {"a/b/mine/notes.txt": "mine\n"}


def test_no_empty_folder_is_left_where_making_one_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Path.mkdir

    def mkdir(self: Path, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        if self.name == "new":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(OSError, match="No space"):
        tree.write(tmp_path / "a", {"sdk/new/deep/d.py": MARK}, "sdk")
    assert list(tmp_path.iterdir()) == []


def test_who_is_told_that_a_new_folder_is_busy_leaves_it_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found no folder, and both have made it."""
    make = tree._make_folder

    def made(folder: Path) -> Path | None:
        found = make(folder)
        (folder / ".duologue-stage").mkdir()
        (folder / ".duologue-stage/owner").write_text(str(os.getppid()), encoding="ascii")
        return found

    monkeypatch.setattr(tree, "_make_folder", made)
    with pytest.raises(tree.Busy):
        tree.write(tmp_path / "a", NEW, "sdk")
    assert on_disk(tmp_path) == {"a/.duologue-stage/owner": str(os.getppid())}


LOOKING = """
import sys
from pathlib import Path
from duologue_codegen import tree

tree.compare(Path(sys.argv[1]), {}, None)
"""


def test_nobody_takes_a_stage_that_was_just_begun_for_a_dead_one_s(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def written(self: Path, *args: Any, **kwargs: Any) -> int:
        subprocess.run(
            [sys.executable, "-c", LOOKING, str(folder)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=True,
        )
        return write_text(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", written)
        tree.write(folder, NEW, "sdk")
    assert on_disk(folder) == NEW


def test_what_a_dead_command_had_begun_is_removed(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait(60)
    (folder / f".duologue-stage-{dead.pid}").mkdir()
    (folder / f".duologue-stage-{dead.pid}/owner").write_text(str(dead.pid), encoding="ascii")
    assert not tree.compare(folder, OLD, "sdk")
    assert on_disk(folder) == OLD


KILLED = """
import json, os, shutil, sys
from pathlib import Path
from duologue_codegen import tree

files, folder, at = json.loads(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
count = 0

def guard(owner, name):
    real = getattr(owner, name)
    def call(*args, **kwargs):
        global count
        count += 1
        if count == at + 1:
            os._exit(9)
        return real(*args, **kwargs)
    setattr(owner, name, call)

for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (shutil, "copy2"), (shutil, "rmtree")):
    guard(owner, name)
tree.write(folder, files, "sdk")
"""


@pytest.mark.parametrize("at", range(14))
def test_after_a_kill_the_next_command_finds_the_old_tree_or_the_new_one(folder: Path, at: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(NEW), str(folder), str(at)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
        check=False,
    )
    assert run.returncode in (0, 9)
    difference = tree.compare(folder, NEW, "sdk")
    assert on_disk(folder) in (OLD, NEW)
    assert bool(difference) == (on_disk(folder) == OLD)
    tree.write(folder, NEW, "sdk")
    assert on_disk(folder) == NEW


def test_the_kills_above_hit_every_step_and_one_after_the_last(folder: Path) -> None:
    """So that a change of the writer cannot leave steps untried."""
    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLED, json.dumps(NEW), str(folder), str(at)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=False,
        ).returncode
        for at in (0, 13)
    ]
    assert codes == [9, 0]


def test_a_folder_that_another_command_writes_is_busy(folder: Path) -> None:
    (folder / ".duologue-stage").mkdir()
    (folder / ".duologue-stage/owner").write_text(str(os.getppid()), encoding="ascii")
    with pytest.raises(tree.Busy):
        tree.write(folder, NEW, "sdk")
    assert (folder / "sdk/a.py").read_text(encoding="utf-8") == OLD["sdk/a.py"]
