"""What befalls a world, again and again while it is `disturbing`."""

from __future__ import annotations

import anyio
from tests.simulation.world import World

from duologue.testing import Fault


async def bad_network(world: World) -> None:
    """Connections are cut, half cut and stalled."""
    while await _pause(world, 6.0):
        world.sim.strike()


async def stalls(world: World) -> None:
    """Nothing arrives for a while; no connection is lost for it."""
    while await _pause(world, 6.0):
        world.sim.strike(Fault.STALL, longest_stall=6.0)


async def crashes(world: World) -> None:
    """The server crashes, and comes back with all that it had stored."""
    while await _pause(world, 15.0):
        await world.crash(lossy=False)
        await anyio.sleep(world.sim.random.uniform(0, 4))
        await world.start()


async def losses(world: World) -> None:
    """The server crashes, and its store is lost."""
    while await _pause(world, 20.0):
        await world.crash(lossy=True)
        await anyio.sleep(world.sim.random.uniform(0, 4))
        await world.start()


async def restarts(world: World) -> None:
    """The server stops gracefully, and comes back."""
    while await _pause(world, 15.0):
        await world.stop()
        await anyio.sleep(world.sim.random.uniform(0, 2))
        await world.start()


async def deaths(world: World) -> None:
    """A client comes, and dies without a word."""
    while await _pause(world, 1.0):
        async with world.client() as client:
            await anyio.sleep(world.sim.random.uniform(0, 8))
            world.sim.vanish(client)


async def _pause(world: World, longest: float) -> bool:
    """Wait; whether the fault is to happen."""
    await anyio.sleep(world.sim.random.uniform(0, longest))
    return world.disturbing
