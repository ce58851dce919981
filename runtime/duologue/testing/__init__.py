"""Helpers for tests of protocols: whole systems simulated in virtual time, on a network that fails by a seed."""

from ..drivers.memory import MemoryNetwork
from .loop import Deadlock, Runaway, VirtualLoop
from .simulation import Fault, Host, Simulation, SimulationFailed, simulate

__all__ = [
    "Deadlock",
    "Fault",
    "Host",
    "MemoryNetwork",
    "Runaway",
    "Simulation",
    "SimulationFailed",
    "VirtualLoop",
    "simulate",
]
