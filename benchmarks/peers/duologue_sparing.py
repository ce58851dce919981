"""duologue in processes that spare their garbage collector, as docs/runtime.md has it for many calls in flight."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from duologue.garbage import sparing

from .duologue import connect, serve

__all__ = ["connect", "serve"]

_SPARED: Final = ExitStack()
_SPARED.enter_context(sparing())  # for as long as the process lives
