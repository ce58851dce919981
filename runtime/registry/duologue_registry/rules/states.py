"""Where a service can go from where it is: the whole of it is one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from duologue import UnknownValue
from service_registry_sdk import InvalidTransition, ServiceState

from .model import State

MOVES: Final[Mapping[ServiceState, tuple[ServiceState, ...]]] = {
    # `running` at once: it ran before anybody registered it. `failed`: its lease ended before it was ever started.
    ServiceState.REGISTERED: (ServiceState.STARTING, ServiceState.RUNNING, ServiceState.FAILED),
    # `stopping`: somebody changed their mind before it was up. Ending before it is up is a failure, not a stop.
    ServiceState.STARTING: (ServiceState.RUNNING, ServiceState.STOPPING, ServiceState.FAILED),
    # `stopped` at once: it came to its end by itself, in order.
    ServiceState.RUNNING: (ServiceState.STOPPING, ServiceState.STOPPED, ServiceState.FAILED),
    # No way back to `running`: what has begun to stop has let go of its work.
    ServiceState.STOPPING: (ServiceState.STOPPED, ServiceState.FAILED),
    ServiceState.STOPPED: (ServiceState.STARTING,),
    # `stopping`: what is left of it is being cleaned up. `stopped`: somebody has seen the failure, and leaves it off.
    ServiceState.FAILED: (ServiceState.STARTING, ServiceState.STOPPING, ServiceState.STOPPED),
}
"""The legal moves. `registered` is never moved to: registering again is what leads there, from any state."""

ALIVE: Final = frozenset({ServiceState.REGISTERED, ServiceState.STARTING, ServiceState.RUNNING, ServiceState.STOPPING})
"""States in which heartbeats are expected of a service with a lease."""


def check_move(old: State, new: State) -> ServiceState:
    """Answer `new` if the table has the move, else raise `InvalidTransition`, naming what would be allowed.

    A state that this version does not know is never legal to move to.
    """
    allowed = MOVES[old] if isinstance(old, ServiceState) else ()
    if isinstance(new, UnknownValue) or new not in allowed:
        raise InvalidTransition(from_=old, to=new, allowed=list(allowed))
    return new
