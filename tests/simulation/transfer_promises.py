"""What is promised of uploads and downloads; each as in `validators`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from tests.simulation.service import content
from tests.simulation.world import Downloaded, Placed, Uploaded, World

from duologue import Aborted, DataLoss

T = TypeVar("T", bound=Placed)


def uploads_are_whole(world: World) -> Iterator[str]:
    """The handler of an upload runs at most once, and only with the bytes that were measured at its source."""
    for call in _of_kind(world, Uploaded):
        runs = world.ledger.runs_of(call.mark)
        if len(runs) > 1:
            yield f"{call.mark} was handed over {len(runs)} times"
        for run in runs:
            if run.came != call.body.measured and not (run.stopped and run.came is None):
                yield f"{call.mark} came as {run.came}, and is {call.body.measured}"


def bytes_arrive_as_they_were_sent(world: World) -> Iterator[str]:
    """No upload, and no download, fails of its bytes, but where those change under way or somebody shares the key."""
    for call in (*_of_kind(world, Uploaded), *_of_kind(world, Downloaded)):
        if isinstance(call.error, (Aborted, DataLoss)) and not call.rots and not call.shared:
            yield f"{call.mark}: {call.error!r}"


def uploads_go_on_where_they_were(world: World) -> Iterator[str]:
    """After a cut no more is sent again than was under way, and that is at most one window; nothing is left out.

    What had not the digest that was declared was thrown away, and begins anew.
    """
    window = world.limits.bulk_window
    for call in _of_kind(world, Uploaded):
        if world.lasting and not call.rots and max(call.body.again, default=0) > window:
            yield f"{call.mark}: {call.body.again} bytes were sent again, of windows of {window}"
        if call.body.left_out and not call.shared:
            yield f"{call.mark}: bytes were left out"


def downloads_are_whole(world: World) -> Iterator[str]:
    """What comes is a beginning of what is served, and all of it, of the sender's digest, where a result comes."""
    for call in _of_kind(world, Downloaded):
        served = content(call.mark, call.size)
        if not served.startswith(bytes(call.came)):
            yield f"{call.mark} gave {len(call.came)} bytes that are not those served"
        if call.answer is not None and (len(call.came) != call.size or call.rots):
            yield f"{call.mark} ended in a result after {len(call.came)} of {call.size} bytes (rotten: {call.rots})"


def _of_kind(world: World, kind: type[T]) -> Iterator[T]:
    return (call for call in world.placed if isinstance(call, kind))


PROMISES = (uploads_are_whole, bytes_arrive_as_they_were_sent, uploads_go_on_where_they_were, downloads_are_whole)
