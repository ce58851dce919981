"""Values that users give to a declared protocol: what its messages and its handshake hold, and nobody can declare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, TypeAlias

Hook: TypeAlias = Any | Callable[[Mapping[str, Any]], Any | Awaitable[Any]]
"""A value as JSON in plain Python, or what computes it from what the handshake has told so far, by name; None leaves
the member out that it stands for.

As a `check` it is a function that says with True or False whether that is right, or raises a `CallError` that says why
not; with anything else it says, nobody is let in.
"""

Hooks: TypeAlias = Mapping[str, Hook]
"""Values by the names that the protocol's `hooks` declare."""


async def value_of(hook: Hook, known: Mapping[str, Any]) -> Any:
    """What a hook gives."""
    if not callable(hook):
        return hook
    given = hook(known)
    return await given if isawaitable(given) else given
