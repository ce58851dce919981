"""Python names of actions and events, and who collides with whom."""

from __future__ import annotations

from dataclasses import dataclass

from .. import names
from ..nodes import ScalarNode
from ..problems import quote
from .context import RENAME, Context, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """All that is made of one wire name."""

    pascal: str  # with the namespace: PageNavigate
    constant: str  # PAGE_NAVIGATE
    method: str  # inside the namespace: navigate
    flat: str  # page_navigate


def spell(context: Context, symbol: Symbol, chosen: str | None, what: str) -> Spelling:
    """Names for an action or event; `chosen` replaces the local part of its name."""
    local = chosen or symbol.local
    full = f"{symbol.namespace}.{local}" if symbol.namespace else local
    if names.method(local) is None:
        context.complain(symbol.key, f"no Python name can be made of {what}", "give it one: `python: {name: …}`")
    method = names.method(local) or "unnamed"
    flat = names.method(full) or "unnamed"
    prefix = names.pascal(symbol.namespace) or "" if symbol.namespace else ""
    return Spelling(
        pascal=prefix + (names.pascal(local) or "Unnamed"),
        constant=names.constant(full) or "UNNAMED",
        method=method,
        flat=flat,
    )


class Members:
    """Names inside one generated class or module: each once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._taken: dict[tuple[str, str], tuple[str, ScalarNode | None]] = {}

    def take(self, where: str, name: str, what: str, key: ScalarNode) -> bool:
        """False, and a problem, when somebody has the name. `where` names the class or module, for the message."""
        holder, first = self._taken.setdefault((where, name), (what, key))
        if first is key:
            return True
        place = f" (line {first.line} of {first.file})" if first else ""
        message = f"{what} is called {quote(name)} in {where}, as is {holder}{place}"
        self._context.complain(key, message, RENAME)
        return False
