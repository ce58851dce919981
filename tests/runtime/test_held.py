"""Uploads as they are held: for whom, for how long, in how much room, and what is left of them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.runtime.manual import ManualExecutor

from duologue import Claim, HeldUploads
from duologue.auth import ANONYMOUS
from duologue.drivers.port import Executor
from duologue.errors import Aborted, CallError, DataLoss, FailedPrecondition, Ran, ResourceExhausted
from duologue.handling import uploads
from duologue.handling.uploads import HeldUpload
from duologue.wire import UploadForm

KEEP = 100.0
STEP = 100


class Receiver:
    def __init__(self) -> None:
        self.told: CallError | None = None

    def fail(self, error: CallError) -> None:
        self.told = error


class Desk:
    """Uploads of one service on a clock moved by hand, and one server of it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.clock = ManualExecutor()
        self.uploads = HeldUploads(folder, keep=KEEP, **options)
        self.uploads.acquire("server", cast("Executor", self.clock))

    def take(
        self,
        key: str,
        body: bytes = b"abc",
        *,
        mark: str = "m",
        by: Receiver | None = None,
        whose: str = ANONYMOUS,
        token_id: str | None = None,
    ) -> HeldUpload:
        form = UploadForm(len(body), hashlib.sha256(body).hexdigest())
        return self.uploads.take(Claim(whose, key, mark, lambda _: b"", token_id), form, by or Receiver())

    def begin(self, key: str, body: bytes = b"abc", **options: Any) -> HeldUpload:
        """Take one, and receive its first byte."""
        held = self.take(key, body, **options)
        held.write([memoryview(body)[:1]])
        return held

    def files(self) -> int:
        return len(list(self.folder.iterdir()))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(uploads._Remains, "STEP", STEP)
    desk = Desk(tmp_path)
    yield desk
    desk.uploads.release("server")
    for held in list(desk.uploads._held.values()):
        desk.uploads.drop(held)
    assert desk.files() == 0


def complete(held: HeldUpload, body: bytes = b"abc") -> HeldUpload:
    held.write([memoryview(body)])
    held.finish()
    return held


# -------------------------------------------------------------------------------------------------------------- bytes
def test_what_is_held_is_in_a_file_of_its_own(desk: Desk) -> None:
    one, two = desk.take("1", b"abc"), desk.take("2", b"xyz!")
    one.write([memoryview(b"ab")])
    two.write([memoryview(b"xyz!")])
    one.write([memoryview(b"c")])
    assert (one.received, two.received) == (3, 4)
    one.finish()
    two.finish()
    assert (one.opened().path.read_bytes(), two.opened().path.read_bytes()) == (b"abc", b"xyz!")
    assert one.opened().path.stat().st_mode & 0o077 == 0, "nobody else reads it"


@pytest.mark.parametrize(("body", "reason"), [(b"ab", "2 bytes came, and 3 were"), (b"abd", "do not have the digest")])
def test_what_is_not_as_declared_never_gets_to_a_handler(body: bytes, reason: str, desk: Desk) -> None:
    held = desk.take("1", b"abc")
    with pytest.raises(DataLoss, match=reason) as caught:
        complete(held, body)
    assert (caught.value.ran, held.complete) == (Ran.NO, False)


def test_a_disk_that_is_full_is_said_to_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    held = desk.take("1", b"abcdef")
    write = os.write
    room = [2, 1]

    def nearly_full(descriptor: int, data: memoryview) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop(0)])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", nearly_full)
        with pytest.raises(ResourceExhausted, match="the upload cannot be held: No space left on device") as caught:
            held.write([memoryview(b"abcdef")])
    assert (caught.value.code, caught.value.ran) == ("no_space", Ran.NO)


def test_writes_that_take_a_part_go_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def halting(descriptor: int, data: memoryview) -> int:
        return write(descriptor, data[:2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", halting)
        held = complete(desk.take("1", b"abcde"), b"abcde")
    assert held.opened().path.read_bytes() == b"abcde"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceExhausted, match="the upload cannot be held: No such file") as caught:
        Desk(tmp_path / "nowhere").begin("1")
    assert (caught.value.code, caught.value.ran) == ("no_space", Ran.NO)


# -------------------------------------------------------------------------------------------------------- whose it is
def test_the_next_attempt_goes_on_with_it_and_the_one_before_is_told(desk: Desk) -> None:
    first, second = Receiver(), Receiver()
    held = desk.take("1", by=first)
    held.write([memoryview(b"ab")])
    assert desk.take("1", by=second) is held
    assert isinstance(first.told, Aborted)
    assert (first.told.ran, second.told, held.holder, held.received) == (Ran.NO, None, second, 2)


def test_an_upload_that_is_under_way_keeps_its_key_from_others(desk: Desk) -> None:
    receiver = Receiver()
    held = desk.begin("1", by=receiver)
    with pytest.raises(FailedPrecondition) as caught:
        desk.take("1", mark="another")
    assert (caught.value.code, caught.value.ran, receiver.told) == ("key_reused", Ran.NO, None)
    held.started, held.holder = True, None
    with pytest.raises(FailedPrecondition):
        desk.take("1", mark="another")
    assert desk.files() == 1


def test_an_upload_that_nobody_goes_on_with_gives_its_key_away(desk: Desk) -> None:
    held = desk.begin("1")
    desk.uploads.abandon(held)
    another = desk.begin("1", mark="another")
    assert another is not held
    assert desk.files() == 1
    desk.clock.advance(KEEP)
    assert desk.files() == 1, "that it was abandoned once is the old one's story"


def test_whoever_comes_while_the_handler_runs_changes_nothing(desk: Desk) -> None:
    receiver = Receiver()
    held = complete(desk.take("1", by=receiver))
    held.started = True
    assert desk.take("1") is held
    assert (receiver.told, held.holder) == (None, receiver)


# ------------------------------------------------------------------------------------------------------------ how long
def test_what_is_abandoned_is_kept_for_a_while_and_then_given_up(desk: Desk) -> None:
    desk.uploads.abandon(desk.begin("1"))
    desk.clock.advance(KEEP - 1)
    assert desk.files() == 1
    desk.clock.advance(1)
    assert (desk.files(), desk.clock.pending) == (0, 0)


def test_each_time_it_is_abandoned_the_while_begins_anew(desk: Desk) -> None:
    held = desk.begin("1")
    for _ in range(3):
        desk.uploads.abandon(held)
        desk.clock.advance(KEEP - 1)
        assert desk.take("1") is held
    desk.clock.advance(KEEP * 2)
    assert (desk.files(), desk.clock.pending) == (1, 0)


def test_what_is_dropped_leaves_no_timer(desk: Desk) -> None:
    held = desk.begin("1")
    desk.uploads.abandon(held)
    desk.uploads.drop(held)
    desk.uploads.drop(held)
    assert (desk.files(), desk.clock.pending) == (0, 0)


def test_with_the_last_server_goes_what_nobody_can_go_on_with(desk: Desk) -> None:
    desk.uploads.acquire("second server", cast("Executor", desk.clock))
    abandoned, received, handled = desk.begin("1"), desk.begin("2"), complete(desk.take("3"))
    handled.started, handled.holder = True, None
    desk.uploads.abandon(abandoned)
    desk.uploads.release("server")
    assert desk.files() == 3
    desk.uploads.release("second server")
    desk.uploads.release("second server")
    assert (desk.files(), desk.clock.pending) == (2, 0)
    desk.uploads.abandon(received)
    assert desk.files() == 1, "its connection was lost when there was no server any more"
    desk.uploads.drop(handled)


def test_whose_uploads_are_dropped_is_told(desk: Desk) -> None:
    receiver, other = Receiver(), Receiver()
    held = desk.begin("1", by=receiver)
    desk.uploads.abandon(desk.begin("2"))
    kept = complete(desk.take("1", by=other, whose="somebody else"))
    desk.uploads.forget(ANONYMOUS)
    assert isinstance(receiver.told, Aborted)
    assert (receiver.told.ran, other.told, desk.files()) == (Ran.NO, None, 1)
    with pytest.raises(AssertionError):
        held.write([memoryview(b"abc")])
    assert kept.opened().path.exists()


def test_what_was_opened_with_one_token_is_dropped_whoever_goes_on_with_it(desk: Desk) -> None:
    receiver = Receiver()
    desk.uploads.abandon(desk.begin("1", whose="ada", token_id="first"))
    held = desk.take("1", whose="ada", token_id="second", by=receiver)
    other = desk.begin("2", whose="ada", token_id="second")
    unnamed = desk.begin("3", whose="ada")
    desk.uploads.forget("first")
    assert isinstance(receiver.told, Aborted)
    assert list(desk.uploads._held.values()) == [other, unnamed]
    assert held.token_id == "first"


# ----------------------------------------------------------------------------------------------------------- how much
def test_uploads_have_room_up_to_what_they_declare(tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=10)
    first = desk.begin("1", b"x" * 4)
    desk.begin("2", b"x" * 6)
    with pytest.raises(ResourceExhausted, match="uploads of 10 bytes in all are under way already") as caught:
        desk.begin("3", b"x")
    assert (caught.value.ran, desk.files()) == (Ran.NO, 2)
    complete(desk.take("4", b""), b"")
    desk.uploads.drop(first)
    desk.begin("3", b"x" * 4)


def test_the_oldest_that_nobody_goes_on_with_makes_room(tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=10)
    old, young, live = desk.begin("1", b"x" * 3), desk.begin("2", b"x" * 3), desk.begin("3", b"x" * 3)
    for held in (old, young):
        desk.uploads.abandon(held)
    new = desk.begin("4", b"x" * 4)
    assert [held in desk.uploads._held.values() for held in (old, young, live, new)] == [False, True, True, True]
    assert desk.files() == 3


def test_nothing_is_given_up_for_what_has_no_room_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=10)
    desk.begin("1", b"x" * 5)
    desk.uploads.abandon(desk.begin("2", b"x" * 5))
    with pytest.raises(ResourceExhausted):
        desk.begin("3", b"x" * 6)
    assert desk.files() == 2


def test_what_its_handler_has_makes_no_room(tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=3)
    held = complete(desk.take("1"))
    held.started, held.holder = True, None
    with pytest.raises(ResourceExhausted):
        desk.take("2")
    assert held.opened().path.exists()


@pytest.mark.parametrize("whose", ["ada", ANONYMOUS])
def test_one_who_is_named_has_half_of_the_room_and_a_quarter_of_the_places(whose: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=10, count=8)
    desk.begin("1", b"x" * 5, whose=whose)
    if whose == ANONYMOUS:  # everybody
        desk.begin("2", b"x" * 5, whose=whose)
        return
    with pytest.raises(ResourceExhausted, match="uploads of 5 bytes of this identity are under way already") as caught:
        desk.begin("2", b"x", whose=whose)
    assert caught.value.ran is Ran.NO
    desk.begin("2", b"x" * 5, whose="eve")
    desk.take("3", b"", whose=whose)
    with pytest.raises(ResourceExhausted, match="2 uploads of this identity are under way already") as caught:
        desk.take("4", b"", whose=whose)
    assert caught.value.ran is Ran.NO


def test_one_who_has_had_enough_makes_room_of_their_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, capacity=10, count=8)
    other, own = desk.begin("1", b"x" * 5, whose="eve"), desk.begin("1", b"x" * 3, whose="ada")
    for held in (other, own):
        desk.uploads.abandon(held)
    new = desk.begin("2", b"x" * 4, whose="ada")
    assert list(desk.uploads._held.values()) == [other, new]
    assert desk.files() == 2


def test_there_are_so_many_places_and_who_is_abandoned_gives_one_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path, count=3)
    old, young, live = (desk.begin(key) for key in "123")
    with pytest.raises(ResourceExhausted, match="3 uploads in all are under way already") as caught:
        desk.take("4")
    assert (caught.value.ran, desk.files()) == (Ran.NO, 3)
    for held in (old, young):
        desk.uploads.abandon(held)
    new = desk.take("4")
    assert list(desk.uploads._held.values()) == [young, live, new]


def test_what_has_received_nothing_has_no_file_and_is_not_held(desk: Desk) -> None:
    held = desk.take("1")
    assert desk.files() == 0
    desk.uploads.abandon(held)
    assert (desk.uploads._held, desk.clock.pending) == ({}, 0)
    assert complete(desk.take("2", b""), b"").opened().path.read_bytes() == b"", "an empty one is a file all the same"


def test_however_many_are_held_they_hold_no_descriptors(desk: Desk) -> None:
    descriptors = sorted(Path("/proc/self/fd").iterdir())
    coming, left, done = desk.begin("1"), desk.begin("2"), complete(desk.take("3"))
    desk.uploads.abandon(left)
    assert sorted(Path("/proc/self/fd").iterdir()) == descriptors
    desk.take("2").write([memoryview(b"bc")])
    left.finish()
    assert (left.opened().path.read_bytes(), coming.received, done.complete) == (b"abc", 1, True)
    assert sorted(Path("/proc/self/fd").iterdir()) == descriptors


# ------------------------------------------------------------------------------------------------------- what is left
def large(desk: Desk) -> HeldUpload:
    body = bytes(5 * STEP)
    return complete(desk.take("1", body), body)


def test_a_large_file_gives_its_blocks_back_bit_by_bit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    held = large(desk)
    sizes: list[int] = []
    truncate = os.ftruncate

    def note(descriptor: int, size: int) -> None:
        sizes.append(size // STEP)
        truncate(descriptor, size)

    descriptors = sorted(Path("/proc/self/fd").iterdir())
    monkeypatch.setattr(os, "ftruncate", note)
    desk.uploads.drop(held)
    assert (desk.files(), sizes) == (0, [4]), "its name is gone at once"
    for _ in range(10):
        desk.clock.turn()
    assert (sizes, len(desk.clock.soon)) == ([4, 3, 2, 1], 0)
    assert sorted(Path("/proc/self/fd").iterdir()) == descriptors


@pytest.mark.parametrize("how", ["moved", "linked"])
def test_a_file_that_the_handler_keeps_stays_whole(how: str, desk: Desk, tmp_path: Path) -> None:
    held = large(desk)
    target = tmp_path.parent / f"{tmp_path.name}-{how}"
    (os.replace if how == "moved" else os.link)(held.opened().path, target)
    desk.uploads.drop(held)
    for _ in range(10):
        desk.clock.turn()
    assert target.stat().st_size == 5 * STEP
    target.unlink()


def test_without_a_descriptor_left_a_large_file_goes_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    held = large(desk)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", none_left)
        desk.uploads.drop(held)
    assert (desk.files(), len(desk.clock.soon)) == (0, 0)


@pytest.mark.parametrize("finished", [True, False])
def test_without_a_server_a_file_goes_at_once(finished: bool, desk: Desk) -> None:
    held = large(desk) if finished else desk.begin("1", b"abc")
    held.started = True
    desk.uploads.release("server")
    desk.uploads.drop(held)
    assert (desk.files(), len(desk.clock.soon)) == (0, 0)
