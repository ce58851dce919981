"""The scenarios: each a system, what its clients do, and what befalls them. All validators look at each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from tests.simulation.activities import (
    call_clients,
    follow_both,
    follow_levels,
    follow_log,
    follow_ticks,
    listen_while_calling,
    place_calls,
    place_streams,
    publish,
    read_again_and_again,
    share_keys,
)
from tests.simulation.faults import bad_network, crashes, deaths, losses, restarts, stalls
from tests.simulation.transfers import place_downloads, place_uploads, share_uploads
from tests.simulation.world import Fault, World, a_world

from duologue import Limits
from duologue.limits import KIB
from duologue.testing import Simulation

Scenario = Callable[[Simulation], Awaitable[World]]

TIGHT: Final = Limits(outbound=4096, event_queue=4, in_flight=4, stream_window=4)
"""Limits that are reached quickly."""

NARROW: Final = Limits(bulk_window=16 * KIB)
"""A window of which a body needs many."""


async def _calls(sim: Simulation, *faults: Fault, limits: Limits | None = None) -> World:
    async with a_world(sim, clients=2, limits=limits) as world:
        async with world.disturbed(*faults), anyio.create_task_group() as tasks:
            for client in world.clients:
                tasks.start_soon(place_calls, world, client, 12)
                tasks.start_soon(place_streams, world, client, 4)
            if losses not in faults:  # a new epoch knows nothing of the callers before, and their keys are free
                tasks.start_soon(share_keys, world, 4)
            tasks.start_soon(call_clients, world, 8)
    return world


async def _transfers(sim: Simulation, *faults: Fault) -> World:
    async with a_world(sim, clients=2, limits=NARROW) as world:
        async with world.disturbed(*faults), anyio.create_task_group() as tasks:
            for client in world.clients:
                tasks.start_soon(place_uploads, world, client, 6)
                tasks.start_soon(place_downloads, world, client, 4)
            if losses not in faults:
                tasks.start_soon(share_uploads, world, 3)
            tasks.start_soon(call_clients, world, 4, place_uploads)
            tasks.start_soon(call_clients, world, 4, place_downloads)
    return world


async def _calls_to_clients(sim: Simulation, *faults: Fault) -> World:
    async with a_world(sim, clients=2, limits=NARROW) as world:
        async with world.disturbed(*faults), anyio.create_task_group() as tasks:
            tasks.start_soon(call_clients, world, 16)
            tasks.start_soon(call_clients, world, 5, place_uploads)
            tasks.start_soon(call_clients, world, 3, place_downloads)
    return world


async def _events(sim: Simulation, *faults: Fault) -> World:
    async with a_world(sim, clients=2) as world:
        one, two = world.clients
        for follow in (follow_log, follow_levels, follow_ticks):
            world.readers.start_soon(follow, world, one, None)
            world.readers.start_soon(follow, world, one, "b")
            world.readers.start_soon(follow, world, two, "a")
        world.readers.start_soon(follow_both, world, two)
        async with world.disturbed(*faults):
            await publish(world, 40)
            world.readers.start_soon(follow_levels, world, two, None)
            await publish(world, 20)
    return world


async def calls_in_calm(sim: Simulation) -> World:
    """Nothing fails but what callers give up."""
    return await _calls(sim)


async def calls_with_events(sim: Simulation) -> World:
    """Handlers emit events before they answer."""
    async with a_world(sim, clients=2) as world:
        async with world.disturbed(), anyio.create_task_group() as tasks:
            for client in world.clients:
                tasks.start_soon(listen_while_calling, world, client, 10)
    return world


async def calls_on_a_bad_network(sim: Simulation) -> World:
    """Connections are cut, half cut and stalled under calls."""
    return await _calls(sim, bad_network)


async def calls_in_tight_limits(sim: Simulation) -> World:
    """Calls wait for places, and answers for room, while the network stalls."""
    async with a_world(sim, clients=1, limits=TIGHT) as world:
        (client,) = world.clients
        async with world.disturbed(stalls), anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(place_calls, world, client, 8, 2000)
            tasks.start_soon(place_streams, world, client, 6)
    return world


async def calls_through_crashes(sim: Simulation) -> World:
    """The server crashes under calls, and remembers what it did."""
    return await _calls(sim, crashes, bad_network)


async def calls_through_losses(sim: Simulation) -> World:
    """The server crashes under calls, and remembers nothing."""
    return await _calls(sim, losses)


async def calls_through_restarts(sim: Simulation) -> World:
    """The server stops gracefully under calls."""
    return await _calls(sim, restarts)


async def calls_to_clients(sim: Simulation) -> World:
    """The server calls its clients, whose connections are cut, half cut and stalled."""
    return await _calls_to_clients(sim, bad_network)


async def calls_to_clients_that_die(sim: Simulation) -> World:
    """The server calls its clients, some of which die."""
    return await _calls_to_clients(sim, deaths)


async def transfers_in_calm(sim: Simulation) -> World:
    """Uploads and downloads, of which nothing fails but what callers give up, and bytes that change under way."""
    return await _transfers(sim)


async def transfers_on_a_bad_network(sim: Simulation) -> World:
    """Connections are cut, half cut and stalled under uploads and downloads."""
    return await _transfers(sim, bad_network)


async def transfers_through_crashes(sim: Simulation) -> World:
    """The server crashes under them, and remembers what it answered, but holds no bytes any more."""
    return await _transfers(sim, crashes, bad_network)


async def transfers_through_losses(sim: Simulation) -> World:
    """The server crashes under them, and remembers nothing."""
    return await _transfers(sim, losses)


async def events_in_calm(sim: Simulation) -> World:
    """Nothing fails; subscribers come while events do."""
    return await _events(sim)


async def events_on_a_bad_network(sim: Simulation) -> World:
    """Subscriptions are renewed again and again."""
    return await _events(sim, bad_network)


async def events_through_crashes(sim: Simulation) -> World:
    """The server crashes, and keeps its history."""
    return await _events(sim, crashes)


async def events_through_losses(sim: Simulation) -> World:
    """The server loses its history, which may grow back to the same numbers."""
    return await _events(sim, losses)


async def slow_readers(sim: Simulation) -> World:
    """Readers take their time, and the network stalls: queues and buffers are full."""
    async with a_world(sim, clients=2, limits=TIGHT) as world:
        slow, quick = world.clients
        for follow in (follow_log, follow_levels, follow_ticks):
            world.readers.start_soon(follow, world, slow, None, 1.0)
            world.readers.start_soon(follow, world, quick, None)
        async with world.disturbed(stalls):
            await anyio.sleep(1)
            await publish(world, 60, pause=0.4, padding=1000)
    return world


async def late_subscribers(sim: Simulation) -> World:
    """Subscribers come while states change, more than there is room for at once."""
    async with a_world(sim, clients=2, limits=TIGHT) as world:
        async with world.disturbed(stalls):
            for _ in range(6):
                await publish(world, 15, pause=0.2, padding=1000, accounts="abcdefghijkl")
                world.readers.start_soon(follow_levels, world, sim.random.choice(world.clients), None)
    return world


async def restarted_clients(sim: Simulation) -> World:
    """Clients die and go on where they were."""
    async with a_world(sim, clients=0) as world:
        async with world.disturbed(crashes):
            world.readers.start_soon(read_again_and_again, world, None, 5)
            world.readers.start_soon(read_again_and_again, world, "b", 5)
            await publish(world, 60)
    return world


SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.__name__: scenario
    for scenario in (
        calls_in_calm,
        calls_with_events,
        calls_on_a_bad_network,
        calls_in_tight_limits,
        calls_through_crashes,
        calls_through_losses,
        calls_through_restarts,
        calls_to_clients,
        calls_to_clients_that_die,
        transfers_in_calm,
        transfers_on_a_bad_network,
        transfers_through_crashes,
        transfers_through_losses,
        events_in_calm,
        events_on_a_bad_network,
        events_through_crashes,
        events_through_losses,
        slow_readers,
        late_subscribers,
        restarted_clients,
    )
}

SEEDS: Final = dict.fromkeys(SCENARIOS, 12) | {
    "calls_in_tight_limits": 60,
    "calls_on_a_bad_network": 20,
    "calls_with_events": 70,
    "events_in_calm": 35,
    "events_on_a_bad_network": 20,
    "late_subscribers": 70,
    "slow_readers": 61,
    "transfers_on_a_bad_network": 20,
}
"""How many of each the quick tests run, five hundred in all.

As many as catch the planted bugs, all but five, in the bug's own scenario, and more of those that take little time.
"""
