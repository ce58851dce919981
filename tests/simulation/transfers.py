"""Uploads and downloads in a scenario, whoever calls whom."""

from __future__ import annotations

from typing import Any

import anyio
from tests.simulation.activities import a_call, a_task, end
from tests.simulation.service import content
from tests.simulation.world import Body, Downloaded, Uploaded, World

from duologue import CallError, CallOptions, Effect

SIZES = (0, 1, 5_000, 50_000, 200_000)
"""Bytes: none, some in one piece, and many windows of `scenarios.NARROW`."""

ROTTEN = 0.15
"""How many of the bodies change under way."""


async def place_uploads(world: World, peer: Any, count: int, *, back: str = "") -> None:
    """Upload bodies of all sizes, some at once, some given up, some of which change under way."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 2))
            placed = _an_upload(world, dice.choice(SIZES), back=back)
            placed.rots = bool(placed.body.getbuffer().nbytes) and dice.random() < ROTTEN
            tasks.start_soon(_upload, world, placed, peer, a_task(world, placed))


def _an_upload(world: World, size: int, *, back: str = "") -> Uploaded:
    placed = a_call(world, Uploaded, Effect.KEYED, back=back)
    placed.body = Body(content(placed.mark, size))
    return placed


async def share_uploads(world: World, count: int) -> None:
    """Several callers, of one client or more, upload the same under the same key, at about the same time."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 3))
            size = dice.choice(SIZES)
            first = _an_upload(world, size)
            task = a_task(world, first)
            for _ in range(1 + dice.randrange(3)):
                placed = _an_upload(world, 0)
                placed.mark, placed.refuse, placed.work = first.mark, first.refuse, first.work
                placed.shared, placed.body = True, Body(content(first.mark, size))
                tasks.start_soon(_upload_later, world, placed, task)
            world.placed.remove(first)


async def _upload_later(world: World, placed: Uploaded, task: Any) -> None:
    dice = world.sim.random
    await anyio.sleep(dice.uniform(0, 3))
    await _upload(world, placed, dice.choice(world.clients), task, CallOptions(key=placed.mark))


async def _upload(world: World, placed: Uploaded, peer: Any, task: Any, options: CallOptions | None = None) -> None:
    dice = world.sim.random
    give_up, rot_after = dice.uniform(0, 2 * placed.timeout), dice.uniform(0.01, 1)
    placed.at = world.sim.now()
    async with anyio.create_task_group() as rotting:
        if placed.rots:
            rotting.start_soon(_rot, placed, rot_after)
        with anyio.move_on_after(give_up) as patience:
            try:
                receipt = await peer.put(placed.body, **dict(task), timeout=placed.timeout, options=options)
                placed.answer = receipt.mark
            except CallError as error:
                placed.error = error
        end(world, placed, patience)
        rotting.cancel_scope.cancel()


async def _rot(placed: Uploaded, after: float) -> None:
    await anyio.sleep(after)
    placed.body.rot()


async def place_downloads(world: World, peer: Any, count: int, *, back: str = "") -> None:
    """Download bodies of all sizes, some at once, some given up, some of which are not what their digest says."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 2))
            placed = a_call(world, Downloaded, Effect.SAFE, back=back)
            placed.size, placed.rots = dice.choice(SIZES), dice.random() < ROTTEN
            task = a_task(world, placed, size=placed.size, rot=placed.rots)
            tasks.start_soon(_download, world, placed, peer, task)


async def _download(world: World, placed: Downloaded, peer: Any, task: Any) -> None:
    dice = world.sim.random
    give_up, pause = dice.uniform(0, 2 * placed.timeout), dice.choice([0, 0, 0.05])
    placed.at = world.sim.now()
    with anyio.move_on_after(give_up) as patience:
        try:
            async with peer.get(**dict(task), timeout=placed.timeout) as pieces:
                async for piece in pieces:
                    placed.came += piece
                    placed.busy += pause
                    await anyio.sleep(pause)
                placed.answer = (await pieces.result()).mark
        except CallError as error:
            placed.error = error
    end(world, placed, patience)
