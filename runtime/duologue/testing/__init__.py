"""Helpers for tests of protocols: whole systems simulated in virtual time, on a network that fails by a seed."""

from ..drivers.memory import MemoryNetwork
from .loop import Deadlock, VirtualLoop
from .simulation import Fault, Host, Simulation, SimulationFailed, simulate

__all__ = ["Deadlock", "Fault", "Host", "MemoryNetwork", "Simulation", "SimulationFailed", "VirtualLoop", "simulate"]
