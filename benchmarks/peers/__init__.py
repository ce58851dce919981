"""The contenders of typed calls: a module each, with `serve` (a program of `benchmarks.worker`) and `connect`.

What is not this project's own is imported by `foreign`: its types are unknown to the checkers whether it is installed
or not, so that installing a peer changes nothing of what they say.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def foreign(module: str) -> Any:
    """A module of a peer, untyped."""
    return import_module(module)
